"""The answers of `who-had` for programs hold every field, and for spreadsheets no formula."""

from __future__ import annotations

import csv
import io
import json

import pytest

from runner_bridge.ask.answers.addresses import Kind, answer
from runner_bridge.ask.views import who_had_data
from runner_bridge.core.intervals import fold
from tests.make import entry


def test_a_sequence_keeps_every_digit() -> None:
    told = answer(Kind.ADDRESS, "172.16.12.2", [fold(None, entry(sequence=2**60 + 1))], [])

    assert json.loads(who_had_data.render_json(told))["candidates"][0]["sequence"] == 2**60 + 1


@pytest.mark.parametrize("claim", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_cell_is_no_formula(claim: str) -> None:
    told = answer(Kind.ADDRESS, "172.16.12.2", [fold(None, entry(job=claim))], [])
    (row,) = csv.DictReader(io.StringIO(who_had_data.render_csv(told), newline=""))

    assert row["job"] == f"'{claim}"
    assert row["node_addresses"] == "10.0.3.7"
