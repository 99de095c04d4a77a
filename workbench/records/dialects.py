"""How published data sets write a question and its solutions (the mapping is ours).

A shape is recognised by a row's fields alone. `DIALECTS` lists them, the most particular first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.errors import InputError
from workbench.records.answers import HASHES, reference_answer, stated_answer
from workbench.records.fields import (
    ANSWER_KEYS,
    SOLUTION_KEYS,
    Content,
    Draft,
    Row,
    asked,
    first,
    is_list,
    question_key,
    text_of,
)

_MESSAGE_KEYS = ("messages", "conversations", "conversation")
_ROLES = {"human": "user", "gpt": "assistant", "model": "assistant", "developer": "system"}
_REFERENCES = ("answer", "final_answer", "ground_truth", "expected_answer", "target")
_THOUGHT_KEYS = ("thinking", "reasoning_content")
_REPLY_KEYS = ("content", "response", "output", "completion")
_FINISH_KEYS = ("finish_reason", "done_reason", "stop_reason")
_TOKEN_KEYS = {"eval_count": "completion_tokens", "prompt_eval_count": "prompt_tokens"}

_CALCULATOR_MARK = re.compile(r"<<[^<>\n]*>>")
# A reply's thoughts, as DeepSeek-R1 and Qwen3 set them apart, and as OpenThoughts does; open where it was cut off.
_THOUGHTS = re.compile(
    r"^\s*(?:<think>(.*?)(?:</think>|(?P<open>\Z))|<\|begin_of_thought\|>(.*?)(?:<\|end_of_thought\|>|(?P<cut>\Z)))\s*",
    re.DOTALL,
)
_SOLUTION_TAGS = re.compile(r"<\|(?:begin|end)_of_solution\|>")
_TEACHER_THOUGHTS = re.compile(r"(?P<teacher>\w+?)_(?:thinking_trajectory|reasoning)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to write a row."""

    name: str
    about: str
    """One line for people: whose it is, and what it looks like."""
    fits: Callable[[Row], bool]
    read: Callable[[Row], Content]


def reply_draft(reply: str, thoughts: str | None = None) -> Draft:
    """Reads an assistant's reply, which may begin with its thoughts; a reply cut off within them has no answer."""
    is_open = False
    if thoughts is None and (found := _THOUGHTS.match(reply)):
        thoughts, reply = found[1] or found[3] or "", reply[found.end() :]
        is_open = found["open"] is not None or found["cut"] is not None
    reply = _SOLUTION_TAGS.sub("", reply).strip()
    answer = stated_answer(reply)
    spoken = "\n\n".join(part for part in ((thoughts or "").strip(), reply) if part)
    solution = spoken if thoughts or answer != reply else None
    return Draft(reasoning=solution or None, answer=answer, finish_reason="length" if is_open else "stop")


def _gsm8k(row: Row) -> Content:
    text = _CALCULATOR_MARK.sub("", row["answer"])
    reference = reference_answer(text)
    return Content(
        question=asked(row), fields=_fields(row, answer="solution, and the answer after ####"),
        source="gsm8k", domain="mathematics", reference=reference,
        drafts=(Draft(reasoning=HASHES.sub("", text).strip() or None, answer=reference),),
    )  # fmt: skip


def _math(row: Row) -> Content:
    key, answer = first(row, ANSWER_KEYS)
    answer = answer or reference_answer(row["solution"])
    fields = _fields(row, solution="solution" if key else "solution, and the answer in its last box")
    return Content(
        question=asked(row), fields=fields | ({key: "answer"} if key else {}), source="math", domain="mathematics",
        reference=answer, drafts=(Draft(reasoning=row["solution"].strip() or None, answer=answer),),
    )  # fmt: skip


