"""What verbs that read the ledger share: where it is, moments and zones of the command line."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from datetime import UTC, timedelta, tzinfo
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from runner_bridge.core.moments import Stretch
    from runner_bridge.ports.ledger import Ledger

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DEFAULT = "sqlite:///runner-bridge-ledger.db"

ledger_option = click.option(
    "--ledger",
    "ledger_url",
    metavar="URL",
    default=DEFAULT,
    show_default=True,
    envvar="RUNNER_BRIDGE_LEDGER",
    show_envvar=True,
    help="sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
)
"""`--ledger`; give its value to `reading` or `Ledger.open`."""


class Zone(click.ParamType[tzinfo]):
    """`Europe/Paris` → the zone."""

    name = "zone"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tzinfo:
        """Return the zone; UTC needs no database of zones."""
        from zoneinfo import ZoneInfo

        if isinstance(value, tzinfo):
            return value
        if str(value).upper() in {"UTC", "Z"}:
            return UTC
        try:
            return ZoneInfo(str(value))
        except (ValueError, OSError, KeyError):  # KeyError: not found
            self.fail(f"{value!r} is no zone this machine knows. Write UTC, or one such as Europe/Paris.", param, ctx)


class Span(click.ParamType[timedelta]):
    """`30s`, `5m`, `1h` → how long."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the span."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,9})([smhd])", str(value))
        if not found:
            self.fail(f"{value!r} is no span of time. Write 30s, 5m, 1h or 90d.", param, ctx)
        return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


@contextmanager
def reading(url: str) -> Iterator[Ledger]:
    """Open a ledger for questions; nothing of it is created or changed."""
    from runner_bridge.ports.ledger import Ledger

    ledger = Ledger.open(url, read_only=True)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def witnessing(path: str) -> Iterator[Callable[[str], None] | None]:
    """
    Yield what writes the lines of a witness, none for an empty path.

    Appended to a file, printed for `-`, sent to the system's log for `syslog:`. A file that takes no more when it is
    closed is told on standard error: everything is recorded by then.

    Raises:
        SettingsError: the file cannot be opened, or the log cannot be reached.
    """
    from runner_bridge.cli.output import emit, note
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.ports.files import STDIN, explain_os_error
    from runner_bridge.ports.syslog import SCHEME, Syslog

    if not path:
        yield None
    elif path.startswith(SCHEME):
        with closing(Syslog(path)) as log:
            yield log.send
    elif path == STDIN:
        yield lambda line: emit(f"{line}\n", has_to_arrive=True)
    else:
        try:
            file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: PTH123, SIM115 - Path("") would be "."
        except (OSError, ValueError) as error:
            raise SettingsError(explain_os_error(path, error)) from error
        try:
            yield lambda line: print(line, file=file)
        finally:
            try:
                file.close()  # writes what a full disk has refused before, and may be refused again
            except OSError as error:
                reason = explain_os_error(path, error)
                note(f"runner-bridge: the ledger's witness lacks its last lines: {reason} The ledger has them.")


def moment(text: str, zone: tzinfo | None, option: str) -> Stretch:
    """
    Read a moment of the command line.

    Raises:
        click.UsageError: it is none, or names no zone where `--tz` names none either.
    """
    from runner_bridge.core.errors import WireError
    from runner_bridge.core.moments import parse

    try:
        return parse(text, zone=zone)
    except WireError as error:
        message = f"{option}: {error}"
        raise click.UsageError(message) from error


def moment_or_ago(text: str, zone: tzinfo | None, option: str, now: datetime) -> Stretch:
    """
    Read a moment of the command line, or how long ago it was: `30d`.

    Raises:
        click.UsageError: as `moment`.
    """
    from runner_bridge.core.moments import Stretch

    if not re.fullmatch(r"\d{1,9}[smhd]", text):
        return moment(text, zone, option)
    try:
        at = now - Span().convert(text, None, None)
    except OverflowError:
        message = f"{option}: {text!r} is too long ago. Write all, or a shorter span."
        raise click.UsageError(message) from None
    return Stretch(at, at)
