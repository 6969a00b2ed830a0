"""What counts as a way out."""

from __future__ import annotations

import pytest

from runner_bridge.core.overwrites.questions import USUAL, Setting, question, takes

POOLS = "cni.projectcalico.org/ipv4pools"
ADDRESSES = "cni.projectcalico.org/ipAddrs"
FAMILIES = "cni.projectcalico.org/ipFamilies"


@pytest.mark.parametrize(
    ("key", "value", "taken"),
    [
        (POOLS, '["infraestrutura"]', True),
        (POOLS, ' [ "10.0.0.0/8" , "b"]\n', True),
        (POOLS, '["\\u0061"]', True),
        (POOLS, "[]", True),
        (POOLS, "null", True),
        (POOLS, "", True),
        (POOLS, " ", False),
        (POOLS, "team", False),
        (POOLS, '"team"', False),
        (POOLS, "[5]", False),
        (POOLS, '[["a"]]', False),
        (POOLS, "[null]", False),
        (POOLS, "['a']", False),
        (POOLS, '["a",]', False),
        (POOLS, '["a"]["b"]', False),
        (POOLS, "{}", False),
        (POOLS, "[" * 100_000, False),
        (ADDRESSES, '["10.0.0.1"]', True),
        (ADDRESSES, "[]", False),
        (ADDRESSES, "", False),
        (FAMILIES, "", True),
        (FAMILIES, "[]", False),
        ("team", '["a"]', False),
        ("cni.projectcalico.org/IPv4pools", '["a"]', False),
    ],
)
def test_a_value_is_taken_as_calico_takes_it(key: str, value: str, *, taken: bool) -> None:
    assert takes(key, value) is taken


def test_every_usual_value_is_taken() -> None:
    assert all(takes(key, value) for key, value in USUAL.items())


def test_a_token_is_no_regular_expression() -> None:
    with pytest.raises(ValueError, match="bearer"):
        question(Setting.BEARER_TOKEN)
