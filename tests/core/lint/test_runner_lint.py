"""Our lint beside the real one: where `gitlab-runner lint` of GitLab Runner 19.4 said FATAL, we have an error."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from runner_bridge.core.lint.runner_config import lint
from runner_bridge.core.model import Severity

RECORDED = {
    one["what"]: one
    for one in json.loads(
        (Path(__file__).parent / "samples/runner-config/runner-lint.json").read_text(encoding="utf-8")
    )
}
GOOD = RECORDED["good"]["config"]
ANNOTATION = """      "cni.projectcalico.org/ipv4pools" = "[\\"infraestrutura\\"]"\n"""
SECOND = """
[[runners]]
  name = "k8s-team-b"
  url = "http://127.0.0.1:28080"
  token = "glrt-t1_4xYqA7pLwFAKETOKEN00"
  executor = "kubernetes"
"""
PATCH = """    [[runners.kubernetes.pod_spec]]
      name = "x"
"""


def good(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return str(GOOD).replace(old, new)


# What was changed in the good file; the code and the place that we give it. The runner's own line is in the recording.
CHANGED = {
    "unknown key in kubernetes": (good("poll_timeout", "pol_timeout"), "unknown-key", 17, 5),
    "misspelt section pod_anotations": (good("pod_annotations]", "pod_anotations]"), "unknown-key", 18, 25),
    "section pod_annotations one level too high": (good("kubernetes.pod_ann", "pod_ann"), "misplaced-key", 18, 14),
    "wrong type: concurrent is a string": (good("concurrent = 4", 'concurrent = "4"'), "wrong-type", 1, 14),
    "wrong type: poll_timeout is a string": (good("= 30", '= "30"'), "wrong-type", 17, 20),
    "annotation value is an array, not a string": (
        good('"[\\"infraestrutura\\"]"', '["infraestrutura"]'),
        "pool-annotation-type",
        19,
        43,
    ),
    "annotation key not quoted": (
        good('"cni.projectcalico.org/ipv4pools"', "cni.projectcalico.org/ipv4pools"),
        "unquoted-key",
        19,
        28,
    ),
    "annotation key not quoted, no slash": (
        good('"cni.projectcalico.org/ipv4pools"', "cni.projectcalico.org"),
        "unquoted-key",
        19,
        7,
    ),
    "same table twice": (f"{GOOD}    [runners.kubernetes.pod_annotations]\n", "toml-repeated", 20, 25),
    "same key twice": (f"{GOOD}{ANNOTATION}", "toml-repeated", 20, 7),
    "broken overwrite regexp": (
        good("30\n", '30\n    pod_annotations_overwrite_allowed = "^team=("\n'),
        "overwrite-pattern-refused",
        18,
        41,
    ),
    "invalid annotation key for Kubernetes": (f'{GOOD}      "bad key" = "x"\n', "metadata-key", 20, 7),
    "annotation value is not JSON": (
        good('"[\\"infraestrutura\\"]"', '"infraestrutura"'),
        "pool-annotation-invalid",
        19,
        43,
    ),
    "unknown executor": (good('executor = "kubernetes"', 'executor = "kubernetess"'), "unknown-executor", 10, 14),
    "no token": (good('  token = "glrt-t1_4xYqA7pLwFAKETOKEN00"\n', ""), "required-key", 5, 1),
    "no url": (good('  url = "http://127.0.0.1:28080"\n', ""), "required-key", 5, 1),
    "same token in two sections": (f"{GOOD}{SECOND}", "shared-token", 24, 11),
    "unknown feature flag": (
        good('"kubernetes"\n', '"kubernetes"\n  [runners.feature_flags]\n    FF_NO = true\n'),
        "unknown-flag",
        12,
        5,
    ),
    "pod_spec with a patch that is not YAML": (f'{GOOD}{PATCH}      patch = "a: ["\n', "pod-spec-unreadable", 22, 15),
    "pod_spec with an unknown patch_type": (
        f'{GOOD}{PATCH}      patch_type = "overlay"\n      patch = "{{}}"\n',
        "invalid-value",
        22,
        20,
    ),
    "syntax error: table header not closed": (f"{GOOD}    [runners.kubernetes.pod_labels\n", "toml-syntax", 20, 35),
    "empty file": ("", "no-runners", 0, 0),
}


@pytest.mark.parametrize("what", CHANGED)
def test_the_change_is_found_at_its_place(what: str) -> None:
    text, code, line, column = CHANGED[what]
    places = {
        (finding.code.name, finding.place.line, finding.place.column)
        for finding in lint(text, "config.toml")
        if finding.place
    }
    assert (code, line, column) in places


@pytest.mark.parametrize("what", CHANGED)
def test_where_the_runner_says_fatal_there_is_an_error_in_its_line(what: str) -> None:
    text, code, line, _ = CHANGED[what]
    errors = [finding for finding in lint(text, "config.toml") if finding.code.severity is Severity.ERROR]
    answer = RECORDED[what]
    if not answer["exit"]:
        return
    assert [finding.code.name for finding in errors] == [code]
    said = re.search(r"toml: line (\d+)", answer["stderr"])
    # The runner counts the line end that it trips over as a part of the next line.
    over = what == "syntax error: table header not closed"
    assert said is None or int(said[1]) == line + over


def test_every_recorded_answer_has_its_row() -> None:
    assert {*CHANGED, "good", "no such file"} == set(RECORDED)


def test_the_good_file_has_nothing_that_fails_a_pipeline() -> None:
    assert {finding.code.severity for finding in lint(GOOD, "config.toml")} == {Severity.ADVICE}
