"""
A plan for people, in the shape that Terraform made known: a symbol, what, why, each field, and the counts at the end.

Diffs are never wrapped, so that they can be copied; nothing that was read from somebody else can steer the terminal.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from runner_bridge.ask.views import well_formed
from runner_bridge.core.model.edit import Deed, Part
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model.edit import Edit, FieldEdit, Plan

_RESET = "\x1b[0m"
_COLOURS = {Deed.CREATE: "\x1b[32m", Deed.UPDATE: "\x1b[33m", Deed.DELETE: "\x1b[31m", Deed.TELL: "\x1b[36m"}
_INDENT = "      "
_DIFFS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}


def render(plan: Plan, *, colour: bool, width: int) -> str:
    """Return a paragraph for each edit, with an empty line behind it; empty text for none."""
    lines = [line for edit in plan.edits for line in (*_edit(edit, colour=colour, width=width), "")]
    return "".join(f"{line}\n" for line in lines)


def counted(plan: Plan) -> str:
    """
    Return the last line.

    >>> from runner_bridge.core.model.edit import Plan
    >>> counted(Plan())
    'No changes: what was compared is as the policy says.'
    """
    if plan.is_empty and plan.unseen:
        return "No changes in what could be compared; not everything could."
    if plan.is_empty:
        return "No changes: what was compared is as the policy says."
    counts = Counter(one.deed for one in plan.edits)
    told = f", {counts[Deed.TELL]} for somebody else" if counts[Deed.TELL] else ""
    made = f"{counts[Deed.CREATE]} to create, {counts[Deed.UPDATE]} to change, {counts[Deed.DELETE]} to delete"
    return f"Plan: {made}{told}."


def _edit(edit: Edit, *, colour: bool, width: int) -> Iterator[str]:
    paint, reset = (_COLOURS[edit.deed], _RESET) if colour else ("", "")
    yield f"{paint}  {edit.deed.symbol}{reset} {_plain(edit.address)}  {_plain(edit.where)}"
    yield from _wrapped(edit.why, width)
    if edit.warning:
        yield from _wrapped(f"Warning: {edit.warning}", width)
    if edit.part is Part.CONFIGURATION and edit.deed is not Deed.TELL and not edit.is_confirmable:
        yield from _wrapped("Nobody says when it has been loaded: it will be written, not confirmed.", width)
    longest = max((len(one.name) for one in edit.fields), default=0)
    for one in edit.fields:
        yield f"{_INDENT}  {_plain(one.name):<{longest}}  {_field(edit, one)}"
    for line in redact(edit.text).splitlines():
        yield _diff(line, colour=colour)


def _field(edit: Edit, one: FieldEdit) -> str:
    before, after = (_plain(redact(text)) for text in (one.before, one.after))
    if edit.deed is Deed.CREATE:
        return after
    if edit.deed is Deed.DELETE:
        return before
    return f"{before or '(nothing)'} -> {after or '(nothing)'}"


def _diff(line: str, *, colour: bool) -> str:
    paint = _DIFFS.get(line[:1], "") if colour else ""
    return f"{_INDENT}{paint}{_plain(line)}{_RESET if paint else ''}"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        _plain(redact(text)), max(width, 40), initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False
    )


def _plain(text: str) -> str:
    return well_formed(
        "".join(one if one.isprintable() or one == "\t" else "\N{REPLACEMENT CHARACTER}" for one in text)
    )
