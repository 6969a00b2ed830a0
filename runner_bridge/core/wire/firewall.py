"""
A firewall's log as CSV: which column holds the time, which the source address.

Every product names its columns otherwise; those of the common exports are known, compared without case and without
what is not a letter or digit. An address before translation is preferred to one after it. Nothing is guessed: where
no column is known the header is quoted and the caller may name the columns.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, NamedTuple

from runner_bridge.core.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# In the order in which they are preferred: when it happened before when it was received.
_TIMES = (
    *("starttime", "firstpacket", "firstpackettime", "eventtime", "generatetime", "timegenerated", "generatedtime"),
    *("timestamp", "atimestamp", "datetime", "time", "start", "startts", "eventtimestamp", "logtime", "receivetime"),
    *("date", "at"),
)
_ADDRESSES = (
    *("sourceaddress", "sourceip", "srcip", "srcaddr", "sourceipaddress", "srcaddress", "src", "source"),
    *("initiatorip", "clientip", "cip", "sourceips", "originalsourceip", "srcips", "jsonpayloadconnectionsrcip"),
    *("address", "ip", "natsourceip", "transip", "xlatesrc", "postnatsourceip"),
)
_FIELD_LIMIT = 1_000_000


class Line(NamedTuple):
    """One line of a log."""

    number: int
    """Of the line in the file, from 1; the header is the first."""
    time: str
    address: str
    """As written; port and brackets taken off."""


class Log(NamedTuple):
    """A log and how it is read."""

    time_column: str
    address_column: str
    lines: Iterator[Line]


def read(text: str, *, time_column: str = "", address_column: str = "") -> Log:
    """
    Find the columns of a log; its lines are read as they are taken.

    Args:
        text: CSV with a header; separated by commas, semicolons, tabs or bars.
        time_column: the header's word for the time, where it is not one of the known ones.
        address_column: the same for the source address.

    Raises:
        WireError: there is no header, or no column is known as the time or the source address.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    rows = csv.reader(text.splitlines(), delimiter=_delimiter(text), skipinitialspace=True)
    header: list[str] = []
    for header in rows:
        if any(cell.strip() for cell in header):
            break
    if not any(cell.strip() for cell in header):
        message = "the log is empty. Expected CSV with a header."
        raise WireError(message)
    times = _columns(header, time_column, _TIMES, "the time", "--time-column")
    address = _columns(header, address_column, _ADDRESSES, "the source address", "--address-column")[0]
    return Log(" ".join(header[one] for one in times), header[address], _lines(rows, times, address))


def _lines(rows: Iterator[list[str]], times: Sequence[int], address: int) -> Iterator[Line]:
    number = getattr(rows, "line_num", 1)
    try:
        for row in rows:
            number = getattr(rows, "line_num", number + 1)
            if not any(cell.strip() for cell in row):
                continue
            told = " ".join(row[one].strip() for one in times if one < len(row))
            yield Line(number, told, plain_address(row[address]) if address < len(row) else "")
    except csv.Error as error:
        message = f"line {number + 1} cannot be read: {error}. Expected CSV."
        raise WireError(message) from error


def plain_address(text: str) -> str:
    """
    Take port and brackets off an address as logs write it.

    >>> plain_address("172.16.12.2:44321"), plain_address("[2001:db8::1]:443"), plain_address("2001:db8::1")
    ('172.16.12.2', '2001:db8::1', '2001:db8::1')
    """
    text = text.strip().strip('"')
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::\d+)?", text)
    if bracketed:
        return bracketed[1]
    ported = re.fullmatch(r"(\d+\.\d+\.\d+\.\d+):\d+", text)
    return ported[1] if ported else text


def _delimiter(text: str) -> str:
    head = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t|", key=head.count)


def _columns(header: Sequence[str], named: str, known: Sequence[str], what: str, option: str) -> list[int]:
    """Return the columns that together hold what is looked for; Fortinet writes date and time apart."""
    plain = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in header]
    if named:
        for words, name in ((list(header), named), (plain, re.sub(r"[^a-z0-9]", "", named.lower()))):
            if name in words:
                return [words.index(name)]
    else:
        if known is _TIMES and "date" in plain and "time" in plain and "eventtime" not in plain:
            return [plain.index("date"), plain.index("time")]
        for name in known:
            if name in plain:
                return [plain.index(name)]
    columns = ", ".join(header)[:300]
    seen = f"no column {named!r}" if named else f"no column known as {what}"
    message = f"the log has {seen}; its header is: {columns}. Name the column with {option}."
    raise WireError(message)
