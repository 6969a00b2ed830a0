"""`check`: did each job pod of a cluster, or of a dump, get an address of its tier, and if not, why not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner_bridge.cli import UNPROVEN
from runner_bridge.cli.load import policy_option, read_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner_bridge.cli.bridge.reload import Inputs
    from runner_bridge.cli.check.scope import Scope
    from runner_bridge.core.model.cluster import Snapshot
    from runner_bridge.core.model.verdict import Judgement

FORMATS = ("table", "wide", "json", "yaml", "junit", "codequality")
KINDS = ("pods", "blocks", "pools", "events", "namespaces")
"""The dumps of a cluster, in the order in which they are read; each is a flag."""

STDIN = "-"

NOT_ASKED = """\
no pods to judge: --{kind} says more about pods, and --pods is not given. Give --pods too; or none of these files: then
the cluster itself is asked."""


class Moment(click.ParamType[datetime]):
    """`2026-11-23T17:41:00Z` → an aware instant."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the instant in UTC."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            moment = datetime.min  # noqa: DTZ901 - refused below, as every time without a zone
        if moment.tzinfo is None:
            self.fail(f"{value!r} is no moment with a zone. Write it as 2026-11-23T17:41:00Z.", param, ctx)
        return moment.astimezone(UTC)


@click.command("check", short_help="Judge job pods: did each get an address of its tier, and why not.")
@policy_option
@click.option("--kubeconfig", default="", metavar="FILE", help="Ask the cluster of this file instead of kubectl's.")
@click.option("--context", default="", metavar="NAME", help="Ask the cluster of this context of the kubeconfig.")
@click.option(
    "--pods", multiple=True, metavar="FILE", help="Ask nobody: read `kubectl get pods -A -o json`, or - (stdin)."
)
@click.option("--blocks", multiple=True, metavar="FILE", help="Dump of IPAMBlocks: who really holds an address.")
@click.option("--pools", multiple=True, metavar="FILE", help="Dump of IPPools.")
@click.option("--events", multiple=True, metavar="FILE", help="Dump of events: why a pod has no address.")
@click.option("--namespaces", multiple=True, metavar="FILE", help="Dump of namespaces and their annotations.")
@click.option("--projects", multiple=True, metavar="FILE", help="GitLab's answer to GET /projects: paths of projects.")
@click.option("--config", "configs", multiple=True, metavar="FILE", help="A config.toml: which runner made which pod.")
@click.option("--strict", is_flag=True, help="An address counts only when a block confirms it.")
@click.option(
    "--expect-min", type=click.IntRange(min=0), default=0, metavar="N", help="Fewer job pods prove nothing: exit 3."
)
@click.option("-n", "--namespace", default="", metavar="NS", help="Only pods of this namespace.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Pods of all namespaces, which is the default.")
@click.option("-l", "--selector", default="", metavar="LABELS", help="Only pods with such labels, as kubectl has it.")
@click.option("-o", "--output", type=click.Choice(FORMATS), default="table", show_default=True, help="How to print.")
@click.option("--watch", "-w", "is_watched", is_flag=True, help="Keep the table fresh until Ctrl-C.")
@click.option(
    "--now", type=Moment(), help="When the dump was taken; without it, the file's own time, or now for a pipe."
)
def command(  # noqa: PLR0913 - click hands in each option by name
    *,
    policy: str,
    projects: tuple[str, ...],
    configs: tuple[str, ...],
    strict: bool,
    expect_min: int,
    namespace: str,
    all_namespaces: bool,
    selector: str,
    output: str,
    now: datetime | None,
    kubeconfig: str,
    context: str,
    is_watched: bool,
    **dumps: tuple[str, ...],
) -> int:
    """
    Judge job pods: did each get an address of its tier, and why not.

    Asks the cluster that kubectl would ask, and writes nothing to it; or, with --pods, reads what kubectl printed. One
    such file may hold several kinds; files may be packed with gzip, be lists, or the lines of a watch.

    With --watch the table follows what happens in the cluster, until Ctrl-C.

    Exit codes: 0 no breach, 1 a breach, 2 something cannot be read, 3 something is not proven, 130 Ctrl-C.
    """
    from runner_bridge.ask.answers.check import answer
    from runner_bridge.cli.check.known import read_projects_files, read_runners
    from runner_bridge.cli.check.output import pieces
    from runner_bridge.cli.check.scope import Scope
    from runner_bridge.cli.output import emit, is_terminal, width
    from runner_bridge.core.judge import judge

    _refuse_odd_files([policy, *projects, *configs, *(path for kind in KINDS for path in dumps[kind])], dumps)
    if now and not dumps["pods"]:
        message = "--now says when a dump was taken, and no --pods is given: the cluster is asked as it is."
        raise click.UsageError(message)
    namespace = "" if all_namespaces else namespace
    if is_watched:
        from runner_bridge.cli.bridge.reload import Inputs

        _refuse_beside_watch({"--pods": dumps["pods"], "--strict": strict})
        scope = Scope(namespace=namespace, selector=selector)
        inputs = Inputs(policy=policy, projects=projects, configs=configs)
        return _watch(inputs, scope, (kubeconfig, context), output=output, expect_min=expect_min)
    moment = now or (_taken_at(dumps["pods"]) if dumps["pods"] else datetime.now(tz=UTC))
    accepted = read_policy(policy, moment.date())
    known = read_runners(configs, accepted)
    listed = read_projects_files(projects) if projects else None

    def judged(snapshot: Snapshot, at: datetime) -> Judgement:
        return judge(
            accepted, snapshot, now=at, projects=listed, short_ids=known.short_ids, stamps=known.stamps, strict=strict
        )

    if dumps["pods"]:
        judgement = judged(_snapshot(dumps, selector, namespace), moment)
        source = f"0 GETs, 0 writes: read from {_names(path for kind in KINDS for path in dumps[kind])}."
    else:
        from runner_bridge.cli.check.live import check_live

        scope = Scope(namespace=namespace, selector=selector)
        live = check_live(judged, scope=scope, kubeconfig=kubeconfig, context=context)
        judgement, source, moment = live.judgement, live.source, live.at
    result = answer(judgement, source=source, judged_at=moment, expect_min=expect_min)
    for piece in pieces(output, result, policy=policy, colour=is_terminal(), width=width()):
        emit(piece)
    return result.exit_code


