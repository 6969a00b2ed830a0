"""
Kubernetes label selectors, as `-l` takes them: parsed once, matched while a dump is decoded.

Source of the syntax and of what an absent label means: kubernetes, staging/src/k8s.io/apimachinery/pkg/labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY = r"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"
_REQUIREMENT = re.compile(
    rf"""(?x) \s* (?:
        ! \s* (?P<absent>{_KEY})
      | (?P<key>{_KEY}) (?:
            \s+ (?P<set> in | notin ) \s* \( (?P<values> [^()]* ) \)
          | \s* (?P<sign> == | = | != | < | > ) \s* (?P<value>{_VALUE})
        )?
    ) \s* (?: , | $ )"""
)
_INTEGER = re.compile(r"-?\d{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One part of a selector."""

    key: str
    operator: str
    """`exists`, `absent`, `in`, `notin`, `<`, `>`; equality is `in` with one value."""
    values: tuple[str, ...] = ()

    def holds(self, value: str | None) -> bool:
        """Tell whether a label with this value, None where it is not there, satisfies it."""
        match self.operator:
            case "exists":
                return value is not None
            case "absent":
                return value is None
            case "in":
                return value in self.values
            case "notin":
                return value not in self.values
        if value is None or not _INTEGER.fullmatch(value):
            return False
        bound = int(self.values[0])
        return int(value) < bound if self.operator == "<" else int(value) > bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """All of its requirements must hold; without any it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The labels that it looks at, each once."""
        return tuple(dict.fromkeys(one.key for one in self.requirements))

    def matches(self, labels: Mapping[str, str | None]) -> bool:
        """Tell whether labels satisfy it; one that is absent may also be None."""
        return all(one.holds(labels.get(one.key)) for one in self.requirements)


EVERYTHING = Selector()


def parse_selector(text: str) -> Selector:
    """
    Parse `key=value,key!=value,key in (a,b),key notin (a,b),key,!key,key>1`; empty text selects everything.

    Raises:
        SettingsError: it is no selector; says from where on.

    >>> parse_selector("tier=infra,!canary").matches({"tier": "infra"})
    True
    """
    found: list[Requirement] = []
    text = text.rstrip()
    at = 0
    while at < len(text) or text.endswith(","):
        part = _REQUIREMENT.match(text, at)
        requirement = _requirement(part) if part else None
        if part is None or requirement is None:
            message = (
                f"-l {text!r}: not a label selector from {text[at:].strip()!r} on. Expected for example "
                "'key=value', 'key!=value', 'key in (a,b)', 'key notin (a,b)', 'key' or '!key', joined by commas."
            )
            raise SettingsError(message)
        found.append(requirement)
        at = part.end()
    return Selector(requirements=tuple(found))


def _requirement(part: re.Match[str]) -> Requirement | None:
    if part["absent"]:
        return Requirement(key=part["absent"], operator="absent")
    key, sign = part["key"], part["sign"]
    if part["set"]:
        values = tuple(one.strip() for one in part["values"].split(","))
        valid = all(re.fullmatch(_VALUE, one) for one in values)
        return Requirement(key=key, operator=part["set"], values=values) if valid else None
    if sign is None:
        return Requirement(key=key, operator="exists")
    if sign in "<>":
        valid = _INTEGER.fullmatch(part["value"]) is not None
        return Requirement(key=key, operator=sign, values=(part["value"],)) if valid else None
    return Requirement(key=key, operator="notin" if sign == "!=" else "in", values=(part["value"],))
