"""
Which `[[runners]]` of a file is which runner of the policy.

By the short id of a known token; else by name together with the GitLab it belongs to. A section of the same name at
another GitLab is refused and never taken over: its token would be sent there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_bridge.core.marks import short_id
from runner_bridge.render.fragment.gitlab import same_gitlab

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from runner_bridge.core.policy.model import Policy, Runner, RunnerName

    Refuse: TypeAlias = Callable[[int, str, str, str], Exception]


def match(sections: Sequence[Mapping[str, Any]], policy: Policy, refuse: Refuse) -> dict[RunnerName, int]:
    """
    Return the number of the section for each runner that has one, by name of the runner.

    Args:
        sections: the `[[runners]]` as parsed.
        policy: the runners that are looked for.
        refuse: makes the error from a section's number, what was seen, what was expected, and what to do.

    Raises:
        Exception: what `refuse` makes, where two sections claim one runner, a section claims two, or a section of that
            name belongs to another GitLab or executor.
    """
    found: dict[RunnerName, int] = {}
    taken: dict[int, RunnerName] = {}
    named, known = _by(sections, _name), _by(sections, _short_id)
    for runner in policy.runners.values():
        by_name = named.get(runner.name, [])
        here = [at for at in by_name if _is_at(sections[at], policy.gitlab.url)]
        claims = sorted({at for short in runner.short_ids for at in known.get(short, [])}.union(here))
        if len(claims) > 1:
            raise refuse(
                claims[1],
                f"a second section for the runner {runner.name}",
                "one section for each runner",
                "Remove one of them, or give it a name of its own.",
            )
        # A namesake elsewhere is no match, and no stranger either: it is refused below.
        for at in (claims or by_name)[:1]:
            _check_gitlab(sections[at], at, runner, policy.gitlab.url, refuse)
            _check(sections[at], at, runner, taken, refuse)
            found[runner.name] = at
            taken[at] = runner.name
    return found


def _check_gitlab(section: Mapping[str, Any], at: int, runner: Runner, gitlab: str, refuse: Refuse) -> None:
    if not _is_at(section, gitlab):
        raise refuse(
            at,
            f"the runner {runner.name} at {section['url']}",
            f"it at {gitlab}, as the policy says",
            "Correct the url here or gitlab.url in the policy; or give this runner another name.",
        )


def _check(
    section: Mapping[str, Any], at: int, runner: Runner, taken: Mapping[int, RunnerName], refuse: Refuse
) -> None:
    if at in taken:
        raise refuse(
            at,
            f"a section that is the runner {taken[at]} as well as {runner.name}, one by its token, one by its name",
            "one runner for each section",
            "Correct short_ids in the policy, or the name here.",
        )
    if section.get("executor", "kubernetes") != "kubernetes":
        raise refuse(
            at,
            f"the runner {runner.name} with another executor",
            'executor = "kubernetes"',
            "Give one of the two another name; jobs of this executor are no pods.",
        )


def _by(sections: Sequence[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for at, section in enumerate(sections):
        found.setdefault(key(section), []).append(at)
    return found


def _name(section: Mapping[str, Any]) -> str:
    return str(section.get("name"))


def _short_id(section: Mapping[str, Any]) -> str:
    return short_id(str(section.get("token", "")))


def _is_at(section: Mapping[str, Any], gitlab: str) -> bool:
    """Without a url, or with one that the runner expands from its environment, the name is all there is."""
    url = str(section.get("url", ""))
    return not url or "$" in url or same_gitlab(url, gitlab)
