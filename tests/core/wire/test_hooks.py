"""What a hook says: little, and from whatever GitLab, old or new, sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import WireError
from runner_bridge.core.model.gitlab import JobEvent, PipelineEvent
from runner_bridge.core.wire.hooks import read

JOB: dict[str, Any] = {
    "object_kind": "build",
    "build_id": 7,
    "build_status": "running",
    "project_id": 3,
    "pipeline_id": 9,
    "runner": {"id": 4, "description": "infra"},
    "build_created_at": "2026-03-01 10:00:00 UTC",
    "build_started_at": "2026-03-01 10:00:05 UTC",
    "build_finished_at": None,
    "project": {"id": 3, "path_with_namespace": "platform/deploy"},
    "user": {"username": "somebody"},
}
PIPELINE: dict[str, Any] = {
    "object_kind": "pipeline",
    "object_attributes": {"id": 9, "status": "success", "created_at": "2026-03-01 10:00:00 UTC", "finished_at": None},
    "project": {"id": 3, "path_with_namespace": "platform/deploy"},
    "builds": [{"id": 8}, {"id": 7, "runner": None}],
}


def job(**changes: Any) -> Any:
    return read(json.dumps({name: value for name, value in (JOB | changes).items() if value != "left out"}).encode())


def pipeline(**changes: Any) -> Any:
    return read(json.dumps(PIPELINE | changes).encode())


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_job_event_names_the_job_and_its_project() -> None:
    assert job() == JobEvent(
        project_id=3,
        project_path="platform/deploy",
        job_id=7,
        pipeline_id=9,
        runner_id=4,
        status="running",
        at=moment("2026-03-01T10:00:05"),
    )


def test_a_pipeline_event_names_its_jobs() -> None:
    assert pipeline() == PipelineEvent(
        project_id=3,
        project_path="platform/deploy",
        pipeline_id=9,
        status="success",
        job_ids=(7, 8),
        at=moment("2026-03-01T10:00:00"),
    )


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"runner": None}, "runner_id", None),
        ({"project": "left out"}, "project_path", ""),
        ({"project": None}, "project_id", 3),
        ({"project_id": "left out"}, "project_id", 3),
        ({"pipeline_id": None}, "pipeline_id", None),
        ({"build_status": None}, "status", ""),
        ({"build_status": "a status of tomorrow"}, "status", "a status of tomorrow"),
        ({"build_finished_at_iso": "2026-03-01T12:00:00+02:00"}, "at", moment("2026-03-01T10:00:00")),
        ({"build_finished_at_iso": "tomorrow"}, "at", moment("2026-03-01T10:00:05")),
        ({"build_finished_at": "0001-01-01T00:00:00+14:00"}, "at", moment("2026-03-01T10:00:05")),
        ({"build_started_at": None, "build_created_at": None}, "at", None),
    ],
)
def test_what_a_server_leaves_out_is_not_known(changes: dict[str, Any], field: str, expected: Any) -> None:
    assert getattr(job(**changes), field) == expected


@pytest.mark.parametrize("body", [b'{"object_kind": "push"}', b'{"object_kind": ""}', b'{"object_kind":"note","x":1}'])
def test_an_event_about_something_else_is_none(body: bytes) -> None:
    assert read(body) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"<html>",
        b"\xff\xfe",
        b'{"text": "a custom template"}',
        b'{"object_kind": 1}',
        b'{"object_kind": "build"}',
        b'{"object_kind": "build", "build_id": 0, "project_id": 1}',
        b'{"object_kind": "build", "build_id": 1}',
        b'{"object_kind": "build", "build_id": 99999999999999999999, "project_id": 1}',
        b'{"object_kind": "pipeline", "object_attributes": {"id": 1}, "project": {}}',
        b"[" * 100_000,
    ],
    ids=lambda one: one[:60].decode(errors="replace"),
)
def test_what_is_no_hook_of_gitlab_is_said(body: bytes) -> None:
    with pytest.raises(WireError, match="custom template"):
        read(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([JOB, PIPELINE]), st.data())
def test_any_field_may_be_missing_null_or_something_else(base: dict[str, Any], data: st.DataObject) -> None:
    document = dict(base)
    for name in data.draw(st.lists(st.sampled_from(sorted(base)), max_size=4)):
        document[name] = data.draw(JSON)
    document |= data.draw(st.dictionaries(st.text(max_size=8), JSON, max_size=2))
    try:
        found = read(json.dumps(document).encode())
    except WireError:
        return
    assert found is None or found.project_id > 0


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        read(b"\x00" + body)
