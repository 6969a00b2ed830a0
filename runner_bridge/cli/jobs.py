"""`jobs`: which jobs ran where, live and past."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from runner_bridge.cli.ledger_access import Zone, ledger_option, moment_or_ago, reading

if TYPE_CHECKING:
    from datetime import tzinfo

    from runner_bridge.ask.answers.jobs import JobsAnswer
    from runner_bridge.core.model.finding import Outcome
    from runner_bridge.ports.ledger import Ledger

MOST: Final = 1000
ENOUGH: Final = 50_000
"""No more addresses of pods are looked at, the newest; what is older takes an earlier --until."""


@click.command("jobs", short_help="Say which jobs ran where: pod, address, node, pool, verdict.")
@ledger_option
@click.option("--project", default="", metavar="PROJECT", help="Only this project: its number or path.")
@click.option("--tier", default="", metavar="NAME", help="Only jobs that a runner of this tier took.")
@click.option(
    "--since", default="1d", show_default=True, metavar="T", help="1h, 30d: so long ago; or a moment; or all."
)
@click.option("--until", default="", metavar="T", help="As --since; now unless given.")
@click.option("--outcome", type=click.Choice(["pass", "unknown", "breach"]), help="Only jobs with this verdict.")
@click.option("--cluster", default="", metavar="NAME", help="Only on this cluster, where the ledger holds several.")
@click.option("--limit", type=click.IntRange(min=1), default=MOST, show_default=True, help="List so many, the newest.")
@click.option("--tz", "zone", type=Zone(), metavar="ZONE", help="Of times that name none, and of those shown.")
@click.option("-o", "--output", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def command(  # noqa: PLR0913 - click hands in each option by name
    *,
    ledger_url: str,
    project: str,
    tier: str,
    since: str,
    until: str,
    outcome: str | None,
    cluster: str,
    limit: int,
    zone: tzinfo | None,
    output: str,
) -> int:
    """
    Say which jobs ran where, the newest first: job, project, tier, address, pool, node, verdict.

    Taken from the ledger, live and past. The number of a job is its pod's claim until GitLab confirmed it; CLAIM says
    how it stands.

    Exit codes: 0 answered, 1 GitLab contradicts a claim, 2 wrong usage, 3 none is found in a time that was not watched.

    \b
      runner-bridge jobs --tier infra --outcome breach
      runner-bridge jobs --project platform/deploy --since 30d -o csv
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from runner_bridge.core.model.finding import Outcome

    now = datetime.now(tz=UTC)
    begin = None if since == "all" else moment_or_ago(since, zone, "--since", now).since
    end = moment_or_ago(until, zone, "--until", now).until if until else None
    if begin is not None and begin > (end or now):
        message = f"--since: {since!r} is after --until. Name the earlier moment first."
        raise click.UsageError(message)
    with reading(ledger_url) as ledger:
        result = ask(
            ledger,
            now=now,
            since=begin,
            until=end,
            tier=tier,
            project=project,
            cluster=cluster,
            outcome=Outcome(outcome) if outcome else None,
            most=limit,
        )
    _show(result, output, zone or UTC)
    return result.exit_code


def ask(  # noqa: PLR0913 - what is asked for, by name
    ledger: Ledger,
    *,
    now: datetime,
    since: datetime | None,
    until: datetime | None,
    tier: str = "",
    project: str = "",
    cluster: str = "",
    outcome: Outcome | None = None,
    most: int = MOST,
) -> JobsAnswer:
    """
    Ask a ledger for the jobs of a stretch of time; `project` is a number or a path.

    Raises:
        LedgerError: it cannot be read.
    """
    from runner_bridge.ask.answers.jobs import answer_jobs

    path = "" if project.isdecimal() else project.strip("/")
    read = ledger.newest(ENOUGH + 1, since=since, until=until, tier=tier, project="" if path else project)
    found = [one for one in read[:ENOUGH] if not cluster or one.cluster == cluster]
    return answer_jobs(
        found,
        ledger.facts(found),
        ledger.gaps(now=now, since=since, until=until, cluster=cluster),
        since=since,
        until=until,
        path=path,
        outcome=outcome,
        most=most,
        is_cut=len(read) > ENOUGH,
    )


def _show(result: JobsAnswer, output: str, zone: tzinfo) -> None:
    from runner_bridge.ask.views import jobs_data, jobs_text
    from runner_bridge.cli.output import emit, width

    if output == "json":
        emit(jobs_data.render_json(result))
    elif output == "csv":
        emit(jobs_data.render_csv(result))
    else:
        emit("".join(jobs_text.render_jobs(result, zone=zone, width=width())))
