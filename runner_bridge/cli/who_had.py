"""`who-had`: which job pod had an address, what ran on a node, what a project had; line by line for a log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, NoReturn

import click

from runner_bridge.cli import CLEAN, UNPROVEN
from runner_bridge.cli.ledger_access import Span, Zone, ledger_option, moment, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

    from runner_bridge.ask.answers.addresses import AddressAnswer, LineAnswer
    from runner_bridge.core.model.ledger import Interval
    from runner_bridge.core.moments import Stretch
    from runner_bridge.ports.ledger import Ledger

FORMATS = ("table", "json", "csv")
LOG_LIMIT_BYTES = 512 * 1024 * 1024


@click.command("who-had", short_help="Say which job pod had an address, or ran on a node, and when.")
@click.argument("address", default="", metavar="[IP]")
@ledger_option
@click.option("--node", default="", metavar="NODE|IP", help="What ran on a node, by its name or an address it had.")
@click.option("--project", default="", metavar="ID", help="What a project had, by its number.")
@click.option("--batch", default="", metavar="FILE", help="Answer each line of a firewall's log (CSV), or - (stdin).")
@click.option("--at", default="", metavar="T", help="At this moment: 2026-11-20T10:31:00Z; without a zone, give --tz.")
@click.option("--between", nargs=2, metavar="A B", help="At any time from A to B.")
@click.option("--skew", type=Span(), default="0s", metavar="SPAN", help="Clocks may differ by so much: 30s, 2m.")
@click.option("--tz", "zone", type=Zone(), metavar="ZONE", help="Of times that name none, and of those shown.")
@click.option("--cluster", default="", metavar="NAME", help="Only on this cluster, where the ledger holds several.")
@click.option("--time-column", default="", metavar="NAME", help="--batch: the header's word for the time.")
@click.option("--address-column", default="", metavar="NAME", help="--batch: the header's word for the address.")
@click.option("--time-format", default="", metavar="FORM", help="--batch: as strptime has it: '%d/%m/%Y %H:%M:%S'.")
@click.option("-o", "--output", type=click.Choice(FORMATS), default="table", show_default=True, help="How to print.")
def command(  # noqa: PLR0913 - click hands in each option by name
    *,
    address: str,
    ledger_url: str,
    node: str,
    project: str,
    batch: str,
    at: str,
    between: tuple[str, str] | None,
    skew: timedelta,
    zone: tzinfo | None,
    cluster: str,
    time_column: str,
    address_column: str,
    time_format: str,
    output: str,
) -> int:
    """
    Say which job pod had an address, or ran on a node, and when.

    Every candidate is listed and none is guessed. What nobody watched is said: a bridge that was down saw nothing.

    Exit codes: 0 answered, 2 wrong usage, 3 nobody is found in a time that was not watched, 4 the ledger is damaged.
    """
    if sum(map(bool, (address, node, project, batch))) != 1:
        message = "Name one thing: an address, --node, --project, or --batch."
        raise click.UsageError(message)
    if batch and (at or between):
        message = "--batch takes the times from the log. Leave out --at and --between."
        raise click.UsageError(message)
    with reading(ledger_url) as ledger:
        if batch:
            columns = (time_column, address_column, time_format)
            return _batch(ledger, batch, columns, skew=skew, zone=zone, cluster=cluster, output=output)
        stretch = _stretch(at, between, zone, skew)
        result = ask(ledger, (address, node, project), stretch, now=datetime.now(tz=UTC), cluster=cluster)
    show(result, output, zone or UTC)
    return result.exit_code


def _stretch(at: str, between: tuple[str, str] | None, zone: tzinfo | None, skew: timedelta) -> Stretch | None:
    from runner_bridge.core.moments import Stretch

    if at and between:
        message = "--at and --between exclude each other. Give one."
        raise click.UsageError(message)
    if at:
        return moment(at, zone, "--at").widened(skew)
    if not between:
        return None
    since, until = moment(between[0], zone, "--between").since, moment(between[1], zone, "--between").until
    if since > until:
        message = f"--between: {between[0]!r} is after {between[1]!r}. Name the earlier moment first."
        raise click.UsageError(message)
    return Stretch(since, until).widened(skew)


def ask(
    ledger: Ledger, named: tuple[str, str, str], stretch: Stretch | None, *, now: datetime, cluster: str = ""
) -> AddressAnswer:
    """
    Ask a ledger for an address, a node or a project, one of the three.

    Raises:
        click.UsageError: it is no address.
    """
    from runner_bridge.ask.answers.addresses import Kind, answer

    since, until = stretch or (None, None)
    address, node, project = named
    if address:
        kind, asked = Kind.ADDRESS, address
        try:
            found = ledger.who_had(ip_address(address), since=since, until=until, cluster=cluster)
        except ValueError:
            _refuse_address(address)
    elif node:
        kind, asked = Kind.NODE, node
        found = ledger.by_node(node, since=since, until=until, cluster=cluster)
    else:
        kind, asked = Kind.PROJECT, project
        found = ledger.by_project(project, since=since, until=until, cluster=cluster)
    gaps = ledger.gaps(now=now, since=since, until=until, cluster=cluster)
    return answer(kind, asked, found, gaps, since=since, until=until)


def _refuse_address(text: str) -> NoReturn:
    message = f"{text!r} is no address. Write 172.16.12.2 or 2001:db8::1; for a node or project: --node, --project."
    raise click.UsageError(message)


def show(result: AddressAnswer, output: str, zone: tzinfo) -> None:
    """Print an answer."""
    from runner_bridge.ask.views import who_had_data, who_had_text
    from runner_bridge.cli.output import emit, width

    if output == "json":
        emit(who_had_data.render_json(result))
    elif output == "csv":
        emit(who_had_data.render_csv(result))
    else:
        emit(who_had_text.render(result, zone=zone, width=width()))


def _batch(
    ledger: Ledger,
    path: str,
    columns: tuple[str, str, str],
    *,
    skew: timedelta,
    zone: tzinfo | None,
    cluster: str,
    output: str,
) -> int:
    from runner_bridge.ask.answers.addresses import Word, answer_log
    from runner_bridge.cli.output import emit, note
    from runner_bridge.core.moments import parse
    from runner_bridge.core.wire.firewall import read
    from runner_bridge.ports.files import read_text

    time_column, address_column, form = columns
    log = read(read_text(path, limit_bytes=LOG_LIMIT_BYTES), time_column=time_column, address_column=address_column)
    note(f"runner-bridge: the time is read from {log.time_column!r}, the address from {log.address_column!r}.")

    def by_address(text: str, since: datetime, until: datetime) -> Sequence[Interval]:
        return ledger.who_had(ip_address(text), since=since, until=until, cluster=cluster)

    def by_node(text: str, since: datetime, until: datetime) -> Sequence[Interval]:
        return ledger.by_node(text, since=since, until=until, cluster=cluster)

    counted = dict.fromkeys(Word, 0)

    def tallied() -> Iterable[LineAnswer]:
        for one in answers:
            counted[one.word] += 1
            yield one

    answers = answer_log(
        log.lines,
        moment=lambda text: parse(text, zone=zone, form=form),
        skew=skew,
        by_address=by_address,
        by_node=by_node,
        gaps=ledger.gaps(now=datetime.now(tz=UTC), cluster=cluster),
    )
    for piece in _pieces(tallied(), output, zone or UTC):
        emit(piece)
    note(f"runner-bridge: {', '.join(f'{count} {word}' for word, count in counted.items() if count) or 'no lines'}.")
    return UNPROVEN if counted[Word.UNKNOWN] or counted[Word.UNREADABLE] else CLEAN


def _pieces(answers: Iterable[LineAnswer], output: str, zone: tzinfo) -> Iterable[str]:
    from runner_bridge.ask.views import who_had_data, who_had_text
    from runner_bridge.cli.output import width

    if output == "json":
        return who_had_data.log_json(answers)
    if output == "csv":
        return who_had_data.log_csv(answers)
    return who_had_text.render_log(answers, zone=zone, width=width())
