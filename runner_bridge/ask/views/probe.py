"""The answer of `probe` without its findings, which have views of their own: lines for people, values for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner_bridge.ask.views import well_formed
from runner_bridge.core.redact import redact
from runner_bridge.core.wire.probe import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.ask.answers.probe import ProbeAnswer
    from runner_bridge.core.probe import Check
    from runner_bridge.core.wire.probe import State as States

_WIDTH = 11
_WORDS: Final[dict[States, str]] = {
    State.YES: "yes",
    State.NO: "no",
    State.NO_TOOL: "not tested, the image has no program for it",
    State.NOT_ASKED: "not asked",
}


def text(answer: ProbeAnswer) -> str:
    """Return what was seen, a line each, with a line end."""
    return "".join(f"{name:<{_WIDTH}}{_plain(line)}\n" for name, line in _lines(answer))


def head(answer: ProbeAnswer) -> dict[str, Any]:
    """Return the answer as what JSON can hold; keys are only added."""
    probed, verdict = answer.probed, answer.probed.verdict
    return {
        "at": answer.at.isoformat(),
        "exit_code": answer.exit_code,
        "summary": answer.summary,
        "source": answer.source,
        "tier": probed.tier,
        "pod": _plain(probed.subject),
        "node": _plain(verdict.node) if verdict else "",
        "image": _plain(answer.image),
        "verdict": str(verdict.outcome) if verdict else None,
        "evidence": str(verdict.grade) if verdict else None,
        "wanted": list(verdict.intended) if verdict else [],
        "got": [
            {"address": str(one.address), "pool": one.pool, "confirmed": one.confirmed}
            for one in (verdict.assigned if verdict else ())
        ],
        "checks": [
            {"name": one.name, "target": _plain(one.target), "state": str(one.state), "said": _plain(one.said)}
            for one in probed.checks
        ],
        "egress": {"declared": probed.egress, "seen": str(probed.seen) if probed.seen else None},
    }


def _lines(answer: ProbeAnswer) -> Iterator[tuple[str, str]]:
    probed, verdict = answer.probed, answer.probed.verdict
    yield "tier", f"{probed.tier}, leaves by {probed.egress}"
    node = f" on {verdict.node}" if verdict and verdict.node else ""
    yield "pod", f"{probed.subject}{node}, image {answer.image}"
    if verdict is None:
        yield "address", "the pod was never seen"
        return
    for one in verdict.assigned:
        proof = "its block names the pod" if one.confirmed else "as its status says"
        yield "address", f"{one.address} in {one.pool or 'no pool'}, {proof}"
    if not verdict.assigned:
        yield "address", "none"
    yield "verdict", f"{verdict.outcome}, evidence {verdict.grade}"
    for check in probed.checks:
        yield check.name, _line(check, probed.seen)


def _line(check: Check, seen: object) -> str:
    word = _WORDS[check.state]
    if check.state is State.YES and seen is not None and check.name == "echo":
        word = f"saw {seen}"
    return f"{check.target}: {word}" if check.target else word


def _plain(line: str) -> str:
    return well_formed(redact(line))
