"""The marker of a runner: written and read alike, and never seen where people wrote something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.edits.marker import UNFINISHED, Owned, finished, is_unfinished, marker, owned


@given(
    st.text(st.characters(exclude_categories=["Cc", "Zl", "Zp", "Cs"]), min_size=1),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    st.integers(1, 9999),
)
def test_what_is_written_is_read_again(cluster: str, runner: str, generation: int) -> None:
    note = f"of the platform team\n{UNFINISHED}\n{marker(cluster, runner, generation)}"
    assert owned(note) == Owned(cluster, runner, generation)


@pytest.mark.parametrize(
    "note",
    [
        None,
        "",
        "infra",
        "see runner-bridge.dev/runner: prod-1/infra",
        "runner-bridge.dev/runner: infra",
        "runner-bridge.dev/runner: /infra",
        "runner-bridge.dev/runner: prod-1/",
        "runner-bridge.dev/runner: prod-1/infra two",
    ],
)
def test_anything_else_is_nobodys(note: str | None) -> None:
    assert owned(note) is None


def test_a_runner_is_unfinished_until_the_line_is_gone() -> None:
    note = f"by hand\n{UNFINISHED}\n{marker('prod-1', 'infra')}"
    assert is_unfinished(note)
    assert not is_unfinished(finished(note))
    assert finished(note) == f"by hand\n{marker('prod-1', 'infra')}"
    assert not is_unfinished(None)
