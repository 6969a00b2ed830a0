"""`ledger verify|export|prune`: is the record whole, what does it hold, and what of it may go."""

from __future__ import annotations

import os
import pwd
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from runner_bridge.cli import CLEAN, LEDGER
from runner_bridge.cli.ledger_access import Zone, ledger_option, moment, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import tzinfo

    from runner_bridge.core.chain import Witness
    from runner_bridge.core.model import Finding
    from runner_bridge.ports.ledger import Ledger

EXPORT_LIMIT_BYTES = 4 * 1024 * 1024 * 1024


@click.group("ledger", short_help="Verify, export or prune the record of who had which address.")
def command() -> None:
    """Verify, export or prune the record of who had which address."""


@command.command("verify")
@ledger_option
@click.option(
    "--witness", "witness", default="", metavar="FILE", help="A log that saw entries and heads, or - (stdin)."
)
@click.option("--export", "export", default="", metavar="FILE", help="Check a JSONL export instead of a database.")
@click.option("--repair", is_flag=True, help="Derive intervals again from the entries first. Stop the bridge before.")
@click.option("-o", "--output", type=click.Choice(("table", "json")), default="table", show_default=True)
def verify(*, ledger_url: str, witness: str, export: str, repair: bool, output: str) -> int:
    """
    Find every row that was edited, removed or moved, and say which.

    Rows cut off the very end, or a chain written anew, are found with --witness: what the bridge printed while it ran.

    Exit codes: 0 whole, 4 damaged.
    """
    from runner_bridge.core.chain import witnesses
    from runner_bridge.ports.files import read_text

    seen = list(witnesses(read_text(witness, limit_bytes=EXPORT_LIMIT_BYTES).splitlines())) if witness else []
    if witness and not seen:
        message = f"--witness {witness}: holds no line of a ledger. Name the log of `runner-bridge run`."
        raise click.UsageError(message)
    if export and repair:
        message = "--export and --repair exclude each other: an export holds nothing that is derived."
        raise click.UsageError(message)
    if export:
        found, holds = _verify_export(export, seen)
    else:
        if repair:
            _repair(ledger_url)
        with reading(ledger_url) as ledger:
            found, holds = ledger.verify(seen), held(ledger)
    tell(found, holds, witnessed=len(seen), output=output)
    return LEDGER if found else CLEAN


def _repair(url: str) -> None:
    from runner_bridge.cli.output import note
    from runner_bridge.ports.ledger import Ledger

    with reading(url):  # refuse to create one
        pass
    with closing(Ledger.open(url)) as ledger:
        ledger.repair()
    note("runner-bridge: intervals, intents and nodes were derived again.")


def held(ledger: Ledger) -> dict[str, Any]:
    """Return how much a ledger holds, and its head."""
    segments = ledger.segments()
    head = f"{segments[-1].number}:{segments[-1].last} {segments[-1].head}" if segments else ""
    return {"segments": len(segments), "entries": sum(one.last for one in segments), "head": head}


def _verify_export(path: str, seen: Iterable[Witness]) -> tuple[list[Finding], dict[str, Any]]:
    from runner_bridge.core import chain
    from runner_bridge.core.chain_export import read
    from runner_bridge.ports.files import read_text

    exported = read(read_text(path, limit_bytes=EXPORT_LIMIT_BYTES).split("\n"))
    found = chain.verify(exported.segments, lambda number: exported.rows.get(number, []), seen)
    entries = sum(map(len, exported.rows.values()))
    last = exported.segments[-1] if exported.segments else None
    head = f"{last.number}:{last.last} {last.head}" if last else ""
    return found, {"segments": len(exported.segments), "entries": entries, "head": head}


def tell(found: list[Finding], holds: Mapping[str, Any], *, witnessed: int, output: str) -> None:
    """Print whether a ledger is whole, and which rows are not."""
    from runner_bridge.ask.views import findings_json, findings_text
    from runner_bridge.cli.output import emit, is_terminal, width

    if output == "json":
        emit(findings_json.render(found, head={"whole": not found, "witnessed": witnessed, **holds}))
        return
    emit(findings_text.render(found, colour=is_terminal(), width=width()))
    what = f"{_many(holds['segments'], 'segment')}, {_many(holds['entries'], 'entry')}"
    by = f", {_many(witnessed, 'line')} of the witness agree" if witnessed and not found else ""
    if found:
        emit(f"\nThe ledger is damaged: {_many(len(found), 'finding')} in {what}.\n")
    else:
        emit(f"The ledger is whole: {what}{by}.\n")
        if holds["head"]:
            emit(f"It ends with {holds['head']}\n")


