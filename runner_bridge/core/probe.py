"""
What a probe comes to: the verdict on its address, what it met from inside, and what a destination saw. Pure.

The address is judged like a job pod's. A destination's word raises the grade to `probed` only where it fits the
declared egress and the block had named the pod: it proves the way out, not who has the address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from runner_bridge.core.judge.problem import listed, quote
from runner_bridge.core.model import Finding, Outcome, Severity
from runner_bridge.core.model.codes import probe as codes
from runner_bridge.core.model.verdict import Grade
from runner_bridge.core.policy.model import EgressKind
from runner_bridge.core.wire.probe import Report, Said, State, addresses_in

if TYPE_CHECKING:
    from runner_bridge.core.model import Code
    from runner_bridge.core.model.cluster import Address
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy, Tier
    from runner_bridge.core.wire.probe import Container

NAME, API_SERVER, GITLAB, ECHO = "name", "api-server", "gitlab", "echo"
_FAILED: Final = {
    NAME: codes.NAME_UNRESOLVED,
    API_SERVER: codes.API_SERVER_UNREACHABLE,
    GITLAB: codes.GITLAB_UNREACHABLE,
    ECHO: codes.ECHO_UNANSWERED,
}


class Check(Struct, frozen=True, gc=False, kw_only=True):
    """One question that the pod asked from inside."""

    name: str
    """`name`, `api-server`, `gitlab` or `echo`."""
    target: str
    state: State
    said: str = ""
    """What the asking program printed, quoted."""


class Met(Struct, frozen=True, kw_only=True):
    """Everything that was seen of the pod of one probe."""

    subject: str
    """Namespace and name of the pod."""
    verdict: Verdict | None
    """None: it was never seen."""
    absent: Finding | None = None
    """Why addresses say nothing in this cluster; None where they do."""
    container: Container
    report: Report | None
    trouble: str = ""
    """Why the report could not be read."""
    node_addresses: tuple[Address, ...] = ()
    left: str = ""
    """Why the pod could not be deleted; empty where it was, or was gone."""


class Targets(Struct, frozen=True, kw_only=True):
    """What the pod was to ask."""

    name: str
    """Empty: GitLab's address is no name."""
    gitlab: str
    """Host and port."""
    echo: str
    """Empty: nobody was to be asked what it saw."""


class Probed(Struct, frozen=True, kw_only=True):
    """The whole result."""

    tier: str
    subject: str
    verdict: Verdict | None
    checks: tuple[Check, ...] = ()
    """In the order in which they were asked; none where there is no report."""
    seen: Address | None = None
    """The source address that the echo end point saw."""
    egress: str
    """What the tier declares, in words."""
    findings: tuple[Finding, ...] = ()
    """Besides those of the verdict."""

    @property
    def is_wrong(self) -> bool:
        """Something is not as declared."""
        breach = self.verdict is not None and self.verdict.outcome is Outcome.BREACH
        return breach or any(one.code.severity is Severity.ERROR for one in self.findings)

    @property
    def is_proven(self) -> bool:
        """Everything that was to be seen was seen."""
        passed = self.verdict is not None and self.verdict.outcome is Outcome.PASS
        return passed and all(one.code.severity is not Severity.WARNING for one in self.findings)


def conclude(policy: Policy, tier: Tier, targets: Targets, met: Met) -> Probed:
    """Return what everything comes to. Never raises."""
    findings = [met.absent] if met.absent else []
    checks: tuple[Check, ...] = ()
    seen: Address | None = None
    verdict = met.verdict
    if met.report is None:
        findings += _unreported(met)
    else:
        checks = _checks(targets, met.report)
        findings += [found for check in checks if (found := _failed(tier, met.subject, check)) is not None]
        if met.report.echo.state is State.YES:
            seen, found = _source(policy, tier, met)
            findings += [found] if found else []
            if found is None and verdict is not None and verdict.grade is Grade.BLOCK:
                verdict = structs.replace(verdict, grade=Grade.PROBED)
    if met.left:
        findings.append(Finding(code=codes.POD_LEFT, subject=met.subject, observed=met.left, expected="no pod"))
    return Probed(
        tier=str(tier.name),
        subject=met.subject,
        verdict=verdict,
        checks=checks,
        seen=seen,
        egress=egress_in_words(policy, tier),
        findings=tuple(findings),
    )


