"""Ask a teacher: programs, recorded traces, or a language model behind an API, within a budget."""

from workbench.teachers.asking import CollectConfig
from workbench.teachers.collect import Collected, collect, plan, unanswered_path
from workbench.teachers.ledger import Ledger, ledger_path
from workbench.teachers.opening import TeacherConfig, open_teacher
from workbench.teachers.prices import PRICES_OF, Price
from workbench.teachers.tasks import Estimate, Problems
from workbench.teachers.teacher import CallError, Reply, Teacher, Tokens

__all__ = [
    "PRICES_OF",
    "CallError",
    "CollectConfig",
    "Collected",
    "Estimate",
    "Ledger",
    "Price",
    "Problems",
    "Reply",
    "Teacher",
    "TeacherConfig",
    "Tokens",
    "collect",
    "ledger_path",
    "open_teacher",
    "plan",
    "unanswered_path",
]
