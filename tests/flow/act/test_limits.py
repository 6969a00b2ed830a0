"""How much may be done: never more than so many in any hour, and nothing where too many of a tier are bad."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.flow.act.limits import ALWAYS, WINDOW_S, Brake, Limiter

UIDS = st.sampled_from([f"u{number}" for number in range(12)])
WAITS = st.floats(min_value=0, max_value=WINDOW_S * 1.5, allow_nan=False)
ASKED = st.lists(st.tuples(WAITS, UIDS), max_size=60)


def passed(limiter: Limiter, asked: list[tuple[float, str]], begins: float = 0.0) -> list[tuple[float, str]]:
    """Who passed, and when."""
    now, found = begins, []
    for wait, uid in asked:
        now += wait
        if limiter.has_room(uid, now):
            limiter.take(uid, now)
            found.append((now, uid))
    return found


def most_in_any_window(acts: list[tuple[float, str]]) -> int:
    return max((len({uid for when, uid in acts if 0 <= when - start < WINDOW_S}) for start, _ in acts), default=0)


@given(ASKED, st.integers(1, 5))
def test_never_more_pods_than_the_limit_in_any_hour(asked: list[tuple[float, str]], most: int) -> None:
    assert most_in_any_window(passed(Limiter(most), asked)) <= most


@given(ASKED, ASKED, st.integers(1, 5))
def test_nor_with_a_restart_in_it(asked: list[tuple[float, str]], after: list[tuple[float, str]], most: int) -> None:
    first = passed(Limiter(most), asked)
    restarted = sum(wait for wait, _ in asked)
    second = passed(Limiter(most, {uid: when for when, uid in first}), after, restarted)
    assert most_in_any_window(first + second) <= most


@given(ASKED, st.integers(1, 5))
def test_who_asks_again_within_the_hour_takes_no_place_of_another(asked: list[tuple[float, str]], most: int) -> None:
    limiter = Limiter(most)
    for when, uid in passed(limiter, asked)[-1:]:
        assert limiter.has_room(uid, when + WINDOW_S - 1)


def test_a_place_is_free_again_after_an_hour() -> None:
    limiter = Limiter(1)
    limiter.take("a", 0)
    assert not limiter.has_room("b", WINDOW_S - 0.1)
    assert limiter.has_room("b", WINDOW_S)


def braked(bad: int, good: int, percent: int = 25) -> bool:
    brake = Brake(percent)
    for number in range(bad + good):
        brake.see(f"u{number}", "infra", is_bad=number < bad, now=0)
    return brake.is_on("infra", 1)


@pytest.mark.parametrize(
    ("bad", "good", "is_on"),
    [
        pytest.param(ALWAYS, 0, False, id="a quiet tier"),
        pytest.param(ALWAYS + 1, 0, True, id="all of a few"),
        pytest.param(25, 75, False, id="just the share"),
        pytest.param(26, 74, True, id="more than the share"),
        pytest.param(0, 10, False, id="none"),
    ],
)
def test_the_brake_is_on_above_the_share(bad: int, good: int, is_on: bool) -> None:
    assert braked(bad, good) is is_on


def test_a_hundred_percent_turns_the_brake_off() -> None:
    assert not braked(50, 0, percent=100)


def test_tiers_have_brakes_of_their_own() -> None:
    brake = Brake(25)
    for number in range(9):
        brake.see(f"u{number}", "infra", is_bad=True, now=0)
    assert brake.share("infra") == (9, 9)
    assert not brake.is_on("default", 0)


SEEN = st.lists(st.tuples(WAITS, UIDS, st.sampled_from(["a", "b"]), st.booleans()), max_size=60)


@given(SEEN)
def test_the_brake_counts_each_pod_of_the_last_hour_once_as_it_was_last(
    seen: list[tuple[float, str, str, bool]],
) -> None:
    brake = Brake(50)
    now, last = 0.0, {}
    for wait, uid, tier, is_bad in seen:
        now += wait
        brake.see(uid, tier, is_bad=is_bad, now=now)
        last[uid] = (now, tier, is_bad)
    for tier in ("a", "b"):
        counted = [is_bad for when, of, is_bad in last.values() if of == tier and now - when < WINDOW_S]
        is_on = brake.is_on(tier, now)
        assert brake.share(tier) == (sum(counted), len(counted))
        assert is_on is (sum(counted) > ALWAYS and sum(counted) * 2 > len(counted))
