"""Edits of a text by position, made all at once: replace some bytes, put lines in, put lines behind everything."""

from __future__ import annotations

# The order of edits at one place.
_FIRST, _LAST, _END, _REPLACE = range(4)


class Splice:
    """Collects edits of one text. Lines that come in take the line ends that the text has."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._edits: list[tuple[int, int, int, str]] = []
        first = data.find(b"\n")
        self._line_end = b"\r\n" if data[first - 1 : first] == b"\r" and first > 0 else b"\n"

    def replace(self, where: slice, text: str) -> None:
        """Put `text` in the place of some bytes; empty text takes them out."""
        self._edits.append((where.start, _REPLACE, where.stop, text))

    def insert(self, offset: int, text: str, *, last: bool = False) -> None:
        """Put whole lines before the line that starts at `offset`; those that are `last` behind the others there."""
        self._edits.append((offset, _LAST if last else _FIRST, offset, text))

    def append(self, text: str) -> None:
        """Put whole lines at the end."""
        self._edits.append((len(self._data), _END, len(self._data), text))

    def result(self) -> str:
        """Return the edited text."""
        written = bytearray()
        done = 0
        for start, kind, stop, text in sorted(self._edits, key=lambda edit: edit[:2]):
            written += self._data[done:start]
            if kind != _REPLACE and written and not written.endswith(b"\n"):
                written += self._line_end
            written += text.encode().replace(b"\n", self._line_end)
            done = stop
        return (written + self._data[done:]).decode()
