"""Find, load and save a student: a small open model that learns."""

from workbench.students.attention import use_grouped_attention
from workbench.students.prompts import Prompter
from workbench.students.resolve import (
    DEFAULT_STUDENT,
    EMBEDDED,
    SHIPPED,
    StudentSource,
    cache_folder,
    resolve_student,
)
from workbench.students.student import Student, load_student, load_tokenizer

__all__ = [
    "DEFAULT_STUDENT",
    "EMBEDDED",
    "SHIPPED",
    "Prompter",
    "Student",
    "StudentSource",
    "cache_folder",
    "load_student",
    "load_tokenizer",
    "resolve_student",
    "use_grouped_attention",
]
