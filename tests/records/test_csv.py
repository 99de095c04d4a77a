"""Tables as spreadsheets write them and people type them."""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.records import Problem, Trace, read_records


def table(tmp_path: Path, text: str | bytes, name: str = "questions.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path) -> list[Problem]:
    return list(read_records(path, Problem))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_delimiters_byte_order_marks_and_line_ends(tmp_path, delimiter, mark, ending):
    rows = [["ID", "Question", "Answer", "Subject"], ["a-1", "1 + 1?", "2", "sums"], ["a-2", "é, ß; or |?", "", ""]]
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator=ending).writerows(rows)
    one, two = read(table(tmp_path, mark + stream.getvalue() + ending * 3))
    assert (one.id, one.question, one.answer, one.domain) == ("a-1", "1 + 1?", "2", "sums")
    assert (two.id, two.question, two.answer, two.domain) == ("a-2", "é, ß; or |?", None, "unknown")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_other_unicode_encodings_are_recognised(tmp_path, encoding):
    (problem,) = read(table(tmp_path, 'question,answer\n"Wie groß, in m?",3½\n'.encode(encoding)))
    assert (problem.question, problem.answer) == ("Wie groß, in m?", "3½")


def test_a_named_encoding_is_taken_at_its_word(tmp_path):
    path = table(tmp_path, "question,answer\ncaf\xe9?,1\n".encode("latin-1"))
    (problem,) = read_records(path, Problem, encoding="latin-1")
    assert problem.question == "café?"
    with pytest.raises(InputError, match="no encoding is called 'latin-77'"):
        read_records(path, Problem, encoding="latin-77")


def test_a_field_may_be_longer_than_pythons_limit(tmp_path):
    (problem,) = read(table(tmp_path, f'question,answer\n"{"word " * 100_000}?",1\n'))
    assert len(problem.question) > 131_072


def test_quoted_line_breaks_quotes_and_delimiters_belong_to_the_text(tmp_path):
    (problem,) = read(table(tmp_path, 'question,answer\n"Say ""yes"",\nor no;","yes, indeed"\n'))
    assert (problem.question, problem.answer) == ('Say "yes",\nor no;', "yes, indeed")


def test_a_list_of_questions_needs_no_quotes(tmp_path):
    problems = read(table(tmp_path, "question\nWhat is 2, 3 and 4 together?\nA; or B?\n"))
    assert [problem.question for problem in problems] == ["What is 2, 3 and 4 together?", "A; or B?"]
    assert {problem.answer for problem in problems} == {None}
    assert len({problem.id for problem in problems}) == 2


@pytest.mark.parametrize("cell", ["red|green|blue", "red;green;blue", '["red", "green", "blue"]', "red\ngreen\nblue"])
@pytest.mark.parametrize("answer", ["B", "green", "(b)", ""])
def test_choices_in_a_cell(tmp_path, cell, answer):
    stream = io.StringIO()
    csv.writer(stream).writerows([["question", "choices", "answer"], ["Which?", cell, answer]])
    (problem,) = read(table(tmp_path, stream.getvalue()))
    assert problem.choices == ("red", "green", "blue")
    assert problem.answer == (answer or None)


BAD = {
    2: ("too,many,fields", "3 fields where the header has 2"),
    3: ("too few", "1 field where the header has 2"),
    4: ('"quoted" badly,1', "double the quotes"),
    5: (",7", "the question is empty"),
    6: ('"never closed,1', "never closed"),
}


def test_every_bad_row_has_its_line_and_reason_and_takes_no_other_with_it(tmp_path):
    lines = ["question,answer", *(line for line, _ in BAD.values()), "fine,1", "caf\xe9,2", "last,3"]
    path = table(tmp_path, "\n".join(lines).encode("latin-1"))
    reader = read_records(path, Problem, rejected=tmp_path / "questions.rejected.jsonl")
    assert [problem.question for problem in reader] == ["fine", "last"]
    found = {row.line: row for row in reader.examples}
    assert found.keys() == {*BAD, 8}
    for line, (text, reason) in BAD.items():
        assert reason in found[line].reason
        assert text in found[line].text or line == 5
    assert "CSV UTF-8" in found[8].reason
    assert found[8].text == "caf\\xe9,2"
    assert (tmp_path / "questions.rejected.jsonl").read_text().count("\n") == len(BAD) + 1


def test_lines_are_counted_through_quoted_line_breaks_and_empty_lines(tmp_path):
    reader = read_records(table(tmp_path, 'question,answer\n"two\nlines",1\n\n\nshort\n'), Problem)
    assert len(list(reader)) == 1
    assert reader.examples[0].line == 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frage,antwort\n1 + 1?,2\n", r"columns are frage, antwort; call one of them question, problem"),
        ("question,Answer,answer\na,b,c\n", "two columns are called 'answer'"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("question,answer\n", "holds no Problem"),
    ],
)
def test_a_file_that_is_no_table_of_questions_is_one_clear_line(tmp_path, text, said):
    with pytest.raises(InputError, match=said) as caught:
        read(table(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_an_answer_that_is_none_of_the_choices_is_refused(tmp_path):
    reader = read_records(table(tmp_path, "question,choices,answer\na,x|y,3\nb,x|y,x\n"), Problem)
    assert [problem.question for problem in reader] == ["b"]
    assert "none of the choices" in reader.examples[0].reason


def test_a_table_with_solutions_is_read_as_traces(tmp_path):
    path = table(tmp_path, "id,question,solution,answer\n7,1 + 1?,Add one to one.,2\n8,2 + 2?,,\n")
    reader = read_records(path, Trace)
    (trace,) = reader
    assert (trace.id, trace.problem.id, trace.reasoning, trace.answer) == ("7-0", "7", "Add one to one.", "2")
    assert "neither a solution nor an answer" in reader.examples[0].reason


def test_equal_ids_are_told_apart_and_other_columns_are_kept(tmp_path):
    problems = read(table(tmp_path, "id,question,Level,note\n7,a?,3,x\n7,b?,4,y\n"))
    assert [problem.id for problem in problems] == ["7", "7-2"]
    assert problems[0].metadata == {"level": "3", "note": "x"}


@given(rows=st.lists(st.tuples(*[st.text(st.characters(exclude_categories=["Cs"]), max_size=20)] * 2), max_size=8))
def test_whatever_a_writer_writes_comes_back_or_is_rejected(rows, tmp_path_factory):
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([("question", "answer"), *rows])
    reader = read_records(table(tmp_path_factory.mktemp("any"), stream.getvalue()), Problem)
    wanted = [question.strip() for question, answer in rows if question.strip() and "\0" not in question + answer]
    if not wanted:
        with pytest.raises(InputError):
            list(reader)
        return
    assert [problem.question for problem in reader] == wanted


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = table(tmp_path, "question,answer\n" + "".join(f"what is {i} and 1?,{i + 1}\n" for i in range(40_000)))
    tracemalloc.start()
    assert sum(1 for _ in read_records(path, Problem)) == 40_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_the_line_ends_of_old_macs_are_named(tmp_path):
    with pytest.raises(InputError, match="its lines end as those of old Macs"):
        read(table(tmp_path, b"question,answer\rwhat is 2 + 2?,4\r"))
