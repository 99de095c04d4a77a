"""The errors a user can act on: one line that names the place and the fix."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """Returns the beginning of a library's complaint, fit to stand inside a line of ours.

    >>> first_line(ValueError("no such thing\\nand ten lines of advice"))
    'no such thing'
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]


class WorkbenchError(Exception):
    """Something the user can mend.

    The message is a single line: what is wrong, where, and what to do about it. The command line
    prints it and exits with ``exit_code``; anything that is not a ``WorkbenchError`` is a defect.
    """

    exit_code = 1


class InputError(WorkbenchError):
    """A file, a record or an argument is not what was promised."""

    exit_code = 2


class StudentError(WorkbenchError):
    """A student cannot be found, loaded or used."""

    exit_code = 3


class StorageError(WorkbenchError):
    """The disk is full, read-only, or otherwise unwilling."""

    exit_code = 4


class TrainingError(WorkbenchError):
    """Training cannot start or had to stop; the last good checkpoint is kept."""

    exit_code = 5


class TeacherError(WorkbenchError):
    """A teacher cannot be reached, refuses the key, or answers nothing that can be used."""

    exit_code = 6