def _s1k(row: Row) -> Content:
    """s1K has one teacher's thoughts in a list; s1K-1.1 has a column for each teacher, with its attempt."""
    drafts = [_s1k_draft(row["thinking_trajectories"], row.get("attempt"))] if row.get("thinking_trajectories") else []
    fields = _fields(row, solution="answer", thinking_trajectories="solution", attempt="the solution's answer")
    for key in sorted(key for key in row if key.endswith("_thinking_trajectory")):
        attempt = key.replace("_thinking_trajectory", "_attempt")
        fields |= {key: "solution", attempt: "the solution's answer"}
        if row[key]:
            drafts.append(replace(_s1k_draft(row[key], row.get(attempt)), teacher=key.split("_")[0]))
    return Content(
        question=asked(row), fields={key: value for key, value in fields.items() if key in row},
        source=text_of(row.get("source_type")) or "s1k", domain=text_of(row.get("cot_type")) or "unknown",
        drafts=tuple(drafts) or (Draft(),), reference=stated_answer(text_of(row.get("solution"))),
    )  # fmt: skip


def _s1k_draft(thoughts: Any, attempt: Any) -> Draft:
    return Draft(reasoning=_joined(thoughts), answer=stated_answer(text_of(attempt)))


def _openthoughts(row: Row) -> Content:
    """The columns of OpenThoughts' ``metadata`` configuration; the other one is ``messages``."""
    thought_key = next(key for key in row if key.endswith("_reasoning"))
    solution_key = thought_key.replace("_reasoning", "_solution")
    draft = reply_draft(text_of(row.get(solution_key)) or "", text_of(row[thought_key]) or "")
    named = _TEACHER_THOUGHTS.fullmatch(thought_key)
    truth = stated_answer(text_of(row.get("ground_truth_solution")))
    fields = {thought_key: "solution", solution_key: "the solution's end", "ground_truth_solution": "answer"}
    return Content(
        question=asked(row), fields=_fields(row) | {key: value for key, value in fields.items() if key in row},
        drafts=(replace(draft, teacher=named["teacher"] if named else None),), reference=truth,
        source="openthoughts",
    )  # fmt: skip


def _openr1(row: Row) -> Content:
    """OpenR1-Math: several generations to a problem; what was cut off is marked in ``is_reasoning_complete``."""
    complete = row.get("is_reasoning_complete") or []
    drafts = [reply_draft(text) for text in row["generations"] if isinstance(text, str) and text.strip()]
    drafts = [
        replace(draft, finish_reason="length") if place < len(complete) and complete[place] is False else draft
        for place, draft in enumerate(drafts)
    ]
    key, answer = first(row, _REFERENCES)
    fields = _fields(row, generations="solutions", is_reasoning_complete="whether they were cut off")
    fields |= ({key: "answer"} if key else {}) | ({"messages": "nothing: one more copy"} if "messages" in row else {})
    extra = {"solution": row["solution"]} if isinstance(row.get("solution"), str) else {}
    return Content(
        question=asked(row), fields=fields,
        drafts=tuple(drafts) or (Draft(),), reference=answer or stated_answer(text_of(row.get("solution"))),
        source="openr1", domain="mathematics", extra=extra,
    )  # fmt: skip


def _knights(row: Row) -> Content:
    """K&K's puzzles, with the solver's steps around each assumption."""
    parts = [row.get("cot_head"), *(row.get("cot_repeat_steps") or ()), row.get("cot_foot")]
    reference = text_of(row.get("solution_text"))
    reasoning = "\n".join(str(part).strip() for part in parts if part)
    fields = _fields(row, cot_head="solution", cot_repeat_steps="solution", cot_foot="solution", solution_text="answer")
    return Content(
        question=asked(row), fields=fields, source="knights-and-knaves", domain="logic",
        drafts=(Draft(reasoning=reasoning or None, answer=reference),), reference=reference,
    )  # fmt: skip


def _theoremqa(row: Row) -> Content:
    """TheoremQA has no worked prose: its ``explanation`` is the name of a file."""
    if row.get("Picture"):
        raise InputError(f"the question needs a picture ({row['Picture']}), and only text is read")
    reference = text_of(row.get("Answer"))
    return Content(
        question=asked(row), fields=_fields(row, Answer="answer", source="origin"), source="theoremqa",
        domain=str(row.get("field") or "unknown").lower(), reference=reference, drafts=(Draft(answer=reference),),
        extra={"origin": row["source"]} if text_of(row.get("source")) else {},
    )  # fmt: skip


