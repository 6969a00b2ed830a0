"""
What the annotation in force asks for, and whether it is what the tier declares.

Calico's plugin reads, per key, the pod's annotation, else its namespace's, else the list of the CNI configuration, else
it selects by itself; empty text does not count, `[]` and `null` do and mean "select by yourself" (projectcalico/calico,
cni-plugin/pkg/k8s/k8s.go). An entry is a pool's name or a whole pool's CIDR, host bits allowed; all JSON escapes and
white space are read, so texts are never compared, only what they mean.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from runner_bridge.core.judge.problem import Problem, listed, quote
from runner_bridge.core.model.cluster import NOTHING_ASKED
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.verdict import Origin, Requested

if TYPE_CHECKING:
    from runner_bridge.core.judge.evidence import Evidence
    from runner_bridge.core.judge.ground import TierView
    from runner_bridge.core.model import Code
    from runner_bridge.core.model.cluster import Asked, Pod

FAMILIES = ("IPv4", "IPv6")
_LIST = msgspec.json.Decoder(list[str | None] | None)
_CIDR = re.compile(r"[0-9A-Fa-f.:]+/[0-9]{1,3}")

# The other ways to an address, all on pods only (cni-plugin/pkg/k8s/k8s.go).
_DOORS: tuple[tuple[str, Code], ...] = (
    ("ip_addrs", codes.IP_ADDRS_REQUESTED),
    ("ip_addrs_no_ipam", codes.IP_ADDRS_NO_IPAM_REQUESTED),
    ("floating_ips", codes.FLOATING_IPS_REQUESTED),
    ("allowed_source_prefixes", codes.ALLOWED_SOURCE_PREFIXES_REQUESTED),
)


class Request(Struct, frozen=True, gc=False):
    """What a pod asks for, as compared with its tier."""

    requested: Requested
    problems: tuple[Problem, ...] = ()
    silent: bool = False
    """The tier is pinned and nothing that was read asks for one of its families."""


class _Asking(Struct, frozen=True, gc=False):
    """One family's annotation in force."""

    origin: Origin
    text: str = ""
    entries: tuple[str, ...] | None = ()
    """None: not a JSON list of pools of this family, so Calico refuses the pod."""


MOST_NAMES = 1000
"""An annotation may hold fifty thousand; what differs from a tier's pools differs within the first ones."""


def parse_list(text: str) -> tuple[str, ...] | None:
    r"""
    Return the strings of a JSON list as Go reads it into `[]string`; None where Go refuses it. Never raises.

    >>> parse_list('["a", "\\u0062"]'), parse_list("null"), parse_list("a")
    (('a', 'b'), (), None)
    """
    try:
        return tuple(entry or "" for entry in _LIST.decode(text) or ())
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def request_of(evidence: Evidence, pod: Pod, view: TierView | None, runner: str) -> Request:
    """Return what the pod asks for; compared with `view` unless that is None. Never raises."""
    key = (pod.asked, pod.namespace, view.tier.name if view else "", runner)
    found = evidence.requests.get(key)
    if found is None:
        found = evidence.requests[key] = _request(evidence, pod, view, runner)
    return found


def _request(evidence: Evidence, pod: Pod, view: TierView | None, runner: str) -> Request:
    asking = {family: _in_force(evidence, pod, family) for family in FAMILIES}
    main = FAMILIES[1] if view is not None and FAMILIES[0] not in view.families else FAMILIES[0]
    texts = [one.text for one in asking.values() if one.text]
    requested = Requested(
        origin=asking[main].origin,
        text=quote(" ".join(texts)),
        pools=tuple(_name_of(evidence, entry) for family in FAMILIES for entry in asking[family].entries or ()),
    )
    if view is None:
        return Request(requested)
    problems: list[Problem] = []
    silent = False
    for family in FAMILIES:
        if view.tier.pin and family in view.families:
            silent |= asking[family].origin in {Origin.AUTOMATIC, Origin.UNREAD}
            problems += _pinned(evidence, view, family, asking[family], runner)
        elif view.tier.pin:
            problems += _foreign_family(evidence, family, asking[family], runner)
        else:
            problems += _by_class(evidence, view, asking[family], runner)
    problems += _families(evidence, pod, view)
    problems += _doors(pod.asked)
    if evidence.namespaces_given and pod.namespace not in evidence.namespaces:
        problems.append(_namespace_unread(pod))
    return Request(requested, tuple(problems), silent)


