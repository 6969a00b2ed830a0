"""What the verbs of `hooks` do: look at the webhooks of each owner, compare, change one, try one."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.cli import CLEAN, FINDINGS, UNPROVEN
from runner_bridge.cli.output import emit, note

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from runner_bridge.core.model.gitlab import Purpose
    from runner_bridge.core.model.webhooks import Owner, Wanted, Webhook, WebhookEdit, WebhookSecrets
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.ports.gitlab import GitLab, TokenSource


_INSTEAD = (
    "its hooks would be refused. Start the bridge, and this, with --hook-token-file instead of --hook-signing-file"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the options say."""

    policy: Policy
    wanted: Wanted
    secrets: WebhookSecrets
    tokens: Mapping[Purpose, TokenSource]
    per_project: bool
    renew: bool
    rate: float
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there is in GitLab, and what is to be done about it."""

    owners: tuple[Owner, ...]
    webhooks: Mapping[Owner, tuple[Webhook, ...]]
    edits: tuple[WebhookEdit, ...]
    troubles: tuple[str, ...]
    """What could not be looked at: without these nothing is proven."""


@asynccontextmanager
async def opened(asked: Asked) -> AsyncIterator[GitLab]:
    """Open the GitLab of the policy."""
    from runner_bridge.ports.gitlab import Budget, open_gitlab

    async with open_gitlab(asked.policy.gitlab.url, tokens=asked.tokens, budget=Budget(per_s=asked.rate)) as gitlab:
        yield gitlab


async def look(gitlab: GitLab, asked: Asked) -> Seen:
    """Read the webhooks of each owner, and compare."""
    from runner_bridge.core.errors import DeniedError
    from runner_bridge.core.webhooks import compare, is_unheard

    owners = await _owners(gitlab, asked)
    troubles: list[str] = []
    found: dict[Owner, tuple[Webhook, ...]] = {}
    for owner in owners:
        try:
            webhooks = await gitlab.webhooks.of(owner)
        except DeniedError as error:
            troubles.append(str(error))
            continue
        if webhooks is None:
            troubles.append(_missing(owner))
        else:
            found[owner] = webhooks
    if asked.wanted.is_signed and any(one.has_signing is None for its in found.values() for one in its):
        troubles.append(f"{gitlab.url} does not say whether it signs, as 19.0 does: {_INSTEAD}.")
    if is_unheard(asked.policy):
        troubles.append(
            "An instance runner takes jobs of every project, and no webhook tells of them all: name gitlab.root_groups "
            "in the policy. What no webhook tells is seen a little later."
        )
    edits = [edit for owner, its in found.items() for edit in compare(owner, its, asked.wanted, renew=asked.renew)]
    return Seen(owners=tuple(owners), webhooks=found, edits=tuple(edits), troubles=tuple(troubles))


async def _owners(gitlab: GitLab, asked: Asked) -> list[Owner]:
    """Return whose webhooks tell of all our jobs; projects by their path, where there are any for us."""
    from runner_bridge.core.model.webhooks import Owner, OwnerKind
    from runner_bridge.core.webhooks import distinct, owners

    found = []
    for one in owners(asked.policy):
        project = await gitlab.projects.get(int(one.ref)) if one.ref.isdecimal() else None
        found.append(one if project is None else Owner(kind=OwnerKind.PROJECT, ref=project.path))
    groups = tuple(one.ref for one in found if one.kind is OwnerKind.GROUP)
    if asked.per_project and groups:
        found = [one for one in found if one.kind is OwnerKind.PROJECT]
        async for page in gitlab.projects.pages(roots=groups):
            found += [Owner(kind=OwnerKind.PROJECT, ref=one.path) for one in page if not one.is_archived]
    return list(distinct(found))


def _missing(owner: Owner) -> str:
    from runner_bridge.core.model.webhooks import OwnerKind

    if owner.kind is OwnerKind.GROUP:
        return (
            f"{owner}: the token sees no such group, or this GitLab has no group webhooks, which take Premium. "
            "Correct the runner's scope, or use --per-project."
        )
    return f"{owner}: the token sees no such project. Correct the runner's scope, or make its owner a maintainer."


async def done(gitlab: GitLab, asked: Asked, seen: Seen, edit: WebhookEdit) -> bool:
    """Carry out one edit, and say what came of it; False: it is not as wanted."""
    from runner_bridge.core.errors import DeniedError, InvalidError
    from runner_bridge.core.model.edit import Deed

    owner = edit.owner
    try:
        if edit.deed is Deed.DELETE:
            await gitlab.webhooks.delete(owner, edit.webhook_id or 0)
            note(f"runner-bridge: webhook #{edit.webhook_id} of {owner}: deleted.")
            return True
        if edit.deed is Deed.CREATE:
            made: Webhook | None = await gitlab.webhooks.create(owner, asked.wanted, asked.secrets)
        else:
            before = next(one for one in seen.webhooks[owner] if one.id == edit.webhook_id)
            is_secret = any(field.name in {"signing_token", "token"} for field in edit.fields)
            made = await gitlab.webhooks.update(owner, before, asked.wanted, asked.secrets if is_secret else None)
    except (InvalidError, DeniedError) as error:
        note(f"runner-bridge: {error}")
        return False
    if made is None:
        note(f"runner-bridge: webhook #{edit.webhook_id} of {owner}: somebody deleted it meanwhile. Run it again.")
        return False
    return await _confirmed(gitlab, asked, owner, made)


async def _confirmed(gitlab: GitLab, asked: Asked, owner: Owner, made: Webhook) -> bool:
    """Say whether GitLab took what it was given: before 19.0 it passes over a signing token without a word."""
    if asked.wanted.is_signed and not made.has_signing:
        note(f"runner-bridge: webhook #{made.id} of {owner}: this GitLab does not sign, as 19.0 does: {_INSTEAD}.")
        return False
    note(f"runner-bridge: webhook #{made.id} of {owner}: as wanted.")
    return not made.is_disabled or await works(gitlab, owner, made)


async def works(gitlab: GitLab, owner: Owner, webhook: Webhook) -> bool:
    """Have one posted to now, and say what came of it."""
    from runner_bridge.core.errors import InvalidError
    from runner_bridge.ports.gitlab.webhooks import is_without_jobs

    try:
        await gitlab.webhooks.test(owner, webhook)
    except InvalidError as error:
        if is_without_jobs(error):
            note(f"runner-bridge: webhook #{webhook.id} of {owner}: not tried, there is no job yet to tell of.")
            return not webhook.is_disabled
        note(f"runner-bridge: webhook #{webhook.id} of {owner}: {error} The log of the bridge says why it refused.")
        return False
    note(f"runner-bridge: webhook #{webhook.id} of {owner}: delivered.")
    return True


def ours(seen: Seen, wanted: Wanted) -> list[tuple[Owner, Webhook]]:
    """Return the webhooks with our address."""
    from runner_bridge.core.webhooks import is_same

    return [(owner, one) for owner, its in seen.webhooks.items() for one in its if is_same(one.url, wanted.url)]


def show(seen: Seen, asked: Asked) -> None:
    """Print what is to be done."""
    from runner_bridge.ask.views import webhooks_text

    if asked.output == "text":
        emit("".join(webhooks_text.render(seen.edits, owners=len(seen.owners), troubles=seen.troubles)))
        return
    import msgspec

    value = {"owners": [str(one) for one in seen.owners], "edits": seen.edits, "troubles": seen.troubles}
    emit(json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False) + "\n")


def code(seen: Seen) -> int:
    """Return the exit code of what was seen."""
    if seen.edits:
        return FINDINGS
    return UNPROVEN if seen.troubles else CLEAN
