"""Is this answer right? Text -> marked region -> typed value -> verdict.

`extraction` finds the answer, `graders` compares it, and what each type of answer looks like stands in
`numbers`, `lists`, `phrases`, `formulas` and `constraints`.
"""

from workbench.grading.constraints import check_constraints
from workbench.grading.extraction import answer_type, extract
from workbench.grading.generators import score_with_generator
from workbench.grading.graders import grade, grade_all, grade_answer

__all__ = [
    "answer_type",
    "check_constraints",
    "extract",
    "grade",
    "grade_all",
    "grade_answer",
    "score_with_generator",
]
