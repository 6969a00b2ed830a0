"""`lint`: problems in files that exist already, without a cluster and without a token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from runner_bridge.cli import CLEAN, FINDINGS, UNPROVEN, USAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner_bridge.core.lint.run import Report, Source
    from runner_bridge.core.model import Finding

FORMATS = ("text", "json", "codequality", "junit", "sarif")
KINDS = ("policy", "runner-config", "helm-values", "config-map", "ip-pools")
_EXPECTED = (
    "a policy, a config.toml, Helm values of the runner's chart, a ConfigMap or Secret with a config.toml, or IPPools"
)
SEVERITIES = ("error", "warning", "advice")


class CalicoVersion(click.ParamType[tuple[int, int]]):
    """`3.30`, `v3.30.1` → (3, 30)."""

    name = "version"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return major and minor."""
        found = re.fullmatch(r"v?(\d{1,3})\.(\d{1,3})(?:[.-].*)?", str(value))
        if found is None:
            self.fail(f"{value!r} is no version. Write it as 3.30 or v3.30.1.", param, ctx)
        return int(found[1]), int(found[2])


@click.command("lint", short_help="Find problems in a policy, config.toml, Helm values or IPPool file.")
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option("--kind", type=click.Choice(KINDS), help="What the files are, where it cannot be told from them.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="warning",
    show_default=True,
    help="The mildest finding that makes the exit code 1.",
)
@click.option("-o", "--output", type=click.Choice(FORMATS), default="text", show_default=True, help="How to print.")
@click.option("--policy", metavar="PATH", help="The policy, a file or folder, that pools are compared with.")
@click.option("--nodes", type=click.IntRange(min=1), help="Nodes of the cluster: has each pool a block for each?")
@click.option(
    "--calico-version", type=CalicoVersion(), help="The oldest Calico in use: does it honour what is written?"
)
@click.option("--with-runner", is_flag=True, help="Also ask a gitlab-runner (19.3 or newer) on the PATH.")
def command(  # noqa: PLR0913 - click hands in each option by name
    files: tuple[str, ...],
    kind: str | None,
    fail_on: str,
    output: str,
    policy: str | None,
    nodes: int | None,
    calico_version: tuple[int, int] | None,
    *,
    with_runner: bool,
) -> int:
    """
    Find problems in a policy, config.toml, Helm values, ConfigMap or IPPool manifest.

    FILE is a file, a folder to search, or - for standard input. What each file is, is told from its content.

    Exit codes: 0 nothing found, 1 findings, 2 a file could not be read or told, 3 --with-runner could not ask.
    """
    from dataclasses import replace
    from datetime import UTC, datetime

    from runner_bridge.cli.lint_output import render
    from runner_bridge.cli.load import read_policy
    from runner_bridge.cli.output import emit, note
    from runner_bridge.core.lint.context import Context
    from runner_bridge.core.lint.kinds import Kind
    from runner_bridge.core.lint.run import lint
    from runner_bridge.core.model import Severity
    from runner_bridge.core.redact import redact

    today = datetime.now(tz=UTC).date()
    context = Context(nodes=nodes, calico=calico_version, policy=read_policy(policy, today) if policy else None)
    sources, problems = _read(files)
    report = lint(sources, kind=Kind(kind) if kind else None, context=context, today=today)
    problems += [_cannot_tell(source) for source in sources if source.name in report.unknown]
    if not problems and not report.kinds:
        problems.append(_nothing_in(files))
    findings, not_asked = _asked(report, sources) if with_runner else (report.findings, "")
    report = replace(report, findings=findings)
    least = Severity(fail_on)
    emit(render(output, report, problems=problems, fail_on=least))
    for problem in (*problems, not_asked):
        if problem:
            note(f"runner-bridge: {redact(problem)}")
    if problems:
        return USAGE
    if any(finding.code.severity.rank <= least.rank for finding in findings):
        return FINDINGS
    return UNPROVEN if not_asked else CLEAN


def _read(paths: Iterable[str]) -> tuple[list[Source], list[str]]:
    """Read every file, the readable ones though others are not; a file that is reached twice counts once."""
    from pathlib import Path

    from runner_bridge.core.errors import RunnerBridgeError
    from runner_bridge.core.lint.kinds import SUFFIXES
    from runner_bridge.core.lint.run import Source
    from runner_bridge.ports.files import STDIN, display_name, read_text, walk

    sources: dict[str, Source] = {}
    problems: list[str] = []

    def take(path: str, folder: str) -> None:
        name = display_name(path)
        if name in sources:
            return
        try:
            sources[name] = Source(name=name, text=read_text(path), folder=folder)
        except RunnerBridgeError as error:
            problems.append(str(error))

    for path in paths:
        if not path:
            # `Path("")` would be the current folder: a variable that is not set must not lint everything.
            problems.append("an empty name was given, expected a file or folder. Check the variable that holds it.")
            continue
        if path == STDIN or not Path(path).is_dir():
            take(path, "")
            continue
        try:
            for found in walk(path, SUFFIXES):
                take(found, path)
        except RunnerBridgeError as error:
            problems.append(str(error))
    return list(sources.values()), problems


def _cannot_tell(source: Source) -> str:
    from runner_bridge.core.lint.kinds import unreadable

    return unreadable(source.text, source.name) or (
        f"{source.name}: cannot tell what this file is: expected {_EXPECTED}. "
        "Check the name, or say what it is with --kind."
    )


def _nothing_in(files: Sequence[str]) -> str:
    # A pipeline that checks nothing must not be green.
    return (
        f"{', '.join(files)}: nothing to check: expected {_EXPECTED} "
        "in a file .yaml, .yml, .json or .toml. Name another folder."
    )


def _asked(report: Report, sources: Sequence[Source]) -> tuple[tuple[Finding, ...], str]:
    """Return all findings, those of a gitlab-runner binary merged in, and why it could not be asked."""
    from runner_bridge.core.lint import runner_answer
    from runner_bridge.core.lint.kinds import Kind
    from runner_bridge.core.lint.run import in_order
    from runner_bridge.ports import runner_binary

    configs = [source for source in sources if Kind.RUNNER_CONFIG in report.kinds.get(source.name, ())]
    if not configs:
        return report.findings, ""
    binary = runner_binary.find()
    if isinstance(binary, runner_binary.NotAsked):
        return report.findings, binary.reason
    answers: list[Finding] = []
    for source in configs:
        answer = runner_binary.lint(binary, source.text)
        if isinstance(answer, runner_binary.NotAsked):
            return report.findings, answer.reason
        if not answer.accepted:
            said = runner_answer.read(answer.text, source.text, source.name)
            answers += runner_answer.without_repeats(said, report.findings)
    return in_order([*report.findings, *answers], sources), ""
