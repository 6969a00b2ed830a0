"""What the runner makes of variables, compared with Go's own answers and with recorded job pods."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.overwrites.expansion import (
    JobFailsError,
    Variable,
    expand,
    expanded,
    is_fixed,
    overwritten,
    references,
    value_of,
)

SAMPLES = Path(__file__).parent / "samples"
# What `os.Expand` of Go 1.26.8 made of each text with the runner's look-up; a variable is shown as <name>.
GO: dict[str, str] = json.loads((SAMPLES / "go-expand.json").read_text(encoding="utf-8"))
# Cases b, c, d of the recordings: configuration, the job's variables, and the pod's annotations (null: the job failed).
JOBS: list[dict[str, Any]] = json.loads((SAMPLES / "recorded-jobs.json").read_text(encoding="utf-8"))
PREDEFINED = {
    "CI_PROJECT_PATH": "plataforma/pagamentos/api",
    "CI_COMMIT_REF_NAME": "main",
    "GITLAB_USER_LOGIN": "dev1",
}
PREFIX = "KUBERNETES_POD_ANNOTATIONS_"


@pytest.mark.parametrize("text", GO)
def test_expands_as_go_does(text: str) -> None:
    def shown(name: str) -> str:
        return value_of(name, ()) if is_fixed(name) else f"<{name}>"

    assert expand(text, shown) == GO[text]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job["job"])
def test_gives_the_annotations_of_the_recorded_pod(job: dict[str, Any]) -> None:
    variables = [Variable(key=key, value=value) for key, value in PREDEFINED.items()]
    variables += [Variable(key=one["key"], value=one["value"]) for one in job["variables"]]

    try:
        result = overwritten(job["configured"], variables, prefix=PREFIX, allowed=_search(job["allowed"]))
    except (JobFailsError, re2.error):
        result = None

    assert result == job["annotations"]


def _search(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return (lambda text: re2.search(pattern, text, options) is not None) if pattern else None


def test_a_raw_variable_is_matched_as_it_is_and_expanded_afterwards() -> None:
    raw = Variable(key=f"{PREFIX}1", value='pools=["default"]${team=}', raw=True)

    result = overwritten({}, [raw], prefix=PREFIX, allowed=lambda text: text == raw.value)

    assert result == {"pools": '["default"]'}


def test_a_variable_that_is_not_raw_is_expanded_twice_before_the_match() -> None:
    variables = [
        Variable(key=f"{PREFIX}1", value="a=$ONE"),
        Variable(key="ONE", value="$TWO"),
        Variable(key="TWO", value="$THREE"),
        Variable(key="THREE", value="end"),
    ]

    assert overwritten({}, variables, prefix=PREFIX, allowed=lambda text: text == "a=end") == {"a": "end"}
    assert [one.value for one in expanded(variables)] == ["a=$TWO", "$THREE", "end", "end"]


def test_the_last_expansion_puts_in_what_the_job_sent_and_goes_no_further() -> None:
    raw = Variable(key=f"{PREFIX}1", value="a=$ONE", raw=True)

    result = overwritten({}, [raw, Variable(key="ONE", value="$TWO")], prefix=PREFIX, allowed=lambda _: True)

    assert result == {"a": "$TWO"}


def test_of_two_variables_with_one_name_the_last_counts() -> None:
    assert value_of("A", [Variable(key="A", value="1"), Variable(key="A", value="2")]) == "2"


def test_keys_are_never_expanded() -> None:
    raw = Variable(key=f"{PREFIX}1", value="$A=1", raw=True)

    assert overwritten({}, [raw, Variable(key="A", value="b")], prefix=PREFIX, allowed=lambda _: True) == {"$A": "1"}


@given(st.text(alphabet="$${}a1-*é ", max_size=12))
def test_references_are_in_order_and_do_not_overlap(text: str) -> None:
    spans = [(start, end) for start, end, _ in references(text)]

    assert all(start < end for start, end in spans)
    assert spans == sorted(spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(text[start] == "$" for start, _ in spans)
