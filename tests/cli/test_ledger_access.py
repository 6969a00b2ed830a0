"""The witness of a ledger: what becomes of a file that takes no more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.cli.ledger_access import witnessing

if TYPE_CHECKING:
    Capture = pytest.CaptureFixture[str]

FULL = "/dev/full"


@pytest.fixture
def full() -> str:
    if not Path(FULL).exists():
        pytest.skip("the kernel has no device that is always full")
    return FULL


def test_lines_are_appended_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "witness.log"
    for line in ("one", "two"):
        with witnessing(str(path)) as witness:
            assert witness is not None
            witness(line)
    assert path.read_text() == "one\ntwo\n"


def test_a_full_disk_does_not_turn_an_orderly_end_into_an_error(full: str, capsys: Capture) -> None:
    with witnessing(full) as witness:
        assert witness is not None
        with pytest.raises(OSError, match="No space left"):
            witness("lost")
    assert "/dev/full: cannot be used: no space left on device" in capsys.readouterr().err


def test_a_full_disk_does_not_hide_why_the_work_ended(full: str, capsys: Capture) -> None:
    def work() -> None:
        with witnessing(full) as witness:
            assert witness is not None
            with pytest.raises(OSError, match="No space left"):
                witness("lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert "witness lacks its last lines" in capsys.readouterr().err
