"""A written time is an instant, two where a clock was set back, or refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import WireError
from runner_bridge.core.moments import Stretch, parse

PARIS = ZoneInfo("Europe/Paris")
AT = datetime(2026, 11, 20, 10, 31, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T10:31:05Z",
        "2026-11-20 11:31:05+01:00",
        " 2026-11-20T11:31:05+0100 ",
        "20/Nov/2026:10:31:05 +0000",
        "1795170665",
        "1795170665000",
        "1795170665000000",
        "1795170665000000000",
        "1795170665.0",
    ],
)
def test_a_time_that_says_all_is_an_instant(text: str) -> None:
    assert parse(text) == (AT, AT)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T11:31:05",
        "2026-11-20 11:31:05",
        "2026/11/20 11:31:05",
        "2026/11/20 11:31:05.000",
        "20Nov2026 11:31:05",
        "Nov 20 2026 11:31:05",
        "Fri Nov 20 11:31:05 2026",
    ],
)
def test_a_time_without_a_zone_is_read_in_the_one_given(text: str) -> None:
    assert parse(text, zone=PARIS) == (AT, AT)
    with pytest.raises(WireError, match="names no zone"):
        parse(text)


def test_a_part_of_a_second_counts() -> None:
    assert parse("1795170665.25").since == AT + timedelta(milliseconds=250)


def test_an_hour_that_a_clock_shows_twice_is_both() -> None:
    since, until = parse("2026-10-25T02:30:00", zone=PARIS)

    assert (since, until) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))


def test_an_hour_that_was_left_out_never_was() -> None:
    with pytest.raises(WireError, match="never was"):
        parse("2026-03-29T02:30:00", zone=PARIS)


@pytest.mark.parametrize("text", ["", "yesterday", "11/12/2026 10:31:05", "9" * 30, "9" * 20, "٣", "2026-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(WireError):
        parse(text, zone=UTC)


def test_a_date_in_two_readings_is_read_as_somebody_says() -> None:
    assert parse("20/11/2026 10:31:05", zone=UTC, form="%d/%m/%Y %H:%M:%S").since == AT
    with pytest.raises(WireError, match="form"):
        parse("11/20/2026", zone=UTC, form="%d/%m/%Y")


def test_a_stretch_is_widened_on_both_sides() -> None:
    half = timedelta(seconds=30)

    assert Stretch(AT, AT).widened(half) == (AT - half, AT + half)
    with pytest.raises(WireError, match="shorter"):
        Stretch(AT, AT).widened(timedelta(days=10**6))


def test_a_time_at_the_edge_of_the_calendar_is_refused() -> None:
    with pytest.raises(WireError, match="out of reach"):
        parse("0001-01-01T00:00:00+10:00")


@given(
    st.integers(0, 7 * 10**9).map(lambda seconds: datetime(1971, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
    st.sampled_from([UTC, PARIS]),
)
def test_every_time_that_was_is_found_again(instant: datetime, zone: ZoneInfo) -> None:
    since, until = parse(instant.astimezone(zone).replace(tzinfo=None).isoformat(), zone=zone)

    assert since <= instant <= until
