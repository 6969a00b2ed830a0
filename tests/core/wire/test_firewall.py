"""The columns of common firewall exports are found by their header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import WireError
from runner_bridge.core.wire.firewall import Line, plain_address, read

EXPORTS = {
    "pan-os": (
        "Receive Time,Source address,NAT Source IP,Start Time\n_,172.16.12.2,10.0.3.7,2026/11/20 10:31:05\n",
        ("2026/11/20 10:31:05", "172.16.12.2"),
    ),
    "fortigate": (
        "date,time,devname,srcip,dstip,transip\n2026-11-20,10:31:05,fw1,172.16.12.2,192.0.2.1,10.0.3.7\n",
        ("2026-11-20 10:31:05", "172.16.12.2"),
    ),
    "check-point": (
        '"Time";"Action";"Source";"Destination"\n"20Nov2026 10:31:05";"Accept";"172.16.12.2";"192.0.2.1"\n',
        ("20Nov2026 10:31:05", "172.16.12.2"),
    ),
    "firepower": (
        "First Packet,Last Packet,Initiator IP\n2026-11-20 10:31:05,2026-11-20 10:31:06,172.16.12.2\n",
        ("2026-11-20 10:31:05", "172.16.12.2"),
    ),
    "vpc-flow-log": (
        "version\taccount-id\tsrcaddr\tdstaddr\tstart\tend\n2\t1\t172.16.12.2\t192.0.2.1\t1795170665\t1795170700\n",
        ("1795170665", "172.16.12.2"),
    ),
    "azure": (
        "TimeGenerated,SourceIp,DestinationIp\n2026-11-20T10:31:05Z,172.16.12.2,192.0.2.1\n",
        ("2026-11-20T10:31:05Z", "172.16.12.2"),
    ),
    "gcp": (
        "timestamp,jsonPayload.connection.src_ip\n2026-11-20T10:31:05Z,172.16.12.2\n",
        ("2026-11-20T10:31:05Z", "172.16.12.2"),
    ),
}


@pytest.mark.parametrize(("text", "expected"), EXPORTS.values(), ids=EXPORTS)
def test_the_columns_of_a_common_export_are_known(text: str, expected: tuple[str, str]) -> None:
    assert list(read(text).lines) == [Line(2, *expected)]


def test_an_export_with_only_the_translated_address_is_read_by_that() -> None:
    log = read("time,transip\n2026-11-20T10:31:05Z,10.0.3.7\n")

    assert log.address_column == "transip"


def test_other_columns_can_be_named() -> None:
    log = read("When It Was|Who\nx|10.0.0.1\n", time_column="when-it-was", address_column="Who")

    assert list(log.lines) == [Line(2, "x", "10.0.0.1")]
    assert (log.time_column, log.address_column) == ("When It Was", "Who")


@pytest.mark.parametrize(
    ("text", "named", "says"),
    [
        ("", {}, "empty"),
        ("\n \n,,\n", {}, "empty"),
        ("when,srcip\n", {}, "--time-column"),
        ("time,who\n", {}, "its header is: time, who"),
        ("time,srcip\n", {"address_column": "source"}, "no column 'source'"),
    ],
)
def test_a_log_whose_columns_are_not_known_is_refused(text: str, named: dict[str, str], says: str) -> None:
    with pytest.raises(WireError, match=says):
        read(text, **named)


def test_empty_lines_are_passed_over_and_short_ones_kept() -> None:
    log = read("\ntime,srcip\n\na,1.1.1.1\nb\n")

    assert list(log.lines) == [Line(4, "a", "1.1.1.1"), Line(5, "b", "")]


def test_a_cell_too_large_for_any_log_is_refused() -> None:
    with pytest.raises(WireError, match="line 2"):
        list(read(f"time,srcip\n{'x' * 2_000_000},1.1.1.1\n").lines)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        (" 10.0.0.1:443 ", "10.0.0.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("-", "-"),
    ],
)
def test_port_and_brackets_are_taken_off(text: str, address: str) -> None:
    assert plain_address(text) == address


@given(st.text(max_size=200))
def test_any_text_is_a_log_or_refused(text: str) -> None:
    try:
        lines = list(read(f"time,srcip\n{text}").lines)
    except WireError:
        return
    assert all(line.number > 1 for line in lines)
