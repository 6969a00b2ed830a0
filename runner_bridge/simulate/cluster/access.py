"""
Who may do what: bearer tokens that can expire, and verbs that can be denied.

Everything is allowed that was not denied; that is enough to see how a client behaves with a permission missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner_bridge.simulate.cluster.resources import VERBS, Resource
from runner_bridge.simulate.cluster.status import Object, unauthorized

if TYPE_CHECKING:
    from collections.abc import Mapping

ANONYMOUS = "system:anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """One thing that a user may not do; empty fields mean any."""

    verb: str = ""
    plural: str = ""
    """With its subresource where one is meant: `pods/status`."""
    group: str | None = None
    namespace: str = ""
    user: str = ""

    def covers(self, *, user: str, verb: str, plural: str, group: str, namespace: str) -> bool:
        """Tell whether a request is denied."""
        return (
            self.verb in {"", verb}
            and self.plural in {"", plural}
            and self.group in {None, group}
            and self.namespace in {"", namespace}
            and self.user in {"", user}
        )


@dataclass(slots=True)
class Access:
    """The accepted tokens with their users (without any, nobody has to show one), and the denials."""

    tokens: dict[str, str] = field(default_factory=dict)
    denials: list[Denial] = field(default_factory=list)

    def user(self, headers: Mapping[str, str]) -> str:
        """
        Return who asks.

        Raises:
            StatusError: 401.
        """
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if not self.tokens:
            return ANONYMOUS
        user = self.tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise unauthorized()
        return user

    def allows(self, *, user: str, verb: str, plural: str, group: str, namespace: str) -> bool:
        """Tell whether a user may do it."""
        return not any(
            each.covers(user=user, verb=verb, plural=plural, group=group, namespace=namespace) for each in self.denials
        )

    def review(self, user: str, sent: Object) -> Object:
        """Answer a SelfSubjectAccessReview."""
        asked = (sent.get("spec") or {}).get("resourceAttributes") or {}
        plural = asked.get("resource", "")
        is_allowed = self.allows(
            user=user,
            verb=asked.get("verb", ""),
            plural=f"{plural}/{asked['subresource']}" if asked.get("subresource") else plural,
            group=asked.get("group", ""),
            namespace=asked.get("namespace", ""),
        )
        return {**sent, "status": {"allowed": is_allowed}}

    def rules(self, user: str, sent: Object, resources: tuple[Resource, ...]) -> Object:
        """Answer a SelfSubjectRulesReview: one rule for each resource, with the verbs that are left."""
        namespace = (sent.get("spec") or {}).get("namespace", "")
        rules = []
        for resource in resources:
            for plural in (resource.plural, *([f"{resource.plural}/status"] if resource.has_status else [])):
                verbs = [
                    verb
                    for verb in VERBS
                    if self.allows(user=user, verb=verb, plural=plural, group=resource.group, namespace=namespace)
                ]
                if verbs:
                    rules.append({"verbs": verbs, "apiGroups": [resource.group], "resources": [plural]})
        return {**sent, "status": {"resourceRules": rules, "nonResourceRules": [], "incomplete": False}}
