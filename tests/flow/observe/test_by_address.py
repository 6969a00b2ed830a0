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


def test_who_shows_an_address_of_a_range_is_found_in_small_and_in_large_ones() -> None:
    index = ByAddress()
    pod = make.job_pod(addresses=(ip_address("10.0.0.5"), ip_address("fd00::5")), annotated=())
    for number in numbers_of(pod):
        index.add(number, ("ci", "a"))
    for address, prefix, distance in (("10.0.0.4", 31, 1), ("10.0.0.0", 8, 5), ("fd00::4", 127, 1), ("fd00::", 64, 5)):
        start = ip_address(address)
        assert index.within(start.version, int(start), prefix) == [(distance, (("ci", "a"),))]
    assert index.within(4, int(ip_address("10.0.0.6")), 31) == index.within(6, int(ip_address("10.0.0.4")), 31) == []
