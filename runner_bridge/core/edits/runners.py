"""
Declared runners against GitLab's: which one is which, what differs, and what is nobody's any more.

A runner is the declared one if the configuration of its managers names its number or token; else if its maintenance
note carries our marker. Settings that steer jobs are the server's (tags, `run_untagged`, `locked`, `access_level`,
`paused`, `maximum_timeout`: docs.gitlab.com/api/runners); type and scope can never be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner_bridge.core.edits.live import NOTHING_KNOWN
from runner_bridge.core.edits.marker import is_unfinished, owned
from runner_bridge.core.edits.replacing import kept_or_replaced, replaced
from runner_bridge.core.marks import is_of_token
from runner_bridge.core.model.codes import plan as codes
from runner_bridge.core.model.edit import Deed, Edit, FieldEdit, Part
from runner_bridge.core.model.finding import Finding
from runner_bridge.core.model.gitlab import AccessLevel, Runner, RunnerType
from runner_bridge.core.policy.model import ScopeKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.edits.live import Known, LiveRunners
    from runner_bridge.core.policy.model import Policy, RunnerName
    from runner_bridge.core.policy.model import Runner as Declared

TYPES = {
    ScopeKind.INSTANCE: RunnerType.INSTANCE,
    ScopeKind.GROUP: RunnerType.GROUP,
    ScopeKind.PROJECT: RunnerType.PROJECT,
}


class Compared(NamedTuple):
    """The runners of a policy, compared."""

    edits: tuple[Edit, ...]
    unseen: tuple[Finding, ...]
    matched: Mapping[RunnerName, Runner]
    """Declared name → GitLab's runner, where there is one of the declared scope."""


def compare(policy: Policy, live: LiveRunners) -> Compared:
    """
    Return what has to be created, changed or deleted in GitLab. Never raises.

    Args:
        policy: what is declared.
        live: what GitLab has, and what the installations know of their runners.
    """
    edits: list[Edit] = []
    unseen: list[Finding] = []
    matched: dict[RunnerName, Runner] = {}
    kept = {name for one in policy.installations.values() if one.tokens for name in one.runners}
    spoken_for: set[int] = set()
    for declared in policy.runners.values():
        candidates = _candidates(policy, declared, live, spoken_for)
        spoken_for |= {one.id for one in candidates}
        if len(candidates) > 1:
            unseen.append(_doubtful(declared, candidates))
            continue
        if not candidates:
            if problem := _cannot_create(declared, live, is_kept=declared.name in kept):
                unseen.append(problem)
            else:
                edits.append(_create(declared))
            continue
        (found,) = candidates
        if elsewhere := _lies_elsewhere(declared, found, live):
            edits.append(_replace(policy, declared, found, elsewhere))
            continue
        matched[declared.name] = found
        if fields := differing(declared, found):
            edits.append(_update(declared, found, fields))
        edits += _token(policy, declared, found, live.known.get(declared.name, NOTHING_KNOWN))
        edits += _service(declared, found)
    edits += _nobodys(policy, live, spoken_for)
    return Compared(tuple(edits), tuple(unseen), matched)


def differing(declared: Declared, runner: Runner) -> tuple[FieldEdit, ...]:
    """Return the settings in GitLab that are not as declared, by name; those that are not declared do not count."""
    wanted: dict[str, tuple[str, str]] = {
        "run_untagged": (_word(runner.run_untagged), _word(declared.run_untagged)),
        "tag_list": (",".join(sorted(runner.tags)), ",".join(sorted(declared.tags))),
    }
    if declared.locked is not None:
        wanted["locked"] = _word(runner.is_locked), _word(declared.locked)
    if declared.protected is not None:
        wanted["access_level"] = str(runner.access_level), str(access_level(declared))
    if declared.paused is not None and not is_unfinished(runner.maintenance_note):
        wanted["paused"] = _word(runner.is_paused), _word(declared.paused)
    if declared.maximum_timeout_s is not None:
        wanted["maximum_timeout"] = str(runner.max_timeout_s or ""), str(declared.maximum_timeout_s)
    if owned(runner.maintenance_note):
        wanted["description"] = runner.description, str(declared.name)
    return tuple(
        FieldEdit(name=name, before=before, after=after)
        for name, (before, after) in sorted(wanted.items())
        if before != after
    )


def access_level(declared: Declared) -> AccessLevel:
    """Return GitLab's word for the refs whose jobs a runner takes."""
    return AccessLevel.REF_PROTECTED if declared.protected else AccessLevel.NOT_PROTECTED


def _candidates(policy: Policy, declared: Declared, live: LiveRunners, spoken_for: set[int]) -> list[Runner]:
    """Return the runners that may be the declared one: by number, else by token, else by marker."""
    known = live.known.get(declared.name, NOTHING_KNOWN)
    free = [one for one in live.runners if one.id not in spoken_for]
    by_number = [one for one in free if one.id == known.id]
    by_token = [one for one in free if is_of_token(known.short_id, one.short_sha)]
    ours = (policy.cluster.name, str(declared.name))
    by_marker = [one for one in free if (mark := owned(one.maintenance_note)) and (mark.cluster, mark.runner) == ours]
    return by_number or by_token or by_marker


def _doubtful(declared: Declared, candidates: list[Runner]) -> Finding:
    return Finding(
        code=codes.RUNNER_DOUBTFUL,
        subject=f"runner {declared.name}",
        place=declared.place,
        observed=" and ".join(f"#{one.id}" for one in candidates),
        expected="one of them",
        cause="Neither a number nor a token in a configuration tells them apart.",
    )


