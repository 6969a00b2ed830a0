"""
One object that does not decode: everything of it that does, and what did not.

A pod with a label that is a number is still a pod with an address. Only objects that failed come here; it is slow.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import msgspec
from msgspec import Raw, Struct

from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

Wire = TypeVar("Wire", bound=Struct)
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises for an object that does not have the shape, or the text, that it should have."""


def salvage(data: Raw | bytes, kind: type[Wire]) -> tuple[Wire, tuple[str, ...]]:
    """
    Decode what can be decoded of an object, field by field.

    Returns:
        The object with its good fields, and for each other one where it lies and what is wrong, without a full stop.

    Raises:
        msgspec.DecodeError: it is no JSON object at all.
    """
    problems: list[str] = []
    return _salvage(data, kind, "", problems), tuple(problems)


def _salvage(data: Raw | bytes, kind: type[Wire], path: str, problems: list[str]) -> Wire:
    parts = msgspec.json.decode(data, type=dict[str, Raw])
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if (raw := parts.get(field.encode_name)) is None:
            continue
        where = f"{path}.{field.encode_name}" if path else field.encode_name
        try:
            values[field.name] = msgspec.json.decode(raw, type=field.type)
        except UNREADABLE as error:
            inner = _struct(field.type)
            if inner is not None and bytes(raw).lstrip()[:1] == b"{":
                values[field.name] = _salvage(raw, inner, where, problems)
            else:
                problems.append(f"{where} cannot be read: {explain(error)}")
    return kind(**values)


def _struct(kind: Any) -> type[Struct] | None:  # noqa: ANN401 - whatever a field is annotated with
    options: Iterable[Any] = get_args(kind) or (kind,)
    return next((one for one in options if isinstance(one, type) and issubclass(one, Struct)), None)


def explain(error: Exception) -> str:
    """Return the decoder's words as one short clause, in the words of JSON."""
    if isinstance(error, UnicodeDecodeError):
        return "text that is not UTF-8"
    if isinstance(error, RecursionError):
        return "nested too deep"
    text = re.sub(r" - at `.*", "", str(error)).replace("`", "").replace("| null", "or null")
    return redact(f"{text[:1].lower()}{text[1:]}"[:120])
