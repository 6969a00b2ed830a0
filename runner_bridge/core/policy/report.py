"""
Collecting problems while a policy is read: by path of keys, turned into places at once.

A problem names where it is by `At`, the keys that lead there; the tree of the text knows the line. Everything that is
quoted is cut short and passes `redact`.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from runner_bridge.core.model import Finding, Place, Severity
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner_bridge.core.model import Code
    from runner_bridge.core.policy.source import Tree

T = TypeVar("T")
At: TypeAlias = tuple[str | int, ...]
"""The keys and list positions that lead to a value: `("tiers", "infra", "runners", 0, "name")`."""

LENGTH_SHOWN = 60
NAMES_COMPARED = 300
"""Among more names the nearest is not looked for: it costs milliseconds for each misspelt one."""


def shown(value: object) -> str:
    """Quote a value from the file: on one line, short, without secrets."""
    text = repr(value) if isinstance(value, str) else str(value)
    text = redact(text)
    return text if len(text) <= LENGTH_SHOWN else f"{text[: LENGTH_SHOWN - 1]}…"


def listed(words: Iterable[object], word: str = "or") -> str:
    """
    Join words for a sentence.

    >>> listed(["a", "b", "c"])
    'a, b or c'
    """
    texts = [str(one) for one in words]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {word} {texts[-1]}"


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return `Did you mean 'pools'?`, or nothing where no known word is near."""
    names = list(map(str, known))
    if len(names) > NAMES_COMPARED:
        return ""
    close = get_close_matches(str(word), names, 1) or get_close_matches(str(word).lower(), names, 1)
    return f"Did you mean {close[0]!r}?" if close else ""


def dotted(at: At) -> str:
    """
    Write a path of keys as people do.

    >>> dotted(("tiers", "infra", "runners", 0, "name"))
    'tiers.infra.runners[0].name'
    """
    text = ""
    for key in at:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return redact(text.removeprefix(".")) or "the policy"


class Refused(ValueError):  # noqa: N818 - a state of a text
    """A text does not have its form; see `Report.read`."""

    def __init__(self, code: Code, *, observed: str, expected: str, remedy: str = "") -> None:
        super().__init__(observed)
        self.code = code
        self.observed = observed
        self.expected = expected
        self.remedy = remedy


class Report:
    """The problems of one reading."""

    def __init__(self, files: tuple[str, ...]) -> None:
        self._files = {name: number for number, name in enumerate(files)}
        self._found: list[tuple[Finding, At]] = []
        self.tree: Tree | None = None
        """Set as soon as the texts are one tree; before that, problems bring their place."""
        self._dropped: set[At] = set()
        """What could not be used and was left out; what follows from that alone is not reported."""
        self._incomplete: set[At] = set()
        """What something was left out of."""
        self.is_partial = False
        """A whole file could not be read."""

    def add(  # noqa: PLR0913 - one argument for each part of a finding
        self,
        code: Code,
        *at: str | int,
        place: Place | None = None,
        on_key: bool = False,
        observed: str = "",
        expected: str = "",
        cause: str = "",
        remedy: str = "",
        proof: str = "",
    ) -> None:
        """
        Keep a problem, unless it only follows from something that was left out.

        Args:
            code: what is wrong.
            at: the keys that lead there.
            place: where, if the tree cannot tell.
            on_key: point at the key and not at its value.
            observed: as in `Finding`, and so the others; already fit for printing (`shown`).
            expected: as in `Finding`.
            cause: as in `Finding`.
            remedy: as in `Finding`.
            proof: as in `Finding`.
        """
        if at and (at in self._incomplete or any(at[:length] in self._dropped for length in range(1, len(at)))):
            return
        if place is None:
            place = self.place(*at, on_key=on_key)
        finding = Finding(
            code=code,
            subject=dotted(at),
            place=place,
            observed=observed,
            expected=expected,
            cause=cause,
            remedy=remedy,
            proof=proof,
        )
        self._found.append((finding, at))

    def place(self, *at: str | int, on_key: bool = False) -> Place:
        """Return where a value stands; where it is not written, what it would belong to."""
        return self.tree.place(at, on_key=on_key) if self.tree else Place(file="")

    def unknown_name(self, code: Code, *at: str | int, value: str, known: Iterable[str], what: str) -> None:
        """Keep the problem that a name is not among the known ones."""
        names = list(known)
        self.add(
            code,
            *at,
            observed=shown(value),
            expected=f"one of the {what}: {listed(map(shown, names[:8]))}{' …' if len(names) > 8 else ''}"
            if names
            else f"a {what.removesuffix('s')} that is defined; there are none",
            remedy=f"{did_you_mean(value, names)} {code.remedy}".strip(),
        )

    def is_whole(self, *at: str | int) -> bool:
        """Tell whether nothing was left out of a part."""
        return at not in self._incomplete

    def drop(self, *at: str | int) -> None:
        """Remember that a value could not be used."""
        self._dropped.add(at)
        self._incomplete.update(at[:length] for length in range(1, len(at) + 1))

    def read(self, form: Callable[[str], T], text: str, *at: str | int) -> T | None:
        """Return what a form makes of a text; None where it refuses it, which is then kept as a problem."""
        try:
            return form(text)
        except Refused as refused:
            self.refused(refused, *at)
            return None

    def refused(self, refused: Refused, *at: str | int) -> None:
        """Keep the problem that a text does not have its form."""
        self.add(refused.code, *at, observed=refused.observed, expected=refused.expected, remedy=refused.remedy)

    def findings(self) -> tuple[Finding, ...]:
        """Return everything once, in the order of files and lines."""
        unique = {(one.code.name, one.place, one.subject, one.observed): one for one, _ in self._found}
        return tuple(sorted(unique.values(), key=lambda one: self.order(one.place or Place(file=""))))

    def order(self, place: Place) -> tuple[int, int, int]:
        """Return what sorts places by file and line."""
        return self._files.get(place.file, -1), place.line, place.column

    @property
    def has_errors(self) -> bool:
        """Something was found that stops the policy from being used."""
        return any(one.code.severity is Severity.ERROR for one, _ in self._found)
