"""A Lease: what is read of it, and that what others wrote into it stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import WireError
from runner_bridge.core.wire.lease import given_back, new_lease, read_lease, taken

AT = datetime(2026, 11, 25, 16, 0, 0, 42, tzinfo=UTC)


def lease(**spec: Any) -> bytes:
    return json.dumps({"metadata": {"resourceVersion": "7", "labels": {"theirs": "yes"}}, "spec": spec}).encode()


@pytest.mark.parametrize(
    ("spec", "holder", "lasts_s"),
    [
        pytest.param({"holderIdentity": "a", "leaseDurationSeconds": 15}, "a", 15.0, id="held"),
        pytest.param({}, "", None, id="empty"),
        pytest.param({"holderIdentity": None, "leaseDurationSeconds": None}, "", None, id="null"),
        pytest.param({"holderIdentity": "a", "leaseDurationSeconds": 0}, "a", None, id="lasts no time"),
        pytest.param({"holderIdentity": "a", "leaseDurationSeconds": 10**9}, "a", None, id="lasts for ever"),
        pytest.param({"holderIdentity": "a", "leaseDurationSeconds": True}, "a", None, id="lasts nonsense"),
        pytest.param({"holderIdentity": 5, "leaseDurationSeconds": "15"}, "", None, id="wrong types"),
    ],
)
def test_holder_and_duration(spec: dict[str, Any], holder: str, lasts_s: float | None) -> None:
    found = read_lease(lease(**spec))
    assert (found.holder, found.lasts_s) == (holder, lasts_s)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"spec": 5}', b'{"metadata": 5}', b"\xff", b"[" * 100_000])
def test_what_is_no_lease_is_said(body: bytes) -> None:
    with pytest.raises(WireError, match="Lease"):
        read_lease(body)


def test_a_lease_without_a_spec_is_free() -> None:
    assert read_lease(b'{"spec": null}').holder == ""
    assert read_lease(taken(read_lease(b'{"spec": null}'), "a", 15, AT)).holder == "a"


def test_renewing_changes_the_moment_and_nothing_else() -> None:
    before = read_lease(lease(holderIdentity="a", leaseDurationSeconds=15, acquireTime="x", leaseTransitions=3, more=1))
    after = json.loads(taken(before, "a", 15, AT))
    assert after["metadata"] == {"resourceVersion": "7", "labels": {"theirs": "yes"}}
    assert after["spec"] == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "acquireTime": "x",
        "leaseTransitions": 3,
        "renewTime": "2026-11-25T16:00:00.000042Z",
        "more": 1,
    }


def test_taking_counts_the_turn() -> None:
    before = read_lease(lease(holderIdentity="a", leaseTransitions=3))
    assert json.loads(taken(before, "b", 15, AT))["spec"]["leaseTransitions"] == 4
    assert json.loads(new_lease("one", "b", 0.4, AT))["spec"]["leaseDurationSeconds"] == 1


def test_given_back_is_free_at_once() -> None:
    found = read_lease(given_back(read_lease(lease(holderIdentity="a", leaseDurationSeconds=15)), AT))
    assert (found.holder, found.lasts_s) == ("", 1.0)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda deeper: st.dictionaries(st.text(), deeper)
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    try:
        found = read_lease(json.dumps({"spec": value}).encode())
    except WireError:
        return
    assert json.loads(taken(found, "b", 15, AT))["spec"]["holderIdentity"] == "b"
