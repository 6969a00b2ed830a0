"""The log: one event to a line, in both forms, and never a secret."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from runner_bridge.cli.log import no_log, open_log
from runner_bridge.core.model.state import Role

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

TOKEN = "glrt-t1_0123456789abcdefFAKETOKEN"


def opened(lines: list[str], *, level: str = "info", json_lines: bool = False) -> FilteringBoundLogger:
    at = datetime(2026, 11, 25, 16, 0, 7, tzinfo=UTC)
    return open_log(write=lines.append, clock=lambda: at, level=level, json_lines=json_lines)


def test_as_text_what_has_spaces_is_quoted() -> None:
    lines: list[str] = []
    opened(lines).warning("lease-lost", lease="ci/bridge", why='a thief "x" holds it', role=Role.STANDBY, none="")
    assert lines == ['16:00:07 warn  lease-lost lease=ci/bridge why="a thief \\"x\\" holds it" role=standby none=""']


def test_as_json_every_value_stands_by_itself() -> None:
    lines: list[str] = []
    opened(lines, json_lines=True).error("policy-refused", why="a\nb", problems=("x", "y"), again_in_s=5.0)
    assert [json.loads(line) for line in lines] == [
        {
            "at": "2026-11-25T16:00:07.000+00:00",
            "level": "error",
            "event": "policy-refused",
            "why": "a\nb",
            "problems": ["x", "y"],
            "again_in_s": 5.0,
        }
    ]


@pytest.mark.parametrize("json_lines", [True, False])
@pytest.mark.parametrize("value", [TOKEN, (TOKEN,), ValueError(TOKEN), f"https://user:{TOKEN}@host/"])
def test_no_secret_leaves_in_any_value(value: object, json_lines: bool) -> None:
    lines: list[str] = []
    opened(lines, json_lines=json_lines).warning("trouble", text=value)
    assert len(lines) == 1
    assert "FAKETOKEN" not in lines[0]


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("debug", ["debug", "info", "warn", "error"]),
        ("info", ["info", "warn", "error"]),
        ("warn", ["warn", "error"]),
        ("error", ["error"]),
    ],
)
def test_what_is_below_the_level_is_dropped(level: str, kept: list[str]) -> None:
    lines: list[str] = []
    log = opened(lines, level=level, json_lines=True)
    for say in (log.debug, log.info, log.warning, log.error):
        say("something")
    assert [json.loads(line)["level"] for line in lines] == kept


def test_a_log_that_nobody_reads_takes_everything() -> None:
    no_log().error("something", why="nobody reads it")