def _texts(asked: Asked, family: str) -> str:
    return (asked.ipv4_pools if family == FAMILIES[0] else asked.ipv6_pools) or ""


def _in_force(evidence: Evidence, pod: Pod, family: str) -> _Asking:
    text = _texts(pod.asked, family)
    if text:
        return _Asking(Origin.POD, text, _entries(evidence, text, family))
    namespace = evidence.namespaces.get(pod.namespace)
    if namespace is None:
        return _Asking(Origin.UNREAD)
    text = _texts(namespace.asked, family)
    return _Asking(Origin.NAMESPACE, text, _entries(evidence, text, family)) if text else _Asking(Origin.AUTOMATIC)


def _entries(evidence: Evidence, text: str, family: str) -> tuple[str, ...] | None:
    """Return the pools that a text names; None where Calico refuses it, also for a pool of the other family."""
    parsed = parse_list(text)
    if parsed is None:
        return None
    entries = tuple(dict.fromkeys(parsed))[:MOST_NAMES]
    versions = [evidence.ground.version_of(_name_of(evidence, entry)) for entry in entries]
    return None if any(version and f"IPv{version}" != family for version in versions) else entries


def _name_of(evidence: Evidence, entry: str) -> str:
    """Return the policy's name of the pool that an entry means, else the cluster's; the entry where it means none."""
    observed = evidence.ground.pools_by_name.get(entry)
    if observed is not None:
        # Calico goes by the cluster's pools; the policy may know the same range by another name.
        return evidence.ground.pool_by_cidr[observed.cidr]
    if entry in evidence.ground.declared_by_name:
        return entry
    if not _CIDR.fullmatch(entry):
        return entry
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        return entry
    return evidence.ground.pool_by_cidr.get(network, entry)


def _pinned(evidence: Evidence, view: TierView, family: str, asking: _Asking, runner: str) -> list[Problem]:
    if asking.origin in {Origin.AUTOMATIC, Origin.UNREAD}:
        return []
    wanted = tuple(str(pool.name) for pool in view.tier.pools_of(family))
    expected = listed(wanted)
    if asking.entries is None:
        return [_malformed(asking, expected)]
    if not asking.entries:
        return [
            Problem(codes.ANNOTATION_ASKS_NOTHING, quote(asking.text), expected, _by_whom(evidence, asking, runner))
        ]
    names = tuple(_name_of(evidence, entry) for entry in asking.entries)
    if set(names) == set(wanted):
        return []
    return [_overwritten(evidence, names, expected, asking, runner)]


def _foreign_family(evidence: Evidence, family: str, asking: _Asking, runner: str) -> list[Problem]:
    """Judge pools of a family that the pinned tier does not have; the namespace's are for everybody in it."""
    if asking.origin is not Origin.POD or asking.entries == ():
        return []
    expected = f"no {family} pool"
    if asking.entries is None:
        return [_malformed(asking, expected)]
    names = tuple(_name_of(evidence, entry) for entry in asking.entries)
    return [_overwritten(evidence, names, expected, asking, runner)]


def _by_class(evidence: Evidence, view: TierView, asking: _Asking, runner: str) -> list[Problem]:
    """Judge a tier that is not pinned: it may ask for any pool of its class."""
    expected = f"no annotation, or pools of class {view.tier.pool_class}"
    if asking.entries is None:
        return [_malformed(asking, expected)]
    names = tuple(_name_of(evidence, entry) for entry in asking.entries)
    declared = [evidence.ground.declared_by_name.get(name) for name in names]
    if any(pool is not None and pool.pool_class is not view.tier.pool_class for pool in declared):
        return [_overwritten(evidence, names, expected, asking, runner)]
    found: list[Problem] = []
    strangers = [name for name, pool in zip(names, declared, strict=True) if pool is None]
    if unknown := [name for name in strangers if name not in evidence.ground.pools_by_name]:
        found.append(Problem(codes.POOL_UNKNOWN, listed(unknown), expected, _by_whom(evidence, asking, runner)))
    if undeclared := [name for name in strangers if name in evidence.ground.pools_by_name]:
        found.append(Problem(codes.POOL_UNDECLARED, listed(undeclared), expected, _by_whom(evidence, asking, runner)))
    return found


