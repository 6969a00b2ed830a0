"""What has to be seen twice before it is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.judge.doubt import is_doubtful
from runner_bridge.core.model import Finding, Outcome
from runner_bridge.core.model.codes import job_pods as codes
from tests import make

if TYPE_CHECKING:
    from runner_bridge.core.model import Code


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (codes.BLOCK_DISAGREES, True),
        (codes.ADDRESS_GIVEN_TWICE, True),
        (codes.ADDRESSES_DISAGREE, True),
        (codes.ADDRESS_ROUTABLE, False),
        (codes.POD_LEAVING, False),
        (codes.ADDRESS_PENDING, False),
    ],
    ids=lambda one: one.name if hasattr(one, "name") else "",
)
def test_only_pod_and_block_that_disagree_are_read_again(code: Code, expected: bool) -> None:
    found = Finding(code=code, subject="a/b")
    assert is_doubtful(make.verdict(code.outcome or Outcome.PASS, findings=(found,))) is expected


def test_a_pass_is_believed_at_once() -> None:
    assert not is_doubtful(make.verdict())
