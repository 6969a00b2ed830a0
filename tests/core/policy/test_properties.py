"""What holds for every policy that is accepted, and for every text that is not."""

from __future__ import annotations

import copy
import json
import re
from ipaddress import ip_network
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.text import yaml
from tests.core.policy.base import POLICY, read, told

CIDRS = st.builds(
    lambda first, length: str(ip_network((first, length), strict=False)),
    st.integers(0x0A000000, 0x0A00FFFF),
    st.integers(14, 26),
)


@given(st.lists(CIDRS, min_size=1, max_size=6), st.lists(st.integers(0x0A000000, 0x0A00FFFF), max_size=6))
def test_pools_of_an_accepted_policy_are_disjoint_and_an_address_has_at_most_one_tier(
    cidrs: list[str], addresses: list[int]
) -> None:
    pools = "".join(f"  p{number}: {{cidr: {cidr}, class: isolated}}\n" for number, cidr in enumerate(cidrs))
    tiers = "".join(f"  t{number}: {{pools: [p{number}]}}\n" for number in range(len(cidrs)))
    head = POLICY[: POLICY.index("pools:")].replace("10.10.0.0/16", "10.0.0.0/8")
    networks = [ip_network(cidr) for cidr in cidrs]
    overlap = any(one.overlaps(other) for one, other in combinations(networks, 2))
    text = f"{head}pools:\n{pools}tiers:\n{tiers}"
    errors = {one.code.name for one in told(text) if one.code.severity == "error"}
    if errors:
        assert (errors, overlap) == ({"policy-pools-overlap"}, True)
        return
    policy = read(text)
    assert not overlap
    for address in addresses:
        home = [
            tier.name
            for tier in policy.tiers.values()
            for pool in tier.pools
            if int(pool.cidr.network_address) <= address <= int(pool.cidr.broadcast_address)
        ]
        assert len(home) <= 1


LINES = POLICY.split("\n")
SCRAPS = [
    "",
    "a",
    "- a",
    "null",
    "[]",
    "{}",
    "{a: b}",
    "!x y",
    "&a",
    "*a",
    "1",
    "-1",
    "3.5",
    "true",
    "'",
    ": ",
    "<<: {}",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid policy in which some lines are gone, doubled, moved or have another value."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        number = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[number].partition(": ")
        match draw(st.sampled_from(["drop", "double", "indent", "value", "scrap"])):
            case "drop":
                del lines[number]
            case "double":
                lines.insert(number, lines[number])
            case "indent":
                lines[number] = f"  {lines[number]}"
            case "value":
                lines[number] = f"{key}{colon}{draw(st.sampled_from(SCRAPS))}"
            case "scrap":
                lines.insert(number, draw(st.sampled_from(SCRAPS)))
    return "\n".join(lines)


@given(st.text() | mutated() | mutated().map(lambda text: text.replace("{", "[", 1)))
def test_any_text_is_a_policy_or_a_list_of_problems_with_places(text: str) -> None:
    lines = len(re.split("\r\n|[\n\r\x85\u2028\u2029]", text)) + 1
    for found in told(text):
        assert found.place is not None
        assert found.place.line <= lines
        assert found.what_to_do


SHAPES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["a", "**", "id:1", "x/y"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*"ab", "name", "pools"]), inner, max_size=3)
    ),
    max_leaves=6,
)
ROOT = yaml.to_python(yaml.parse(POLICY, "policy.yaml")[0])


@given(st.data())
def test_a_value_of_any_shape_anywhere_is_a_problem_or_allowed(data: st.DataObject) -> None:
    root = copy.deepcopy(ROOT)
    part = root
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(part[key], dict | list) or not part[key] or data.draw(st.booleans()):
            part[key] = data.draw(SHAPES)
            break
        part = part[key]
    assert isinstance(told(json.dumps(root)), tuple)
