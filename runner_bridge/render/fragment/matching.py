"""
Which `[[runners]]` of a file is which runner of the policy.

By the short id of a known token; else by name together with the GitLab it belongs to. A section of the same name at
another GitLab is refused and never taken over: its token would be sent there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_bridge.core.adopt.existing import short_id
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
    taken: dict[int, str] = {}
    for runner in policy.runners.values():
        claims = [at for at, section in enumerate(sections) if _is(section, runner, policy)]
        if len(claims) > 1:
            raise refuse(
                claims[1],
                f"a second section for the runner {runner.name}",
                "one section for each runner",
                "Remove one of them, or give it a name of its own.",
            )
        if not claims:
            _look_for_namesake(sections, runner, policy, refuse)
            continue
        at = claims[0]
        if at in taken:
            raise refuse(
                at,
                f"a section that is the runner {taken[at]} by its token and {runner.name} by its name",
                "one runner for each section",
                "Correct short_ids in the policy, or the name here.",
            )
        if sections[at].get("executor", "kubernetes") != "kubernetes":
            raise refuse(
                at,
                f"the runner {runner.name} with another executor",
                'executor = "kubernetes"',
                "Give one of the two another name; jobs of this executor are no pods.",
            )
        found[runner.name], taken[at] = at, runner.name
    return found


def _is(section: Mapping[str, Any], runner: Runner, policy: Policy) -> bool:
    if short_id(str(section.get("token", ""))) in runner.short_ids:
        return True
    url = str(section.get("url", ""))
    # Without a url, or with one that the runner expands from its environment, the name is all there is.
    return section.get("name") == runner.name and (not url or "$" in url or same_gitlab(url, policy.gitlab.url))


def _look_for_namesake(
    sections: Sequence[Mapping[str, Any]],
    runner: Runner,
    policy: Policy,
    refuse: Refuse,
) -> None:
    for at, section in enumerate(sections):
        if section.get("name") == runner.name:
            raise refuse(
                at,
                f"the runner {runner.name} at {section.get('url')}",
                f"it at {policy.gitlab.url}, as the policy says",
                "Correct the url here or gitlab.url in the policy; or give this runner another name.",
            )
