"""The data card of a curated set, in the form the Hub reads."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from workbench.curation.columns import Columns
from workbench.curation.funnel import Composition, CurationReport

_MARKUP = re.compile(r"[|<>\[\]`*\\]")
_LICENSES = frozenset(
    """apache-2.0 mit bsd bsd-2-clause bsd-3-clause cc cc0-1.0 cc-by-2.0 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0
    cc-by-nc-4.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-nc-nd-4.0 odc-by odbl pddl gpl-2.0 gpl-3.0 lgpl-3.0 agpl-3.0
    mpl-2.0 openrail llama2 llama3 llama3.1 llama3.2 llama3.3 gemma unlicense wtfpl afl-3.0 artistic-2.0
    unknown""".split()  # noqa: SIM905
)
"""Those that the Hub knows and that data sets have."""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def data_card(report: CurationReport, kept: Columns, pool_hash: str) -> str:
    """Returns ``README.md``: YAML header, provenance, numbers and limits, without any time stamp."""
    parts = [
        _header(report, kept), _summary(report, pool_hash), _origin(kept), _method(report), _composition(report),
        _contamination(report), _limits(report),
    ]  # fmt: skip
    return "\n".join(parts)


def _header(report: CurationReport, kept: Columns) -> str:
    size = next((name for limit, name in _SIZES if report.kept < limit), "n>1M")
    licenses = sorted({_license(name) for name in kept.license.values()})
    lines = ["---", "pretty_name: Curated reasoning traces", "license:"]
    lines += [f"- {json.dumps(name)}" for name in licenses]
    lines += ["language:", f"- {json.dumps(report.config.language)}", "task_categories:", "- text-generation"]
    lines += ["tags:", "- reasoning", "- distillation", "- curated", f"- selection-{report.config.strategy}"]
    lines += ["size_categories:", f"- {size}", "configs:", "- config_name: default", "  data_files: curated.jsonl"]
    return "\n".join([*lines, "---", ""])


def _license(name: str) -> str:
    """A licence as the Hub spells it; it refuses others. The table of origins has the pool's own words."""
    plain = "-".join(name.strip().lower().replace("_", "-").split())
    return plain if plain in _LICENSES else "other" if plain else "unknown"


def _summary(report: CurationReport, pool_hash: str) -> str:
    return f"""# Curated reasoning traces

{report.kept:,} traces, chosen from the {report.read:,} of `{_plain(report.pool.name)}` (sha256 `{pool_hash}`)
with seed {report.config.seed}. The same pool, settings and seed give the same bytes.

| file | what |
|---|---|
| `curated.jsonl` | the traces, one per line, in the pool's order |
| `kept.parquet` | rank, quota, gains per criterion and the reason for every kept trace |
| `survivors.parquet` | features and scores of every trace that could have been chosen |
| `dropped.parquet` | stage and reason for every one of the {report.dropped:,} dropped traces |
| `funnel.json` | counts per stage, and what the set is made of beside survivors and a random draw |

`push_to_hub` uploads all but `survivors.parquet` and `dropped.parquet`: the latter quotes held-out questions.
"""


def _origin(kept: Columns) -> str:
    columns = (kept.domain, kept.source, kept.license, kept.teacher)
    sources = Counter(zip(*(column.values() for column in columns), strict=True))
    rows = [[*names, f"{count:,}"] for names, count in sorted(sources.items())]
    return "## Origin and licences\n\n" + _table(["domain", "source", "licence", "teacher", "rows"], rows)


def _method(report: CurationReport) -> str:
    rows = []
    for stage in report.stages:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in stage.reasons.items())
        rows.append([stage.name, f"{stage.before:,}", f"{stage.after:,}", reasons or "-"])
    config = report.config
    mix = " / ".join(f"{share:.0%}" for share in config.difficulty_mix)
    filters = [[_words(step.name), step.mode, f"{step.before:,}", f"{step.after:,}"] for step in report.filters]
    lines = f"""
Filters look at each trace alone, one after the other; at most {config.max_tokens:,} tokens, in language
`{_plain(config.language)}`:

{_table(["filter", "mode", "before", "after"], filters)}
Of equal questions the best trace stays. Questions that
equal a held-out question, or cover at least {config.overlap_share:.0%} of its distinctive
8-grams, are dropped. {_semantic(report)}The size is spread evenly over domains and, within them, over sources.
{_choice(report, mix)}
Difficulty is structural and relative to the source. {_student(report)}
"""
    return "## How it was made\n\n" + _table(["stage", "before", "after", "dropped for"], rows) + lines


