"""Runner configuration in manifests: linted where it stands, and what ConfigMaps and the Operator have of their own."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.lint.config_map import lint
from runner_bridge.core.lint.runner_config import lint as lint_config
from tests.core.lint.marked import places_of, unmarked
from tests.core.lint.test_runner_config import FOUND as WHOLE_FILES

GOLDEN = Path(__file__).parents[2] / "render/golden/operator"

WHOLE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: runner
data:
  config.toml: |
    concurrent = 4
    [[runners]]
      name = "a"
      url = "https://gitlab.example.com"
      token = "$TOKEN"
      executor = "kubernetes"
"""
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: infra-config}
data:
  config.toml: |
    [[runners]]
      [runners.kubernetes]
        image = "alpine"
---
apiVersion: apps.gitlab.com/v1beta2
kind: Runner
metadata:
  name: infra
spec:
  gitlabUrl: https://gitlab.example.com
  token: infra-token
  config: infra-config
"""
ENVIRONMENT = """\
---
apiVersion: v1
kind: ConfigMap
metadata: {name: infra-env}
data:
"""


def template(old: str = "", new: str = "", more: str = "") -> str:
    assert not old or TEMPLATE.count(old) == 1
    return (TEMPLATE.replace(old, new) if old else TEMPLATE) + more


ENCODED = base64.b64encode(b"[[runners]]\nlimit = true").decode()
IMAGE = '        image = "alpine"\n'
FOUND = {
    "in a whole file": (WHOLE + "      «lmit» = 1\n", "unknown-key"),
    "token": (WHOLE.replace('"$TOKEN"', '«"glrt-t1_4xYqA7pLwFAKETOKEN00"»'), "secret-in-config-map"),
    "old token": (WHOLE.replace('"$TOKEN"', "«'abcdefghijklmnopqrst'»"), "secret-in-config-map"),
    "token beside": (WHOLE + "  runner-token: «glrt-t1_4xYqA7pLwFAKETOKEN00»\n", "secret-in-config-map"),
    "no token": (
        WHOLE.replace('      token = "$TOKEN"\n', "").replace("    [[runners]]", "    «[[runners]]»"),
        "required-key",
    ),
    "in a list": (
        "kind: List\nitems:\n- kind: ConfigMap\n  data:\n    config.toml: |\n      «lmit» = 1\n",
        "unknown-key",
    ),
    "in a template": (template(IMAGE, "        «imag» = 'x'\n"), "unknown-key"),
    "two runners": (template(IMAGE, "    «[[runners]]»\n"), "template-runners"),
    "global": (template("    [[runners]]", "    «concurrent» = 1\n    [[runners]]"), "template-key-ignored"),
    "timeout": (template(IMAGE, "        «poll_timeout» = 360\n"), "template-key-ignored"),
    "output limit": (
        template("    [[runners]]\n", "    [[runners]]\n      «output_limit» = 1\n"),
        "template-key-ignored",
    ),
    "chart's template": (
        "kind: ConfigMap\ndata:\n  config.template.toml: |\n    [[runners]]\n    «[[runners]]»\n",
        "template-runners",
    ),
    "environment": (
        template(
            "  config: infra-config\n",
            "  config: infra-config\n  env: infra-env\n",
            f"{ENVIRONMENT}  KUBERNETES_IMAGE: «other»\n",
        ),
        "environment-wins",
    ),
    "podSpec": (
        template(more="  podSpec:\n  - name: a\n    patch: «'{annotations: {cni.projectcalico.org/ipv4pools: x}}'»\n"),
        "manager-annotation",
    ),
    "annotation of the Runner": (
        template("  name: infra\n", "  name: infra\n  annotations: {«cni.projectcalico.org/ipv4pools»: x}\n"),
        "manager-annotation",
    ),
    "token of the Runner": (
        template("token: infra-token", "token: «glrt-t1_4xYqA7pLwFAKETOKEN00»"),
        "secret-in-config-map",
    ),
    "concurrent of the Runner": (template(more="  concurrent: «0»\n"), "concurrent-below-one"),
    "Secret": ("kind: Secret\nstringData:\n  config.toml: |\n    [[runners]]\n      limit = «'1'»\n", "wrong-type"),
    "encoded Secret": (f"kind: Secret\ndata:\n  config.toml: «{ENCODED}»\n", "wrong-type"),
}


@pytest.mark.parametrize("row", FOUND)
def test_a_rule_finds_its_problem_at_these_characters_of_the_yaml(row: str) -> None:
    text, code = FOUND[row]
    plain, places = unmarked(text)
    assert len(places) == 1
    assert places_of(lint(plain, "runner.yaml"), code) == places


def test_an_environment_that_opens_the_pool_is_found_once_for_the_template_and_never_twice() -> None:
    text = template("  config: infra-config\n", "  config: infra-config\n  env: infra-env\n")
    text += f"{ENVIRONMENT}  KUBERNETES_POD_ANNOTATIONS_OVERWRITE_ALLOWED: '.*'\n"
    assert [one.code.name for one in lint(text, "runner.yaml")] == ["overwrite-opens-pool"]


def test_an_environment_is_judged_alone_where_the_template_is_in_another_file() -> None:
    runner = f"kind: Runner\nspec: {{config: x, env: infra-env}}\nmetadata: {{annotations: {{a: b}}}}\n{ENVIRONMENT}"
    text, places = unmarked(f"{runner}  KUBERNETES_POD_ANNOTATIONS_OVERWRITE_ALLOWED: «'.*'»\n")
    assert places_of(lint(text, "runner.yaml"), "overwrite-opens-pool") == places


@pytest.mark.parametrize("row", [row for row, (text, _) in WHOLE_FILES.items() if "url = " in text])
def test_every_finding_of_a_config_toml_is_found_at_its_place_in_a_manifest(row: str) -> None:
    text, _ = unmarked(WHOLE_FILES[row][0])
    indented = re.sub("(?m)^(?=.)", "      ", text)
    outer = lint(f"kind: Secret\nstringData:\n  config.toml: |\n{indented}", "f")
    moved = [(one.code.name, one.place.line - 3, one.place.column - 6) for one in outer if one.place]
    inner = lint_config(text, "f")
    assert moved == [(one.code.name, one.place.line, one.place.column) for one in inner if one.place]


def test_a_config_map_in_an_inline_patch_of_kustomize_is_linted_at_its_place() -> None:
    text, places = unmarked(
        "kind: Kustomization\npatches:\n- patch: |-\n    kind: ConfigMap\n    data:\n      config.template.toml: |\n"
        "        [[runners]]\n          [runners.kubernetes]\n            pod_annotations_overwrite_allowed = «'.*'»\n"
    )
    assert places_of(lint(text, "kustomization.yaml"), "overwrite-opens-pool") == places


def test_what_a_template_fills_in_in_an_inline_patch_is_named() -> None:
    patch = "    kind: ConfigMap\n    data:\n      x: {{ .x }}-y\n      a.toml: |\n        [[runners]]\n"
    found = lint(f"patches:\n- patch: |-\n{patch}", "kustomization.yaml")
    assert [one.observed for one in found if one.code.name == "template-unchecked"] == ["line 5"]


QUIET = {
    "a whole file": WHOLE,
    "a template": TEMPLATE,
    "globals of the chart": "kind: ConfigMap\ndata:\n  config.toml: |\n    concurrent = 4\n  entrypoint: 'exec x'\n",
    "a timeout with its variable": template(
        "  config: infra-config\n",
        "  config: infra-config\n  env: infra-env\n",
        f"{ENVIRONMENT}  KUBERNETES_POLL_TIMEOUT: '360'\n",
    ).replace(IMAGE, "        poll_timeout = 360\n"),
    "a timeout where the variables are in another file": template(
        "  config: infra-config\n", "  config: infra-config\n  env: elsewhere\n"
    ).replace(IMAGE, "        poll_timeout = 360\n"),
    "a token in a Secret": "kind: Secret\nstringData:\n  config.toml: |\n    [[runners]]\n      name = 'a'\n"
    "      token = 'abcdefghijklmnopqrst'\n      url = 'https://gitlab.example.com'\n      executor = 'shell'\n",
    "values of the chart, and a script, in a map": "kind: ConfigMap\ndata:\n  values.yaml: |\n    runners:\n"
    "      config: |\n        [[runners]]\n  make.sh: |\n    [[runners]]\n    EOF\n"
    "  make: |\n    #!/bin/sh\n    [[runners]]\n",
    "a Secret of something else": "kind: Secret\ndata:\n  a.toml: '%%%'\n  b: aGVsbG8=\n",
    "an empty map": "kind: ConfigMap\n",
    "a map that holds no text": "kind: ConfigMap\ndata:\n  config.toml: {}\n",
    "a patch of something else": template(more="  podSpec:\n  - name: a\n    patch: '{}'\n"),
    "another object": "kind: Deployment\nspec: {}\n",
    "nothing at all": "",
}


@pytest.mark.parametrize("row", QUIET)
def test_normal_use_raises_no_alarm(row: str) -> None:
    assert lint(QUIET[row], "runner.yaml") == ()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/operator/*")), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_what_we_render_is_clean(path: Path) -> None:
    assert lint(path.read_text(encoding="utf-8"), path.name) == ()


@given(secret=st.text(alphabet="abcdefgXYZ0123456789", min_size=12, max_size=30), row=st.sampled_from(sorted(FOUND)))
def test_no_finding_holds_a_secret_of_the_file(secret: str, row: str) -> None:
    plain, _ = unmarked(FOUND[row][0])
    text = plain.replace("glrt-t1_4xYqA7pLwFAKETOKEN00", secret).replace("$TOKEN", secret)
    for one in lint(text, "runner.yaml"):
        assert secret not in f"{one.subject} {one.observed} {one.expected} {one.cause} {one.remedy} {one.proof}"


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    lint(text, "runner.yaml")
    lint(WHOLE + text, "runner.yaml")
