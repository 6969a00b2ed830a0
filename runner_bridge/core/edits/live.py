"""What is live, as it was read for a plan: runners, configurations, tokens that are kept. No secret is part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.model.gitlab import Runner
    from runner_bridge.core.policy.model import RunnerName


class Known(Struct, frozen=True, gc=False, kw_only=True):
    """What an installation knows of one of its runners."""

    id: int | None = None
    """GitLab's number, as the section of the configuration has it; None where it has none, or there is no section."""
    short_id: str = ""
    """First nine characters of the token in the section, else of the one that is kept; empty where there is neither."""
    is_signed_in: bool = False
    """The section has a token."""
    is_kept: bool = False
    """The installation's `tokens` has one."""


NOTHING_KNOWN = Known()


class LiveRunners(Struct, frozen=True, kw_only=True):
    """What GitLab has."""

    runners: tuple[Runner, ...]
    """Of all scopes of the policy, each with its maintenance note, and others of ours as far as they are seen."""
    targets: Mapping[str, int | None]
    """Scope of a runner as text → number of its group or project; None: there is none for us."""
    known: Mapping[RunnerName, Known]


class LiveConfiguration(Struct, frozen=True, kw_only=True):
    """What the managers of one installation read."""

    before: str | None
    """None: it is not there."""
    after: str
    """`before` with everything that the policy governs; something stands in for tokens of runners to be created."""
    owner: str = ""
    """Who else writes it, for people: `the Helm release ci-main`; empty: nobody."""
    is_unconfirmed: bool = False
    """An apply was cut off after it had written it: nobody knows whether its managers have loaded it."""
    trouble: str = ""
    """Why it could not be read or merged; then neither text counts."""
