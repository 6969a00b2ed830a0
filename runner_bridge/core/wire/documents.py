"""
Bytes of a dump → the objects in it, whatever its form: a list, single objects, JSON lines, a watch.

Two ways lead through a dump. The fast one decodes it whole into narrow structs in one pass. Where an object does not
fit, or the form is another, the slow one looks at each object by itself, so that a bad one loses no other.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from runner_bridge.core.errors import WireError
from runner_bridge.core.redact import redact
from runner_bridge.core.wire import objects
from runner_bridge.core.wire.calico import IPAMBlock, IPPool
from runner_bridge.core.wire.events import Event
from runner_bridge.core.wire.salvage import UNREADABLE, explain, salvage
from runner_bridge.core.wire.sniff import HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: Final[Mapping[str, Any]] = {
    "Pod": objects.Pod,
    "Namespace": objects.Namespace,
    "IPPool": IPPool,
    "IPAMBlock": IPAMBlock,
    "Event": Event,
}
_WATCH = re.compile(rb'\s*\{\s*"(?:type|object)"\s*:')
_FIRST_KIND = re.compile(rb'"kind"\s*:\s*"(\w*)"')
# A raw line break cannot stand inside a JSON text, so in what kubectl and jq print only a document starts a line so.
# With the line break first the search is ten times faster than with `^`.
_NEXT_DOCUMENT = re.compile(rb"\n[{\[]")


NO_KIND = "without a kind"
"""What objects without a kind are counted as."""


@dataclass(slots=True, kw_only=True)
class Found:
    """What a dump holds."""

    objects: list[tuple[str, Any, tuple[str, ...]]] = field(default_factory=list)
    """Kind, object, what of it could not be read; in the order of the dump."""
    deleted: set[int] = field(default_factory=set)
    """Positions in `objects` that a watch says are gone."""
    kinds: set[str] = field(default_factory=set)
    """Known kinds that the dump speaks of, be it by an empty list."""
    empty: bool = False
    """A list of no named kind held nothing."""
    others: Counter[str] = field(default_factory=Counter)
    """How often objects of other kinds came; those are passed over."""
    lost: list[tuple[str, str]] = field(default_factory=list)
    """Objects of which nothing could be read: kind (empty where unknown) and why."""
    stops: list[str] = field(default_factory=list)
    """Why a watch ended, in the server's words."""


class _Envelope(Struct, rename="camel"):
    """What says which kind of thing a JSON object is."""

    kind: str | None = None
    type: str | None = None
    object: Raw = Raw()
    items: list[Raw] | None = None
    metadata: Raw = Raw()
    message: str | None = None


_ENVELOPE: Decoder[_Envelope] = Decoder(_Envelope)


