"""Why a line is no TOML, in words for whoever wrote it: the character to look at, what was expected, what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from runner_bridge.core.model import Place


class Mistake(StrEnum):
    """What kind of mistake a problem is."""

    SYNTAX = "syntax"
    BARE_KEY = "bare-key"
    """A key whose characters need quotes, `cni.projectcalico.org/ipv4pools` without them."""
    REPEATED = "repeated"
    """A key or a table is defined twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that a TOML parser would refuse. Holds keys of the text, never values: those may be secrets."""

    place: Place
    observed: str
    expected: str
    remedy: str
    mistake: Mistake


QUOTED = r"""(?:"(?:\\.|[^"\\])*"|'[^']*')"""
HEADER = re.compile(r"^(?P<start>\s*)(?P<open>\[\[?)(?P<name>[^\[\]\n#=]*)")
_IN_BARE_KEY = "in a key without quotes"
_EMPTY_PART = re.compile(r"^\s*\.|\.\s*\.|\.\s*$")
_NOT_BARE = re.compile(r"[^A-Za-z0-9_.-]")
_METADATA_KEY = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+/[A-Za-z0-9._-]{1,63}")
_KEY = re.compile(rf"""\s*(?P<key>(?:{QUOTED}|[^=#"'\s]|[ \t]+(?=[^=#\s]))+)[ \t]*(?P<equals>=?)""")
_WORD_VALUE = re.compile(r"[A-Za-z$./]")


def explain(line: str, row: int, name: str) -> Problem:
    """
    Say what is wrong with a line. Quotes keys, never values.

    Args:
        line: as it stands in the file.
        row: its number, from 0.
        name: what the file is called.
    """
    for look in (_header_problem, _key_problem, _value_problem):
        found = look(line)
        if found is not None:
            column, observed, expected, remedy = found
            break
    else:
        column = len(line) - len(line.lstrip(" \t"))
        observed, expected, remedy = "something that is no TOML", "`key = value`", "Correct or remove it."
    place = Place(file=name, line=row + 1, column=column + 1, end_column=max(column + 2, 0))
    mistake = Mistake.BARE_KEY if observed.endswith(_IN_BARE_KEY) else Mistake.SYNTAX
    return Problem(mistake=mistake, place=place, observed=observed, expected=expected, remedy=remedy)


_Explained = tuple[int, str, str, str] | None


def _header_problem(line: str) -> _Explained:
    found = HEADER.match(line)
    if not found:
        return None
    brackets = "]" * len(found["open"])
    if not found["name"].strip():
        return found.end(), "a table header without a name", "`[name]`", "Name the table."
    end = found.start("name") + len(found["name"].rstrip())
    rest = line[found.end() :]
    if not rest.startswith(brackets):
        seen = "the end of the line" if not rest else f"`{rest[0]}`"
        return end, f"{seen} in a table header", f"`{brackets}`", f"Close the header with {brackets}."
    if rest[len(brackets) :].lstrip()[:1] not in {"", "#"}:
        column = found.end() + len(brackets) + (len(rest) - len(brackets) - len(rest[len(brackets) :].lstrip()))
        return column, "text after a table header", "the end of the line", "Put it on a line of its own."
    empty = _EMPTY_PART.search(found["name"])
    if empty:
        return (
            found.start("name") + empty.end() - 1,
            "an empty name in a table header",
            "a name between dots",
            "Name it.",
        )
    return _bad_character(found.start("name"), found["name"].rstrip())


def _key_problem(line: str) -> _Explained:
    found = _KEY.match(line)
    if not found:
        return None
    key, start = found["key"], found.start("key")
    if found["equals"]:
        return _bad_character(start, key)
    word = re.split(r"[\s:]", key, maxsplit=1)[0]
    if key[len(word) :].startswith(":"):
        return start + len(word), "`:` after a key", "`=`", "Write key = value; this file is TOML, not YAML."
    return start + len(word), "a key without `=`", "`=`", "Write key = value."


def _bad_character(start: int, key: str) -> _Explained:
    plain = re.sub(QUOTED, lambda found: "_" * len(found[0]), key)
    plain = re.sub(r"[ \t]*\.[ \t]*", lambda found: "." * len(found[0]), plain)
    found = _NOT_BARE.search(plain)
    if not found:
        return None
    # Only what is surely a key is quoted: the line may be a piece of a secret.
    remedy = f'Quote the key: "{key}".' if _METADATA_KEY.fullmatch(key) else "Quote the key."
    return start + found.start(), f"`{found[0]}` {_IN_BARE_KEY}", "`.` or `=`", remedy


def _value_problem(line: str) -> _Explained:
    """Explain a value; `_key_problem` has seen a key and an equals sign before it."""
    start = line.find("=") + 1
    if not start:
        return None
    if not line[: start - 1].strip():
        return start - 1, "no key before `=`", "`key = value`", "Name the key."
    value = line[start:].split("#", 1)[0].strip()
    column = start + len(line[start:]) - len(line[start:].lstrip())
    if not value:
        return start, "no value after `=`", "a value", 'Write one; "" is an empty text.'
    observed, expected, remedy = _quotes_problem(value) or _word_problem(value)
    return column, observed, expected, remedy


def _quotes_problem(value: str) -> tuple[str, str, str] | None:
    quote = value[0]
    if quote not in "\"'":
        return None
    if value.startswith(quote * 3) or value.count(quote) % 2:
        return (
            "a text that is not closed",
            f"`{quote * 3 if value.startswith(quote * 3) else quote}`",
            "Close the quotes.",
        )
    if quote == '"' and "\\" in value:
        remedy = "Write '…' (single quotes take everything as it is), or double each backslash."
        return "an escape that TOML does not know", 'one of \\n \\t \\" \\\\', remedy
    return "text after a value", "the end of the line", "Put each key on a line of its own."


def _word_problem(value: str) -> tuple[str, str, str]:
    if value in {"True", "False", "TRUE", "FALSE", "yes", "no", "on", "off"}:
        return f"`{value}`", "`true` or `false`", "TOML knows only true and false, in small letters."
    if _WORD_VALUE.match(value):
        return "a text without quotes", '`"…"`', "Put quotes around it."
    return "a value that is no TOML", "a text in quotes, a number, true, false, […] or {…}", "Correct it."
