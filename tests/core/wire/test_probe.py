"""What a probing pod tells, and what it cannot make us believe."""

from __future__ import annotations

import contextlib
import json
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import WireError
from runner_bridge.core.wire.probe import Container, Report, Said, State, addresses_in, container_of, report_of

LINE = b'{"probe":1,"name":{"state":"yes","said":"ok"},"api":{"state":"no-tool","said":"nc, wget"}}\n'


def body(state: Any, **status: Any) -> bytes:
    return json.dumps({"status": {"containerStatuses": [{"state": state}], **status}}).encode()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, Container()),
        ({"waiting": {}}, Container()),
        (
            {"waiting": {"reason": "ImagePullBackOff", "message": "x" * 900}},
            Container(waiting="ImagePullBackOff", message="x" * 400),
        ),
        ({"running": {"startedAt": "2026-11-25T08:00:00Z"}}, Container(started=True)),
        ({"terminated": {"reason": "Completed", "exitCode": 0}}, Container(started=True, ended=True)),
        (
            {"terminated": {"reason": "StartError", "message": "no such file"}},
            Container(waiting="StartError", message="no such file", ended=True),
        ),
    ],
    ids=["nothing", "waiting", "image", "running", "ended", "no shell"],
)
def test_the_state_of_the_container(state: Any, expected: Container) -> None:
    assert container_of(body(state)) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"hostIP": "192.0.2.1"}, ["192.0.2.1"]),
        (
            {"hostIP": "192.0.2.1", "hostIPs": [{"ip": "192.0.2.1"}, {"ip": "2001:db8::1"}, {}]},
            ["192.0.2.1", "2001:db8::1"],
        ),
        ({"hostIP": "nowhere"}, []),
        ({}, []),
    ],
    ids=["one", "both families", "no address", "not yet"],
)
def test_the_addresses_of_its_node(status: Any, expected: list[str]) -> None:
    assert container_of(body({}, **status)).host_addresses == tuple(map(ip_address, expected))


@pytest.mark.parametrize("text", [b"{}", b'{"status": {}}', b'{"status": {"containerStatuses": []}}'])
def test_a_pod_that_kubelet_has_not_told_of_waits_for_nothing(text: bytes) -> None:
    assert container_of(text) == Container()


@pytest.mark.parametrize("text", [b"", b"<html>", b"[]", b'{"status": 7}', b"[" * 100_000])
def test_what_is_no_pod_is_said(text: bytes) -> None:
    with pytest.raises(WireError, match="cannot be read"):
        container_of(text)


def test_the_report_is_found_among_other_lines() -> None:
    found = report_of(b"warning: \xff\n" + LINE + b"bye\nhalf a l")
    assert found == Report(1, name=Said(State.YES, "ok"), api=Said(State.NO_TOOL, "nc, wget"))


@pytest.mark.parametrize("log", [b"", b"hello\n", LINE[:-1], LINE[:40]], ids=["empty", "other", "no end", "half"])
def test_a_report_that_is_not_whole_yet_is_none(log: bytes) -> None:
    assert report_of(log) is None


@pytest.mark.parametrize(
    "line", [b'{"probe":1,"name":7}\n', b'{"probe":1,\n', b'{"probe":1,"api":{"state":"maybe"}}\n']
)
def test_a_report_that_cannot_be_read_is_said(line: bytes) -> None:
    with pytest.raises(WireError, match="its report cannot be read"):
        report_of(line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", ["192.0.2.1"]),
        ("192.0.2.1\n", ["192.0.2.1"]),
        ('{"ip": "192.0.2.1", "port": 47110}', ["192.0.2.1"]),
        ("192.0.2.1:47110", ["192.0.2.1"]),
        ("2001:db8::1", ["2001:db8::1"]),
        ("[2001:db8::1]:443", ["2001:db8::1"]),
        ("192.0.2.1, 192.0.2.1", ["192.0.2.1"]),
        ("10.0.0.1, 192.0.2.1", ["10.0.0.1", "192.0.2.1"]),
        ("You came from 192.0.2.1.", ["192.0.2.1"]),
        ("no address at all, added face", []),
        ("300.1.1.1 1.2.3", []),
        ("", []),
    ],
)
def test_the_addresses_in_a_text(text: str, expected: list[str]) -> None:
    assert addresses_in(text) == tuple(map(ip_address, expected))


@given(st.binary(max_size=300), st.text(max_size=300))
def test_nothing_that_a_foreign_image_says_breaks_us(log: bytes, text: str) -> None:
    for data in (log, LINE[:-3] + log + b"\n", b'{"probe":1,' + log + b"\n"):
        with contextlib.suppress(WireError):
            report_of(data)
    addresses_in(text)
