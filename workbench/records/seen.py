"""How often texts came before, without memory that grows with their number."""

from __future__ import annotations

import sqlite3

from workbench.errors import StorageError, first_line

_BEFORE = "INSERT INTO seen VALUES (?, 0) ON CONFLICT (text) DO UPDATE SET before = before + 1 RETURNING before"


class Seen:
    """Counts texts; a private temporary file keeps them.

    >>> seen = Seen()
    >>> [seen.before(text) for text in ("a", "b", "a")]
    [0, 0, 1]
    """

    def __init__(self) -> None:
        # SQLite: an empty name is a private file that lasts as long as the connection.
        self._data = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._data.execute("CREATE TABLE seen (text BLOB PRIMARY KEY, before INTEGER) WITHOUT ROWID")
        self._data.execute("BEGIN")

    def before(self, text: str) -> int:
        """Returns how often the text came before, and counts it.

        Raises:
            StorageError: where the temporary folder is full.
        """
        try:
            (before,) = self._data.execute(_BEFORE, (text.encode(errors="surrogatepass"),)).fetchone()
        except sqlite3.OperationalError as error:
            raise StorageError(
                f"the temporary folder takes no more ({first_line(error)}); free some space, or set TMPDIR"
            ) from error
        return int(before)
