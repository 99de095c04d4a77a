"""How well the segmenter tells strategy, tactic and check: agreement with labels, and Cohen's kappa."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.labelled import DATA, Labelled, held_out_families, read_by_hand, structured
from workbench.files import write_text
from workbench.pool import seen_families, segment
from workbench.pool.segmenter import ROLES, Weights
from workbench.records import Role

OUT = Path("runs/bench/segmenter.json")
Pair = tuple[Role, Role]


def predicted(text: Labelled, spans: Sequence[tuple[int, int, Role]], weights: Weights | None = None) -> list[Pair]:
    """Returns, for each labelled span, its label and the role of the step that has most of its characters."""
    steps, place = [], 0
    for step in segment(text.text, weights):
        start = text.text.index(step.text, place)
        place = start + len(step.text)
        steps.append((start, place, step.role))
    pairs = []
    for start, end, role in spans:
        shares: Counter[Role] = Counter()
        for left, right, said in steps:
            shares[said] += max(0, min(end, right) - max(start, left))
        pairs.append((role, max(ROLES, key=lambda each: shares[each])))
    return pairs


def agreement(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Returns the share of equal labels, Cohen's kappa (Cohen 1960), and what was taken for what."""
    total = len(pairs)
    equal = sum(label == said for label, said in pairs) / total
    labels, saids = Counter(label for label, _ in pairs), Counter(said for _, said in pairs)
    chance = sum(labels[role] * saids[role] for role in ROLES) / total**2
    table = {label: {said: sum(pair == (label, said) for pair in pairs) for said in ROLES} for label in ROLES}
    kappa = (equal - chance) / (1 - chance) if chance < 1 else 1.0
    most = max(labels.values()) / total
    return {"n": total, "agreement": round(equal, 3), "kappa": round(kappa, 3), "most_common_label": round(most, 3),
            "label_by_said": table}  # fmt: skip


def boundaries(texts: Sequence[Labelled], weights: Weights | None = None) -> dict[str, Any]:
    """Returns precision, recall and F1 of the places where the role changes, within the labelled parts."""
    found = wanted = both = 0
    for text in texts:
        said = [role for _, role in predicted(text, text.parts, weights)]
        for place in range(1, len(text.parts)):
            if text.text[text.parts[place - 1][1] : text.parts[place][0]].strip():
                continue
            changes, expected = said[place] != said[place - 1], text.parts[place][2] != text.parts[place - 1][2]
            found, wanted, both = found + changes, wanted + expected, both + (changes and expected)
    precision, recall = both / max(1, found), both / max(1, wanted)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return {"n": wanted, "precision": round(precision, 3), "recall": round(recall, 3), "f1": round(f1, 3)}


def measured(texts: Sequence[Labelled], weights: Weights | None = None) -> dict[str, Any]:
    """Returns all figures of a set of labelled texts."""
    return {
        "traces": len(texts),
        "sentences": agreement([pair for text in texts for pair in predicted(text, text.parts, weights)]),
        "steps": agreement([pair for text in texts for pair in predicted(text, text.runs(), weights)]),
        "changes_of_role": boundaries(texts, weights),
    }


def segmenter() -> dict[str, Any]:
    """Measures on worked traces with their labels removed, and on Qwen3's traces that were labelled by hand."""
    result: dict[str, Any] = {
        "worked, families the weights were fitted on": measured(structured(seen_families(), "test", 10)),
        "worked, other families": measured(structured(held_out_families(), "test", 10)),
    }
    if DATA.exists():
        result["Qwen3, labelled by hand"] = measured(read_by_hand("test"))
    else:
        print(f"{DATA} is not here: no traces that were labelled by hand; set WORKBENCH_DATA")
    write_text(OUT, json.dumps({"name": "segmenter", **result}, indent=1))
    for name, found in result.items():
        print(name, json.dumps(found, indent=1), sep="\n")
    return result
