"""What the YAML library says, in words that help whoever wrote the text."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml.reader import ReaderError

from runner_bridge.core.model import Place
from runner_bridge.core.text.problem import Malformed

LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line for libyaml: more than an editor may think."""


def mark_place(name: str, mark: Any) -> Place:  # noqa: ANN401 - an untyped library
    """Return the place of a mark of the library, which counts from 0."""
    return Place(file=name, line=mark.line + 1, column=mark.column + 1)


# What libyaml says → what a person needs to know. The left side is the start of its text.
_EXPLAINED = (
    ("found a tab", "a tab in the indentation", "spaces", "Replace tabs by spaces."),
    (
        "found unexpected ':'",
        "a ':' inside of a value in brackets",
        "quotes around the value",
        'Put quotes around it, as in "group:platform".',
    ),
    (
        "mapping values are not allowed",
        "a second ': ' where none can be",
        "one key in a line",
        "Put quotes around the value, or start a new line for the second key.",
    ),
    (
        "could not find expected ':'",
        "a line that is neither a key nor belongs to one",
        "`key: value`",
        "Add the colon, or check the indentation of the line above.",
    ),
    (
        "did not find expected key",
        "a line that fits no indentation above it",
        "a key, as far to the right as its siblings",
        "Correct the indentation.",
    ),
    (
        "did not find expected '-'",
        "a line that fits no indentation above it",
        "`- `, as far to the right as the other items",
        "Correct the indentation.",
    ),
    ("found unexpected end of stream", "the text ends inside of quotes", "the closing quote", "Add the closing quote."),
    (
        "found character that cannot start any token",
        "a character that no value can start with",
        "a letter, a digit or a quote",
        "Put quotes around the value.",
    ),
    (
        "did not find expected alphabetic or numeric character",
        "a value that begins with * or &, which is YAML's mark of an alias or anchor",
        "quotes around it",
        'Put quotes around it, as in "**".',
    ),
    ("found undefined tag handle", "an unknown tag", "none", "Put quotes around the value if it is meant as text."),
    ("expected ',' or", "a list or map in brackets that is not closed", "`,` or the bracket", "Close it."),
    ("did not find expected ','", "a list or map in brackets that is not closed", "`,` or the bracket", "Close it."),
)


def is_colon(error: Exception) -> bool:
    """Tell whether libyaml refuses a colon that YAML allows: `[group:a]`, `{url: https://…}`."""
    return str(getattr(error, "problem", "")).startswith("found unexpected ':'")


def explain(error: Exception, text: str, name: str) -> Malformed:
    """Return the error in our words, with its place. Never raises."""
    if isinstance(error, ReaderError):
        return _control_character(error.position, text, name)
    if isinstance(error, UnicodeEncodeError):
        return _control_character(error.start, text, name)
    mark = getattr(error, "problem_mark", None)
    place = mark_place(name, mark) if mark is not None else Place(file=name)
    problem = str(getattr(error, "problem", None) or "not readable")
    if mark is not None and _line(text, mark.line)[mark.column : mark.column + 1] == "\t":
        problem = "found a tab"
    for start, observed, expected, remedy in _EXPLAINED:
        if problem.startswith(start):
            return Malformed(place=place, observed=observed, expected=expected, remedy=remedy)
    return Malformed(place=place, observed=problem, expected="YAML", remedy="Correct the line, or the one above it.")


def _line(text: str, number: int) -> str:
    lines = LINE_END.split(text)
    return lines[number] if number < len(lines) else ""


def _control_character(position: int, text: str, name: str) -> Malformed:
    before = LINE_END.split(text[:position])
    return Malformed(
        place=Place(file=name, line=len(before), column=len(before[-1]) + 1),
        observed="a control character or half of a character",
        expected="text",
        remedy="Remove it; check that the file is text in UTF-8.",
    )
