"""A decision as findings for `lint`: what was seen, what a job gets out of it, and the variable that proves it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, assert_never

from runner_bridge.core.model import Finding
from runner_bridge.core.model.annotations import CALICO, FAMILIES_KEY, POOL_KEYS
from runner_bridge.core.model.codes import overwrites as codes
from runner_bridge.core.overwrites.decision import Decision, Verdict, Witness, decide
from runner_bridge.core.overwrites.questions import Setting
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner_bridge.core.model import Code, Place

_QUOTED: Final = 60
"""Characters of a pattern that are quoted."""

_OPENS: Final = {
    Setting.ANNOTATIONS: codes.OPENS_POOL,
    Setting.LABELS: codes.CHANGES_LABELS,
    Setting.NAMESPACE: codes.ANY_NAMESPACE,
    Setting.SERVICE_ACCOUNT: codes.ANY_SERVICE_ACCOUNT,
    Setting.NODE_SELECTOR: codes.CHOOSES_NODE,
    Setting.NODE_TOLERATIONS: codes.TOLERATES_CONTROL_PLANE,
    Setting.BEARER_TOKEN: codes.CHOOSES_TOKEN,
}
_LACKS: Final = {**dict.fromkeys(POOL_KEYS, "a list of pools"), FAMILIES_KEY: "a list of address families"}
_WHAT: Final = {
    Setting.LABELS: "gets the label {key} = {final}",
    Setting.NAMESPACE: "runs in the namespace {text}",
    Setting.SERVICE_ACCOUNT: "runs as the service account {text}",
    Setting.NODE_SELECTOR: "runs on nodes with {key} = {final}",
    Setting.NODE_TOLERATIONS: "tolerates {text}",
    Setting.BEARER_TOKEN: "has its pod made by the account of that token",
}
_EFFECTS: Final = {
    f"{CALICO}ipAddrs": "a fixed address of its own choice: {values}",
    f"{CALICO}ipAddrsNoIpam": "a fixed address that no pool knows of, where the cluster allows it: {values}",
    f"{CALICO}floatingIPs": "a floating address, where the cluster allows it: {values}",
    f"{CALICO}allowedSourcePrefixes": "leave to send from foreign addresses, where the cluster allows it: {values}",
    FAMILIES_KEY: "the address families of its own choice: {values}",
}


def findings(
    pattern: str, *, setting: str, place: Place | None, subject: str, configured: Collection[str] = ()
) -> tuple[Finding, ...]:
    """
    Report what is wrong with `setting = pattern`; empty where nothing is.

    Args:
        pattern: the value in config.toml, as for `decide`.
        setting: the key, one of `Setting`.
        place: where the value stands.
        subject: the key path, for example `runners[0].kubernetes.pod_annotations_overwrite_allowed`.
        configured: as for `decide`.

    Raises:
        ValueError: `setting` is none of `Setting`.
    """
    decision = decide(pattern, setting=setting, configured=configured)
    found = _code(decision)
    if found is None:
        return ()
    return (
        Finding(
            code=found,
            subject=subject,
            place=place,
            observed=_quoted(pattern) if decision.setting is not Setting.BEARER_TOKEN else "true",
            cause=redact(_cause(decision)),
            proof=redact(decision.witness.as_yaml()) if decision.witness else "",
        ),
    )


def _code(decision: Decision) -> Code | None:
    match decision.verdict:
        case Verdict.SAFE:
            return None
        case Verdict.OPENS:
            return _OPENS[decision.setting]
        case Verdict.KEY_ONLY:
            names = decision.setting in (Setting.NAMESPACE, Setting.SERVICE_ACCOUNT)
            return codes.CHOOSES_NAME if names else codes.REACHES_POOL_KEY
        case Verdict.UNKNOWN:
            return codes.UNDECIDED
        case Verdict.INVALID:
            return codes.NO_PATTERN
    assert_never(decision.verdict)


def _cause(decision: Decision) -> str:
    """One or two sentences about this very pattern."""
    if decision.verdict is Verdict.INVALID:
        return f"Go refuses it: {decision.reason}."
    if decision.witness is None:
        return f"The pattern is not decided: {decision.reason}."
    effect = _effect(decision, decision.witness)
    if not decision.witness.expand_false:
        return effect
    left = decision.witness.final or "nothing"
    return f"{effect} The runner matches the pattern first and expands the value once more afterwards: {left} is left."


def _effect(decision: Decision, witness: Witness) -> str:
    final = _quoted(witness.final)
    if decision.setting is Setting.ANNOTATIONS:
        broken = decision.verdict is Verdict.KEY_ONLY
        nothing = (
            f"{witness.key} = {final}; no text that the pattern allows becomes {_LACKS.get(witness.key, 'a list')}"
        )
        return f"A job that sets this variable gets {nothing if broken else _gain(witness)}."
    what = _WHAT[decision.setting].format(key=witness.key, final=final, text=witness.final or "every taint")
    return f"A job that sets this variable {what}."


def _gain(witness: Witness) -> str:
    """Name what a pod gets by one of Calico's annotations; the value is known to be one that Calico takes."""
    chosen = json.loads(witness.final) if witness.final else None
    values = ", ".join(chosen or ())
    if witness.key in POOL_KEYS:
        if not chosen:
            return "no pool of its tier but whatever the namespace or the cluster hands out by itself"
        return f"the pool {values}"
    return _EFFECTS[witness.key].format(values=values or "none is named, so the cluster's own")


def _quoted(text: str) -> str:
    """Quote a text for a finding: on one line, not too long, without secrets."""
    shown = redact(text)
    return json.dumps(shown if len(shown) <= _QUOTED else f"{shown[:_QUOTED]}…", ensure_ascii=False)
