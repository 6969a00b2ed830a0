"""
The small languages inside of the policy's texts: ranges, rules, scopes, egress, names.

Each function reads one text; what does not fit raises `Refused`, which whoever has the place turns into a problem.
"""

from __future__ import annotations

import re
from ipaddress import ip_interface, ip_network
from typing import TYPE_CHECKING

from runner_bridge.core.model.codes import policy as codes
from runner_bridge.core.policy.model import Egress, EgressKind, PoolName, RuleKind, Scope, ScopeKind
from runner_bridge.core.policy.report import Refused, shown

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Network

LEVELS = 21
"""Segments of the longest project path: GitLab nests groups 20 deep."""

_CIDR = re.compile(r"[0-9a-fA-F:.]+/[0-9]{1,3}")
_SEGMENT = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")
_PATTERN = re.compile(
    rf"(?:(?:{_SEGMENT.pattern}|\*)/){{1,{LEVELS - 1}}}(?:{_SEGMENT.pattern}|\*)|"
    rf"(?:(?:{_SEGMENT.pattern}|\*)/){{1,{LEVELS}}}\*\*"
)
"""What `path_pattern` accepts, at once: there may be tens of thousands, of which few are wrong."""
_LABEL_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_DNS = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_NAMESPACE = re.compile(r"[a-z0-9*](?:[a-z0-9*-]{0,61}[a-z0-9*])?")
_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^\s/:?#@]+)(?::[0-9]+)?(?:/[^\s?#]*)?")


def network(text: str) -> Network:
    """
    Read a range.

    Raises:
        Refused: not a range, or one with host bits set.
    """
    try:
        given = ip_interface(text) if _CIDR.fullmatch(text) else None
    except ValueError:
        given = None
    if given is None:
        raise Refused(
            codes.INVALID_VALUE, observed=shown(text), expected="a range such as 172.16.0.0/16 or fd00:16::/64"
        )
    if given.ip != given.network.network_address:
        raise Refused(
            codes.POOL_HOST_BITS,
            observed=shown(text),
            expected=str(given.network),
            remedy=f"Write {given.network}, if that is meant.",
        )
    return given.network


def rule(text: str) -> tuple[RuleKind, str]:
    """
    Read a rule; return its kind and its value. A group is the path of everything below it.

    >>> rule("group:platform")
    (<RuleKind.PATH: 'path'>, 'platform/**')

    Raises:
        Refused: not a rule.
    """
    if text == "**":
        return RuleKind.CATCH_ALL, text
    kind, colon, value = text.partition(":")
    if not colon:
        return RuleKind.PATH, path_pattern(text)
    match kind:
        case "id":
            if re.fullmatch(r"[1-9][0-9]{0,18}", value):
                return RuleKind.ID, value
            raise Refused(codes.RULE_FORM, observed=shown(text), expected="id: and the number of a project")
        case "group":
            return RuleKind.PATH, path_pattern(f"{group_path(value)}/**")
        case "attribute":
            key, equals, wanted = value.partition("=")
            if key.strip() and equals and wanted:
                return RuleKind.ATTRIBUTE, value
            raise Refused(codes.RULE_FORM, observed=shown(text), expected="attribute:key=value")
        case "topic":
            if value.strip():
                return RuleKind.TOPIC, value
            raise Refused(codes.RULE_FORM, observed=shown(text), expected="topic: and a name")
    raise Refused(
        codes.RULE_FORM, observed=shown(text), expected="id:, group:, attribute:, topic:, a path such as a/b/**, or **"
    )


def path_pattern(text: str) -> str:
    """
    Check the pattern of a project's path and return it.

    Raises:
        Refused: an empty or impossible segment, a wildcard that is not a whole segment, `**` before the end, or a
            pattern that no project can have.
    """
    if _PATTERN.fullmatch(text):
        return text
    segments = text.split("/")
    expected = "a path such as platform/deploy, platform/* or platform/**"
    if len(segments) < 2:
        remedy = "Use ** for every project." if text == "*" else f"For everything in a group write {text}/**."
        raise Refused(
            codes.RULE_FORM,
            observed=f"{shown(text)}, but a project's path has a group",
            expected=expected,
            remedy=remedy,
        )
    if len(segments) > LEVELS + (segments[-1] == "**"):
        raise Refused(codes.RULE_FORM, observed=f"{len(segments)} segments", expected=f"at most {LEVELS}, as in GitLab")
    named = segments[:-1] if segments[-1] == "**" else segments
    wrong = next(segment for segment in named if segment != "*" and not _SEGMENT.fullmatch(segment))
    observed, remedy = _slip(wrong)
    raise Refused(codes.RULE_FORM, observed=f"{shown(text)}{observed}", expected=expected, remedy=remedy)


def _slip(segment: str) -> tuple[str, str]:
    """Return what is wrong with a segment, and what to do."""
    if segment == "**":
        return " with ** before the end", "Use * for exactly one segment."
    if "*" in segment:
        return " with * inside of a segment", "A * stands for a whole segment; list the names, or use their group."
    if not segment:
        return " with an empty segment", "Write no slash at the start or end, and no two."
    return "", f"No path in GitLab has a segment {shown(segment)}."


def group_path(text: str) -> str:
    """
    Check the full path of a group (or project) without wildcards and return it.

    Raises:
        Refused: not a path.
    """
    segments = text.split("/")
    if len(segments) > LEVELS or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise Refused(
            codes.INVALID_VALUE,
            observed=shown(text),
            expected="a full path such as platform or platform/tools",
            remedy="Write the path as in the address of its page, without slashes around it.",
        )
    return text


