"""What a notebook looks at: traces, choices and answers in colour, side by side or one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq

from workbench.comparison import Comparison
from workbench.curation import BANDS, CurationReport, Survivors, read_survivors, selector
from workbench.curation.funnel import composition
from workbench.curation.greedy import Selection
from workbench.errors import InputError
from workbench.grading import grade
from workbench.records import Completion, Problem, Trace, read_records
from workbench.views.cards import choice_html, weights_html
from workbench.views.panes import Pane, completion_pane, panes_html, trace_pane
from workbench.views.theme import words
from workbench.views.widgets import Browser, Slider, browse

Written = Trace | Completion


@dataclass(frozen=True, slots=True)
class Html:
    """A fragment of HTML of ours; the last expression of a notebook's cell shows it."""

    html: str
    text: str
    """What is shown where HTML is not."""

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def side_by_side(question: Problem | str, *written: Written) -> Html:
    """Returns what was written for a question in colour, side by side; answers to a problem are graded.

    Args:
        question: a problem, or a question whose answer is not known.
        *written: a teacher's traces and students' completions, in the order of the page.
    """
    asked = question.question if isinstance(question, Problem) else question
    answers = [item.answer or "" if isinstance(item, Trace) else item.text for item in written]
    return Html(_page(question, written), "\n\n".join([asked, *answers]))


def _page(question: Problem | str, written: Iterable[Written]) -> str:
    if isinstance(question, str):
        return panes_html(question, [_pane(item, None) for item in written])
    return panes_html(question.question, [_pane(item, question) for item in written], reference=question.answer or "")


def _pane(item: Written, problem: Problem | None) -> Pane:
    if isinstance(item, Trace):
        return trace_pane(item)
    return completion_pane(item, grade(problem, item.text) if problem else None)


def browse_traces(traces: Sequence[Trace]) -> Browser:
    """Returns a browser of traces: a menu of families, and a slider over each one's traces.

    Raises:
        InputError: where there is no trace.
    """
    families: dict[str, list[Trace]] = {}
    for trace in traces:
        families.setdefault(trace.problem.source, []).append(trace)

    def page(family: str, trace: int) -> str:
        own = families[family]
        shown = own[min(trace, len(own)) - 1]
        return _page(shown.problem, [shown])

    longest = max(map(len, families.values()), default=0)
    return browse(page, family={words(name): name for name in families}, trace=range(1, longest + 1))


def browse_answers(problems: Sequence[Problem], written: Iterable[Written]) -> Browser:
    """Returns a browser of problems, each with everything that was written for it side by side.

    Args:
        problems: with distinct ids.
        written: traces and completions, in the order of the page; those of other problems are left out.

    Raises:
        InputError: where there is no problem.
    """
    by_problem: dict[str, list[Written]] = {problem.id: [] for problem in problems}
    for item in written:
        name = item.problem.id if isinstance(item, Trace) else item.problem_id
        by_problem.get(name, []).append(item)
    menu = {_menu_line(place, problem): problem.id for place, problem in enumerate(problems, 1)}
    asked = {problem.id: problem for problem in problems}
    return browse(lambda problem: _page(asked[problem], by_problem[problem]), problem=menu)


def browse_comparisons(comparisons: Sequence[Comparison]) -> Browser:
    """Returns a browser of comparisons: the worked solution and every arm, side by side.

    Raises:
        InputError: where there is none.
    """
    written = [item for each in comparisons for item in (each.teacher, *each.completions.values()) if item]
    return browse_answers([each.problem for each in comparisons], written)


def _menu_line(place: int, problem: Problem) -> str:
    question = " ".join(problem.question.split())
    return f"{place}. {words(problem.source)}: {question[:60]}{'…' if len(question) > 60 else ''}"


def survivor_columns(curated: CurationReport) -> dict[str, np.ndarray]:
    """Returns domain, band, criteria and whether it was kept of every survivor, for the figures of a curation."""
    return _columns(read_survivors(curated.survivors_path))