def _lies_elsewhere(declared: Declared, runner: Runner, live: LiveRunners) -> str:
    """Tell where a runner lies, where that is not its declared scope; empty text where it is."""
    target = live.targets.get(str(declared.scope))
    if runner.type is not TYPES[declared.scope.kind]:
        return runner.type.removesuffix("_type")
    match declared.scope.kind:
        case ScopeKind.GROUP if target not in runner.group_ids:
            return "another group"
        case ScopeKind.PROJECT if target not in runner.project_ids and runner.is_whole:
            return "another project"
        case _:
            return ""


def _cannot_create(declared: Declared, live: LiveRunners, *, is_kept: bool) -> Finding | None:
    if declared.scope.kind is not ScopeKind.INSTANCE and live.targets.get(str(declared.scope)) is None:
        return Finding(
            code=codes.SCOPE_MISSING,
            subject=f"runner {declared.name}",
            place=declared.place,
            observed=str(declared.scope),
        )
    if not is_kept:
        return Finding(
            code=codes.RUNNER_NOWHERE,
            subject=f"runner {declared.name}",
            place=declared.place,
            observed="no tokens in an installation that serves it",
        )
    return None


def _create(declared: Declared) -> Edit:
    fields = {
        "access_level": str(access_level(declared)),
        "description": str(declared.name),
        "maximum_timeout": str(declared.maximum_timeout_s or ""),
        "paused": "true",
        "run_untagged": _word(declared.run_untagged),
        "tag_list": ",".join(sorted(declared.tags)),
    }
    if declared.scope.kind is ScopeKind.PROJECT:
        fields["locked"] = _word(declared.locked is not False)
    return Edit(
        deed=Deed.CREATE,
        part=Part.RUNNER,
        name=str(declared.name),
        where=str(declared.scope),
        why="GitLab has no such runner; it is created paused, and takes jobs once its managers have loaded it.",
        fields=tuple(FieldEdit(name=name, after=after) for name, after in sorted(fields.items()) if after),
    )


def _update(declared: Declared, runner: Runner, fields: tuple[FieldEdit, ...]) -> Edit:
    return Edit(
        deed=Deed.UPDATE,
        part=Part.RUNNER,
        name=str(declared.name),
        where=str(declared.scope),
        why=f"Runner #{runner.id} in GitLab is not as declared.",
        fields=fields,
        runner_id=runner.id,
    )


def _replace(policy: Policy, declared: Declared, runner: Runner, elsewhere: str) -> Edit:
    return Edit(
        deed=Deed.TELL,
        part=Part.RUNNER,
        name=str(declared.name),
        where=str(declared.scope),
        why="GitLab cannot move a runner, and its managers use this one: another one has to take its place.",
        fields=(FieldEdit(name="scope", before=elsewhere, after=str(declared.scope)),),
        text=replaced(policy, declared.name, runner),
        runner_id=runner.id,
    )


def _token(policy: Policy, declared: Declared, runner: Runner, known: Known) -> tuple[Edit, ...]:
    """Return what is to be done about a runner of ours whose token nobody has."""
    if known.is_kept or known.is_signed_in or owned(runner.maintenance_note) is None:
        return ()
    edit = Edit(
        deed=Deed.UPDATE,
        part=Part.TOKEN,
        name=str(declared.name),
        where=str(declared.scope),
        why="Its token was not kept, and GitLab shows none twice: it gets another one.",
        runner_id=runner.id,
    )
    if runner.contacted_at is None:
        return (edit,)
    return (
        Edit(
            deed=Deed.TELL,
            part=Part.TOKEN,
            name=edit.name,
            where=edit.where,
            why="Its token is not kept here, and somebody uses it: another one would end those jobs.",
            text=kept_or_replaced(policy, declared.name, runner),
            runner_id=runner.id,
        ),
    )


def _service(declared: Declared, runner: Runner) -> tuple[Edit, ...]:
    if not is_unfinished(runner.maintenance_note):
        return ()
    after = _word(declared.paused is True)
    return (
        Edit(
            deed=Deed.UPDATE,
            part=Part.SERVICE,
            name=str(declared.name),
            where=str(declared.scope),
            why="It was created and is not in service yet.",
            fields=(FieldEdit(name="paused", before=_word(runner.is_paused), after=after),),
            runner_id=runner.id,
        ),
    )


def _nobodys(policy: Policy, live: LiveRunners, spoken_for: set[int]) -> list[Edit]:
    """Return the ends of runners of ours that are declared no longer, or that a cut-off apply has left behind."""
    found = []
    for one in live.runners:
        mark = owned(one.maintenance_note)
        if mark is None or mark.cluster != policy.cluster.name or one.id in spoken_for:
            continue
        declared = mark.runner in policy.runners
        found.append(
            Edit(
                deed=Deed.DELETE,
                part=Part.RUNNER,
                name=f"#{one.id}",
                where=one.type.removesuffix("_type"),
                why=f"It was made for the runner {mark.runner}, "
                + ("whose managers use another one." if declared else "which the policy does not have."),
                fields=(FieldEdit(name="description", before=one.description),),
                warning="A manager has used it: what still does can take no more jobs." if one.contacted_at else "",
                runner_id=one.id,
            )
        )
    return found


def _word(value: bool) -> str:  # noqa: FBT001 - the value itself
    return str(value).lower()
