"""Each error says which exit code it means."""

from __future__ import annotations

import pytest

from runner_bridge.core import errors
from runner_bridge.core.model import Code, Family, Finding, Place, Severity

CODE = Code(name="x", family=Family.POLICY, severity=Severity.ERROR, title="pools overlap", page="p", remedy="mend it")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.SettingsError, 2),
        (errors.WireError, 2),
        (errors.RenderError, 5),
        (errors.RunnerBridgeError, 5),
        (errors.NeighbourError, 3),
    ],
)
def test_exit_codes(error: type[errors.RunnerBridgeError], code: int) -> None:
    assert error.exit_code == code


@pytest.mark.parametrize(("count", "tail"), [(1, "pools overlap."), (3, "pools overlap. (and 2 more)")])
def test_a_policy_error_names_the_first_problem_and_counts_the_rest(count: int, tail: str) -> None:
    finding = Finding(code=CODE, subject="pools.b", place=Place(file="policy.yaml", line=3, column=5))

    error = errors.PolicyError((finding,) * count)

    assert str(error) == f"policy.yaml:3:5: pools.b: {tail}"
    assert error.exit_code == 2


def test_the_errors_of_a_neighbour_carry_what_the_next_step_needs() -> None:
    assert errors.UnavailableError("x").retry_after_s is None
    assert errors.UnavailableError("x", retry_after_s=2.0).retry_after_s == 2.0
    invalid = errors.InvalidError("x", status=422, fields=("metadata.uid",))
    assert (invalid.status, invalid.fields) == (422, ("metadata.uid",))
    denied = errors.DeniedError("x", verb="list", resource="pods", namespace="ci")
    assert (denied.verb, denied.resource, denied.namespace) == ("list", "pods", "ci")