def _options(row: Row) -> Content:
    """TAL-SCQ5K and its like: options in groups, an analysis, the letter of the right one."""
    options = [option for group in row["answer_option_list"] for option in group]
    text = _joined(row.get("answer_analysis"))
    reference = text_of(row.get("answer_value"))
    fields = _fields(row, answer_option_list="choices", answer_value="answer", answer_analysis="solution")
    return Content(
        question=asked(row), fields=fields, source="tal_scq5k" if "queId" in row else "choices", domain="mathematics",
        drafts=(Draft(reasoning=(text or "").strip() or None, answer=reference),), reference=reference,
        choices=tuple(str(option["content"]).strip() for option in options),
    )  # fmt: skip


def _thinking(row: Row) -> Content:
    """What a server logged of one call: the question, the model's thoughts, its reply."""
    thoughts, reply = first(row, _THOUGHT_KEYS), first(row, _REPLY_KEYS)
    finish, answer = first(row, _FINISH_KEYS), first(row, _REFERENCES)
    draft = reply_draft(reply[1] or "", thoughts[1] or "")
    usage = {name: row[key] for key, name in _TOKEN_KEYS.items() if isinstance(row.get(key), int)}
    fields = {thoughts[0]: "solution", reply[0]: "the solution's end", finish[0]: "finish_reason", answer[0]: "answer"}
    return Content(
        question=asked(row), fields=_fields(row) | {key: value for key, value in fields.items() if key},
        drafts=(replace(draft, teacher=text_of(row.get("model")), finish_reason=finish[1] or "stop", usage=usage),),
        reference=answer[1], source="thinking",
    )  # fmt: skip


def _messages(row: Row) -> Content:
    key, messages = _turns_of(row)
    turns = [_turn(message) for message in messages]
    places = [place for place, (role, _, _) in enumerate(turns) if role == "user"]
    if not places:
        raise InputError(f"{key} has no user turn")
    last = max([place for place in places if any(role == "assistant" for role, _, _ in turns[place:])] or places)
    reply = next(((text, thoughts) for role, text, thoughts in turns[last:] if role == "assistant"), ("", None))
    system = "\n".join(text for role, text, _ in turns if role == "system") or text_of(row.get("system"))
    history = [{"role": role, "content": text} for role, text, _ in turns[:last] if role != "system"]
    draft, (answer_key, answer) = reply_draft(*reply), first(row, _REFERENCES)
    fields = {key: "question and solution"} | ({"completion": "solution"} if key == "prompt" else {})
    fields |= {answer_key: "answer"} if answer else {}
    return Content(
        question=turns[last][1].strip(), fields=fields | ({"system": "system"} if "system" in row else {}),
        drafts=(draft,), reference=answer or draft.answer, source="messages",
        extra=({"system": system} if system else {}) | ({"history": history} if history else {}),
    )  # fmt: skip


def _turns_of(row: Row) -> tuple[str, list[Any]]:
    """The messages and their field; a prompt and a completion of messages are one conversation."""
    key = next((key for key in _MESSAGE_KEYS if is_list(row.get(key))), "prompt")
    rest = row.get("completion") if key == "prompt" else None
    return key, [*row[key], *(rest if is_list(rest) else ())]  # type: ignore[misc]


def _turn(message: Any) -> tuple[str, str, str | None]:
    """Returns role, text and thoughts of one message, in OpenAI's or in ShareGPT's spelling."""
    if not isinstance(message, Mapping):
        raise InputError("a message is not an object with role and content")
    role = str(message.get("role", message.get("from", "")))
    content = message.get("content", message.get("value"))
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    return _ROLES.get(role, role), text_of(content) or "", text_of(thoughts)


