"""A merge into a values file changes the template, the runner's name and its GitLab, and nothing else."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import WireError
from runner_bridge.core.text import yaml
from runner_bridge.render import yaml_text
from runner_bridge.render.helm_values import merge_values, render, runner_named_in, token_named_in
from tests import make

if TYPE_CHECKING:
    from random import Random

POLICY = make.policy(make.tier())
RUNNER = POLICY.runners["infra-platform"]  # type: ignore[index]
EXISTING = """\
# Ours. Ask the platform team.
gitlabUrl: https://gitlab.example.com/   # ours
concurrent: 10
runnerToken: "glrt-t1_4xYqA7pLwFAKETOKEN00"
envVars:
  # who it is
  - name: HTTP_PROXY
    value: http://proxy.example.com
rbac: {create: true}
runners:
  config: |
    [[runners]]
      # keep
      [runners.kubernetes]
        namespace = "{{.Release.Namespace}}"
        privileged = true

  secret:   my-secret
# the end
"""


def merged(text: str) -> str:
    once = merge_values(text, POLICY, RUNNER)
    assert merge_values(once, POLICY, RUNNER) == once
    return once


def parsed(text: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.to_python(yaml.parse(merged(text), "values.yaml")[0])
    return values


def template(text: str) -> dict[str, Any]:
    section: dict[str, Any] = tomllib.loads(parsed(text)["runners"]["config"])["runners"][0]
    return section


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", None),
        ("a: 1\n", None),
        ("envVars:\n  - name: A\n    value: b\n", None),
        ("envVars:\n  - name: RUNNER_NAME\n    valueFrom: {}\n", None),
        ("envVars:\n  - value: x\n    name: RUNNER_NAME\n", "x"),
        ("extraEnv: {}\n", None),
        ("extraEnv:\n  RUNNER_NAME: y\n", "y"),
    ],
)
def test_the_name_in_a_file_is_found_where_the_chart_finds_it(text: str, name: str | None) -> None:
    assert runner_named_in(text) == name


def test_every_line_that_is_not_governed_stays_where_it_is() -> None:
    lines = iter(merged(EXISTING).splitlines())
    for line in EXISTING.splitlines():
        if "namespace" not in line:
            assert line in lines, line


def test_the_template_is_merged_and_the_runner_named() -> None:
    values = parsed(EXISTING)
    assert values["envVars"][0] == {"name": "RUNNER_NAME", "value": "infra-platform"}
    assert values["envVars"][1]["name"] == "HTTP_PROXY"
    assert template(EXISTING)["kubernetes"]["privileged"] is True
    assert template(EXISTING)["kubernetes"]["namespace"] == "gitlab-runners"
    assert (
        template(EXISTING)["kubernetes"]["pod_annotations"]["cni.projectcalico.org/ipv4pools"] == '["infraestrutura"]'
    )


def test_what_we_wrote_ourselves_does_not_change() -> None:
    text = render(POLICY)["helm/infra-platform.values.yaml"]
    assert merged(text) == text


def test_line_ends_stay_what_they_are() -> None:
    text = merged(EXISTING.replace("\n", "\r\n"))
    assert text.count("\n") == text.count("\r\n")
    assert text.replace("\r\n", "\n") == merged(EXISTING)


ROOM = {
    "an empty file": "",
    "comments only": "# nothing yet\n",
    "no line end": "concurrent: 1",
    "no template": "runners:\n  secret: x\n",
    "runners is null": "runners:\nrbac: {}\n",
    "runners is empty": "runners: {} # later\nrbac: {}\n",
    "the template is null": "runners:\n  config:\n  secret: x\n",
    "the template is tilde": "runners:\n  config: ~ # later\n  secret: x\n",
    "the template is empty text": "runners:\n  config: ''\n  secret: x\n",
    "the template is an empty block": "runners:\n  config: |\n  secret: x\n",
    "the template is on one line": 'runners:\n  config: "[[runners]]\\nexecutor = \\"kubernetes\\"\\n"\n  secret: x\n',
    "the template is stripped": "runners:\n    config: |-\n        [[runners]]\n\n        id = 1\n    secret: x\n",
    "the template is kept": "runners:\n  config: |+\n    [[runners]]\n\n\n  secret: x\n",
    "the template is last and blank lines follow": "runners:\n  config: |\n    [[runners]]\n\n\n",
    "the template is last without a line end": "runners:\n  config: |\n    [[runners]]",
    "the template says its indent": "runners:\n  config: |2\n    [[runners]]\n  secret: x\n",
    "a list at the column of its key": "envVars:\n- name: A\n  value: b\n",
    "an empty list": "envVars: []\nconcurrent: 1\n",
    "another name": "envVars:\n  - name: A\n    value: b\n  - value: old # so far\n    name: RUNNER_NAME\n",
    "the name among extra variables": "extraEnv:\n  RUNNER_NAME: 'old'\n",
    "the name is right": "extraEnv:\n  RUNNER_NAME: infra-platform\n",
    "the GitLab is null": "gitlabUrl:\nconcurrent: 1\n",
    "not ASCII": "# Läufer für 東京 😀\nrunners:\n  # é\n  config: |\n    [[runners]]\n    # ü\n",
}


@pytest.mark.parametrize("text", ROOM.values(), ids=ROOM)
def test_every_way_to_write_values_takes_what_is_governed(text: str) -> None:
    values = parsed(text)
    assert values["gitlabUrl"] == "https://gitlab.example.com"
    named = [each["value"] for each in values.get("envVars", []) if each["name"] == "RUNNER_NAME"]
    assert (named or [values["extraEnv"]["RUNNER_NAME"]]) == ["infra-platform"]
    assert template(text)["kubernetes"]["pod_annotations_overwrite_allowed"] == ""
    assert values["runners"].get("secret", "x") == "x"
    for comment in (line.partition("#")[2] for line in text.splitlines() if "#" in line):
        assert comment in merged(text)


REFUSED = {
    "not YAML": ("a: b: c\n", "values.yaml:1:"),
    "two documents": ("a: 1\n---\nb: 2\n", "values.yaml:3:1: a second document"),
    "a list": ("- a\n", "values.yaml:1:1: a sequence"),
    "another GitLab": ("gitlabUrl: https://other.example.com\n", "values.yaml:1:12: https://other.example.com"),
    "runners on one line": ("runners: {secret: x}\n", "values.yaml:1:10: runners on one line"),
    "variables on one line": ("envVars: [{name: A, value: b}]\n", "values.yaml:1:10: envVars on one line"),
    "variables are a map": ("envVars:\n  A: b\n", "values.yaml:2:3: envVars on one line"),
    "a name from elsewhere": (
        "envVars:\n  - name: RUNNER_NAME\n    valueFrom: {}\n",
        "values.yaml:2:5: RUNNER_NAME without",
    ),
    "a name over several lines": (
        "extraEnv:\n  RUNNER_NAME: a\n    b\n",
        "values.yaml:2:16: a value over several lines",
    ),
    "a folded template": ("runners:\n  config: >\n    [[runners]]\n", "values.yaml:2:11: a text over several lines"),
    "a template with control flow": (
        "runners:\n  config: |\n    {{- if .Values.x }}\n",
        "values.yaml:3:",
    ),
    "two sections": ("runners:\n  config: |\n    [[runners]]\n    [[runners]]\n", "values.yaml:4:5: a second section"),
    "shared text": (
        "a: &a\n  config: |\n    [[runners]]\nrunners: *a\n",
        "values.yaml: values that share their text with others",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_leaves_no_room_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(WireError) as error:
        merge_values(text, POLICY, RUNNER)
    assert message in str(error.value)


text = st.text(st.characters(codec="utf-8"), max_size=6)
trees = st.dictionaries(
    text.map("x".__add__),
    st.recursive(
        text | st.booleans() | st.integers(),
        lambda inner: st.dictionaries(text, inner, min_size=1, max_size=2),
        max_leaves=4,
    ),
    max_size=3,
)
templates = st.sampled_from(
    ["", "[[runners]]\n", '[[runners]]\n\n  # é\n  id = 1\n  [runners.kubernetes]\n    x = "{{ y }}"\n']
)
variables = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["A", "RUNNER_NAME"]), "value": text}),
    max_size=2,
    unique_by=lambda each: each["name"],
)
governed_parts = st.fixed_dictionaries(
    {},
    optional={
        "gitlabUrl": st.sampled_from(["", "https://gitlab.example.com/"]),
        "envVars": variables,
        "runners": trees
        | st.builds(
            lambda tree, config: tree | {"config": config}, trees, templates | templates.map(yaml_text.Literal)
        ),
    },
)


@given(trees, governed_parts, st.randoms(use_true_random=False), st.sampled_from(["\n", "\r\n"]))
def test_whatever_stands_in_the_file_all_but_what_is_governed_is_kept(
    others: dict[str, Any], parts: dict[str, Any], random: Random, line_end: str
) -> None:
    found = others | parts
    order = random.sample(list(found), len(found))
    written = "# first\n" + "".join(
        f"# {number}\n{yaml_text.dump({key: found[key]})}" for number, key in enumerate(order)
    )
    result = parsed(written.replace("\n", line_end))
    assert {key: item for key, item in result.items() if key in others} == others
    kept = {key: item for key, item in parts.get("runners", {}).items() if key != "config"}
    assert {key: item for key, item in result["runners"].items() if key != "config"} == kept
    assert [each for each in result["envVars"] if each["name"] == "A"] == [
        each for each in parts.get("envVars", []) if each["name"] == "A"
    ]
    assert merged(written.replace("\n", line_end)).count("# ") == written.count("# ")


UMBRELLA = """\
postgresql:
  enabled: true
