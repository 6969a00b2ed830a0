"""
What `gitlab-runner lint` answered → findings with the places of our own reader.

The forms of its answers are those of GitLab Runner 19.4: commands/lint.go (unknown keys), the TOML decoder's
`toml: line N (last key "k"): …`, and one `- at '/pointer': …` per violation of the schema.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_bridge.core.model import Finding, Place
from runner_bridge.core.model.codes import runner_binary as codes
from runner_bridge.core.redact import redact
from runner_bridge.core.text import toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_UNKNOWN = re.compile(r"(?m)^\s*unknown key: (.+?)\s*$")
_SCHEMA = re.compile(r"(?m)^\s*- at '([^']*)': (.+?)\s*$")
_DECODER = re.compile(r'toml: (?:line (\d+) )?\(last key "((?:[^"\\]|\\.)*)"\): (.+?)\s*$', re.DOTALL)
_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|([^."]+)')


def read(answer: str, text: str, name: str) -> tuple[Finding, ...]:
    """
    Return one finding per thing that the runner named. Never raises.

    Args:
        answer: what the runner wrote before it failed.
        text: the file that it was asked about.
        name: of that file, in places.
    """
    unknown, broken = _UNKNOWN.findall(answer), _SCHEMA.findall(answer)
    if unknown:
        root = toml.parse(text, name).root
        return tuple(_unknown_key(key, root, name) for key in _outermost(unknown))
    if broken:
        return tuple(_refused(pointer, problem, Place(file=name)) for pointer, problem in broken)
    problem = answer.rpartition("FATAL: ")[2]
    found = _DECODER.search(problem)
    if found:
        line, key, why = found.groups()
        return (_refused(key.replace('\\"', '"'), why, Place(file=name, line=int(line or 0))),)
    return (_refused("the file", " ".join(problem.split()), Place(file=name)),)


def without_repeats(answers: Iterable[Finding], own: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the answers about lines of which our own linter has said something: once is enough."""
    told = {(one.place.file, one.place.line) for one in own if one.place and one.place.line}
    return tuple(one for one in answers if not one.place or (one.place.file, one.place.line) not in told)


def _outermost(keys: list[str]) -> list[str]:
    """Drop keys inside of a table that is unknown itself."""
    return [key for key in keys if not any(key.startswith(f"{other}.") for other in keys)]


def _unknown_key(key: str, root: toml.Table, name: str) -> Finding:
    parts = [quoted.replace('\\"', '"') or bare for quoted, bare in _PART.findall(key)]
    return Finding(
        code=codes.UNKNOWN_KEY,
        subject=redact(key),
        place=_place(root, parts) or Place(file=name),
        observed=redact(parts[-1]),
    )


def _place(table: toml.Table, parts: list[str]) -> Place | None:
    entry = table.entries.get(parts[0])
    if entry is None or len(parts) == 1:
        return entry.key.place if entry else None
    values = entry.value.items if isinstance(entry.value, toml.Array) else (entry.value,)
    tables = [value for value in values if isinstance(value, toml.Table)]
    return next((place for value in tables if (place := _place(value, parts[1:]))), None)


def _refused(subject: str, problem: str, place: Place) -> Finding:
    short = problem if len(problem) <= 200 else f"{problem[:199]}…"
    return Finding(code=codes.REFUSED, subject=redact(subject), place=place, observed=redact(short))