class Documents:
    """
    Decodes dumps; made once, for building decoders costs more than a small dump.

    Args of the constructor:
        pod: the class for pods, `objects.Pod` or one with more labels.
    """

    def __init__(self, pod: type[objects.Pod] = objects.Pod) -> None:
        self._kinds: Mapping[str, Any] = {**_KINDS, "Pod": pod}
        self._name_of = {kind: name for name, kind in self._kinds.items()}
        mixed: Any = pod | objects.Namespace | IPPool | IPAMBlock | Event
        listed: Any = objects.Listed
        change: Any = objects.Change
        self._watch: Decoder[Any] = Decoder(change[mixed | objects.Status])
        self._mixed: Decoder[Any] = Decoder(listed[mixed])
        self._item: Decoder[Any] = Decoder(mixed)
        self._lists: Mapping[bytes, Decoder[Any]] = {
            f"{name}List".encode(): Decoder(listed[kind]) for name, kind in self._kinds.items()
        }

    def decode(self, data: memoryview, *, default: str) -> Found:
        """
        Return what a dump holds.

        Args:
            data: without a byte order mark.
            default: the kind of objects that name none, as in an array taken out of a list.

        Raises:
            msgspec.DecodeError: it is not JSON, or is cut off.
            RecursionError: it is nested deeper than any object.
            WireError: it holds only metadata, or the server's refusal.
        """
        return self._whole(data) or self._each(data, default)

    def _whole(self, data: memoryview) -> Found | None:
        """Decode in one pass; None where that does not do."""
        head = bytes(data[:HEAD_BYTES])
        try:
            if _WATCH.match(head):
                return self._changes(self._watch.decode_lines(data))
            first = _FIRST_KIND.search(head)
            return self._items(self._lists.get(first[1] if first else b"", self._mixed).decode_lines(data))
        except (msgspec.ValidationError, UnicodeDecodeError):
            return None
        except msgspec.DecodeError:
            # A watch that was interrupted ends in the middle of a line; its other lines are good.
            if len(_starts(data, 2)) < 2:
                raise
            return None

    def _items(self, lists: list[objects.Listed[Any]]) -> Found | None:
        found = Found()
        for one in lists:
            if one.items is None or not one.kind or not one.kind.endswith("List"):
                return None
            named = one.kind.removesuffix("List")
            if named in self._kinds:
                found.kinds.add(named)
            elif named:
                return None
            found.empty = found.empty or not (named or one.items)
            found.objects += [(self._name_of[type(item)], item, ()) for item in one.items]
        found.kinds.update(kind for kind, _, _ in found.objects)
        return found

    def _changes(self, changes: list[objects.Change[Any]]) -> Found:
        found = Found()
        for change in changes:
            if change.object is not None:
                self._change(change.type or "", change.object, (), found)
        return found

    def _change(self, change: str, item: Any, problems: tuple[str, ...], found: Found) -> None:  # noqa: ANN401
        if isinstance(item, objects.Status):
            found.stops.append(redact(f"{item.code or ''} {item.reason or ''}: {item.message or ''}".strip(" :")[:200]))
            return
        name = self._name_of[type(item)]
        found.kinds.add(name)
        if change == "BOOKMARK":
            return
        if change == "DELETED":
            found.deleted.add(len(found.objects))
        found.objects.append((name, item, problems))

    def _each(self, data: memoryview, default: str) -> Found:
        found = Found()
        for document in _documents(data, found):
            if bytes(memoryview(document)[:1]) == b"[":
                for item in msgspec.json.decode(document, type=list[Raw]):
                    self._object(item, default, found)
            else:
                self._document(document, default, found)
        return found

    def _document(self, data: Raw, default: str, found: Found) -> None:
        envelope = _open(data, default, found)
        if envelope is None:
            return
        kind = envelope.kind or ""
        if envelope.type is not None and bytes(envelope.object):
            self._raw_change(envelope.type, envelope.object, default, found)
        elif kind.endswith("List") or (not kind and envelope.items is not None):
            named = kind.removesuffix("List")
            if named in self._kinds:
                found.kinds.add(named)
            elif named:
                _refuse_partial(named)
                found.others[named] += 0
            found.empty = found.empty or not (named or envelope.items)
            for item in envelope.items or ():
                self._object(item, named or default, found)
        else:
            self._object(data, default, found)

    def _raw_change(self, change: str, raw: Raw, default: str, found: Found) -> None:
        envelope = _open(raw, default, found)
        if envelope is None:
            return
        if envelope.kind == "Status":
            self._change(change, salvage(raw, objects.Status)[0], (), found)
        elif read := self._read(raw, envelope.kind or default, found):
            self._change(change, *read, found)

    def _object(self, raw: Raw, default: str, found: Found) -> None:
        try:
            item = self._item.decode(raw)
        except UNREADABLE:
            self._odd_object(raw, default, found)
        else:
            name = self._name_of[type(item)]
            found.kinds.add(name)
            found.objects.append((name, item, ()))

    def _odd_object(self, raw: Raw, default: str, found: Found) -> None:
        """Take an object that names no kind, one of another kind, or one that does not fit."""
        envelope = _open(raw, default, found)
        if envelope is None:
            return
        kind = envelope.kind or (default if bytes(envelope.metadata) else "")
        if kind == "Status":
            message = f"the API server refused: {redact((envelope.message or 'no reason given')[:200])}"
            raise WireError(message)
        _refuse_partial(kind)
        if read := self._read(raw, kind, found):
            found.kinds.add(kind)
            found.objects.append((kind, *read))

    def _read(self, raw: Raw, kind: str, found: Found) -> tuple[Any, tuple[str, ...]] | None:
        wire = self._kinds.get(kind)
        if wire is None:
            found.others[kind or NO_KIND] += 1
            return None
        try:
            return msgspec.json.decode(raw, type=wire), ()
        except UNREADABLE:
            return salvage(raw, wire)


def _open(raw: Raw, default: str, found: Found) -> _Envelope | None:
    try:
        return _ENVELOPE.decode(raw)
    except UNREADABLE as error:
        found.lost.append((default, explain(error)))
        return None


def _refuse_partial(kind: str) -> None:
    if kind in ("PartialObjectMetadata", "Table"):
        message = f"holds {kind}, which has no spec and no status, expected whole objects"
        raise WireError(message)


def _documents(data: memoryview, found: Found) -> list[Raw]:
    """Return each JSON text of a dump; a torn one among others is lost, and loses none of them."""
    try:
        return Decoder(Raw).decode_lines(data)
    except msgspec.DecodeError:
        whole = _untorn(data, found)
        if not whole:
            raise
        return whole


def _untorn(data: memoryview, found: Found) -> list[Raw]:
    starts = _starts(data)
    whole: list[Raw] = []
    for start, end in zip(starts, (*starts[1:], len(data)), strict=True):
        try:
            whole.append(msgspec.json.decode(data[start:end], type=Raw))
        except (msgspec.DecodeError, RecursionError) as error:
            found.lost.append(("", f"byte {start}: {explain(error)}"))
    return whole


def _starts(data: memoryview, most: int = 0) -> list[int]:
    """Return where documents start, at most so many; 0 for all."""
    head = bytes(data[:HEAD_BYTES])
    found = [len(head) - len(head.lstrip())]
    for match in _NEXT_DOCUMENT.finditer(data, found[0]):
        if len(found) == most:
            break
        found.append(match.start() + 1)
    return found
