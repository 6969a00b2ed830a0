"""
Which webhooks a policy needs, and how those that are there differ from them. Pure.

A webhook is ours by its address. It is to tell of jobs and nothing else: everything else GitLab would post for nothing,
and count against the group's limit. https://docs.gitlab.com/user/project/integrations/webhooks/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner_bridge.core.model.edit import Deed, FieldEdit
from runner_bridge.core.model.webhooks import Owner, OwnerKind, WebhookEdit
from runner_bridge.core.policy.model import ScopeKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner_bridge.core.model.webhooks import Wanted, Webhook
    from runner_bridge.core.policy.model import Policy

_SET: Final = "set"
_NOT_SET: Final = "not set"


def owners(policy: Policy) -> tuple[Owner, ...]:
    """
    Return the groups and projects whose webhooks tell of every job that a declared runner can take, sorted.

    An instance runner takes jobs of every project, so that each of the policy's root groups counts; where it names
    none there is no webhook that would tell of them all. What lies below a group that is returned is left out.
    """
    found: set[Owner] = set()
    for tier in policy.tiers.values():
        for runner in tier.runners:
            match runner.scope.kind:
                case ScopeKind.INSTANCE:
                    found |= {Owner(kind=OwnerKind.GROUP, ref=root) for root in policy.gitlab.root_groups}
                case kind:
                    found.add(Owner(kind=OwnerKind(kind), ref=runner.scope.target))
    return distinct(found)


def distinct(owners: Iterable[Owner]) -> tuple[Owner, ...]:
    """Return owners without those that lie below a group among them, sorted; where a number lies nobody can tell."""
    found = set(owners)
    groups = [one.ref for one in found if one.kind is OwnerKind.GROUP]
    kept = [one for one in found if not any(_is_below(one, group) for group in groups)]
    return tuple(sorted(kept, key=lambda one: (one.kind, one.ref)))


def is_unheard(policy: Policy) -> bool:
    """Tell whether jobs of an instance runner go untold: no root group is named that could have a webhook."""
    scopes = [runner.scope.kind for tier in policy.tiers.values() for runner in tier.runners]
    return ScopeKind.INSTANCE in scopes and not policy.gitlab.root_groups


def compare(
    owner: Owner, found: tuple[Webhook, ...], wanted: Wanted, *, renew: bool = False
) -> tuple[WebhookEdit, ...]:
    """
    Return what is to be done so that an owner has one webhook of ours, as it is wanted; none where it has.

    Args:
        owner: whose webhooks they are.
        found: all of them, by number.
        wanted: how ours is to be.
        renew: secrets are set again, though GitLab has some: nobody can see which.
    """
    ours = sorted((one for one in found if is_same(one.url, wanted.url)), key=lambda one: one.id)
    if not ours:
        made = [FieldEdit(name="url", after=wanted.url)]
        made += [FieldEdit(name=name, after="true") for name in wanted.events]
        made += [FieldEdit(name=name, after=_SET) for name in _secrets(wanted)]
        made.append(FieldEdit(name="enable_ssl_verification", after=_flag(wanted.verifies_tls)))
        fields = tuple(sorted(made, key=lambda one: one.name))
        return (WebhookEdit(deed=Deed.CREATE, owner=owner, why="There is none with this address.", fields=fields),)
    kept, *others = ours
    edits = [
        WebhookEdit(deed=Deed.DELETE, owner=owner, webhook_id=one.id, why=f"It tells the same as #{kept.id} once more.")
        for one in others
    ]
    fields = tuple(sorted(_differing(kept, wanted, renew=renew), key=lambda one: one.name))
    if fields:
        why = "GitLab does not post to it: too many deliveries failed." if kept.is_disabled else "It is set otherwise."
        edits.insert(0, WebhookEdit(deed=Deed.UPDATE, owner=owner, webhook_id=kept.id, why=why, fields=fields))
    return tuple(edits)


def _differing(one: Webhook, wanted: Wanted, *, renew: bool) -> Iterator[FieldEdit]:
    for name in sorted({*one.events, *wanted.events}):
        is_on, is_wanted = name in one.events, name in wanted.events
        if is_on is not is_wanted:
            yield FieldEdit(name=name, before=_flag(is_on), after=_flag(is_wanted))
    if one.verifies_tls is not wanted.verifies_tls:
        before, after = _flag(one.verifies_tls), _flag(wanted.verifies_tls)
        yield FieldEdit(name="enable_ssl_verification", before=before, after=after)
    seen = {"signing_token": one.has_signing, "token": one.has_token}
    for name in _secrets(wanted):
        # A GitLab before 19.0 says of neither whether it is there; what cannot be seen is not compared.
        if renew or seen[name] is False:
            yield FieldEdit(name=name, before=_SET if seen[name] else _NOT_SET, after="set anew" if renew else _SET)
    if one.has_template:
        yield FieldEdit(name="custom_webhook_template", before=_SET, after=_NOT_SET)
    if one.is_disabled:
        yield FieldEdit(name="alert_status", before=one.alert_status, after="executable")


def _secrets(wanted: Wanted) -> Iterator[str]:
    if wanted.is_signed:
        yield "signing_token"
    if wanted.has_token:
        yield "token"


def _flag(value: bool) -> str:  # noqa: FBT001 - as JSON writes it
    return "true" if value else "false"


def is_same(one: str, other: str) -> bool:
    """
    Tell whether two addresses are one.

    >>> is_same("https://bridge/hooks/gitlab", "https://bridge/hooks/gitlab/")
    True
    """
    return one.rstrip("/") == other.rstrip("/")


def _is_below(one: Owner, group: str) -> bool:
    return one.ref.lower().startswith(f"{group.lower()}/")
