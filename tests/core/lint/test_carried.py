"""What other tools hand to Helm is found wherever it stands, and nothing else is taken for it."""

from __future__ import annotations

import re

import pytest

from runner_bridge.core.lint import carried
from runner_bridge.core.lint.helm_values import lint
from runner_bridge.core.text.yaml import parse
from tests.core.lint.marked import places_of, unmarked

VALUES = """\
envVars: [{name: RUNNER_NAME, value: infra}]
runners:
  config: |
    [[runners]]
      [runners.kubernetes]
        poll_timeout = 360
        automount_service_account_token = false
        pod_annotations_overwrite_allowed = «".*"»
"""


def indented(spaces: int, text: str = VALUES) -> str:
    return re.sub("(?m)^(?=.)", " " * spaces, text)


WRAPPED = {
    "Argo CD, a text": "kind: Application\nspec:\n  source:\n    helm:\n      values: |\n" + indented(8),
    "Argo CD, YAML": "kind: Application\nspec:\n  source:\n    helm:\n      valuesObject:\n" + indented(8),
    "Argo CD, the second source": "spec:\n  sources:\n  - {}\n  - helm:\n      values: |-\n" + indented(8),
    "Flux": "kind: HelmRelease\nspec:\n  values:\n" + indented(4),
    "Flux, values in a ConfigMap": "kind: ConfigMap\ndata:\n  values.yaml: |\n" + indented(4),
    "k3s": "kind: HelmChart\nspec:\n  valuesContent: |-\n" + indented(4),
    "Kustomize": "kind: Kustomization\nhelmCharts:\n- valuesInline:\n" + indented(4),
    "helmfile": "releases:\n- chart: gitlab/gitlab-runner\n  values:\n  -\n" + indented(4),
    "umbrella chart in a text": "spec:\n  values: |\n    gitlab-runner:\n" + indented(6),
    "with a template around": "spec:\n  name: {{ .x }}-runner/y\n  values:\n" + indented(4),
}


@pytest.mark.parametrize("row", WRAPPED)
def test_values_are_linted_where_they_stand(row: str) -> None:
    text, places = unmarked(WRAPPED[row])
    assert places_of(lint(text, "app.yaml"), "overwrite-opens-pool") == places


def test_values_in_a_quoted_text_are_linted_with_its_place() -> None:
    text = "spec:\n  values: " + '"' + unmarked(VALUES)[0].replace('"', '\\"').replace("\n", "\\n") + '"\n'
    assert [(line, column) for line, column, _ in places_of(lint(text, "app.yaml"), "overwrite-opens-pool")] == [
        (2, 11)
    ]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("spec: {sources: [{}, {values: {runners: {config: '[[runners]]'}}}]}", "spec.sources[1].values.runners"),
        ("spec: {values: 'runners: {config: \"[[runners]]\"}'}", "spec.values: runners"),
    ],
)
def test_a_finding_says_the_whole_way_to_its_key(text: str, path: str) -> None:
    assert path in {finding.subject for finding in lint(text, "app.yaml")}


def test_what_a_template_fills_in_is_named_by_the_lines_of_the_file() -> None:
    wrapped = indented(4, "name: {{ .x }}-y\n" + unmarked(VALUES)[0])
    found = lint(f"kind: ApplicationSet\nspec:\n  values: |\n{wrapped}", "app.yaml")
    assert [one.observed for one in found if one.code.name == "template-unchecked"] == ["line 4"]


@pytest.mark.parametrize(
    "text",
    [
        "script: |\n  cat <<E\n  runners:\n   config: |\n    [[runners]]\n  E\n",
        "config.toml: |\n  [[runners]]\n    name = 'x'\n",
        "list: |\n  [[runners]]\n",
        "runners: [a]\n",
        "runners: {config: {{ .x }}}\n",
        "a: &a {b: c}\nd: [*a, *a]\n",
    ],
)
def test_other_texts_are_no_values(text: str) -> None:
    documents = parse(text, "a.yaml")
    assert not any(list(carried.values(one)) or list(carried.texts(one)) for one in documents)