def scope(text: str) -> Scope:
    """
    Read what a runner is offered to.

    Raises:
        Refused: not a scope.
    """
    kind, colon, target = text.partition(":")
    if kind == "instance" and not colon:
        return Scope(kind=ScopeKind.INSTANCE)
    if kind == "group" and target:
        return Scope(kind=ScopeKind.GROUP, target=group_path(target))
    if kind == "project" and re.fullmatch(r"[1-9][0-9]*", target):
        return Scope(kind=ScopeKind.PROJECT, target=target)
    if kind == "project" and "/" in target:
        return Scope(kind=ScopeKind.PROJECT, target=group_path(target))
    raise Refused(
        codes.INVALID_VALUE,
        observed=shown(text),
        expected="instance, group:PATH, project:PATH or project:NUMBER",
        remedy="A project's path has its group: project:group/name." if kind == "project" else "",
    )


def egress(value: object) -> Egress:
    """
    Read where traffic appears to come from: a word, `gateway:POOL`, `external:[CIDR, …]`, or a map of one of the two.

    Raises:
        Refused: none of these.
    """
    if isinstance(value, dict) and len(value) == 1:
        ((kind, target),) = value.items()
    elif isinstance(value, str):
        kind, _, written = value.partition(":")
        target = [part.strip() for part in written.strip(" []").split(",") if part.strip()]
        target = written.strip() if kind == "gateway" else target
    else:
        kind, target = "", None
    if kind in {"node", "pod", "none"} and not target:
        return Egress(kind=EgressKind(kind))
    if kind == "gateway" and isinstance(target, str) and target:
        return Egress(kind=EgressKind.GATEWAY, gateway=PoolName(target))
    if kind == "external" and isinstance(target, list) and target and all(isinstance(one, str) for one in target):
        return Egress(kind=EgressKind.EXTERNAL, addresses=tuple(_host_or_network(one) for one in target))
    raise Refused(
        codes.INVALID_VALUE,
        observed=shown(value),
        expected="node, pod, none, gateway:POOL or external:[CIDR, …]",
    )


def _host_or_network(text: str) -> Network:
    try:
        return network(text) if "/" in text else ip_network(text)
    except ValueError as error:
        if isinstance(error, Refused):
            raise
        raise Refused(
            codes.INVALID_VALUE, observed=shown(text), expected="an address or range such as 203.0.113.7"
        ) from error


def url(text: str) -> tuple[str, str]:
    """
    Read the address of a GitLab instance; return it without a slash at the end, and its host in lower case.

    Raises:
        Refused: not an http address, or one with a user name or password.
    """
    found = _URL.fullmatch(text)
    if found is None:
        raise Refused(
            codes.INVALID_VALUE,
            observed=shown(text),
            expected="an address such as https://gitlab.example.com",
            remedy="Write no user, query or fragment: this address is rendered into config.toml as it is.",
        )
    return text.rstrip("/"), found["host"].lower()


def is_http_url(text: str) -> bool:
    """Tell whether a text is an address over http, without a user, query or fragment."""
    return _URL.fullmatch(text) is not None


def calico_version(text: str) -> tuple[int, int]:
    """
    Read a version; what follows the second number does not matter.

    Raises:
        Refused: not a version.
    """
    found = re.fullmatch(r"v?([0-9]{1,3})\.([0-9]{1,3})(?:\.[0-9A-Za-z.+-]+)?", text)
    if found is None:
        raise Refused(codes.INVALID_VALUE, observed=shown(text), expected="a version such as '3.32'")
    return int(found[1]), int(found[2])


def is_name(text: str) -> bool:
    """Tell whether a text can be a label's value as it is: a tier, a runner."""
    return _LABEL_NAME.fullmatch(text) is not None


def is_object_name(text: str) -> bool:
    """Tell whether a text can be the name of a Kubernetes object: a pool, a workload."""
    return _DNS.fullmatch(text) is not None


def is_namespace(text: str) -> bool:
    """Tell whether a text can be the name of a namespace."""
    return "*" not in text and is_namespace_pattern(text)


def is_namespace_pattern(text: str) -> bool:
    """Tell whether a text can be the name of a namespace; `*` matches within it."""
    return _NAMESPACE.fullmatch(text) is not None


def is_label_key(text: str) -> bool:
    """Tell whether a text can be the key of a label or annotation (apimachinery, validation.IsQualifiedName)."""
    prefix, slash, name = text.rpartition("/")
    return is_name(name) and (not slash or is_object_name(prefix))


def namespace_matches(pattern: str, namespace: str) -> bool:
    """
    Tell whether a pattern of `cluster.namespaces` stands for a namespace; `*` is any part of a name, even none.

    >>> namespace_matches("ci-job-*", "ci-job-42")
    True
    """
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), namespace) is not None


_OWNERS = (
    (re.compile(r"(?i)(?:.*\.)?runner\.gitlab\.com"), "GitLab Runner"),
    (re.compile(r"(?i)(?:.*\.)?projectcalico\.org"), "Calico"),
    (re.compile(r"(?i)(?:.*\.)?runner-bridge\.dev"), "runner-bridge"),
)


def owner_of(key: str) -> str:
    """Return who the domain of a label or annotation belongs to; empty where a policy may use it."""
    domain, slash, _ = key.rpartition("/")
    if not slash:
        return ""
    return next((owner for pattern, owner in _OWNERS if pattern.fullmatch(domain)), "")
