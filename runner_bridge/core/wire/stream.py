"""
Pages of a list and lines of a watch → what the picture of the cluster takes in.

The hot path: a batch of whole lines is decoded in one call into narrow structs. Where one line does not fit, the batch
is read line by line, and a bad line is counted and loses no other. `BOOKMARK` and `ERROR` are lines like all others.
Source of the protocol: kubernetes.io, "Kubernetes API Concepts", efficient detection of changes.
"""

from __future__ import annotations

from enum import StrEnum
from sys import intern
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from msgspec import Raw, Struct
from msgspec.json import Decoder

from runner_bridge.core.errors import WireError
from runner_bridge.core.model import cluster
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.redact import redact
from runner_bridge.core.wire import objects
from runner_bridge.core.wire.calico import IPAMBlock, IPPool, block_of, pool_of
from runner_bridge.core.wire.events import Event, failure_of
from runner_bridge.core.wire.packed import packed_of
from runner_bridge.core.wire.pods import namespace_of, node_of, pod_of
from runner_bridge.core.wire.salvage import UNREADABLE, explain, salvage
from runner_bridge.core.wire.shorten import Shortener

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Value: TypeAlias = (
    cluster.Pod
    | cluster.IPPool
    | cluster.Block
    | cluster.PackedBlock
    | cluster.Namespace
    | cluster.SandboxFailure
    | cluster.Node
)
Key: TypeAlias = tuple[str, str]
"""Namespace (empty for what has none) and name."""

Item = TypeVar("Item")

_WIRE: Final[Mapping[Kind, Any]] = {
    Kind.PODS: objects.Pod,
    Kind.POOLS: IPPool,
    Kind.BLOCKS: IPAMBlock,
    Kind.NAMESPACES: objects.Namespace,
    Kind.EVENTS: Event,
    Kind.NODES: objects.Node,
}


