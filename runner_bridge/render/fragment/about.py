"""What a new section says about itself to the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Runner


def about(runner: Runner, *, has_token: bool = False) -> str:
    """Return the comment above a new section: whose it is, and without a token how that gets in."""
    tags = f", tags {', '.join(runner.tags)}" if runner.tags else ""
    whose = " ".join(f"Tier {runner.tier}, {runner.scope}{tags}".split())
    if has_token:
        return f"# {whose}.\n"
    return (
        f"# {whose}. GitLab shows the token once, when the runner is created;\n"
        "# put it below the name, as a string under the key token.\n"
    )
