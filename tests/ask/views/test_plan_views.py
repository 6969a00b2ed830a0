"""A plan as people and programs read it."""

from __future__ import annotations

import pytest

from runner_bridge.ask.views import plan_data, plan_text
from runner_bridge.core.model.codes import plan as codes
from runner_bridge.core.model.edit import Deed, Edit, FieldEdit, Part, Plan
from runner_bridge.core.model.finding import Finding

UNSEEN = Finding(code=codes.POOLS_UNSEEN, subject="prod-1", cause="no cluster")
TOKEN = "glrt-t1_4xYqA7pLwFAKETOKEN00"


def edit(deed: Deed, **changes: object) -> Edit:
    values = {"part": Part.RUNNER, "name": "a", "where": "group:platform", "why": "It is so."}
    return Edit(deed=deed, **(values | changes))  # type: ignore[arg-type]


def shown(one: Edit, *, colour: bool = False) -> str:
    return plan_text.render(Plan(edits=(one,)), colour=colour, width=40)


FIELDS = (FieldEdit(name="paused", before="true", after="false"), FieldEdit(name="tag_list", before="x"))


@pytest.mark.parametrize(
    ("deed", "lines"),
    [
        (Deed.CREATE, ["  + runner.a  group:platform", "        paused    false", "        tag_list  "]),
        (Deed.UPDATE, ["  ~ runner.a  group:platform", "        paused    true -> false"]),
        (Deed.UPDATE, ["        tag_list  x -> (nothing)"]),
        (Deed.DELETE, ["  - runner.a  group:platform", "        tag_list  x"]),
        (Deed.TELL, ["  ! runner.a  group:platform", "      It is so."]),
    ],
)
def test_a_field_is_shown_as_the_deed_has_it(deed: Deed, lines: list[str]) -> None:
    text = shown(edit(deed, fields=FIELDS))
    assert set(lines) <= set(text.splitlines())


def test_why_is_wrapped_and_a_diff_is_not() -> None:
    text = shown(edit(Deed.UPDATE, why="word " * 20, warning="All restarts.", text=f"+{'x' * 90}\n"))
    assert max(len(line) for line in text.splitlines() if "word" in line) <= 40
    assert f"      +{'x' * 90}\n" in text
    assert "      Warning: All restarts.\n" in text


def test_what_nobody_confirms_is_said() -> None:
    unheard = edit(Deed.UPDATE, part=Part.CONFIGURATION, is_confirmable=False)
    assert "written, not\n      confirmed." in shown(unheard)
    assert "confirmed" not in shown(edit(Deed.TELL, part=Part.CONFIGURATION, is_confirmable=False))


def test_colours_are_for_terminals() -> None:
    one = edit(Deed.CREATE, text="+a\n b\n")
    assert "\x1b[32m  +\x1b[0m runner.a" in shown(one, colour=True)
    assert "\x1b[32m+a\x1b[0m" in shown(one, colour=True)
    assert "\x1b" not in shown(one)


def test_nothing_that_was_read_steers_the_terminal_or_shows_a_token() -> None:
    one = edit(
        Deed.UPDATE,
        name="a\x1b[2J",
        why=f"It has {TOKEN}.",
        fields=(FieldEdit(name="description", before=TOKEN, after="\u202eb"),),
        text=f"+{TOKEN}\x07\n",
    )
    text = shown(one)
    assert not {"\x1b", "\x07", "\u202e"}.intersection(text)
    assert "FAKETOKEN" not in text
    assert "FAKETOKEN" not in str(plan_data.head(Plan(edits=(one,))))


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (Plan(), "No changes: what was compared is as the policy says."),
        (Plan(unseen=(UNSEEN,)), "No changes in what could be compared; not everything could."),
        (Plan(edits=(edit(Deed.CREATE),)), "Plan: 1 to create, 0 to change, 0 to delete."),
        (
            Plan(edits=(edit(Deed.TELL), edit(Deed.DELETE))),
            "Plan: 0 to create, 0 to change, 1 to delete, 1 for somebody else.",
        ),
    ],
)
def test_the_last_line_counts(plan: Plan, line: str) -> None:
    assert plan_text.counted(plan) == line


def test_programs_get_every_key() -> None:
    head = plan_data.head(Plan(edits=(edit(Deed.TELL, fields=FIELDS, runner_id=7),)))
    assert head["counts"] == {"create": 0, "update": 0, "delete": 0, "tell": 1}
    (one,) = head["edits"]
    assert (one["address"], one["runner_id"], one["fields"][0]["after"]) == ("runner.a", 7, "false")