def _namespace_unread(pod: Pod) -> Problem:
    """Whatever the pod asks itself, its namespace may ask for what it does not, such as another family."""
    return Problem(
        codes.REQUEST_UNPROVEN,
        observed=f"namespace {quote(pod.namespace)} is not among those that were read",
        expected="its annotations",
    )


def _malformed(asking: _Asking, expected: str) -> Problem:
    where = "namespace" if asking.origin is Origin.NAMESPACE else "pod"
    cause = f"The {where}'s annotation is no JSON list of pools of this family: Calico refuses the pod."
    return Problem(codes.ANNOTATION_MALFORMED, quote(asking.text), expected, cause)


def _overwritten(evidence: Evidence, names: tuple[str, ...], expected: str, asking: _Asking, runner: str) -> Problem:
    cause = _by_whom(evidence, asking, runner)
    ground = evidence.ground
    missing = [name for name in names if name not in ground.pools_by_name and name not in ground.declared_by_name]
    if missing:
        cause += f" There is no pool {listed(missing)}: Calico refuses the pod."
    return Problem(codes.ANNOTATION_OVERWRITTEN, quote(asking.text), expected, cause)


def _by_whom(evidence: Evidence, asking: _Asking, runner: str) -> str:
    if asking.origin is Origin.NAMESPACE:
        return "The namespace's annotation asks it for every pod that asks nothing itself."
    if runner and runner in evidence.configured_runners:
        return (
            f"Other job pods of {runner} carry what the tier declares, so its configuration is right and a job "
            "variable KUBERNETES_POD_ANNOTATIONS_… overwrote it."
        )
    return (
        "The pod's own annotation asks it: a job variable KUBERNETES_POD_ANNOTATIONS_… overwrote it, or the "
        f"configuration of {runner or 'the runner'} is not the rendered one."
    )


def _families(evidence: Evidence, pod: Pod, view: TierView) -> list[Problem]:
    namespace = evidence.namespaces.get(pod.namespace)
    text = pod.asked.ip_families or (namespace.asked if namespace else NOTHING_ASKED).ip_families
    if not text:
        return []
    asked = frozenset(parse_list(text) or ())
    right = asked == view.families if view.tier.pin else bool(asked) and asked <= view.families
    if right:
        return []
    expected = listed([family for family in FAMILIES if family in view.families])
    cause = "Only a job variable, or another configuration than the rendered one, can ask for it."
    if not asked <= frozenset(FAMILIES) or not asked:
        cause += " Calico refuses the pod."
    return [Problem(codes.IP_FAMILIES_REQUESTED, quote(text), expected, cause)]


def _doors(asked: Asked) -> list[Problem]:
    if asked is NOTHING_ASKED:
        return []
    cause = (
        "No tier asks for it: a job variable KUBERNETES_POD_ANNOTATIONS_… wrote it, or the runner's configuration does."
    )
    return [
        Problem(code, quote(text), "no such annotation", cause)
        for field, code in _DOORS
        if (text := getattr(asked, field))
    ]


def asks_for_its_tier(evidence: Evidence, pod: Pod, view: TierView) -> bool:
    """Tell whether the pod's own annotations name exactly the pinned tier's pools, in every family of it."""
    return all(
        set(parse_list(_texts(pod.asked, family)) or ())
        and {_name_of(evidence, entry) for entry in parse_list(_texts(pod.asked, family)) or ()}
        == {pool.name for pool in view.tier.pools_of(family)}
        for family in view.families
    )