def _refuse_beside_watch(given: Mapping[str, object]) -> None:
    names = [name for name, value in given.items() if value]
    if names:
        message = f"--watch judges the cluster as it is, by addresses or blocks. Leave out {', '.join(names)}."
        raise click.UsageError(message)


def _watch(inputs: Inputs, scope: Scope, cluster: tuple[str, str], *, output: str, expect_min: int) -> int:
    from runner_bridge.cli import INTERRUPTED
    from runner_bridge.cli.bridge.reload import read_known
    from runner_bridge.cli.check.watch import FORMATS as WATCHED
    from runner_bridge.cli.check.watch import JudgedBy, watch

    if output not in WATCHED:
        message = f"--watch prints {', '.join(WATCHED)}; {output} is one report of one moment."
        raise click.UsageError(message)
    kubeconfig, context = cluster
    policy = read_policy(inputs.policy)
    judged_by = JudgedBy(policy=policy, known=read_known(inputs, policy))
    try:
        watch(judged_by, scope=scope, output=output, expect_min=expect_min, kubeconfig=kubeconfig, context=context)
    except KeyboardInterrupt:
        return INTERRUPTED
    return UNPROVEN


def _refuse_odd_files(paths: Sequence[str], dumps: Mapping[str, Sequence[str]]) -> None:
    alone = [kind for kind in KINDS if dumps[kind]]
    if alone and "pods" not in alone:
        raise click.UsageError(NOT_ASKED.format(kind=alone[0]))
    if paths.count(STDIN) > 1:
        message = "standard input (-) can be read only once. Give one kubectl list with several kinds to --pods."
        raise click.UsageError(message)


def _taken_at(paths: Sequence[str]) -> datetime:
    """Return when the newest of the dumps was written; the present for a pipe."""
    from runner_bridge.ports.dumps import written_at

    present = datetime.now(tz=UTC)
    written = [present if path == STDIN else written_at(path) or present for path in paths]
    return min(max(written), present)


def _names(paths: Iterable[str]) -> str:
    from runner_bridge.ports.files import display_name

    return ", ".join(dict.fromkeys(map(display_name, paths)))


def _snapshot(dumps: dict[str, tuple[str, ...]], selector: str, namespace: str) -> Snapshot:
    from runner_bridge.core.wire.reader import Reader
    from runner_bridge.core.wire.selectors import parse_selector
    from runner_bridge.ports.dumps import read_dump
    from runner_bridge.ports.files import display_name

    reader = Reader(selector=parse_selector(selector), namespace=namespace)
    for kind in KINDS:
        for path in dumps[kind]:
            reader.read(read_dump(path, want=kind), name=display_name(path), want=kind)
    return reader.snapshot()
