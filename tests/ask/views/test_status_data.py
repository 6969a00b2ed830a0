from __future__ import annotations

import json

import pytest

from runner_bridge.ask.views.status_data import read, render
from runner_bridge.core.errors import WireError
from tests import make
from tests.ask.answers.test_status import BREACH, answered


def test_an_answer_survives_the_wire() -> None:
    one = answered(BREACH, make.verdict())
    assert read(render(one).encode(), name="http://x") == one


def test_a_field_of_a_later_release_is_passed_over() -> None:
    body = json.loads(render(answered()))
    body["weather"] = "fine"
    assert read(json.dumps(body).encode(), name="x") == answered()


def test_secrets_and_what_is_no_text_do_not_get_out() -> None:
    text = render(
        answered(make.verdict(BREACH.outcome, pod="\ud800 glpat-0123456789abcdefghij", findings=BREACH.findings))
    )
    assert "glpat-0123" not in text
    text.encode()


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"state": 1}', b"\xff"])
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(WireError, match="not the status of a runner-bridge"):
        read(body, name="http://x")
