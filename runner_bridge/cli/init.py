"""`runner-bridge init`: a policy to start from."""

from __future__ import annotations

import os
from typing import Any

import click

from runner_bridge.cli.init_from import adopt, check_options, from_options, tell_next
from runner_bridge.cli.load import DEFAULT
from runner_bridge.cli.output import emit, note

SCHEMA_FILE = "policy.schema.json"


@click.command()
@from_options
@click.option(
    "--gitlab-url", metavar="URL", default="https://gitlab.example.com", show_default=True, help="Your GitLab."
)
@click.option(
    "--root-group", "root_groups", metavar="GROUP", multiple=True, help="A top-level group; may be given several times."
)
@click.option(
    "--workload-cidr", metavar="CIDR", default="10.10.0.0/16", show_default=True, help="The pool that exists already."
)
@click.option(
    "--infra-cidr", metavar="CIDR", default="172.16.0.0/16", show_default=True, help="The pool for infrastructure jobs."
)
@click.option("--namespace", metavar="NAME", default="gitlab-runners", show_default=True, help="Where job pods live.")
@click.option(
    "-o", "--output", metavar="FILE", default=DEFAULT, show_default=True, help="Where to write; - is standard output."
)
@click.option("--force", is_flag=True, help="Overwrite the file if there is one.")
def command(output: str, *, force: bool, source: str | None, **said: Any) -> None:  # noqa: ANN401 - click's values
    """
    Write a commented policy to start from, and beside it the schema that lets editors complete it.

    Nothing is asked and nothing is contacted. The policy is valid as it stands; edit names and rules.

    With --from it describes what is there: rendered and merged into that file it changes only what is told.
    """
    check_options(source)
    if source:
        write_policy(adopt(source, said), output, force=force)
        tell_next(source, output)
        return
    from runner_bridge.core.policy.starter import starter

    text = starter(
        gitlab_url=said["gitlab_url"],
        root_groups=said["root_groups"],
        workload_cidr=said["workload_cidr"],
        infra_cidr=said["infra_cidr"],
        namespace=said["namespace"],
    )
    write_policy(text, output, force=force)


def write_policy(text: str, output: str, *, force: bool) -> None:
    """
    Write a new policy, and its schema beside it; neither if the text is no policy.

    Raises:
        SettingsError: there is a file already and `force` is not set, or it cannot be written.
        click.exceptions.Exit: with 2, after the problems of the text were printed.
    """
    from datetime import UTC, datetime

    from runner_bridge.cli.load import refuse
    from runner_bridge.cli.schema import schema_text
    from runner_bridge.core.errors import PolicyError, SettingsError
    from runner_bridge.core.policy import Source, load
    from runner_bridge.ports import files

    try:
        load([Source(name=output, text=text)], today=datetime.now(tz=UTC).date())
    except PolicyError as error:
        refuse(error, "is not written")
    if output == files.STDIN:
        emit(text)
        return
    if os.path.lexists(output) and not force:
        message = f"{output}: exists already. Name another file with -o, or overwrite it with --force."
        raise SettingsError(message)
    files.write_text(output, text)
    schema = os.path.join(os.path.dirname(output), SCHEMA_FILE)  # noqa: PTH118, PTH120 - a path as it was given
    if force or not os.path.lexists(schema):
        files.write_text(schema, schema_text())
    note(f"Wrote {output}, and {schema} for your editor.")
    note(f"Next: edit it, then\n  runner-bridge lint {output}\n  runner-bridge render --policy {output} -o out")
