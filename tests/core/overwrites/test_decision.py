"""The patterns of real configurations, decided; and what must hold of every answer."""

from __future__ import annotations

import pytest

from runner_bridge.core.overwrites import Setting, Verdict, decide

POOLS = "cni.projectcalico.org/ipv4pools"

OPEN = {
    ".*": f'{POOLS}=["default"]',
    "infra": f'{POOLS}=["default"]$infra',
    "team=.*": f'{POOLS}=["default"]${{team=}}',
    "cni": f'{POOLS}=["default"]',
    "projectcalico": f'{POOLS}=["default"]',
    "=": f'{POOLS}=["default"]',
    "^cni.*": f'{POOLS}=["default"]',
    "(a|b)*a(a|b){18}": f'{POOLS}=["default"]${"a" * 19}',
    r"(?i)^CNI\.": f'{POOLS}=["default"]',
    r"ipv4pools=\[\"infra": f'{POOLS}=["default"]${{ipv4pools=["infra}}',
    "^team=.*|cni": f'{POOLS}=["default"]',
    r"\$": f'{POOLS}=["default"]$x',
    "(?m)^team=": f'{POOLS}=["default"]${{\nteam=}}',
    "x*": f'{POOLS}=["default"]',
}


@pytest.mark.parametrize("pattern", OPEN)
def test_a_pattern_that_opens_the_pool_comes_with_the_shortest_variable(pattern: str) -> None:
    decision = decide(pattern)

    assert decision.verdict is Verdict.OPENS
    assert decision.witness is not None
    assert decision.witness.value == OPEN[pattern]
    assert decision.witness.expand_false is ("$" in OPEN[pattern])
    assert decision.witness.final == '["default"]'


@pytest.mark.parametrize(
    "pattern",
    ["", "^team=.*", r"^(a\.example/x|b\.example/y)=", r"^\Qteam\E=", r"\Ateam=", "^(?:team=)", "a^b", "(?i)^team="],
)
def test_an_anchored_list_of_other_keys_is_safe(pattern: str) -> None:
    decision = decide(pattern)

    assert decision.verdict is Verdict.SAFE
    assert decision.witness is None


def test_every_setting_is_decided() -> None:
    for setting in Setting:
        assert decide("", setting=setting).verdict is Verdict.SAFE
