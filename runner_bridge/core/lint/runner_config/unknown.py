"""A key that the runner does not know: where it belongs, what it was meant to be, or what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from runner_bridge.core.lint.runner_keys import ALIASES, NEVER, REMOVED, ROOT, RUNNER, Section
from runner_bridge.core.lint.told import found
from runner_bridge.core.model.codes import runner_config as codes
from runner_bridge.core.text.toml import Scalar, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model import Finding
    from runner_bridge.core.text.toml import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One section on the way from the top of the file to a key."""

    names: tuple[str, ...]
    section: Section


def header(names: tuple[str, ...], section: Section | None) -> str:
    """Return the header of a section as it is written; None for a table of free keys."""
    path = ".".join(names)
    return f"[[{path}]]" if section is not None and section.repeated else f"[{path}]"


def key(entry: Entry, path: str, chain: tuple[Step, ...], executor: str) -> Finding:
    """Return the finding for a key that its section does not have."""
    name, here = entry.key.name, chain[-1]
    folded = name.casefold()
    place = entry.key.place
    if folded in REMOVED:
        since, instead = REMOVED[folded]
        cause = f"GitLab Runner {since} removed it."
        return found(codes.REMOVED_KEY, path, place, observed=name, cause=cause, remedy=instead)
    home = _home(name, chain, executor)
    if home is not None and (here.section.complete or "_" in name):
        return found(
            codes.MISPLACED_KEY,
            path,
            place,
            observed=f"{name} in {_called(here)}",
            expected=f"{name} in {_called(home)}",
            cause=_consequence(entry),
            remedy=f"Move it {_where(home)}.",
        )
    if folded in NEVER:
        return found(codes.UNKNOWN_KEY, path, place, observed=name, remedy=NEVER[folded])
    meant = _meant(name, here.section)
    if meant:
        cause = _consequence(entry)
        return found(
            codes.UNKNOWN_KEY, path, place, observed=name, expected=meant, cause=cause, remedy=f"Did you mean {meant}?"
        )
    if here.section.complete:
        return found(codes.UNKNOWN_KEY, path, place, observed=name, cause=_consequence(entry))
    return found(codes.UNFAMILIAR_KEY, path, place, observed=name)


_FREE_MAPS = frozenset({"pod_annotations", "pod_labels", "node_selector", "node_tolerations"})


def setting_in_map(entry: Entry, path: str, map_name: str, chain: tuple[Step, ...]) -> Finding | None:
    """
    Return a finding for a setting that stands below `[runners.kubernetes.pod_annotations]` or the like.

    There every key is an annotation, so only what is surely a setting counts: a bare key with an underscore that the
    section above knows, or one whose value no annotation can have.
    """
    name = entry.key.name
    if map_name.casefold() not in _FREE_MAPS or entry.key.quoted or isinstance(entry.value, Table):
        return None
    is_text = isinstance(entry.value, Scalar) and isinstance(entry.value.value, str)
    home = next((step for step in reversed(chain) if _has(step.section, name)), None)
    if home is None or (is_text and "_" not in name):
        return None
    return found(
        codes.MISPLACED_KEY,
        path,
        entry.key.place,
        observed=f"{name} below [{'.'.join((*chain[-1].names, map_name))}]",
        expected=f"{name} in {_called(home)}",
        cause=f"Below that header every key is one of {map_name}, whatever its indentation.",
        remedy=f"Move it {_where(home)}.",
    )


def _home(name: str, chain: tuple[Step, ...], executor: str) -> Step | None:
    """
    Return the section that has a key: one level down, else up, else further down.

    A list of sections comes after those above: `environment` is one for the jobs before it is one for a service.
    """
    here = chain[-1]
    children = list(_children(here, executor))
    single = [child for child in children if not child.section.repeated]
    repeated = [child for child in children if child.section.repeated]
    below = [inner for child in children for inner in _children(child, executor)]
    candidates = (*single, *reversed(chain[:-1]), *repeated, *below)
    return next((step for step in candidates if _has(step.section, name)), None)


def _children(step: Step, executor: str) -> Iterator[Step]:
    inner = [
        Step(names=(*step.names, name), section=found_)
        for name, found_ in step.section.keys.items()
        if isinstance(found_, Section)
    ]
    return iter(sorted(inner, key=lambda child: child.names[-1] != executor))


def _has(section: Section, name: str) -> bool:
    return section.find(name) is not None


def _called(step: Step) -> str:
    return header(step.names, step.section) if step.names else "the global section"


def _where(step: Step) -> str:
    if step.section is ROOT:
        return "to the top of the file, before the first [[runners]]"
    if step.section is RUNNER:
        return "directly below [[runners]], above the first [runners.…] header"
    return f"below {header(step.names, step.section)}"


def _consequence(entry: Entry) -> str:
    """Say what is lost when a table with the pool annotation is ignored."""
    value = entry.value
    if isinstance(value, Table) and any("projectcalico.org/" in name for name in value.entries):
        return "The pool annotation in it reaches no pod: addresses come from the default pool, and nothing says so."
    return ""


def _meant(name: str, section: Section) -> str:
    snake = _snake(name)
    alias = ALIASES.get(snake, snake)
    if _has(section, alias):
        return alias
    keys = {spelt.casefold(): spelt for spelt in section.keys}
    if not section.complete:
        return next((spelt for folded, spelt in keys.items() if len(folded) > 4 and one_slip(snake, folded)), "")
    close = get_close_matches(snake, keys, n=1, cutoff=0.75)
    return keys[close[0]] if close else ""


def _snake(name: str) -> str:
    """Write podAnnotations and pod-annotations as the runner's file has it."""
    parts = "".join(f"_{letter}" if letter.isupper() and number else letter for number, letter in enumerate(name))
    return parts.casefold().replace("-", "_").replace("__", "_")


def one_slip(one: str, other: str) -> bool:
    """Tell whether two words differ by one letter added, left out, changed, or swapped with its neighbour."""
    short, long = sorted((one, other), key=len)
    if short == long or len(long) - len(short) > 1:
        return False
    start = next((at for at, letter in enumerate(short) if letter != long[at]), len(short))
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    swapped = short[start + 1 : start + 2] + short[start : start + 1] + short[start + 2 :]
    return short[start + 1 :] == long[start + 1 :] or swapped == long[start:]
