"""Guided inference: stepping into a student's reasoning while it runs."""

from workbench.interventions.guidance import Guidance, standard_guidance
from workbench.interventions.intervention import Intervention, inject
from workbench.interventions.library import Budget, PlanFirst, Verify

__all__ = ["Budget", "Guidance", "Intervention", "PlanFirst", "Verify", "inject", "standard_guidance"]
