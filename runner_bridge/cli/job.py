"""`job`: one job, by its number or the address of its page: its pods, where they ran, and what GitLab says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner_bridge.cli.ledger_access import Zone, ledger_option, reading

if TYPE_CHECKING:
    from datetime import tzinfo

    from runner_bridge.ask.answers.jobs import JobsAnswer
    from runner_bridge.ports.ledger import Ledger


@click.command("job", short_help="Say where one job ran, and whether GitLab confirms it.")
@click.argument("job", metavar="ID|URL")
@ledger_option
@click.option("--cluster", default="", metavar="NAME", help="Only on this cluster, where the ledger holds several.")
@click.option("--tz", "zone", type=Zone(), metavar="ZONE", help="In which times are shown.")
@click.option("-o", "--output", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
def command(*, job: str, ledger_url: str, cluster: str, zone: tzinfo | None, output: str) -> int:
    """
    Say where one job ran: its pods, their addresses, nodes, pools and verdicts, live and past.

    Taken from the ledger. That a pod runs this job is its claim; what GitLab said of it, and the other tries of a job
    that was retried, stand beside it where the bridge may ask GitLab.

    Exit codes: 0 answered, 1 GitLab contradicts a claim, 2 wrong usage, 3 none is found and not all of the time was
    watched.

    \b
      runner-bridge job 4711
      runner-bridge job https://gitlab.example.com/platform/deploy/-/jobs/4711
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with reading(ledger_url) as ledger:
        result = ask(ledger, job, now=datetime.now(tz=UTC), cluster=cluster)
    _show(result, output, zone or UTC)
    return result.exit_code


def ask(ledger: Ledger, job: str, *, now: datetime, cluster: str = "") -> JobsAnswer:
    """
    Ask a ledger for a job.

    Raises:
        SettingsError: it is neither a number nor the address of a job's page.
        LedgerError: it cannot be read.
    """
    from runner_bridge.ask.answers.jobs import answer_job, asked_job

    asked = asked_job(job)
    found = ledger.by_job(asked.number, cluster=cluster)
    facts = ledger.facts(found)
    histories = {key: ledger.history(fact) for key, fact in facts.items()}
    return answer_job(asked, found, facts, histories, ledger.gaps(now=now, cluster=cluster))


def _show(result: JobsAnswer, output: str, zone: tzinfo) -> None:
    from runner_bridge.ask.views import jobs_data, jobs_text
    from runner_bridge.cli.output import emit, width

    if output == "json":
        emit(jobs_data.render_json(result))
    elif output == "csv":
        emit(jobs_data.render_csv(result))
    else:
        emit(jobs_text.render_job(result, zone=zone, width=width()))
