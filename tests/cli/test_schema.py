"""`runner-bridge schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from runner_bridge.cli import run

if TYPE_CHECKING:
    import pytest


def test_the_schema_that_is_printed_is_the_published_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["title"] == "runner-bridge policy"
    assert printed == (Path(__file__).parents[2] / "config" / "policy.schema.json").read_text()
