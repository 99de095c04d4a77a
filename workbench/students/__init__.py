"""Find, load and save a student: a small open model that learns."""

from workbench.students.attention import use_grouped_attention
from workbench.students.export import Exported, export_student
from workbench.students.packed import PackedLinears
from workbench.students.prompts import Prompter
from workbench.students.resolve import (
    DEFAULT_STUDENT,
    EMBEDDED,
    SHIPPED,
    TRAINING_RECORD,
    StudentSource,
    cache_folder,
    resolve_student,
)
from workbench.students.student import Student, load_student, load_tokenizer

__all__ = [
    "DEFAULT_STUDENT",
    "EMBEDDED",
    "SHIPPED",
    "TRAINING_RECORD",
    "Exported",
    "PackedLinears",
    "Prompter",
    "Student",
    "StudentSource",
    "cache_folder",
    "export_student",
    "load_student",
    "load_tokenizer",
    "resolve_student",
    "use_grouped_attention",
]