def _question(row: Row) -> Content:
    (answer_key, answer), (solution_key, solution) = first(row, ANSWER_KEYS), first(row, SOLUTION_KEYS)
    source = "prompt-completion" if solution_key == "completion" and answer is None else "question-answer"
    if answer is None or solution is None:
        draft = reply_draft(answer or solution or "")
        fields = _fields(row, **{key: "solution and answer" for key in (answer_key, solution_key) if key})
        return Content(question=asked(row), fields=fields, source=source, drafts=(draft,), reference=draft.answer)
    draft = replace(reply_draft(solution), reasoning=reply_draft(solution).reasoning or solution.strip() or None)
    fields = _fields(row, **{answer_key: "answer", solution_key: "solution"})
    reference = stated_answer(answer) or answer.strip()
    draft = replace(draft, answer=reference_answer(solution) or reference)
    return Content(question=asked(row), fields=fields, source=source, drafts=(draft,), reference=reference)


def _joined(value: Any) -> str | None:
    return "\n".join(map(str, value)) if is_list(value) else text_of(value)


def _fields(row: Row, **known: str) -> dict[str, str]:
    """The question's field and those of ``known`` that the row has."""
    return {question_key(row) or "": "question"} | {key: value for key, value in known.items() if key in row}


def _has(*keys: str) -> Callable[[Row], bool]:
    return lambda row: question_key(row) is not None and all(row.get(key) is not None for key in keys)


def _has_messages(row: Row) -> bool:
    prompt = row.get("prompt")
    is_chat = is_list(prompt) and prompt and all(isinstance(item, Mapping) and "role" in item for item in prompt)
    return any(is_list(row.get(key)) for key in _MESSAGE_KEYS) or bool(is_chat and question_key(row) is None)


def _is_gsm8k(row: Row) -> bool:
    return question_key(row) is not None and isinstance(row.get("answer"), str) and bool(HASHES.search(row["answer"]))


def _is_s1k(row: Row) -> bool:
    named = "thinking_trajectories" in row or any(str(key).endswith("_thinking_trajectory") for key in row)
    return named and question_key(row) is not None


def _is_openthoughts(row: Row) -> bool:
    thoughts = next((str(key) for key in row if str(key).endswith("_reasoning")), None)
    return thoughts is not None and thoughts.replace("_reasoning", "_solution") in row and question_key(row) is not None


def _is_thinking(row: Row) -> bool:
    return question_key(row) is not None and any(isinstance(row.get(key), str) for key in _THOUGHT_KEYS)


def _is_math(row: Row) -> bool:
    return isinstance(row.get("problem"), str) and isinstance(row.get("solution"), str)


DIALECTS: tuple[Dialect, ...] = (
    Dialect("knights-and-knaves", "Knights and Knaves: quiz, cot_repeat_steps, solution_text",
            _has("quiz", "cot_repeat_steps"), _knights),
    Dialect("theoremqa", "TheoremQA: Question, Answer, theorem; no worked solution", _has("Answer", "theorem"),
            _theoremqa),
    Dialect("choices", "TAL-SCQ5K: problem, answer_option_list, answer_analysis", _has("answer_option_list"), _options),
    Dialect("s1k", "s1K: question, thinking_trajectories, attempt", _is_s1k, _s1k),
    Dialect("openr1", "OpenR1-Math: problem, generations", _has("generations"), _openr1),
    Dialect("openthoughts", "OpenThoughts: problem, …_reasoning, …_solution", _is_openthoughts, _openthoughts),
    Dialect("gsm8k", "GSM8K: question, answer with ####", _is_gsm8k, _gsm8k),
    Dialect("thinking", "a model's thoughts beside its reply: thinking, content", _is_thinking, _thinking),
    Dialect("limo", "question, solution and answer, as in LIMO", _has("question", "solution", "answer"), _question),
    Dialect("math", "MATH: problem, solution with a boxed answer", _is_math, _math),
    Dialect("messages", "a conversation: messages", _has_messages, _messages),
    Dialect("prompt", "prompt and completion", _has("prompt", "completion"), _question),
    Dialect("question", "question and answer", _has(), _question),
)  # fmt: skip


def generic() -> Dialect:
    """Returns the shape of rows whose fields a user has named."""
    return replace(DIALECTS[-1], name="mapped", about="the fields that --map names")


def dialect_of(row: Row) -> Dialect | None:
    """Returns the first dialect that the row fits; ``None`` where it has no question."""
    return next((dialect for dialect in DIALECTS if dialect.fits(row)), None)
