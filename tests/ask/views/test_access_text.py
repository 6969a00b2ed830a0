"""What GitLab tokens are good for, as people read it."""

from __future__ import annotations

from datetime import date

from runner_bridge.ask.views import access_text
from runner_bridge.core.model.gitlab import Ability, Access, Permit, Purpose, TokenScopes


def test_a_line_for_each_token_and_each_ability() -> None:
    access = Access(
        url="https://gitlab.example.com",
        version="19.5.0",
        tokens=(
            TokenScopes(
                purpose=Purpose.READ,
                origin="file a",
                scopes=("read_api",),
                expires_on=date(2026, 3, 11),
                is_admin=True,
            ),
            TokenScopes(purpose=Purpose.CREATE, origin="file b", expires_on=date(2026, 5, 1)),
            TokenScopes(purpose=Purpose.MANAGE, origin="file c", problem="It has expired."),
        ),
        permits=(
            Permit(ability=Ability.PROJECTS, is_on=True),
            Permit(ability=Ability.MANAGE_RUNNERS, is_on=False, why="It has expired."),
        ),
    )

    assert access_text.render(access, today=date(2026, 3, 1)).splitlines() == [
        "https://gitlab.example.com, GitLab 19.5.0",
        "token read_api         from file a; scopes read_api; of an administrator; 10 days left, make a new one",
        "token create_runner    from file b; 61 days left",
        "token manage_runner    from file c; not usable",
        "projects        on",
        "manage-runners  off: It has expired.",
    ]


def test_a_gitlab_that_does_not_say_its_version() -> None:
    access = Access(url="https://gitlab.example.com", permits=(Permit(ability=Ability.PROJECTS, is_on=True),))

    assert access_text.render(access, today=date(2026, 3, 1)) == "https://gitlab.example.com\nprojects  on\n"
