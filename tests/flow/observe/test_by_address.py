"""Who shows an address is the same as in a dictionary of sets."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.flow.observe.by_address import ByAddress, numbers_of
from tests import make

STEPS = st.lists(st.tuples(st.booleans(), st.integers(-1, 1), st.sampled_from("abc")), max_size=20)


@given(steps=STEPS)
def test_whoever_was_added_and_not_dropped_shows_it(steps: list[tuple[bool, int, str]]) -> None:
    index = ByAddress()
    expected: dict[int, set[tuple[str, str]]] = {number: set() for number in (-1, 0, 1)}
    for adds, number, name in steps:
        if adds:
            index.add(number, ("ci", name))
            expected[number].add(("ci", name))
        else:
            index.drop(number, ("ci", name))
            expected[number].discard(("ci", name))

    assert {number: set(index.all(number)) for number in expected} == expected
    assert all(len(index.all(number)) == len(names) for number, names in expected.items())


def test_an_ipv4_and_an_ipv6_address_of_one_number_are_two() -> None:
    pod = make.job_pod(addresses=(ip_address("0.0.0.9"), ip_address("::9")), annotated=(ip_address("0.0.0.7"),))

    assert numbers_of(pod) == (9, -9, 7)
