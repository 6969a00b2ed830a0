"""Projects and their tiers: a table that cannot steer the terminal, JSON and CSV that are read back."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from rich.cells import cell_len

from runner_bridge.ask.answers.mapping import MappingAnswer, map_projects
from runner_bridge.ask.views import age_of, mapping_data, mapping_table
from runner_bridge.core.mapping import Mapper
from runner_bridge.core.model.gitlab import Project
from tests import make


def answer(*paths: str, tier: str = "", **more: object) -> MappingAnswer:
    policy = make.policy(index=make.rules({"platform/**": "infra", "other/*": "default"}))
    projects = [Project(id=number, path=path, **more) for number, path in enumerate(paths, 1)]  # type: ignore[arg-type]
    mapped = Mapper(policy).place_all(projects)
    return map_projects(policy, mapped, as_of=make.NOON - timedelta(hours=3), now=make.NOON, tier=tier, problem="")


def table(*paths: str, **how: object) -> list[str]:
    return "".join(mapping_table.render(answer(*paths, **how))).splitlines()  # type: ignore[arg-type]


def test_a_line_for_each_project_and_how_many_there_are() -> None:
    assert table("platform/a", "other/b", "x/y") == [
        "PROJECT     ID  TIER     RULE",
        "other/b     2   default  other/*",
        "platform/a  1   infra    platform/**",
        "x/y         3   -        no rule",
        "3 projects: infra 1, default 1, none 1; as of 3 h ago.",
    ]


def test_one_tier_is_shown_and_all_are_counted() -> None:
    assert table("platform/a", "other/b", tier="infra")[1:] == [
        "platform/a  1   infra  platform/**",
        "1 of 2 projects: infra 1, default 1; as of 3 h ago.",
    ]


def test_nothing_is_one_line() -> None:
    assert table() == ["0 projects: infra 0, default 0; as of 3 h ago."]


def test_wide_letters_keep_the_columns() -> None:
    lines = table("platform/データ", "platform/a")

    assert len({cell_len(line[: line.index("infra")]) for line in lines[1:-1]}) == 1


def test_a_name_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in "".join(table("platform/\x1b[2J\u202e"))


def test_an_archived_project_says_so() -> None:
    assert table("platform/a", is_archived=True)[1].endswith("platform/** (archived)")


@pytest.mark.parametrize(
    ("age", "shown"),
    [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (86400 * 3 + 5, "3 d")],
)
def test_ages(age: int, shown: str) -> None:
    assert age_of(timedelta(seconds=age)) == shown


def test_json_and_csv_say_the_same() -> None:
    one = answer("platform/a,b", 'other/"c"', "x/y")
    rows = list(csv.DictReader(io.StringIO(mapping_data.render_csv(one))))
    value = json.loads(mapping_data.render_json(one))

    assert [(row["project"], row["tier"] or None, row["why"]) for row in rows] == [
        (row["project"], row["tier"], row["why"]) for row in value["projects"]
    ]
    assert value["counts"] == {"infra": 1, "default": 1, "none": 1}
    assert value["projects"][-1]["doubt"] == "no-rule"
