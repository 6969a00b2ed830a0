"""Values of the chart: the TOML inside at its place in the YAML, and the traps of the chart itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.lint.helm_values import lint
from runner_bridge.core.model import Severity
from tests.core.lint.marked import places_of, unmarked

GOLDEN = Path(__file__).parents[2] / "render/golden/helm-values"

HEAD = """\
gitlabUrl: https://gitlab.example.com/
concurrent: 10
envVars:
  - name: RUNNER_NAME
    value: infra
  - name: FROM_SECRET
    valueFrom: {secretKeyRef: {name: a, key: b}}
"""
CONFIG = """\
runners:
  secret: infra-token
  config: |
    [[runners]]
      executor = "kubernetes"
      [runners.kubernetes]
        namespace = "ci"
        poll_timeout = 360
        automount_service_account_token = false
"""
POOL = """\
        [runners.kubernetes.pod_annotations]
          "cni.projectcalico.org/ipv4pools" = '["infra"]'
"""


def values(more: str = "", *, toml: str = POOL, runners: str = "", head: str = HEAD) -> str:
    return f"{head}{more}{CONFIG.replace('  config', f'{runners}  config')}{toml}"


FOUND = {
    "in the TOML": (values(toml="        «pol_timeout» = 3\n"), "unknown-key"),
    "value in the TOML": (values(toml="        poll_interval = «'3'»\n"), "wrong-type"),
    "syntax of the TOML": (values(toml="        [runners.kubernetes« »\n"), "toml-syntax"),
    "overwrite in the TOML": (
        values(toml="        pod_annotations_overwrite_allowed = «'.*'»\n"),
        "overwrite-opens-pool",
    ),
    "TOML on one line": (HEAD + "runners:\n  config: '[[runners]] «x»'\n", "toml-syntax"),
    "TOML with escapes": (HEAD + 'runners:\n  config: «"[[runners]]\\nlimit = true"»\n', "wrong-type"),
    "umbrella chart": (
        "gitlab-runner:\n" + re.sub("(?m)^(?=.)", "  ", values(toml="        «pol_timeout» = 3\n")),
        "unknown-key",
    ),
    "annotation of the manager": (
        values("podAnnotations:\n  «cni.projectcalico.org/ipv4pools»: '[\"infra\"]'\n", toml=""),
        "manager-annotation",
    ),
    "annotations of very old charts": (values(runners="  «podAnnotations»: {a: b}\n"), "chart-runners-key"),
    "labels of very old charts": (values(runners="  «podLabels»: {a: b}\n"), "chart-runners-key"),
    "no name": (values(head="concurrent: 1\n").replace("runners:", "«runners»:", 1), "chart-name-changes"),
    "token": (values("runnerToken: «abcdefghijklmnopqrst»\n"), "token-in-values"),
    "token of today": (values("runnerToken: «glrt-t1_4xYqA7pLwFAKETOKEN00»\n"), "token-in-values"),
    "registration token": (values("runnerRegistrationToken: «'abcdefghijklmnopqrst'»\n"), "token-in-values"),
    "two runners": (values(toml="    «[[runners]]»\n"), "template-runners"),
    "no runner": (HEAD + "runners:\n  config: |\n    concurrent = 1\n", "template-runners"),
    "global": (
        values(toml="", runners="").replace("    [[runners]]", "    «concurrent» = 1\n    [[runners]]"),
        "template-key-ignored",
    ),
    "name in the template": (
        values(toml="").replace("      executor", '      «name» = "a"\n      executor'),
        "template-key-ignored",
    ),
    "token in the template that is a variable": (
        values(toml="").replace("      executor", '      «token» = "$T"\n      executor'),
        "template-key-ignored",
    ),
    "token in the template": (
        values(toml="").replace("      executor", '      token = «"glrt-t1_4xYqA7pLwFAKETOKEN00"»\n      executor'),
        "secret-in-config-map",
    ),
    "key of the cache": (
        values(toml="      [runners.cache.s3]\n        SecretKey = «'abc'»\n"),
        "secret-in-config-map",
    ),
    "key of the cache that a template fills in": (
        values(toml="      [runners.cache.s3]\n        SecretKey = '{{ .a }}'\n        «Secretkye» = 1\n"),
        "unknown-key",
    ),
    "bearer token": (values(toml="        bearer_token = «'abc'»\n"), "secret-in-config-map"),
    "variable that opens the pool": (
        values("extraEnv:\n  KUBERNETES_POD_ANNOTATIONS_OVERWRITE_ALLOWED: «'.*'»\n"),
        "overwrite-opens-pool",
    ),
    "variable in envVars": (
        values('  - {name: KUBERNETES_BEARER_TOKEN_OVERWRITE_ALLOWED, value: «"true"»}\n'),
        "overwrite-chooses-token",
    ),
    "variable that wins": (values('extraEnv:\n  KUBERNETES_POLL_TIMEOUT: «"60"»\n'), "environment-wins"),
    "flag that wins": (
        values('extraEnv:\n  KUBERNETES_AUTOMOUNT_SERVICE_ACCOUNT_TOKEN: «"true"»\n'),
        "environment-wins",
    ),
    "misspelt": (values("«runnersToken»: x\n"), "chart-key"),
    "other letters": (values("«gitlabURL»: x\n"), "chart-key"),
    "misspelt below runners": (values(runners="  «confg»: x\n"), "chart-key"),
    "config as a map": (HEAD + "runners:\n  config:\n    «»runners: []\n".replace("«»", ""), "chart-config-type"),
    "concurrent": (values(head="concurrent: «0»\n"), "concurrent-below-one"),
    "twice": (HEAD + "«concurrent»: 2\n", "values-repeated"),
    "no YAML": ("a: «»[\n".replace("«»", ""), "values-unreadable"),
}
UNMARKED = {"no runner": (10, 5, 0), "config as a map": (10, 5, 0), "no YAML": (2, 1, 0)}


@pytest.mark.parametrize("row", FOUND)
def test_a_rule_finds_its_problem_at_these_characters_of_the_yaml(row: str) -> None:
    text, code = FOUND[row]
    plain, places = unmarked(text)
    assert places_of(lint(plain, "values.yaml"), code) == (places or [UNMARKED[row]])


QUIET = {
    "a good file": values(),
    "a pool for the manager too": values("podAnnotations: {cni.projectcalico.org/ipv4pools: '[\"infra\"]'}\n"),
    "other annotations of the manager": values("podAnnotations: {example.com/a: b}\n", toml=""),
    "a name from runners.name": values(runners="  name: infra\n", head="concurrent: 1\n"),
    "a name from extraEnv": values("extraEnv: {RUNNER_NAME: infra}\n", head=""),
    "keys of a later chart": values("somethingNew: {a: 1}\nrunnerz_x: 1\n", runners="  cache: {secretName: s3}\n"),
    "a token from a variable": values("runnerToken: ${TOKEN}\nrunnerRegistrationToken: ''\n"),
    "a word for the token": values("runnerToken: REDACTED\n"),
    "an empty table of very old charts": values(runners="  podLabels: {}\n"),
    "values without a template": "concurrent: 4\n",
    "an empty template": HEAD + "runners:\n  config: ''\n",
    "runners that are no map": HEAD + "runners: []\n",
    "another variable": values("extraEnv: {HTTPS_PROXY: 'http://p:3128', KUBERNETES_SERVICE_HOST: x}\n"),
    "the same variable": values('extraEnv: {KUBERNETES_POLL_TIMEOUT: "360", KUBERNETES_IMAGE: ""}\n'),
    "an empty overwrite": values("extraEnv: {KUBERNETES_POD_ANNOTATIONS_OVERWRITE_ALLOWED: ''}\n"),
    "nothing at all": "",
    "a list": "- a\n",
}


@pytest.mark.parametrize("row", QUIET)
def test_normal_use_raises_no_alarm(row: str) -> None:
    assert lint(QUIET[row], "values.yaml") == ()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/helm/*.yaml")), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_what_we_render_is_clean(path: Path) -> None:
    assert lint(path.read_text(encoding="utf-8"), path.name) == ()


def test_pieces_of_the_template_are_named_with_the_lines_of_the_yaml() -> None:
    found = lint(values(toml='        image = "{{ .Values.image }}"\n'), "values.yaml")
    assert [(one.code.name, one.observed) for one in found] == [("template-unchecked", "line 17")]


def test_values_that_are_a_template_themselves_are_checked_as_far_as_they_stand() -> None:
    text = (
        "{{- if .x }}\n"
        + values("runnerToken: {{ .token }}\n", toml="        «pol_timeout» = {{ .t }}\n")
        + "{{- end }}\n"
    )
    plain, places = unmarked(text)
    found = lint(plain, "values.yaml.gotmpl")
    assert places_of(found, "unknown-key") == places
    assert [one.observed for one in found if one.code.name == "template-unchecked"] == ["lines 1, 9, 19 to 20"]
    assert {one.code.severity for one in found} == {Severity.ERROR, Severity.ADVICE}


def test_a_template_that_is_no_yaml_even_then_is_said_so() -> None:
    found = lint("a: {{ b }}\nc: [\n", "values.yaml")
    assert {one.code.name for one in found} == {"values-unreadable", "template-unchecked"}


def test_the_finding_on_a_variable_says_what_it_is_for() -> None:
    plain, _ = unmarked(FOUND["variable that opens the pool"][0])
    finding = next(one for one in lint(plain, "v") if one.code.name == "overwrite-opens-pool")
    assert finding.subject == "extraEnv.KUBERNETES_POD_ANNOTATIONS_OVERWRITE_ALLOWED"
    assert finding.cause.endswith("The variable is pod_annotations_overwrite_allowed of every runner that registers.")


def test_findings_come_in_the_order_of_the_lines() -> None:
    found = lint(values("runnerToken: abcdefghijklmnopqrst\n", toml="        x = 1\n    [[runners]]\n"), "values.yaml")
    lines = [one.place.line for one in found if one.place]
    assert lines == sorted(lines)
    assert len(lines) > 2


@given(secret=st.text(alphabet="abcdefgXYZ0123456789", min_size=12, max_size=30), row=st.sampled_from(sorted(FOUND)))
def test_no_finding_holds_a_secret_of_the_file(secret: str, row: str) -> None:
    plain, _ = unmarked(FOUND[row][0])
    text = f"runnerToken: {secret}\n{plain}".replace("glrt-t1_4xYqA7pLwFAKETOKEN00", secret).replace(
        "'abc'", f"'{secret}'"
    )
    for one in lint(text, "values.yaml"):
        assert secret not in f"{one.subject} {one.observed} {one.expected} {one.cause} {one.remedy} {one.proof}"


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    lint(text, "values.yaml")
    lint(values(text), "values.yaml")


TERRAFORM = """\
gitlabUrl: ${gitlab_url}
concurrent: ${concurrent}
runnerToken: "${runner_token}"
%{ if metrics ~}
metrics: {enabled: true}
%{ endif ~}
runners:
  config: |
    [[runners]]
      «tags» = ["${tags}"]
      «name» = "${name}"
      executor = "kubernetes"
      environment = [«"FF_USE_ADVANCED_POD_SPEC_CONFIGURATION=true"»]
      [runners.kubernetes]
        namespace = "${namespace}"
        privileged = ${privileged}
        poll_timeout = ${poll_timeout}
        [runners.kubernetes.pod_annotations]
          "cni.projectcalico.org/ipv4pools" = '["${pool}"]'
        [[runners.kubernetes.pod_spec]]
          patch = '''
            containers: [{name: build, env: [{name: A, value: "${value}"}]}]
          '''
"""


def test_values_for_terraform_are_checked_where_they_are_written_out() -> None:
    text, (tags, name, flag) = unmarked(TERRAFORM)
    found = [one for one in lint(text, "values.yaml.tftpl") if one.code.severity is not Severity.ADVICE]
    assert [one.code.name for one in found] == [
        "chart-name-changes",
        "unknown-key",
        "template-key-ignored",
        "flag-not-pinned",
    ]
    for place, code in ((tags, "unknown-key"), (name, "template-key-ignored"), (flag, "flag-not-pinned")):
        assert places_of(found, code) == [place]
