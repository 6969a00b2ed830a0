"""
Moments as people and logs write them; a time without a zone is a question, not an instant.

A wall clock that is set back shows an hour twice: such a time is a stretch of two instants, never one of them guessed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from runner_bridge.core.errors import WireError

if TYPE_CHECKING:
    from datetime import tzinfo

_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S.%f",
    "%d%b%Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%d/%b/%Y:%H:%M:%S %z",
    "%b %d %Y %H:%M:%S",
    "%b %d, %Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
)
"""Unambiguous ones; a date as 11/12/2026 is read only where somebody says which is the month."""

_UNITS = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3), (0, 1))
"""From which number on seconds since 1970 are told in billionths, millionths, thousandths, and whole."""

_LATEST = 10**19


class Stretch(NamedTuple):
    """From one instant to another, both in UTC and both counted; the same twice where the time is exact."""

    since: datetime
    until: datetime

    def widened(self, by: timedelta) -> Stretch:
        """Return the stretch with so much added on either side, as clocks differ."""
        try:
            return Stretch(self.since - by, self.until + by)
        except OverflowError as error:
            message = f"{by} around {self.since} is no stretch of time. Name a shorter one."
            raise WireError(message) from error


def parse(text: str, *, zone: tzinfo | None = None, form: str = "") -> Stretch:
    """
    Return what a written time means.

    Args:
        text: ISO 8601, seconds since 1970, or a form that firewalls write.
        zone: of a time that names none.
        form: as `datetime.strptime` has it; then nothing else is tried.

    >>> parse("2026-11-20T10:31:00+01:00").since.isoformat()
    '2026-11-20T09:31:00+00:00'

    Raises:
        WireError: it cannot be read, names no zone where none is given, or never was: clocks were set ahead.
    """
    moment = _moment(text.strip(), form)
    if moment.tzinfo is not None:
        return _exact(moment)
    if zone is None:
        message = f"{text!r} names no zone. Add Z or an offset, or name the zone with --tz."
        raise WireError(message)
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if _exact(first).since.astimezone(zone).replace(tzinfo=None) != moment:
        message = f"{text!r} never was in {zone}: the clocks were set ahead over it. Check the time and the zone."
        raise WireError(message)
    return Stretch(_exact(first).since, _exact(second).until)


def _exact(moment: datetime) -> Stretch:
    try:
        instant = moment.astimezone(UTC)
    except OverflowError as error:
        message = f"{moment} is out of reach. Check the time."
        raise WireError(message) from error
    return Stretch(instant, instant)


def _moment(text: str, form: str) -> datetime:
    if form:
        return _by_form(text, form)
    if text.replace(".", "", 1).isdecimal() and text.isascii():
        return _since_1970(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for known in _FORMATS:
        try:
            return datetime.strptime(text, known)  # noqa: DTZ007 - the zone is asked for by the caller
        except ValueError:
            continue
    message = f"{text[:60]!r} is no time that can be read. Write 2026-11-20T10:31:00Z, or give the form of the log."
    raise WireError(message)


def _by_form(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - as above
    except ValueError as error:
        message = f"{text[:60]!r} is not of the form {form!r}."
        raise WireError(message) from error


def _since_1970(text: str) -> datetime:
    whole, _, part = text.partition(".")
    number = int(whole[:25])
    unit = next(unit for start, unit in _UNITS if number >= start)
    if number >= _LATEST:
        message = f"{text[:60]!r} is no time in seconds since 1970. Check the column."
        raise WireError(message)
    micros = number * 10**6 // unit
    if unit == 1 and part:
        micros += int(part[:6].ljust(6, "0"))
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
