"""The difference of two texts: what differs is seen, secrets are not."""

from __future__ import annotations

from runner_bridge.core.text.difference import difference


def test_equal_texts_differ_in_nothing() -> None:
    assert difference("a", "x\n", "x\n") == ""


def test_line_ends_and_a_missing_last_one_are_shown() -> None:
    told = difference("a", "x\r\ny", "x\ny\n")
    assert "-x\\r\n" in told
    assert "-y\n\\ No newline at end of file\n" in told


def test_a_token_is_not_shown_on_either_side() -> None:
    told = difference("a", 'token = "glrt-FAKEFAKEFAKE01234567"\n', 'token = "glrt-FAKEFAKEFAKE76543210"\n')
    assert "FAKEFAKE" not in told
    assert told.count("[secret]") == 2