def _columns(survivors: Survivors) -> dict[str, np.ndarray]:
    kept = np.zeros(len(survivors), dtype=np.bool_)
    kept[survivors.kept] = True
    scores = survivors.scores
    return {
        "domain": np.array(survivors.rows.domain.values()),
        "band": np.array(BANDS)[scores.band],
        "difficulty": scores.difficulty,
        "quality": scores.quality,
        "suitability": scores.suitability,
        "characters": survivors.rows.length,
        "kept": kept,
    }


def browse_weights(curated: CurationReport, sample: int = 6) -> Browser:
    """Returns sliders for the weights of the criteria: each move chooses anew from all survivors.

    Args:
        curated: its survivors are chosen from, with its size, seed and mixes.
        sample: kept rows to show.

    Raises:
        InputError: where the curation's files are gone.
    """
    survivors = read_survivors(curated.survivors_path)
    live = selector(survivors.rows, survivors.scores, curated.config)
    before = live.reselect(curated.config.weights)
    indices = set(survivors.rows.index.tolist())
    questions = {
        index: trace.problem.question[:200]
        for index, trace in enumerate(read_records(curated.pool, Trace))
        if index in indices
    }

    def page(**tenths: int) -> str:
        return _weights_page(
            survivors, live.reselect({name: value / 10 for name, value in tenths.items()}), before, questions, sample
        )

    most = max(30, *(round(10 * weight) for weight in curated.config.weights.values()))
    sliders = {
        name: Slider(range(most + 1), min(most, round(10 * weight))) for name, weight in curated.config.weights.items()
    }
    return browse(page, **sliders)


def _weights_page(
    survivors: Survivors, now: Selection, before: Selection, questions: Mapping[int, str], sample: int
) -> str:
    rows, scores = survivors.rows, survivors.scores
    stay = len(np.intersect1d(now.places_K, before.places_K))
    shown = now.places_K[np.linspace(0, len(now.places_K) - 1, min(sample, len(now.places_K))).astype(int)]
    rows_shown = [
        {"source": rows.source[place], "band": BANDS[scores.band[place]],
         "question": questions.get(int(rows.index[place]), "")}
        for place in shown.tolist()
    ]  # fmt: skip
    note = f"{stay:,} of {len(now.places_K):,} rows stay, from {len(survivors):,} survivors."
    return weights_html(_measures(survivors, now, before), _cells(survivors, now.places_K), rows_shown, note)


def _cells(survivors: Survivors, kept: np.ndarray) -> dict[tuple[str, str], tuple[int, int]]:
    """Kept and available rows by domain and difficulty band."""
    domain = survivors.rows.domain
    cell_N = domain.codes.astype(np.int64) * len(BANDS) + survivors.scores.band
    counts = [np.bincount(each, minlength=len(domain.names) * len(BANDS)) for each in (cell_N[kept], cell_N)]
    pairs = zip(
        ((name, band) for name in domain.names for band in BANDS), *(each.tolist() for each in counts), strict=True
    )
    return {place: (chosen, available) for place, chosen, available in pairs if available}


def _measures(survivors: Survivors, *selections: Selection) -> list[tuple[str, str, str]]:
    sets = [composition(survivors.rows, survivors.scores, each.places_K.tolist()) for each in selections]
    names = {
        "strategies": "different strategies", "words": "different words", "mean_quality": "mean quality",
        "mean_suitability": "mean suitability", "long_traces": "long traces", "mean_characters": "mean characters",
    }  # fmt: skip
    found = [(title, *(f"{getattr(each, name):,}" for each in sets)) for name, title in names.items()]
    return [(title, now, then) for title, now, then in found]


def browse_choices(curated: CurationReport) -> Browser:
    """Returns a browser of curated traces in the order in which they were chosen, and what spoke for each."""
    rows = sorted(pq.read_table(curated.kept_path).to_pylist(), key=lambda row: int(row["rank"]))
    traces = {trace.id: trace for trace in read_records(curated.curated_path, Trace)}
    if not rows:
        raise InputError(f"{curated.kept_path} is empty")

    def page(choice: int) -> str:
        trace = traces[rows[choice - 1]["id"]]
        return choice_html(rows, choice) + _page(trace.problem, [trace])

    return browse(page, choice=range(1, len(rows) + 1))
