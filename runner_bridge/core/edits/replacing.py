"""
What people do where a runner of theirs is in use and cannot stay: the steps, as text that stands in a plan.

Nothing of this is done by us: deleting a runner ends what its managers still run, and only people know when they may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.policy.model import StoreKind

if TYPE_CHECKING:
    from runner_bridge.core.model.gitlab import Runner
    from runner_bridge.core.policy.model import Installation, Policy, RunnerName


def replaced(policy: Policy, name: RunnerName, runner: Runner) -> str:
    """
    Return how another runner is put in the place of one that managers use; `apply` makes and signs in the new one.

    A token that stands in a section is never overwritten, because the runner may have renewed it: so it goes first.
    """
    home = _home(policy, name)
    end = f"In GitLab, pause runner #{runner.id}, wait until its jobs have ended, and delete it."
    apply = f"runner-bridge apply --target runner.{name}"
    if home is None:
        return _numbered(end, "In the policy, say under `installations` where its managers are installed.", apply)
    if home.configuration.kind is StoreKind.VALUES:
        return _numbered(end, apply, f"Give the release of {home.configuration} the new token, which is kept by then.")
    return _numbered(end, f"In {home.configuration}, take `id` and `token` out of the section {name}.", apply)


def kept_or_replaced(policy: Policy, name: RunnerName, runner: Runner) -> str:
    """Return what to do about a runner that somebody uses with a token that is not kept: keep it, else replace it."""
    home = _home(policy, name)
    if home is None or home.tokens is None:
        return replaced(policy, name, runner)
    place = f"{home.tokens}, under the name {name}"
    return f"Where its token is known, keep it in {place}. Else:\n{replaced(policy, name, runner)}"


def _home(policy: Policy, name: RunnerName) -> Installation | None:
    return next((one for one in policy.installations.values() if name in one.runners), None)


def _numbered(*steps: str) -> str:
    return "".join(f"{number}. {step}\n" for number, step in enumerate(steps, start=1))
