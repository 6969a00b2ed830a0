"""What managers read, against what the policy says."""

from __future__ import annotations

from typing import Any

import pytest

from runner_bridge.core.edits import configurations
from runner_bridge.core.edits.live import LiveConfiguration
from runner_bridge.core.model.edit import Deed, Edit
from runner_bridge.core.policy import model as p
from tests.core.edits.base import installation

OLD = 'token = "glrt-FAKEFAKEFAKE01234567"\nlimit = 1\n'
NEW = OLD.replace("1\n", "2\n")


def test_the_same_text_needs_nothing() -> None:
    assert configurations.compare(installation(), LiveConfiguration(before=OLD, after=OLD)) is None


@pytest.mark.parametrize(
    ("before", "owner", "deed"),
    [
        (OLD, "", Deed.UPDATE),
        (None, "", Deed.CREATE),
        (OLD, "the Helm release ci-main", Deed.TELL),
    ],
)
def test_what_differs_is_shown_without_secrets(before: str | None, owner: str, deed: Deed) -> None:
    edit = configurations.compare(installation(), LiveConfiguration(before=before, after=NEW, owner=owner))
    assert isinstance(edit, Edit)
    assert (edit.deed, edit.address, edit.where) == (deed, "configuration.ci-main", "gitlab-runners/runner-config")
    assert "+limit = 2" in edit.text
    assert "FAKE" not in edit.text
    assert owner in edit.why


def test_what_could_not_be_read_is_said() -> None:
    found = configurations.compare(installation(), LiveConfiguration(before=None, after="", trouble="no right"))
    assert not isinstance(found, Edit)
    assert found is not None
    assert (found.code.name, found.cause) == ("configuration-unseen", "no right")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"metrics": (), "logs": ("/var/log/runner.log",)}, True),
        ({"metrics": ()}, False),
        ({"configuration": p.Store(kind=p.StoreKind.VALUES, path="values.yaml")}, False),
    ],
)
def test_a_change_is_confirmed_only_by_managers_that_can_be_heard(changes: dict[str, Any], expected: bool) -> None:
    assert configurations.is_confirmable(installation(**changes)) is expected


def test_what_was_cut_off_before_it_was_confirmed_is_seen_to_again() -> None:
    found = configurations.compare(installation(), LiveConfiguration(before="x", after="x", is_unconfirmed=True))
    assert isinstance(found, Edit)
    assert (found.deed, found.text) == (Deed.UPDATE, "")
    assert "was cut off" in found.why
