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
    root = toml.parse(text, name).root
    whole = Place(file=name)
    if unknown := _UNKNOWN.findall(answer):
        return tuple(_unknown_key(key, _place(root, _parts(key)) or whole) for key in _outermost(unknown))
    if broken := _SCHEMA.findall(answer):
        return tuple(
            _refused(pointer, problem, _place(root, pointer.split("/")[1:]) or whole) for pointer, problem in broken
        )
    problem = answer.rpartition("FATAL: ")[2]
    found = _DECODER.search(problem)
    if found is None:
        return (_refused("the file", " ".join(problem.split()), whole),)
    line, key, why = found[1], found[2].replace('\\"', '"'), found[3]
    place = Place(file=name, line=int(line)) if line else _place(root, _parts(key)) or whole
    return (_refused(key, why, place),)


def without_repeats(answers: Iterable[Finding], own: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the answers about lines of which our own linter has said something: once is enough."""
    told = {(one.place.file, one.place.line) for one in own if one.place and one.place.line}
    return tuple(one for one in answers if not one.place or (one.place.file, one.place.line) not in told)


def _outermost(keys: list[str]) -> list[str]:
    """Drop keys inside of a table that is unknown itself."""
    return [key for key in keys if not any(key.startswith(f"{other}.") for other in keys)]


def _parts(key: str) -> list[str]:
    return [quoted.replace('\\"', '"') or bare for quoted, bare in _PART.findall(key)]


def _unknown_key(key: str, place: Place) -> Finding:
    return Finding(code=codes.UNKNOWN_KEY, subject=redact(key), place=place, observed=redact(_parts(key)[-1]))


def _place(value: toml.Value, parts: list[str]) -> Place | None:
    """Return where a key stands; for one that is missing in a table of an array, the header of that table."""
    if not parts:
        return None
    first, *rest = parts
    match value:
        case toml.Array() if first.isdecimal():
            item = value.items[int(first)] if int(first) < len(value.items) else None
            return (_place(item, rest) or item.place) if item else None
        case toml.Array():
            return next((place for item in value.items if (place := _place(item, parts))), None)
        case toml.Table():
            entry = value.entries.get(first)
            if entry is None:
                return None
            return _place(entry.value, rest) if rest else entry.key.place
        case _:
            return None


def _refused(subject: str, problem: str, place: Place) -> Finding:
    short = problem if len(problem) <= 200 else f"{problem[:199]}…"
    return Finding(code=codes.REFUSED, subject=redact(subject), place=place, observed=redact(short))
