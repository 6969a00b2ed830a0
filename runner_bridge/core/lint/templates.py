"""
Files that a template engine has yet to fill in: what stands there is checked, what does not is named.

The pieces of Helm (`{{ … }}`), Terraform (`${ … }`, `%{ … }`) and Jinja (`{% … %}`, `{# … #}`) are replaced by
characters of the private use area, one for one, so that every line and column stays. In a text they are part of its
value; elsewhere they become a text in quotes, or white space when the line holds nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.core.model import Finding, Place
from runner_bridge.core.model.codes import runner_config as codes
from runner_bridge.core.text.yaml import Malformed, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner_bridge.core.text.yaml import Node

FILLER = "\ue000"
"""Stands for each character of a piece; no file of settings holds it."""

_PIECE = rf"{FILLER}{{2,}}|\{{\{{.*?\}}\}}|\{{%.*?%\}}|\{{\#.*?\#\}}|%\{{.*?\}}|(?<!\$)\$\{{[^}}\n]*\}}"
_ANY_PIECE = re.compile(_PIECE, re.DOTALL)
_TOKEN = re.compile(rf"""(?P<piece>{_PIECE})|(?P<quote>\"\"\"|'''|"|')|(?P<escape>\\.)|(?P<hash>\#)|\n""", re.DOTALL)
_TEMPLATE_NAMES = (".tpl", ".tftpl", ".tmpl", ".gotmpl", ".j2", ".erb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """A text whose template pieces are covered, or were covered before as those of an outer file."""

    text: str
    lines: tuple[int, ...]
    """The lines, from 1, that hold a covered piece; in order, each once."""


def is_template_name(name: str) -> bool:
    """Tell whether a file's name is that of a template."""
    return name.endswith(_TEMPLATE_NAMES)


def has_pieces(text: str) -> bool:
    """Tell whether anything in a text looks like a piece of a template."""
    return _ANY_PIECE.search(text) is not None


def is_covered(value: object) -> bool:
    """Tell whether a value holds a covered piece, so that nothing can be said about it."""
    return isinstance(value, str) and FILLER in value


def mask_toml(text: str, *, terraform: bool) -> Masked:
    """
    Cover the pieces of a TOML text.

    Args:
        text: the template.
        terraform: `${ … }` inside of quotes is Terraform's too; else it is a variable of the CI job, as the runner
            has it in annotations and labels.
    """
    result: list[str] = []
    lines: list[int] = []
    end = 0
    for piece in _pieces(text):
        if piece.quoted and not terraform and piece.text.startswith("${"):
            continue
        if FILLER not in piece.text:
            lines.append(text.count("\n", 0, piece.start) + 1)
        covered = _covered(piece.text) if piece.quoted else _placeholder(text, piece.start, piece.end)
        result += [text[end : piece.start], covered]
        end = piece.end
    return Masked(text="".join([*result, text[end:]]), lines=tuple(dict.fromkeys(lines)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    text: str
    start: int
    end: int
    quoted: bool


def _pieces(text: str) -> Iterator[_Piece]:
    """Yield the pieces of a TOML text that stand in no comment, and whether they stand inside of quotes."""
    quote = ""
    comment_end = -1
    for found in _TOKEN.finditer(text):
        part = found[0]
        if found.start() < comment_end:
            continue
        if found["piece"]:
            yield _Piece(text=part, start=found.start(), end=found.end(), quoted=bool(quote))
        elif found["hash"] and not quote:
            line_end = text.find("\n", found.end())
            comment_end = line_end if line_end >= 0 else len(text)
        elif found["quote"] and (not quote or part.startswith(quote)):
            quote = "" if quote else part
        elif part == "\n" and len(quote) == 1:
            quote = ""


def mask_yaml(text: str) -> Masked:
    """Cover the pieces of a YAML text; a line that holds nothing else becomes empty."""
    lines: list[int] = []

    def cover(found: re.Match[str]) -> str:
        lines.append(text.count("\n", 0, found.start()) + 1)
        blank = _is_alone(text, found.start(), found.end())
        return _blank(found[0]) if blank else _covered(found[0])

    return Masked(text=_ANY_PIECE.sub(cover, text), lines=tuple(dict.fromkeys(lines)))


def read_yaml(text: str, name: str) -> tuple[tuple[Node, ...], tuple[int, ...]]:
    """
    Read a YAML text, with its pieces covered where it is no YAML otherwise.

    Returns:
        The documents, and the lines of the pieces that had to be covered.

    Raises:
        Malformed: it is none with its pieces covered either.
    """
    try:
        return parse(text, name), ()
    except Malformed:
        if not has_pieces(text):
            raise
    masked = mask_yaml(text)
    return parse(masked.text, name), masked.lines


def uses_terraform(text: str, name: str) -> bool:
    """Tell whether a template is Terraform's: by its name, by `%{`, or by `${` where TOML has no text."""
    if name.endswith(".tftpl") or (name.endswith(".tpl") and "{{" not in text):
        return True
    return any(
        piece.text.startswith("%{") or (piece.text.startswith("${") and not piece.quoted) for piece in _pieces(text)
    )


def covered_lines(text: str, lines: Iterable[int]) -> frozenset[int]:
    """Return the lines of pieces, and those that a text holds covered already, as a part of a covered file."""
    return frozenset(lines) | {number for number, line in enumerate(text.split("\n"), 1) if FILLER in line}


def unchecked(lines: Iterable[int], name: str) -> tuple[Finding, ...]:
    """Return the one finding that says which lines were not checked; none when all were."""
    numbers = sorted(set(lines))
    if not numbers:
        return ()
    shown = f"line{'s' if len(numbers) > 1 else ''} {_ranges(numbers)}"
    finding = Finding(
        code=codes.TEMPLATE_UNCHECKED,
        subject=f"template, {shown}",
        place=Place(file=name, line=numbers[0]),
        observed=shown,
    )
    return (finding,)


def _ranges(numbers: list[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = [f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return ", ".join(shown)


def _covered(piece: str) -> str:
    return re.sub(r"[^\n]", FILLER, piece)


def _blank(piece: str) -> str:
    return re.sub(r"[^\n]", " ", piece)


def _placeholder(text: str, start: int, end: int) -> str:
    piece = text[start:end]
    if _is_alone(text, start, end):
        return _blank(piece)
    first, *rest = piece.split("\n")
    # A piece that goes on in the next line may be too short for quotes; nothing follows it in its line.
    quoted = f'"{_covered(first)[2:] or FILLER}"'
    return "\n".join([quoted, *(_blank(line) for line in rest)])


def _is_alone(text: str, start: int, end: int) -> bool:
    """Tell whether the lines of a piece hold nothing but pieces."""
    before = text.rfind("\n", 0, start) + 1
    after = text.find("\n", end)
    lines = text[before : after if after >= 0 else len(text)]
    return not _ANY_PIECE.sub("", lines).strip()
