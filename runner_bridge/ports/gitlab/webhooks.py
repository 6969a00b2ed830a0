"""
Webhooks of groups and projects: list, create, change, delete, and have GitLab post to one now.

Creating is not idempotent in GitLab, so one whose answer is lost is looked for by its address before anybody tries
again. https://docs.gitlab.com/api/project_webhooks/, https://docs.gitlab.com/api/group_webhooks/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from runner_bridge.core.errors import DeniedError, InvalidError
from runner_bridge.core.model.gitlab import Purpose
from runner_bridge.core.model.webhooks import OwnerKind
from runner_bridge.core.wire import gitlab_webhooks
from runner_bridge.ports.gitlab.refusals import Deed, LostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.model.webhooks import Owner, Wanted, Webhook, WebhookSecrets
    from runner_bridge.ports.gitlab.session import Session

_PAGE: Final = "100"
_ALLOW: Final = (
    "If it is a private address, GitLab refuses it until an administrator allows it: Admin area > Settings > Network > "
    'Outbound requests, tick "Allow requests to the local network from webhooks and integrations", or, better, add '
    'host:port to "Local IP addresses and domain names that hooks and integrations can access"'
)


class Webhooks:
    """
    Reads and changes webhooks.

    Args of the constructor:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    async def of(self, owner: Owner) -> tuple[Webhook, ...] | None:
        """
        Return the webhooks of a group or project, by number; None: there is no such owner for us.

        Also None: a group, and this GitLab has no group webhooks.

        Raises:
            NeighbourError: GitLab cannot be asked, or does not let us: it takes a maintainer, of a group an owner.
        """
        found: list[Webhook] = []
        query: Mapping[str, str] | None = {"per_page": _PAGE}
        deed = _deed("list", owner)
        purpose = self._session.tokens.first(Purpose.HOOKS, Purpose.READ)
        while query is not None:
            answer = await self._session.rest("get", _path(owner), deed=deed, purpose=purpose, params=query)
            if answer.is_missing:
                return None
            found += gitlab_webhooks.webhooks(answer.body, what=self._session.subject(deed))
            query = answer.following
        return tuple(sorted(found, key=lambda one: one.id))

    async def create(self, owner: Owner, wanted: Wanted, secrets: WebhookSecrets) -> Webhook:
        """
        Create a webhook and return what became of it.

        Raises:
            LostError: GitLab may or may not create it; look again later.
            InvalidError: GitLab does not take it, for example because it may not post to a private address.
            NeighbourError: GitLab cannot be asked, or does not let us.
        """
        body = {
            "url": wanted.url,
            "push_events": False,  # on unless said otherwise
            "enable_ssl_verification": wanted.verifies_tls,
            **dict.fromkeys(wanted.events, True),
            **_secret(secrets),
        }
        deed = _deed("create", owner)
        try:
            answer = await self._session.rest(
                "post", _path(owner), deed=deed, purpose=Purpose.HOOKS, body=body, repeat=False
            )
        except LostError:
            made = [one for one in await self.of(owner) or () if one.url == wanted.url]
            if not made:
                raise
            return made[0]
        except InvalidError as error:
            raise _explained(error, wanted.url) from None
        if answer.is_missing:
            raise _nowhere(self._session.subject(deed), owner)
        return gitlab_webhooks.webhook(answer.body, what=self._session.subject(deed))

    async def update(
        self, owner: Owner, webhook: Webhook, wanted: Wanted, secrets: WebhookSecrets | None
    ) -> Webhook | None:
        """
        Set a webhook as it is wanted and return what it is then; None: it is not there any more.

        Args:
            owner: whose it is.
            webhook: as it is.
            wanted: how it is to be.
            secrets: what is to be set anew; None: those that are there stay.

        Raises:
            InvalidError: GitLab does not take it.
            NeighbourError: GitLab cannot be asked, or does not let us.
        """
        body = {
            "url": wanted.url,
            "enable_ssl_verification": wanted.verifies_tls,
            **{name: name in wanted.events for name in {*webhook.events, *wanted.events}},
            **({"custom_webhook_template": ""} if webhook.has_template else {}),
            **(_secret(secrets) if secrets else {}),
        }
        deed = _deed("update", owner, webhook.id)
        path = f"{_path(owner)}/{webhook.id}"
        try:
            answer = await self._session.rest("put", path, deed=deed, purpose=Purpose.HOOKS, body=body)
        except InvalidError as error:
            raise _explained(error, wanted.url) from None
        if answer.is_missing:
            return None
        return gitlab_webhooks.webhook(answer.body, what=self._session.subject(deed))

    async def delete(self, owner: Owner, webhook_id: int) -> bool:
        """
        Delete a webhook; False: it was not there.

        Raises:
            NeighbourError: GitLab cannot be asked, or does not let us.
        """
        deed = _deed("delete", owner, webhook_id)
        answer = await self._session.rest("delete", f"{_path(owner)}/{webhook_id}", deed=deed, purpose=Purpose.HOOKS)
        return not answer.is_missing

    async def test(self, owner: Owner, webhook: Webhook) -> None:
        """
        Have GitLab post the newest job of the owner to a webhook now; one that was switched off is on again then.

        Raises:
            InvalidError: it did not arrive, was not answered with 2xx, or there is no job yet; the text says which.
            NeighbourError: GitLab cannot be asked, or does not let us.
        """
        deed = _deed("test", owner, webhook.id)
        path = f"{_path(owner)}/{webhook.id}/test/job_events"
        try:
            # Never sent again by itself: there are five in a minute.
            answer = await self._session.rest("post", path, deed=deed, purpose=Purpose.HOOKS, repeat=False)
        except InvalidError as error:
            raise _explained(error, webhook.url) from None
        if answer.is_missing:
            message = f"{self._session.subject(deed)}: it is not there, or this GitLab (before 17.0) cannot test it."
            raise InvalidError(message, status=404)


def is_without_jobs(error: InvalidError) -> bool:
    """Tell whether a test failed only because there is no job that could be told of."""
    return "Ensure the project has CI jobs" in str(error)


def _deed(verb: str, owner: Owner, webhook_id: int | None = None) -> Deed:
    subject = f"of {owner}" if webhook_id is None else f"{webhook_id} of {owner}"
    return Deed(verb=verb, resource="webhooks", endpoint="webhooks", subject=subject)


def _path(owner: Owner) -> str:
    kind = "groups" if owner.kind is OwnerKind.GROUP else "projects"
    return f"/{kind}/{quote(owner.ref, safe='')}/hooks"


def _secret(secrets: WebhookSecrets) -> Mapping[str, str]:
    given = {"signing_token": secrets.signing, "token": secrets.token}
    return {name: text for name, text in given.items() if text}


def _explained(error: InvalidError, url: str) -> InvalidError:
    """Say what GitLab means: of an address it only says that it is invalid."""
    words = str(error)
    if "Invalid url given" not in words and "is blocked" not in words:
        return error
    return InvalidError(f"{words} The address is {url}. {_ALLOW}.", status=error.status)


def _nowhere(subject: str, owner: Owner) -> DeniedError:
    what = "group, or it has no group webhooks (they take Premium)" if owner.kind is OwnerKind.GROUP else "project"
    message = f"{subject}: the token sees no such {what}."
    return DeniedError(message, verb="create", resource="webhooks")
