"""
Dumps, one after the other → one `Snapshot`.

What was said last of an object counts, by its `resourceVersion` and not by its line, so lines may come in any order and
a dump may be given twice. An object that cannot be read whole is said: missing evidence is never a pass.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from runner_bridge.core.errors import WireError
from runner_bridge.core.model.cluster import Gap, Kind, Snapshot
from runner_bridge.core.wire import objects
from runner_bridge.core.wire.calico import block_of, merged_pools, pool_of
from runner_bridge.core.wire.documents import NO_KIND, Documents, Found
from runner_bridge.core.wire.events import failure_of
from runner_bridge.core.wire.pods import namespace_of, pod_of
from runner_bridge.core.wire.selectors import EVERYTHING, Selector
from runner_bridge.core.wire.sniff import COMMANDS, broken, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_KIND_OF: Final[Mapping[str, Kind]] = {
    "Pod": Kind.PODS,
    "IPPool": Kind.POOLS,
    "IPAMBlock": Kind.BLOCKS,
    "Namespace": Kind.NAMESPACES,
    "Event": Kind.EVENTS,
}
_NAME_OF: Final[Mapping[str, str]] = {kind.value: name for name, kind in _KIND_OF.items()}

Value = TypeVar("Value")


class Reader:
    """
    Reads dumps and makes one snapshot of all.

    Args of the constructor:
        selector: only pods with such labels are kept; the labels are looked at and dropped.
        namespace: only pods of this one are kept; empty for all.
    """

    def __init__(self, *, selector: Selector = EVERYTHING, namespace: str = "") -> None:
        self._selector = selector
        self._namespace = namespace
        pod, self._attributes = _pod_type(selector)
        self._documents = Documents(pod)
        # kind → key → (resource version, object or None once deleted, problems)
        self._latest: dict[str, dict[str, tuple[int, Any, tuple[str, ...]]]] = {name: {} for name in _KIND_OF}
        self._given: set[str] = set()
        self._lost: dict[str, list[str]] = {}
        self._stops: list[Gap] = []

    def read(self, data: memoryview | bytes, *, name: str, want: str) -> None:
        """
        Take one dump in.

        Args:
            data: the bytes, unpacked.
            name: how the file is called in messages.
            want: the kind that it should hold, a key of `sniff.COMMANDS` but `projects`; others in it are taken too.

        Raises:
            WireError: it is not JSON, is cut off, or holds nothing of the kind.
        """
        text = opened(data, name=name, want=want)
        wanted = _NAME_OF[want]
        try:
            found = self._documents.decode(text, default=wanted)
        except (msgspec.DecodeError, RecursionError) as error:
            raise WireError(broken(error, data, name=name, want=want)) from error
        except WireError as error:
            message = f"{name}: {error}. Make it with: {COMMANDS[want]}"
            raise WireError(message) from error
        if found.empty and not found.kinds:
            found.kinds.add(wanted)
        if wanted not in found.kinds:
            message = f"{name}: {_holds(found)}, expected {want}. Make it with: {COMMANDS[want]}"
            raise WireError(message)
        self._take(found, name, wanted)

    def snapshot(self) -> Snapshot:
        """Return everything read so far, each object in its last state, in the order in which it was first seen."""
        lost = {kind: list(whys) for kind, whys in self._lost.items()}
        pods = tuple(pod_of(wire, problems) for wire, problems in self._kept("Pod") if self._is_selected(wire))
        # Without readable labels nobody can tell whether it is a job pod, so its verdict alone would not show it.
        lost.setdefault("Pod", []).extend(
            f"{pod.namespace}/{pod.name}: {pod.problems[0]}" for pod in pods if pod.problems and pod.marks is None
        )
        pools = list(_told(self._kept("IPPool"), pool_of, lost.setdefault("IPPool", [])))
        blocks = tuple(_told(self._kept("IPAMBlock"), block_of, lost.setdefault("IPAMBlock", [])))
        failures = tuple(one for wire, _ in self._kept("Event") if (one := failure_of(wire)))
        namespaces = tuple(namespace_of(wire) for wire, _ in self._kept("Namespace"))
        return Snapshot(
            pods=pods,
            pools=merged_pools(pools) if "IPPool" in self._given else None,
            blocks=blocks if "IPAMBlock" in self._given else None,
            blocks_exist=bool(blocks or lost["IPAMBlock"]) if "IPAMBlock" in self._given else None,
            namespaces=namespaces if "Namespace" in self._given else None,
            failures=failures if "Event" in self._given else None,
            gaps=(*self._stops, *(_gap(kind, whys) for kind, whys in lost.items() if whys)),
        )

    def _take(self, found: Found, name: str, wanted: str) -> None:
        self._given |= found.kinds
        self._stops += (
            Gap(kind=_KIND_OF[wanted], reason=f"{name}: the watch ended with {why!r}") for why in found.stops
        )
        for kind, why in found.lost:
            self._lost.setdefault(kind or wanted, []).append(f"{name}: {why}")
        for position, (kind, wire, problems) in enumerate(found.objects):
            meta = wire.metadata
            if meta is None or not meta.name:
                self._lost.setdefault(kind, []).append(f"{name}: {kind} number {position + 1} has no name")
                continue
            self._keep(kind, meta, None if position in found.deleted else wire, problems)

    def _keep(self, kind: str, meta: objects.Metadata, wire: Any, problems: tuple[str, ...]) -> None:  # noqa: ANN401
        latest = self._latest[kind]
        key = meta.uid or f"{meta.namespace or ''}/{meta.name}"
        text = meta.resource_version or ""
        version = int(text) if text.isdecimal() and len(text) <= 20 else -1
        before = latest.get(key)
        # A deleted uid never comes back, whatever the order of the lines.
        if before is None or wire is None or (before[1] is not None and version >= before[0]):
            latest[key] = (version, wire, problems)

    def _kept(self, kind: str) -> Iterator[tuple[Any, tuple[str, ...]]]:
        return ((wire, problems) for _, wire, problems in self._latest[kind].values() if wire is not None)

    def _is_selected(self, wire: objects.Pod) -> bool:
        meta = wire.metadata
        if self._namespace and (meta is None or meta.namespace != self._namespace):
            return False
        if not self._attributes:
            return True
        labels = meta and meta.labels
        return self._selector.matches(
            {key: getattr(labels, attribute) for key, attribute in self._attributes.items()} if labels else {}
        )


def _told(
    kept: Iterator[tuple[Any, tuple[str, ...]]], read: Callable[[Any], tuple[Value | None, str]], lost: list[str]
) -> Iterator[Value]:
    """Yield what `read` makes of each object; why it could not, and what else of an object was unreadable, is said."""
    for wire, problems in kept:
        value, why = read(wire)
        if why or problems:
            lost.append(why or f"{wire.metadata.name}: {problems[0]}")
        if value is not None:
            yield value


def _gap(kind: str, whys: list[str]) -> Gap:
    more = f", and {len(whys) - 1} more" if len(whys) > 1 else ""
    return Gap(kind=_KIND_OF[kind], reason=f"could not be read: {whys[0]}{more}")


def _holds(found: Found) -> str:
    kinds = Counter(kind for kind, _, _ in found.objects) + found.others
    if kinds:
        return "holds " + ", ".join(_counted(kind, count) for kind, count in kinds.most_common(3))
    if found.others:
        return f"holds an empty list of {next(iter(found.others))}"
    if found.stops:
        return f"holds only the end of a watch ({found.stops[0]})"
    return f"holds nothing that can be read ({found.lost[0][1]})" if found.lost else "holds an empty array"


def _counted(kind: str, count: int) -> str:
    return f"{count} JSON object{'s' * (count != 1)} {kind}" if kind == NO_KIND else f"{count} {kind}"


def _pod_type(selector: Selector) -> tuple[type[objects.Pod], Mapping[str, str]]:
    """
    Return a class of pods that decodes the labels of a selector too, and where each is found in its labels.

    A class made for the call keeps what the narrow one promises: labels that nobody asks for are never built.
    """
    if not selector.keys:
        return objects.Pod, {}
    known = {one.encode_name: one.name for one in msgspec.structs.fields(objects.RunnerLabels)}
    fresh = [key for key in selector.keys if key not in known]
    attributes = {key: known.get(key) or f"selected_{fresh.index(key)}" for key in selector.keys}
    optional: Any = str | None
    labels: Any = msgspec.defstruct(
        "SelectedLabels",
        [(attributes[key], optional, msgspec.field(default=None, name=key)) for key in fresh],
        bases=(objects.RunnerLabels,),
        gc=False,
    )
    metadata: Any = msgspec.defstruct(
        "SelectedMetadata", [("labels", labels | None, None)], bases=(objects.PodMetadata,), rename="camel", gc=False
    )
    pod: Any = msgspec.defstruct("SelectedPod", [("metadata", metadata | None, None)], bases=(objects.Pod,), gc=False)
    return pod, attributes
