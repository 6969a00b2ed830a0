"""What GitLab tokens are good for, for people: a line for each token, a line for each ability, and why one is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.ask.views import well_formed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from runner_bridge.core.model.gitlab import Access, TokenScopes

SOON_DAYS = 14
"""A token that ends within so many days is pointed at."""


def render(access: Access, *, today: date) -> str:
    """Return the text; ends in a newline."""
    version = f", GitLab {access.version}" if access.version else ""
    lines = [f"{access.url}{version}"]
    lines += [f"token {one.purpose:<16} {'; '.join(_token(one, today))}" for one in access.tokens]
    width = max(len(one.ability) for one in access.permits)
    lines += [
        f"{one.ability:<{width}}  {'on' if one.is_on else 'off'}{f': {one.why}' if one.why else ''}"
        for one in access.permits
    ]
    return "".join(f"{well_formed(line)}\n" for line in lines)


def _token(token: TokenScopes, today: date) -> Iterator[str]:
    yield f"from {token.origin}"
    if token.problem:
        yield "not usable"
        return
    if token.scopes:
        yield f"scopes {', '.join(token.scopes)}"
    if token.is_admin:
        yield "of an administrator"
    left = token.days_left(today)
    if left is not None:
        soon = ", make a new one" if left <= SOON_DAYS else ""
        yield f"{left} day{'s' * (left != 1)} left{soon}"