gitlab-runner:   # the runner
  # ours
  concurrent: 4
  envVars:
  runners:
    secret: s
    config: |
      [[runners]]
"""


def test_the_values_of_an_umbrella_chart_stand_below_the_charts_name() -> None:
    values = parsed(UMBRELLA)
    assert list(values) == ["postgresql", "gitlab-runner"]
    chart = values["gitlab-runner"]
    assert chart["gitlabUrl"] == POLICY.gitlab.url
    assert chart["envVars"] == [{"name": "RUNNER_NAME", "value": "infra-platform"}]
    section = tomllib.loads(chart["runners"]["config"])["runners"][0]
    assert section["kubernetes"]["pod_annotations"]["cni.projectcalico.org/ipv4pools"] == '["infraestrutura"]'
    assert set(UMBRELLA.splitlines()) <= set(merged(UMBRELLA).splitlines())


def test_the_name_in_an_umbrella_chart_is_read_where_the_chart_reads_it() -> None:
    assert runner_named_in(merged(UMBRELLA)) == "infra-platform"


@pytest.mark.parametrize("written", ["gitlab-runner:\n", "gitlab-runner: {}\n", "gitlab-runner: {concurrent: 4}\n"])
def test_an_umbrella_chart_without_room_is_refused_and_not_written_beside(written: str) -> None:
    with pytest.raises(WireError, match="gitlab-runner on one line, expected a mapping"):
        merged(written)


@pytest.mark.parametrize("written", ["gitlab-runner: &ours\n  concurrent: 4\n", "concurrent: 4\n...\n"])
def test_a_text_that_the_merge_would_break_is_refused_without_a_line_of_the_broken_one(written: str) -> None:
    with pytest.raises(WireError, match=r"^values\.yaml: values that share"):
        merged(written)


def test_an_object_around_the_values_is_refused() -> None:
    with pytest.raises(WireError, match=r"values\.yaml:2:7: a HelmRelease, expected values of the chart"):
        merged("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values: {}\n")


def test_runners_on_one_line_are_refused() -> None:
    with pytest.raises(WireError, match=r"values\.yaml:1:10: runners on one line"):
        merged('runners: {config: "[[runners]]"}\n')


@pytest.mark.parametrize(
    ("text", "token", "secret"),
    [
        ("", "", ""),
        ("runners: {}\n", "", ""),
        ("runnerToken: abc\n", "abc", ""),
        ("runners:\n  secret: ci-token\n", "", "ci-token"),
        ("gitlab-runner:\n  runnerToken: abc\n", "abc", ""),
    ],
)
def test_a_release_says_how_it_signs_in(text: str, token: str, secret: str) -> None:
    assert token_named_in(text) == (token, secret)
