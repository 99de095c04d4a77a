"""Find, load and save a student: a small open model that learns."""

from workbench.students.prompts import Prompter
from workbench.students.resolve import DEFAULT_STUDENT, EMBEDDED, StudentSource, cache_folder, resolve_student
from workbench.students.student import Student, load_student

__all__ = [
    "DEFAULT_STUDENT",
    "EMBEDDED",
    "Prompter",
    "Student",
    "StudentSource",
    "cache_folder",
    "load_student",
    "resolve_student",
]