def egress_in_words(policy: Policy, tier: Tier) -> str:
    """Return the declared source address of a tier, as it stands in a sentence."""
    egress = tier.egress
    match egress.kind:
        case EgressKind.NODE:
            return "an address of the node"
        case EgressKind.POD:
            return "the pod's own address"
        case EgressKind.GATEWAY if egress.gateway is not None:
            return f"an address of the gateway's pool {egress.gateway} ({policy.pools[egress.gateway].cidr})"
        case EgressKind.EXTERNAL:
            return f"an address of {listed([str(one) for one in egress.addresses])}"
        case _:
            return "none: no traffic leaves"


def _checks(targets: Targets, report: Report) -> tuple[Check, ...]:
    asked = (
        (NAME, targets.name, report.name),
        (API_SERVER, "as the pod was told", report.api),
        (GITLAB, targets.gitlab, report.gitlab),
        (ECHO, targets.echo, report.echo),
    )
    return tuple(
        Check(name=name, target=target, state=said.state, said=quote(said.said)) for name, target, said in asked
    )


def _failed(tier: Tier, subject: str, check: Check) -> Finding | None:
    """Say what a question that was not answered with yes means; None where it means nothing."""
    if check.state is State.NO_TOOL:
        return Finding(
            code=codes.TOOL_MISSING,
            subject=subject,
            observed=f"none of {check.said}",
            expected=f"one, for {check.name}",
        )
    if check.state is not State.NO or (check.name == ECHO and tier.egress.kind is EgressKind.NONE):
        return None
    code: Code = _FAILED[check.name]
    return Finding(
        code=code, subject=subject, observed=check.said or "no answer", expected=f"an answer: {check.target}"
    )


def _unreported(met: Met) -> list[Finding]:
    container = met.container
    if met.verdict is None or not met.verdict.assigned:
        return []  # without an address nothing starts, and the verdict says why
    if not container.started:
        seen = f"{container.waiting or 'not started'}: {container.message}".rstrip(": ")
        return [
            Finding(code=codes.NOT_STARTED, subject=met.subject, observed=quote(seen), expected="a running container")
        ]
    seen = met.trouble or ("the container ended without one" if container.ended else "none in time")
    return [
        Finding(code=codes.REPORT_MISSING, subject=met.subject, observed=quote(seen), expected="a report in its log")
    ]


def _source(policy: Policy, tier: Tier, met: Met) -> tuple[Address | None, Finding | None]:
    """Return the source address that the echo end point saw, and what is wrong with it."""
    said: Said = met.report.echo if met.report else Said()
    found = addresses_in(said.said)
    if len(found) != 1:
        seen = listed([str(one) for one in found]) if found else quote(said.said) or "an empty answer"
        return None, Finding(code=codes.ECHO_UNREADABLE, subject=met.subject, observed=seen, expected="one address")
    (source,) = found
    if _fits(policy, tier, met, source):
        return source, None
    return source, Finding(
        code=codes.EGRESS_DIFFERS,
        subject=met.subject,
        observed=str(source),
        expected=egress_in_words(policy, tier) + _of_node(tier, met),
        cause=_whose(policy, met, source),
    )


def _of_node(tier: Tier, met: Met) -> str:
    return f" ({listed([str(one) for one in met.node_addresses])})" if tier.egress.kind is EgressKind.NODE else ""


def _fits(policy: Policy, tier: Tier, met: Met, source: Address) -> bool:
    egress = tier.egress
    match egress.kind:
        case EgressKind.NODE:
            return source in met.node_addresses
        case EgressKind.POD:
            return source in _own(met)
        case EgressKind.GATEWAY if egress.gateway is not None:
            cidr = policy.pools[egress.gateway].cidr
            return source.version == cidr.version and source in cidr
        case EgressKind.EXTERNAL:
            return any(source.version == one.version and source in one for one in egress.addresses)
        case _:
            return False


def _own(met: Met) -> tuple[Address, ...]:
    return tuple(one.address for one in met.verdict.assigned) if met.verdict else ()


def _whose(policy: Policy, met: Met, source: Address) -> str:
    if source in _own(met):
        return (
            "It is the pod's own: nothing was translated. The pool has no natOutgoing, or the end point lies in a "
            "Calico pool, of which disabled ones count too."
        )
    if source in met.node_addresses:
        return "It is the node's: Calico translated it, because the end point lies outside of every pool."
    covering = [
        str(pool.name) for pool in policy.pools.values() if source.version == pool.cidr.version and source in pool.cidr
    ]
    if covering:
        return f"It lies in pool {listed(covering)}: an egress gateway, or another pod between the two."
    return (
        "It is neither the pod's nor its node's: something behind the node translates, for example a cloud's NAT "
        "gateway, `natOutgoingAddress`, or a proxy."
    )
