"""Which tokens there are and what they are good for; asked once at the start, so that nobody finds out halfway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.errors import DeniedError, InvalidError, SettingsError
from runner_bridge.core.model.gitlab import Ability, Access, Permit, Purpose, TokenScopes
from runner_bridge.core.wire import gitlab_rest
from runner_bridge.ports.gitlab.refusals import Deed

if TYPE_CHECKING:
    from runner_bridge.ports.gitlab.session import Session

_ENOUGH = {
    Purpose.READ: {"read_api", "api"},
    Purpose.CREATE: {"create_runner", "api"},
    Purpose.MANAGE: {"manage_runner", "api"},
    Purpose.HOOKS: {"api"},
}
_SELF = Deed(verb="get", resource="personal access token", endpoint="token-self")
_METADATA = Deed(verb="get", resource="metadata", endpoint="metadata")
_USER = Deed(verb="get", resource="user", endpoint="user")
_ALL = Deed(verb="list", resource="runners", endpoint="runners-all")


async def probe(session: Session, *, is_shared: bool) -> Access:
    """
    Ask GitLab what our tokens are good for. A token that is refused is a part of the answer.

    Raises:
        UnavailableError: GitLab does not answer at all.
    """
    tokens = {one: await _token(session, one) for one in session.tokens.purposes}
    read = tokens.get(Purpose.READ)
    is_usable = read is not None and not read.problem
    version = await _version(session) if is_usable else ""
    instance = "Instance runners of GitLab.com are not ours." if is_shared else ""
    if is_usable and read is not None and not is_shared:
        is_admin = await _is_admin(session)
        tokens[Purpose.READ] = read = _with_admin(read, is_admin=is_admin)
        instance = await _instance_runners(session)
    permits = tuple(_permit(one, tokens, is_shared=is_shared, instance=instance) for one in Ability)
    return Access(url=session.url, version=version, tokens=tuple(tokens.values()), permits=permits)


async def _token(session: Session, purpose: Purpose) -> TokenScopes:
    origin = session.tokens.origin(purpose)
    try:
        answer = await session.rest("get", "/personal_access_tokens/self", deed=_SELF, purpose=purpose)
    except (DeniedError, SettingsError, InvalidError) as error:
        # An OAuth token is no personal one (400); what it may do is then seen when it is used.
        if isinstance(error, InvalidError) and error.status == 400:
            return TokenScopes(purpose=purpose, origin=origin)
        return TokenScopes(purpose=purpose, origin=origin, problem=str(error))
    found = gitlab_rest.decode(answer.body, gitlab_rest.PersonalToken, what=session.subject(_SELF))
    problem = ""
    if not found.active:
        problem = f"The token from {origin} has expired or was revoked. Make a new one, and put it there."
    elif not _ENOUGH[purpose].intersection(found.scopes):
        has = ", ".join(found.scopes) or "none"
        problem = f"The token from {origin} has the scopes {has}, expected {purpose}. Make one that has it."
    return TokenScopes(
        purpose=purpose,
        origin=origin,
        name=found.name or "",
        scopes=tuple(sorted(found.scopes)),
        expires_on=found.expires_at,
        problem=problem,
    )


async def _version(session: Session) -> str:
    try:
        answer = await session.rest("get", "/metadata", deed=_METADATA, purpose=Purpose.READ)
    except DeniedError:
        return ""
    return "" if answer.is_missing else gitlab_rest.version(answer.body, what=session.subject(_METADATA))


async def _is_admin(session: Session) -> bool | None:
    try:
        answer = await session.rest("get", "/user", deed=_USER, purpose=Purpose.READ)
    except DeniedError:
        return None
    return None if answer.is_missing else bool(gitlab_rest.is_admin(answer.body, what=session.subject(_USER)))


async def _instance_runners(session: Session) -> str:
    """Return why the instance's runners cannot be listed; empty if they can."""
    try:
        answer = await session.rest("get", "/runners/all", deed=_ALL, purpose=Purpose.READ, params={"per_page": "1"})
    except DeniedError as error:
        return str(error)
    return "GitLab has no list of all runners." if answer.is_missing else ""


def _with_admin(token: TokenScopes, *, is_admin: bool | None) -> TokenScopes:
    return TokenScopes(
        purpose=token.purpose,
        origin=token.origin,
        name=token.name,
        scopes=token.scopes,
        expires_on=token.expires_on,
        is_admin=is_admin,
        problem=token.problem,
    )


def _permit(ability: Ability, tokens: dict[Purpose, TokenScopes], *, is_shared: bool, instance: str) -> Permit:
    why = ""
    match ability:
        case Ability.PROJECTS | Ability.RUNNERS:
            why = _lack(tokens, Purpose.READ)
        case Ability.ATTRIBUTES:
            why = _lack(tokens, Purpose.READ)
            if not why and is_shared:
                why = "Custom attributes are not to be seen on GitLab.com. Place projects by path, number or topic."
            elif not why and not tokens[Purpose.READ].is_admin:
                origin = tokens[Purpose.READ].origin
                why = f"Only an administrator sees custom attributes; the owner of the token from {origin} is none."
        case Ability.INSTANCE_RUNNERS:
            why = _lack(tokens, Purpose.READ) or instance
        case Ability.CREATE_RUNNERS:
            why = _lack(tokens, Purpose.CREATE)
            if not why and (blind := _lack(tokens, Purpose.READ)):
                why = f"A runner whose answer is lost could not be found again: {blind[:1].lower()}{blind[1:]}"
        case Ability.MANAGE_RUNNERS:
            why = _lack(tokens, Purpose.MANAGE)
    return Permit(ability=ability, is_on=not why, why=why)


def _lack(tokens: dict[Purpose, TokenScopes], purpose: Purpose) -> str:
    if purpose not in tokens:
        return f"No token with the scope {purpose} is set."
    return tokens[purpose].problem
