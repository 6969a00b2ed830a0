"""`check`: did each job pod of a dump get an address of its tier, and if not, why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from runner_bridge.cli.load import policy_option, read_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner_bridge.core.model.cluster import Snapshot
    from runner_bridge.core.policy.model import Policy, Project

FORMATS = ("table", "wide", "json", "yaml", "junit", "codequality")
KINDS = ("pods", "blocks", "pools", "events", "namespaces")
"""The dumps of a cluster, in the order in which they are read; each is a flag."""

STDIN = "-"

HOW_TO_DUMP = """\
check reads what kubectl prints; name it with --pods
(asking the cluster itself comes with a later release).

The least:
  kubectl get pods -A -o json | runner-bridge check --pods -

All there is to know, nothing written to disk (a dump of pods holds the
variables of their jobs):
  kubectl get -A -o json --show-managed-fields pods,namespaces,events,\\
ippools.crd.projectcalico.org,ipamblocks.crd.projectcalico.org |
    runner-bridge check --pods -

It takes the right to list these five kinds, and no other."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is known of the runners from their own files."""

    short_ids: tuple[tuple[str, str], ...]
    """Short id and name; a stranger's name says so."""
    stamps: dict[str, str]
    """Name → the stamp that the pods of a runner carry since its file was last rendered."""


@click.command("check", short_help="Judge job pods: did each get an address of its tier, and why not.")
@policy_option
@click.option("--pods", multiple=True, metavar="FILE", help="`kubectl get pods -A -o json`, or - for standard input.")
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
    **dumps: tuple[str, ...],
) -> int:
    """
    Judge job pods: did each get an address of its tier, and why not.

    Reads what kubectl printed and asks nothing of the cluster. One file may hold several kinds; files may be packed
    with gzip, be lists, or the lines of a watch.

    Exit codes: 0 no breach, 1 a breach, 2 something cannot be read, 3 something is not proven.
    """
    from runner_bridge.ask.answers.check import answer
    from runner_bridge.cli.check_output import pieces
    from runner_bridge.cli.output import emit, is_terminal, width
    from runner_bridge.core.judge import judge

    if not dumps["pods"]:
        raise click.UsageError(HOW_TO_DUMP)
    _refuse_twice_stdin([policy, *projects, *configs, *(path for kind in KINDS for path in dumps[kind])])
    moment = now or _taken_at(dumps["pods"])
    accepted = read_policy(policy, moment.date())
    known = _runners(configs, accepted)
    listed = _projects(projects) if projects else None
    snapshot = _snapshot(dumps, selector, "" if all_namespaces else namespace)
    judgement = judge(
        accepted,
        snapshot,
        now=moment,
        projects=listed,
        short_ids=known.short_ids,
        stamps=known.stamps,
        strict=strict,
    )
    source = f"0 GETs, 0 writes: read from {_names(path for kind in KINDS for path in dumps[kind])}."
    result = answer(judgement, source=source, judged_at=moment, expect_min=expect_min)
    for piece in pieces(output, result, policy=policy, colour=is_terminal(), width=width()):
        emit(piece)
    return result.exit_code


def _refuse_twice_stdin(paths: Sequence[str]) -> None:
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


def _projects(paths: Sequence[str]) -> list[Project]:
    from runner_bridge.cli.output import note
    from runner_bridge.core.wire.projects import read_projects
    from runner_bridge.ports.dumps import read_dump
    from runner_bridge.ports.files import display_name

    found: list[Project] = []
    for path in paths:
        projects, problems = read_projects(read_dump(path, want="projects"), name=display_name(path))
        found += projects
        for problem in problems:
            note(f"runner-bridge: {problem}.")
    return found


def _runners(paths: Sequence[str], policy: Policy) -> _Known:
    """
    Read which short id belongs to which runner; tokens are never kept.

    A runner is one of the policy's by its name and GitLab; one of another GitLab that has the same name is a stranger.
    """
    from runner_bridge.cli.output import note
    from runner_bridge.core.adopt.existing import parse, read
    from runner_bridge.core.redact import redact
    from runner_bridge.ports.files import display_name, read_text

    pairs: list[tuple[str, str]] = []
    stamps: dict[str, str] = {}
    for path in paths:
        tree = parse(read_text(path), display_name(path))
        runners = read(tree, display_name(path)).runners
        stamps |= _stamps(tree["runners"]) if runners else {}
        for runner in runners:
            where = f"runner-bridge: {display_name(path)}: runner {redact(str(runner))}"
            elsewhere = "$" not in runner.url and _plain_url(runner.url) != _plain_url(policy.gitlab.url)
            if elsewhere:
                note(f"{where} belongs to {redact(runner.url)}, the policy to {policy.gitlab.url}: a stranger's.")
            elif runner.name not in policy.runners:
                note(f"{where} is not declared in the policy: its job pods count as unmanaged.")
            if runner.short_id:
                pairs.append((runner.short_id, f"{runner.name} of {runner.url}" if elsewhere else runner.name))
            else:
                note(f"{where} has no token in the file, so its pods are told by its name alone.")
    return _Known(short_ids=tuple(pairs), stamps=stamps)


def _stamps(sections: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    from runner_bridge.render.fragment.governed import STAMP

    found: dict[str, str] = {}
    for section in sections:
        kubernetes = section.get("kubernetes")
        notes = kubernetes.get("pod_annotations") if isinstance(kubernetes, dict) else None
        stamp = notes.get(STAMP) if isinstance(notes, dict) else None
        if isinstance(stamp, str):
            found[str(section.get("name"))] = stamp
    return found


def _plain_url(url: str) -> str:
    return url.rstrip("/").lower()