def _contamination(report: CurationReport) -> str:
    """Counts alone: the examples in ``funnel.json`` quote held-out questions."""
    found = report.contamination
    rows = [
        [each.name, f"{each.questions:,}", f"{each.dropped:,}", ", ".join(f"{k} {v:,}" for k, v in each.rules.items())]
        for each in found.checked
    ]
    table = _table(["held-out set", "questions", "rows dropped", "by rule"], rows) if rows else "No set was checked.\n"
    missing = [f"- not checked: {_plain(each.name)} ({_plain(each.why)})" for each in found.not_checked]
    return "\n".join(["## Contamination", "", table, *missing, ""])


def _words(name: str) -> str:
    return name.replace("_", " ")


def _choice(report: CurationReport, mix: str) -> str:
    config = report.config
    if config.strategy != "joint":
        return f"Quotas did not apply: rows were chosen by the baseline strategy `{config.strategy}`."
    weights = ", ".join(f"{name} (weight {weight:g})" for name, weight in config.weights.items())
    return (
        f"Rows are then chosen jointly, greedily by the gain in {weights}. Easy / medium / hard rows are wanted in "
        f"shares of {mix}, long traces in a share of {config.long_share:.0%} of every source."
    )


def _semantic(report: CurationReport) -> str:
    if not report.semantic:
        return ""
    if reason := report.semantic.get("not_run"):
        return f"Questions in other words were not looked for by meaning ({_plain(reason)}). "
    return (
        f"Of {report.semantic['proposed']:,} rows that the selection proposed, those are dropped that ask a held-out "
        f"question, or the same as a better row, in other words: sentence embeddings with a cosine of at least "
        f"{report.semantic['similarity']:g}, and the same numbers, quoted words and answer. "
    )


def _student(report: CurationReport) -> str:
    if not report.student:
        return "No model has tried the problems or read the traces."
    fit = [f"{name} {value:.2f}" for name, value in report.student["out_of_fold_r2"].items() if value is not None]
    told = f" (R² on rows left out of the fit: {', '.join(fit)})" if fit else ""
    return (
        f"The student has read {report.student['read']:,} of the traces that could be chosen; its scores of "
        f"{report.student['predicted']:,} others are predicted from family, difficulty and length{told}."
    )


def _composition(report: CurationReport) -> str:
    columns = (report.selected, report.random, report.survivors)
    rows = [["rows", *(f"{column.rows:,}" for column in columns)]]
    rows += _shares("domain", [column.domains for column in columns], [column.rows for column in columns])
    rows += _shares("difficulty", [column.bands for column in columns], [column.rows for column in columns])
    rows += [[name, *(_number(getattr(column, field)) for column in columns)] for name, field in _MEASURES]
    return "## What is in it\n\n" + _table(["", "kept", "random draw", "survivors"], rows)


_MEASURES = (
    ("different strategies", "strategies"), ("different words", "words"), ("mean quality", "mean_quality"),
    ("mean suitability for the student", "mean_suitability"), ("long traces", "long_traces"),
    ("mean characters", "mean_characters"), ("objective", "objective"),
)  # fmt: skip


def _shares(title: str, counts: Sequence[Mapping[str, int]], totals: Sequence[int]) -> list[list[str]]:
    names = list(dict.fromkeys(name for column in counts for name in column))
    return [
        [f"{title}: {name}"]
        + [f"{column.get(name, 0) / total:.1%}" for column, total in zip(counts, totals, strict=True)]
        for name in names
    ]


def _number(value: float | Composition | None) -> str:
    return "-" if value is None else f"{value:,}"


def _limits(report: CurationReport) -> str:
    lines = [
        "Where the teacher is `worked`, the trace is a worked solution: a program's explanation of how it solved the",
        "problem. It is not a language model's trace and must not be presented as one. Answers count as verified",
        "where they equal the reference, a grader accepted them, or the pool says so; all else is unknown, not right.",
        "Each source keeps its own licence. Where the teacher is a model behind an API, its provider may restrict what",
        "its outputs may train, as some do: read the terms of the teachers above before you train, publish or sell.",
    ]
    warnings = [f"- {_plain(warning)}" for warning in report.warnings]
    return "\n".join(["## Limits", "", *lines, "", *warnings]).rstrip() + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _plain(text: str) -> str:
    """Names come from outside: as text they cannot break a table or become markup."""
    return _MARKUP.sub(lambda mark: f"&#{ord(mark.group())};", " ".join(text.split()))
