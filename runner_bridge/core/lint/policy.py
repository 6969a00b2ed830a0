"""Problems of a policy: those that its loader tells. What it refuses and what it only warns of are findings alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.errors import PolicyError
from runner_bridge.core.lint.kinds import is_whole_policy
from runner_bridge.core.policy import Source as PolicySource
from runner_bridge.core.policy import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from runner_bridge.core.model import Finding
    from runner_bridge.core.policy.model import Policy


def lint(texts: Sequence[tuple[str, str]], *, today: date) -> tuple[tuple[Finding, ...], Policy | None]:
    """
    Return the findings about one policy, and the policy where it is accepted.

    Args:
        texts: pairs of text and file name: one file, or all parts of a policy that is split over files.
        today: the day against which waivers are held.
    """
    try:
        policy = load([PolicySource(name=name, text=text) for text, name in texts], today=today)
    except PolicyError as error:
        return error.findings, None
    return policy.warnings, policy


def grouped(texts: Sequence[tuple[str, str, str]]) -> list[list[tuple[str, str]]]:
    """
    Return the texts that make one policy together, as pairs of text and file name.

    A file that the user named stands by itself. In a folder that was searched the parts of one folder belong together;
    several whole policies in it, examples for instance, are as many; where no file is whole, all folders make one.

    Args:
        texts: text, file name, and the folder that was searched or the empty text.
    """
    named = [[(text, name)] for text, name, folder in texts if not folder]
    searched: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for text, name, folder in texts:
        if folder:
            searched.setdefault(folder, {}).setdefault(name.rpartition("/")[0], []).append((text, name))
    for parts in searched.values():
        if any(is_whole_policy(*one) for group in parts.values() for one in group):
            named += [one for group in parts.values() for one in _split(group)]
        else:
            named.append([one for group in parts.values() for one in group])
    return named


def _split(group: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    whole = [one for one in group if is_whole_policy(*one)]
    if len(whole) < 2:
        return [group]
    rest = [one for one in group if one not in whole]
    return [*([one] for one in whole), *([rest] if rest else [])]
