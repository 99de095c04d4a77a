"""Several interventions together, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from workbench.errors import InputError
from workbench.inference import Command, Controller, Encoder, View
from workbench.interventions.intervention import Intervention
from workbench.interventions.library import Budget, PlanFirst, Verify

KINDS: dict[str, type[Intervention]] = {kind.__name__: kind for kind in (PlanFirst, Verify, Budget)}


@dataclass(frozen=True)
class Guidance:
    """Interventions in order; at each token the first that fires steps in.

    >>> Guidance([PlanFirst(), Budget(max_tokens=64)]) == Guidance.from_dict(
    ...     Guidance([PlanFirst(), Budget(max_tokens=64)]).to_dict())
    True
    """

    interventions: Sequence[Intervention]

    def __post_init__(self) -> None:
        object.__setattr__(self, "interventions", tuple(self.interventions))
        for intervention in self.interventions:
            if not isinstance(intervention, Intervention):
                raise InputError(f"guidance takes interventions such as PlanFirst(), not {intervention!r}")

    def controller(self, encode: Encoder) -> Controller:
        """Returns what watches one row and keeps each intervention within its limit."""
        fired = [0] * len(self.interventions)

        def control(view: View) -> Command | None:
            for index, intervention in enumerate(self.interventions):
                reason = intervention.fires(view) if fired[index] < intervention.limit else None
                if reason:
                    fired[index] += 1
                    return intervention.act(view, reason, encode)
            return None

        return control

    def to_dict(self) -> dict[str, Any]:
        """Returns the guidance as JSON values."""
        return {"interventions": [intervention.to_dict() for intervention in self.interventions]}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Guidance:
        """Reads what `to_dict` wrote.

        Raises:
            InputError: naming an unknown kind or field.
        """
        return cls([_intervention(item) for item in value.get("interventions", [])])


def standard_guidance(max_tokens: int) -> Guidance:
    """Returns the demo's and the app's guidance: a plan first, a check before the answer, an answer in time."""
    return Guidance([PlanFirst(), Verify(), Budget(max_tokens=max_tokens, answer_tokens=min(24, max_tokens - 1))])


def _intervention(item: dict[str, Any]) -> Intervention:
    arguments = dict(item)
    kind = KINDS.get(arguments.pop("kind", ""))
    if kind is None:
        raise InputError(f"unknown intervention {item.get('kind')!r}; known are {', '.join(KINDS)}")
    unknown = set(arguments) - {field.name for field in fields(kind)}
    if unknown:
        raise InputError(f"{kind.__name__} has no field {sorted(unknown)[0]!r}")
    return kind(**arguments)
