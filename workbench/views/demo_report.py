"""What the demo measured, arranged for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.evaluation import Outcome
from workbench.pool import worked_answer
from workbench.views.panes import completion_pane, trace_pane
from workbench.views.report_data import EMBEDDED_NOTES, Cost, Example, RankCell, ReportData
from workbench.views.theme import arm_label

EXAMPLES_PER_KIND = 5


def report_data(
    summary: Mapping[str, Any],
    funnel: Mapping[str, Any],
    metrics: Sequence[Mapping[str, Any]],
    audit: Mapping[str, Any],
    measured: Mapping[str, Any],
    outcomes: Sequence[Outcome],
    note: str,
) -> ReportData:
    """Returns the report of a run from what its stages wrote."""
    return ReportData(
        title="ReasonBridge: from pool to guided student",
        headline=summary,
        notes=[*([f"The base: {note}."] if note else []), *EMBEDDED_NOTES, *_notes(summary, measured)],
        funnel=funnel,  # type: ignore[arg-type]  # written by curation in this shape
        metrics=metrics,
        families=[{**row, "format_rate": row["format"]} for row in measured["families"]],  # type: ignore[typeddict-item]
        flips=[
            {"family": row["family"], "rescued": row["gain"]["rescued"], "broken": row["gain"]["broken"]}
            for row in measured["families"]
        ],
        adapter=[_rank_cell(module) for module in audit["modules"]],
        costs=_costs(summary, measured),
        examples=[_example(outcome) for outcome in _chosen(outcomes)],
        provenance={"seed": summary["seed"], "split": summary["split"], "student": summary["student"], "weights": note},
    )


def _rank_cell(module: Mapping[str, Any]) -> RankCell:
    kind = module["module"].rsplit(".", 1)[-1]
    return RankCell(layer=module["layer"], module=kind, rank=module["rank"], parameters=module["parameters"])


def _notes(summary: Mapping[str, Any], measured: Mapping[str, Any]) -> list[str]:
    formats = {arm: f"{share:.0%}" for arm, share in summary["format"].items()}
    unseen = summary["unseen_families"]
    notes = [
        "The same extractor reads every arm and takes an answer in any form. The share of answers in the trained "
        f"format is counted apart: {formats['base']} of the base's, {formats['student']} of the student's.",
    ]
    accuracy = summary["accuracy"]
    change = accuracy["student_guided"] - accuracy["student"]
    helped = "Guidance raised" if change > 0 else "Guidance did not raise"
    notes.append(f"{helped} accuracy on the seen families: {100 * change:+.1f} points against the unguided student.")
    if unseen:
        low, high = unseen["interval95"]["gain"]
        notes.append(
            f"On {unseen['problems']} problems of families that were held out whole, the student's gain is "
            f"{100 * unseen['gain']:+.1f} points (95 % interval {100 * low:+.1f} to {100 * high:+.1f}, "
            f"p = {unseen['p_value']:.2g})."
        )
    cut = {arm_label(arm): cost["cut_off"] for arm, cost in measured["costs"].items() if cost["cut_off"] > 0.005}
    if cut:
        shares = ", ".join(f"{label} {share:.0%}" for label, share in cut.items())
        notes.append(f"Answers that reached the token limit were graded as they stood: {shares}.")
    return notes


def _costs(summary: Mapping[str, Any], measured: Mapping[str, Any]) -> list[Cost]:
    tokens = "; ".join(f"{arm_label(arm)}: {cost['mean_tokens']:.0f} tokens" for arm, cost in measured["costs"].items())
    notes = {"evaluate": f"an answer on average: {tokens}"}
    return [Cost(stage=name, seconds=value, note=notes.get(name, "")) for name, value in summary["seconds"].items()]


def _chosen(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Rescued, broken and unchanged problems in turn, each from as many families as there are."""
    kinds: dict[str, list[Outcome]] = {"rescued": [], "broken": [], "both": [], "neither": []}
    for outcome in outcomes:
        base, student = outcome.correct("base"), outcome.correct("student")
        kind = ("both" if base else "rescued") if student else ("broken" if base else "neither")
        if outcome.problem.source not in {other.problem.source for other in kinds[kind]}:
            kinds[kind].append(outcome)
    return [outcome for kind in kinds.values() for outcome in kind[:EXAMPLES_PER_KIND]]


def _example(outcome: Outcome) -> Example:
    arms = [completion_pane(completion, outcome.grades[arm]) for arm, completion in outcome.completions.items()]
    return Example(
        question=outcome.problem.question,
        reference=outcome.problem.answer or "",
        family=outcome.problem.source,
        panes=(trace_pane(worked_answer(outcome.problem)), *arms),
    )
