"""
What a probing pod tells: its container's state as kubelet reports it, and the line that it wrote to its log.

The line is written by `render/probe_script.py`. It comes out of a foreign image and network, so nothing in it is
believed beyond its shape; texts are cut and shown quoted.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from runner_bridge.core.errors import WireError

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

LONGEST_TEXT: Final = 400
_MARK: Final = b'{"probe":1,'


class State(StrEnum):
    """What came of one question."""

    YES = "yes"
    NO = "no"
    NO_TOOL = "no-tool"
    """The image has no program to ask with."""
    NOT_ASKED = "not-asked"


class Said(Struct, frozen=True, gc=False):
    """The answer to one question."""

    state: State = State.NOT_ASKED
    said: str = ""
    """What the program printed, or the names of those that are missing."""


class Report(Struct, frozen=True, gc=False):
    """Everything that the pod asked from inside."""

    probe: int
    name: Said = Said()
    api: Said = Said()
    gitlab: Said = Said()
    echo: Said = Said()


class Container(Struct, frozen=True, gc=False, kw_only=True):
    """The one container of the pod."""

    waiting: str = ""
    """Reason, for example `ImagePullBackOff`; empty where it does not wait."""
    message: str = ""
    """Of kubelet, to the reason."""
    started: bool = False
    """It runs, or has run."""
    ended: bool = False
    host_addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    """Of its node, as its status tells them."""


class _Waiting(Struct):
    reason: str | None = None
    message: str | None = None


class _Running(Struct):
    """Only whether it is there matters."""


class _State(Struct):
    waiting: _Waiting | None = None
    running: _Running | None = None
    terminated: _Waiting | None = None


class _Status(Struct):
    state: _State | None = None


class _HostIP(Struct):
    ip: str | None = None


class _PodStatus(Struct, rename="camel"):
    host_ip: str | None = msgspec.field(default=None, name="hostIP")
    host_ips: list[_HostIP] | None = msgspec.field(default=None, name="hostIPs")
    container_statuses: list[_Status] | None = None


class _Pod(Struct):
    status: _PodStatus | None = None


def container_of(body: bytes) -> Container:
    """
    Return the state of a pod's first container; one that kubelet has not told of yet waits for nothing.

    Raises:
        WireError: it is no pod.
    """
    try:
        status = msgspec.json.decode(body, type=_Pod).status or _PodStatus()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = "pods: the API server sent an object that cannot be read."
        raise WireError(message) from error
    texts = [one.ip for one in status.host_ips or () if one.ip] or [status.host_ip or ""]
    state = next((one.state for one in status.container_statuses or () if one.state), _State())
    # An image without /bin/sh is reported as a container that ended before it ran.
    unstarted = state.terminated if state.terminated and state.terminated.reason in _NEVER_RAN else None
    waiting = state.waiting or unstarted or _Waiting()
    return Container(
        waiting=waiting.reason or "",
        message=(waiting.message or "")[:LONGEST_TEXT],
        started=state.running is not None or (state.terminated is not None and unstarted is None),
        ended=state.terminated is not None,
        host_addresses=tuple(address for text in texts if (address := _address(text))),
    )


_NEVER_RAN: Final = frozenset({"StartError", "ContainerCannotRun"})


def report_of(log: bytes) -> Report | None:
    """
    Return the report in a pod's log; None where it is not there, or not whole, yet.

    Raises:
        WireError: there is one, and it cannot be read.
    """
    for line in reversed(log.split(b"\n")[:-1]):
        if line.startswith(_MARK):
            try:
                return msgspec.json.decode(line, type=Report)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                message = f"the pod's log: its report cannot be read ({error})."
                raise WireError(message) from error
    return None


def addresses_in(text: str) -> tuple[IPv4Address | IPv6Address, ...]:
    """
    Return the addresses that a text holds, each once, in order; a port or a prefix length behind one is left out.

    >>> addresses_in('{"origin": "192.0.2.1", "port": 4711}')
    (IPv4Address('192.0.2.1'),)
    """
    blank = "".join(one if one in _OF_ADDRESSES else " " for one in text)
    found = (_address(word.strip(".:")) or _address(word.rpartition(":")[0]) for word in blank.split())
    return tuple(dict.fromkeys(one for one in found if one is not None))


_OF_ADDRESSES: Final = frozenset("0123456789abcdefABCDEF.:")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
