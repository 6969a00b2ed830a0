"""No token leaves: whatever shape it has and wherever it stands, `plan`, `apply` and the ledger show none."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.ask.views import plan_data, plan_text
from runner_bridge.cli import run
from runner_bridge.core.model.edit import Deed, Edit, FieldEdit, Part, Plan
from runner_bridge.core.text.difference import difference
from runner_bridge.ports.ledger import Ledger
from tests.cli.pretend_manager import PretendManager, of_file

if TYPE_CHECKING:
    import pytest

    from tests.cli.installed import Installed

WORDS = st.text("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=20, max_size=26)
TOKENS = st.one_of(
    st.builds(
        "{}{}".format,
        st.sampled_from(
            [
                "glpat-",
                "glrt-",
                "glrt-t1_",
                "glrtr-",
                "gldt-",
                "glcbt-",
                "glptt-",
                "glft-",
                "glimt-",
                "glagent-",
                "GR1348941",
                "xoxb-",
                "xoxp-",
                "xoxe-",
                "xapp-1-",
                "whsec_",
            ]
        ),
        WORDS,
    ),
    st.builds("eyJ{}.{}.{}".format, WORDS, WORDS, WORDS),
)
PLACES = st.sampled_from(
    ["{}", 'token = "{}"', "  token: {}", "https://oauth2:{}@gitlab.example.com", "Bearer {}", "-{}", "+ x {} y"]
)


@given(TOKENS, PLACES, st.sampled_from(list(Deed)), st.sampled_from(list(Part)))
def test_no_view_of_a_plan_shows_a_token(token: str, place: str, deed: Deed, part: Part) -> None:
    text = place.format(token)
    edit = Edit(
        deed=deed,
        part=part,
        name="a",
        where="b",
        why=f"It says {text}",
        fields=(FieldEdit(name="description", before=text, after=text),),
        text=difference("config.toml", f"{text}\n", f"x\n{text}\n"),
        warning=text,
    )
    plan = Plan(edits=(edit,))
    for width in (40, 80):
        assert token not in plan_text.render(plan, colour=True, width=width).replace("\n      ", "")
    assert token not in str(plan_data.head(plan))


def planted(installed: Installed) -> set[str]:
    """Let tokens stand wherever somebody may have left one."""
    scrap = installed.world.scrap
    found = {f"glpat-{scrap(20)}", f"xoxb-{scrap(12)}-{scrap(20)}", f"eyJ{scrap(20)}.{scrap(20)}.{scrap(20)}"}
    config = Path("etc/config.toml")
    lines = [f'  environment = ["A{number}={one}"]' for number, one in enumerate(sorted(found)[:1])]
    text = config.read_text(encoding="utf-8") + "".join(f"{line}\n" for line in lines)
    text += "".join(f"  # {one}\n" for one in found)
    config.write_text(text, encoding="utf-8")
    old = installed.world.runner("group", group=installed.group)
    old.description, old.note = " ".join(found), "runner-bridge.dev/runner: prod-1/of-yesterday"
    return found


def test_nothing_that_is_printed_or_recorded_holds_one(
    installed: Installed, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = planted(installed) | set(installed.world.tokens)
    manager = PretendManager(of_file(Path("etc/config.toml")), installed.world, Path("manager.log"))
    reach = ("--rate", "100", "--kubeconfig", installed.kubeconfig)
    try:
        for output in ("text", "json", "terraform"):
            assert run(["plan", *reach, "-o", output]) == 1
        manager.is_picky = True
        assert run(["apply", "--yes", *reach, "--ledger", "sqlite:///l.db", "--wait", "20"]) == 1
        manager.is_picky = False
        assert run(["apply", "--yes", *reach, "--ledger", "sqlite:///l.db", "--wait", "20"]) == 0
    finally:
        manager.close()
    out, err = capsys.readouterr()
    with closing(Ledger.open("sqlite:///l.db", read_only=True)) as ledger:
        recorded = str([one.entry for one in ledger.entries()])

    for secret in secrets | {one.token for one in installed.world.runners.values()}:
        assert secret not in out + err + recorded + caplog.text
