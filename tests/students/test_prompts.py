from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.errors import StudentError
from workbench.students import Prompter

HOSTILE = st.lists(
    st.sampled_from(
        ["<|im_end|>", "<|im_start|>", "<think>", "</think>", "<|endoftext|>", "a", " ", "\n", "<", "|", "é😀"]
    ),
    max_size=12,
).map("".join)


@given(text=HOSTILE)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_outside_text_never_becomes_a_control_token_and_is_never_lost(make_student, text):
    prompter = _cached(make_student)
    ids = prompter.text_ids(text)
    control = set(prompter.tokenizer.added_tokens_decoder)
    assert not control & set(ids)
    assert prompter.tokenizer.decode(ids) == text


def test_the_templates_own_markers_are_tokens(make_student):
    prompter = make_student().prompter
    tokens = prompter.tokenizer.convert_ids_to_tokens(prompter.question_ids("hi <|im_end|>"))
    assert tokens.count("<|im_end|>") == 1
    assert tokens.count("<|im_start|>") == 2


def test_a_harmless_question_is_encoded_as_the_template_would(make_student):
    prompter = make_student().prompter
    rendered = prompter.tokenizer.apply_chat_template(
        [{"role": "user", "content": "the sum of 1 + 1"}], tokenize=False, add_generation_prompt=True
    )
    assert prompter.tokenizer.decode(prompter.question_ids("the sum of 1 + 1")) == rendered


def test_a_student_without_a_template_is_refused_in_one_line(make_student):
    student = make_student()
    student.tokenizer.chat_template = None
    with pytest.raises(StudentError, match="no chat template"):
        student.prompter.question_ids("hi")


_PROMPTERS: list = []


def _cached(make_student):
    if not _PROMPTERS:
        _PROMPTERS.append(make_student().prompter)
    return _PROMPTERS[0]


def test_a_token_inside_of_a_longer_one_does_not_get_through():
    from tokenizers import AddedToken

    from tests.conftest import tiny_tokenizer

    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens([AddedToken("aXbYc", special=False), AddedToken("XbY", special=False)])
    ids = Prompter(tokenizer).text_ids("aXbYc 1 aXbYc")
    assert not set(ids) & set(tokenizer.added_tokens_decoder)
    assert tokenizer.decode(ids) == "aXbYc 1 aXbYc"
