from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import tiny_tokenizer
from workbench.errors import InputError
from workbench.inference import TextStream
from workbench.students import Prompter

PROMPTER = Prompter(tiny_tokenizer())


@given(st.text(max_size=40))
def test_pieces_make_up_the_text_and_no_character_is_torn(text):
    text = text.encode(errors="ignore").decode()
    ids, stream = PROMPTER.text_ids(text), TextStream(PROMPTER.decode)
    pieces = [stream.push(token) for token in ids]
    assert "".join(pieces) + stream.flush() == PROMPTER.decode(ids) == text
    if "\N{REPLACEMENT CHARACTER}" not in text:
        assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in pieces)


def word_tokenizer():
    """Writes words with a mark for the space before them, and drops the first one, as SentencePiece does."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=80, special_tokens=["<unk>"])
    tokenizer.train_from_iterator(["add the sum of 1 and 2"] * 9, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


def test_spaces_survive_where_a_tokenizer_drops_the_first():
    prompter = Prompter(word_tokenizer())
    ids = prompter.text_ids("add 1 and 2 of the sum")
    stream, shown = TextStream(prompter.decode), ""
    for token in ids:
        shown += stream.push(token) + stream.push()
    assert shown + stream.flush() == prompter.decode(ids) == "add 1 and 2 of the sum"


def test_a_space_after_a_token_without_text_survives():
    tokenizer = word_tokenizer()
    prompter = Prompter(tokenizer)
    ids = [*prompter.text_ids("add"), tokenizer.unk_token_id, *prompter.text_ids("and 2")]
    stream = TextStream(prompter.decode)
    assert "".join(map(stream.push, ids)) + stream.flush() == prompter.decode(ids) == "add and 2"


def test_what_a_tokenizer_cannot_write_is_named():
    prompter = Prompter(word_tokenizer())
    prompter.check_question("add 1  and 2")
    with pytest.raises(InputError, match="cannot write '7'"):
        prompter.check_question("add 1 and 7 of the sum")


def test_a_character_of_several_tokens_comes_when_it_is_whole():
    stream = TextStream(PROMPTER.decode)
    shown = [stream.push(token) for token in PROMPTER.text_ids("a🐝b")]
    assert len(shown) > 3
    assert shown.count("") == len(shown) - 3
    assert [piece for piece in shown if piece] == ["a", "🐝", "b"]


def test_what_never_becomes_whole_is_shown_at_the_end():
    stream = TextStream(PROMPTER.decode)
    ids = PROMPTER.text_ids("a🐝")[:-1]
    assert "".join(map(stream.push, ids)) == "a"
    assert stream.flush() == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("text", ["so 4\nAnswer: 5", "so 4\nAns", "so 4\nAnswer"])
def test_the_beginning_of_a_marker_is_held_back(text):
    stream = TextStream(PROMPTER.decode, stop=("\nAnswer:",))
    shown = "".join(stream.push(token) for token in PROMPTER.text_ids(text))
    assert shown == "so 4"
    assert stream.stopped == ("Answer:" in text)
    assert shown + stream.flush() == text.split("\nAnswer:")[0]
