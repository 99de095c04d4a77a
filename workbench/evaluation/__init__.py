"""Benchmarks, the arms of a comparison, and how sure one may be of it."""

from workbench.evaluation.arms import BASE, STUDENT, Arm, DecodingConfig, answer_problems
from workbench.evaluation.doses import DoseRow, Doses, dose_response
from workbench.evaluation.outcomes import Outcome, arm_costs, estimate, family_rows, format_rate, gain, grade_arms
from workbench.evaluation.statistics import Estimate, Gain, accuracy, gap_closed, holm, paired_gain, verdict

__all__ = [
    "BASE",
    "STUDENT",
    "Arm",
    "DecodingConfig",
    "DoseRow",
    "Doses",
    "Estimate",
    "Gain",
    "Outcome",
    "accuracy",
    "answer_problems",
    "arm_costs",
    "dose_response",
    "estimate",
    "family_rows",
    "format_rate",
    "gain",
    "gap_closed",
    "grade_arms",
    "holm",
    "paired_gain",
    "verdict",
]
