"""
Who may do what: tokens, scopes, roles, and what GitLab answers to those who may not.

https://docs.gitlab.com/api/rest/authentication/, https://docs.gitlab.com/user/profile/personal_access_tokens/#personal-access-token-scopes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.simulate.gitlab.world import Group, Project, Runner, Token, User, World

MAINTAINER, OWNER = 40, 50


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, body: Mapping[str, object]) -> None:
        self.status = status
        self.body = body
        super().__init__(str(status))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and with which token."""

    world: World
    token: Token

    @property
    def user(self) -> User:
        """Whose token it is."""
        return self.token.user

    @property
    def scopes(self) -> frozenset[str]:
        """What the token is for."""
        return frozenset(self.token.scopes)

    def need(self, *scopes: str) -> None:
        """Refuse a token that has none of these scopes; `api` is always enough."""
        if not self.scopes.intersection({"api", *scopes}):
            words = "The request requires higher privileges than provided by the access token."
            body = {"error": "insufficient_scope", "error_description": words, "scope": " ".join(["api", *scopes])}
            raise RefusedError(403, body)

    def level(self, group: Group) -> int:
        """Return the access level in a group, by that of any above it."""
        if self.user.is_admin:
            return OWNER
        return max((self.user.groups.get(one.id, 0) for one in group.line()), default=0)

    def sees(self, project: Project) -> bool:
        """Tell whether a project is there for the caller; every project is private."""
        return self.level(project.group) > 0

    def owns(self, runner: Runner) -> bool:
        """Tell whether the caller may change a runner."""
        if self.user.is_admin:
            return True
        if runner.group is not None:
            return self.level(runner.group) >= OWNER
        return any(self.level(one.group) >= MAINTAINER for one in runner.projects)

    def sees_runner(self, runner: Runner) -> bool:
        """Tell whether the caller may look at a runner: instance runners are shown to everybody."""
        return runner.type == "instance_type" or self.owns(runner)


def forbidden() -> RefusedError:
    """Return what somebody gets who has not the role."""
    return RefusedError(403, {"message": "403 Forbidden"})


def missing(what: str = "") -> RefusedError:
    """Return what is answered for a thing that is not there, or not for the caller."""
    return RefusedError(404, {"message": f"404 {what} Not Found".replace("  ", " ")})


def caller_of(world: World, headers: Mapping[str, str]) -> Caller:
    """Return who asks, by one of the two headers that a token can come in."""
    bearer = headers.get("Authorization", "").removeprefix("Bearer ")
    token = world.tokens.get(headers.get("PRIVATE-TOKEN", "") or bearer)
    if token is None:
        raise RefusedError(401, {"message": "401 Unauthorized"})
    if token.is_revoked:
        words = "Token was revoked. You have to re-authorize from the user."
        raise RefusedError(401, {"error": "invalid_token", "error_description": words})
    if token.expires_on is not None and token.expires_on <= world.now().date():
        words = "Token is expired. You can either do re-authorization or token refresh."
        raise RefusedError(401, {"error": "invalid_token", "error_description": words})
    return Caller(world=world, token=token)