@command.command("export")
@ledger_option
@click.option("--format", "form", type=click.Choice(("jsonl", "csv")), default="jsonl", show_default=True)
@click.option("--intervals", is_flag=True, help="Who had what from when to when, instead of the entries behind it.")
@click.option("--since", default="", metavar="T", help="Only what was recorded, or held, from then on.")
@click.option("--until", default="", metavar="T", help="Only what was recorded, or held, until then.")
@click.option("--tier", default="", metavar="NAME", help="Only of this tier.")
@click.option("--project", default="", metavar="ID", help="Only of this project, by its number.")
@click.option("--tz", "zone", type=Zone(), metavar="ZONE", help="Of --since and --until where they name none.")
def export(  # noqa: PLR0913 - click hands in each option by name
    *,
    ledger_url: str,
    form: str,
    intervals: bool,
    since: str,
    until: str,
    tier: str,
    project: str,
    zone: tzinfo | None,
) -> int:
    """
    Print the ledger: entries with the hashes that chain them, or the intervals that follow from them.

    Entries as JSONL without any choice among them can be verified anywhere: ledger verify --export FILE.
    """
    from runner_bridge.cli.output import emit

    where = {
        "since": moment(since, zone, "--since").since if since else None,
        "until": moment(until, zone, "--until").until if until else None,
        "tier": tier,
        "project": project,
    }
    with reading(ledger_url) as ledger:
        for piece in _exported(ledger, form, where, intervals=intervals):
            emit(piece)
    return CLEAN


def _exported(ledger: Ledger, form: str, where: Mapping[str, Any], *, intervals: bool) -> Iterator[str]:
    """Yield the export in pieces; a reader that goes away ends it."""
    from msgspec import json

    from runner_bridge.ask.views import csv_table, who_had_data
    from runner_bridge.core import chain_export

    if intervals and form == "csv":
        rows = map(who_had_data.interval_row, ledger.intervals(**where))
        yield from csv_table(who_had_data.INTERVAL_COLUMNS, rows)
    elif intervals:
        for interval in ledger.intervals(**where):
            yield json.encode(interval).decode() + "\n"
    elif form == "csv":
        stored = ledger.entries(**where)
        entries = (who_had_data.entry_row(one.segment, one.row.number, one.entry) for one in stored)
        yield from csv_table(who_had_data.ENTRY_COLUMNS, entries)
    else:
        if any(where.values()):
            yield chain_export.PART
        else:
            yield from map(chain_export.opening_line, ledger.segments())
        for one in ledger.entries(**where):
            yield chain_export.entry_line(one.segment, one.row)


@command.command("prune")
@ledger_option
@click.option("--before", required=True, metavar="T", help="What ended before this moment goes, or an age: 365d.")
@click.option("--tz", "zone", type=Zone(), metavar="ZONE", help="Of --before where it names none.")
def prune(*, ledger_url: str, before: str, zone: tzinfo | None) -> int:
    """
    Remove what ended before a moment; whole segments only, so some of it may stay for now.

    What is still open, or ended later, is carried over. A checkpoint says what went, so the chain still verifies.
    The bridge may be running.
    """
    from runner_bridge.cli.output import emit
    from runner_bridge.ports.ledger import Ledger

    now = datetime.now(tz=UTC)
    age = before[:-1]
    cut = (
        now - timedelta(days=int(age))
        if before.endswith("d") and age.isdecimal() and len(age) < 6
        else moment(before, zone, "--before").since
    )
    with reading(ledger_url):  # refuse to create one
        pass
    with closing(Ledger.open(ledger_url)) as ledger:
        done = ledger.prune(before=cut, at=now, actor=_who())
    emit(
        f"Removed {_many(done.segments, 'segment')} with {_many(done.entries, 'entry')} and "
        f"{_many(done.intervals, 'interval')}; carried over {_many(done.carried, 'interval')}.\n"
    )
    return CLEAN


def _who() -> str:
    """Return whose account this is, for the checkpoint."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _many(count: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"