class ChangeType(StrEnum):
    """What a line of a watch says of its object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"
    """No object: from here the watch can go on."""
    ERROR = "ERROR"
    """The end of the watch."""


_TYPES: Final[Mapping[str, ChangeType]] = {one.value: one for one in ChangeType}


class Seen(Struct, frozen=True, gc=False):
    """One object in one of its states."""

    key: Key
    version: int
    """`resourceVersion`; -1 where it is no number, so that nothing is known of the order."""
    uid: str
    value: Value | None
    """None: there, and nothing that matters (an event of another reason), or not readable."""
    problem: str = ""
    """What of it could not be read, without a full stop; a pod carries its problems itself."""


class Change(Struct, frozen=True, gc=False):
    """A line of a watch."""

    type: ChangeType
    seen: Seen | None = None
    """None for BOOKMARK and ERROR."""
    version: str = ""
    """`resourceVersion` of the object, from which the watch can go on after this line."""
    code: int = 0
    """Of an ERROR: the HTTP status that it stands for; 410 is a version that the server does not have any more."""
    message: str = ""


class Lines(Struct, frozen=True):
    """What a batch of lines held."""

    changes: tuple[Change, ...] = ()
    lost: tuple[str, ...] = ()
    """Of each line that cannot be read at all, so that nobody knows what it was about: why, without a full stop."""


class Page(Struct, frozen=True):
    """What a page of a list held."""

    seen: tuple[Seen, ...] = ()
    lost: tuple[str, ...] = ()


class _Listed(Struct, Generic[Item]):
    items: list[Item] | None = None


class _Line(Struct, Generic[Item]):
    type: str | None = None
    object: Item | None = None


class _RawLine(Struct):
    type: str | None = None
    object: Raw = Raw(b"null")


class Stream:
    """
    Reads the lists and watches of one kind; made once, for building decoders costs more than a small page.

    Args of the constructor:
        kind: of the objects.
        packed: blocks are to be kept all at once, so they become `PackedBlock`.
    """

    def __init__(self, kind: Kind, *, packed: bool = False) -> None:
        self._kind = kind
        self._wire: Any = _WIRE[kind]
        line: Any = _Line
        listed: Any = _Listed
        self._lines: Decoder[Any] = Decoder(line[self._wire | objects.Status])
        self._raw_line = Decoder(_RawLine)
        self._page: Decoder[Any] = Decoder(listed[self._wire])
        self._raw_page: Decoder[Any] = Decoder(listed[Raw])
        self._item: Decoder[Any] = Decoder(self._wire)
        self._value: Callable[[Any, tuple[str, ...]], tuple[Value | None, str]] = _PACKED if packed else _VALUES[kind]
        self._shortened: Callable[[bytes], bytes] = Shortener().shortened if kind is Kind.PODS else _as_it_is

    def lines(self, data: bytes) -> Lines:
        """Read a batch of whole lines. Never raises."""
        try:
            lines = self._lines.decode_lines(self._shortened(data))
        except UNREADABLE:
            return self._each(data)
        lost: list[str] = []
        changes = [change for one in lines if (change := self._change(one.type, one.object, (), lost))]
        return Lines(tuple(changes), tuple(lost))

    def page(self, data: bytes) -> Page:
        """
        Read a page of a list; an item that cannot be read is named in `lost`.

        Raises:
            WireError: it is no list.
        """
        lost: list[str] = []
        try:
            page = self._page.decode(self._shortened(data))
        except UNREADABLE:
            items = self._odd_page(data, lost)
            seen = [one for item, problems in items if (one := self._seen(item, problems, lost))]
        else:
            seen = [one for item in page.items or () if (one := self._seen(item, (), lost))]
        return Page(tuple(seen), tuple(lost))

    def item(self, data: bytes) -> Seen:
        """
        Read one object.

        Raises:
            WireError: it cannot be read.
        """
        lost: list[str] = []
        problems: tuple[str, ...] = ()
        try:
            item = self._item.decode(data)
        except UNREADABLE:
            item, problems = self._salvaged(data, lost)
        seen = self._seen(item, problems, lost) if item is not None else None
        if seen is None or seen.value is None:
            why = lost[0] if seen is None else seen.problem
            message = f"{self._kind}: the API server sent an object that cannot be read: {why}."
            raise WireError(message)
        return seen

    def _each(self, data: bytes) -> Lines:
        lost: list[str] = []
        lines = (line for line in data.splitlines() if line.strip())
        changes = [change for line in lines if (change := self._odd_line(line, lost))]
        return Lines(tuple(changes), tuple(lost))

    def _odd_line(self, line: bytes, lost: list[str]) -> Change | None:
        try:
            one = self._lines.decode(line)
        except UNREADABLE:
            pass
        else:
            return self._change(one.type, one.object, (), lost)
        try:
            raw = self._raw_line.decode(line)
        except UNREADABLE as error:
            lost.append(explain(error))
            return None
        item, problems = self._salvaged(raw.object, lost)
        return None if item is None else self._change(raw.type, item, problems, lost)

    def _odd_page(self, data: bytes, lost: list[str]) -> list[tuple[Any, tuple[str, ...]]]:
        try:
            page = self._raw_page.decode(data)
        except UNREADABLE as error:
            message = f"{self._kind}: the API server sent a list that cannot be read: {explain(error)}."
            raise WireError(message) from error
        items: list[tuple[Any, tuple[str, ...]]] = []
        for raw in page.items or ():
            try:
                items.append((self._item.decode(raw), ()))
            except UNREADABLE:
                item, problems = self._salvaged(raw, lost)
                if item is not None:
                    items.append((item, problems))
        return items

    def _salvaged(self, data: Raw | bytes, lost: list[str]) -> tuple[Any, tuple[str, ...]]:
        try:
            return salvage(data, self._wire)
        except UNREADABLE as error:
            lost.append(explain(error))
            return None, ()

    def _change(self, type_: str | None, item: Any, problems: tuple[str, ...], lost: list[str]) -> Change | None:  # noqa: ANN401 - a wire struct of any kind
        if isinstance(item, objects.Status):
            message = redact(f"{item.reason or ''}: {item.message or ''}".strip(" :")[:200])
            return Change(ChangeType.ERROR, code=item.code or 0, message=message)
        kind = _TYPES.get(type_ or "")
        if item is None or kind is None or kind is ChangeType.ERROR:
            lost.append(f"a line of type {redact(str(type_)[:40])!r} without an object")
            return None
        version = (item.metadata and item.metadata.resource_version) or ""
        if kind is ChangeType.BOOKMARK:
            return Change(ChangeType.BOOKMARK, version=version)
        seen = self._seen(item, problems, lost)
        return Change(kind, seen, version) if seen is not None else None

    def _seen(self, item: Any, problems: tuple[str, ...], lost: list[str]) -> Seen | None:  # noqa: ANN401
        meta = item.metadata
        if meta is None or not meta.name:
            lost.append("an object without a name")
            return None
        text = meta.resource_version or ""
        version = int(text) if text.isdecimal() and len(text) <= 20 else -1
        value, problem = self._value(item, problems)
        return Seen((intern(meta.namespace or ""), meta.name), version, meta.uid or "", value, problem)


def _as_it_is(data: bytes) -> bytes:
    return data


def _pod(item: objects.Pod, problems: tuple[str, ...]) -> tuple[Value | None, str]:
    return pod_of(item, problems), ""


def _valued(
    read: Callable[[Any], tuple[Value | None, str]],
) -> Callable[[Any, tuple[str, ...]], tuple[Value | None, str]]:
    """Let what else of an object could not be read be its problem, where `read` has none."""

    def value(item: Any, problems: tuple[str, ...]) -> tuple[Value | None, str]:  # noqa: ANN401
        found, why = read(item)
        return found, why or (f"{item.metadata.name}: {problems[0]}" if problems else "")

    return value


_VALUES: Final[Mapping[Kind, Callable[[Any, tuple[str, ...]], tuple[Value | None, str]]]] = {
    Kind.PODS: _pod,
    Kind.POOLS: _valued(pool_of),
    Kind.BLOCKS: _valued(block_of),
    Kind.NAMESPACES: _valued(lambda item: (namespace_of(item), "")),
    Kind.EVENTS: _valued(lambda item: (failure_of(item), "")),
    Kind.NODES: _valued(lambda item: (node_of(item), "")),
}

_PACKED: Final = _valued(packed_of)


def problems_of(lost: Sequence[str]) -> str:
    """Return lost lines or items as one clause; empty text for none."""
    more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
    return f"could not be read: {lost[0]}{more}" if lost else ""
