"""Templates are checked as far as they stand, and what was not checked is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.lint import templates
from runner_bridge.core.lint.runner_config import lint
from runner_bridge.core.lint.templates import FILLER
from tests.core.lint.marked import places_of, unmarked

HELM = """\
concurrent = {{ .Values.concurrent }}
{{- range .Values.tiers }}
[[runners]]
  name = "{{ .name }}"
  url = {{ .url | quote }}
  token = "{{ .token | default "x" }}"
  executor = "kubernetes"
  [runners.kubernetes]
    poll_timeout = {{
      .timeout
    }}
    privileged = {{ .privileged }}
    «pol_interval» = 3
    [runners.kubernetes.pod_annotations]
      "cni.projectcalico.org/ipv4pools" = '["{{ .pool }}"]'
      {{ .key }} = "x"
      "a b" = "# {{ no comment }}"  # {{ a comment }}
{{- end }}
"""

TERRAFORM = """\
concurrent = ${concurrent}
%{ for tier in tiers }
[[runners]]
  name = "${tier.name}"
  url = "https://gitlab.example.com"
  token = "${tier.token}"
  executor = "kubernetes"
  [runners.kubernetes.pod_annotations]
    "cni.projectcalico.org/ipv4pools" = '["${tier.pool}"]'
    "ci.example.com/url" = "$${CI_JOB_URL}"
    «"a b"» = 'x'
%{ endfor }
"""


def test_a_helm_template_is_checked_where_it_is_written_out() -> None:
    text, places = unmarked(HELM)
    found = lint(text, "config.toml")
    assert places_of(found, "unknown-key") == places
    assert [finding.code.name for finding in found if finding.code.severity.rank < 2] == ["unknown-key", "metadata-key"]


def test_what_a_template_fills_in_is_named_line_by_line() -> None:
    found = lint(unmarked(HELM)[0], "config.toml")
    assert [one.observed for one in found if one.code.name == "template-unchecked"] == [
        "lines 1 to 2, 4 to 6, 9, 12, 15 to 18"
    ]


def test_keys_sections_and_values_that_a_template_fills_in_are_no_mistakes() -> None:
    text = (
        "[[runners]]\nkubernetes = {{ a }}\n{{ b }} = 1\n[runners.labels]\n{{ c }} = 'x'\nabc = '{{ d }} e'\n"
        "[runners.feature_flags]\n{{ f }} = true\n"
    )
    assert [one.code.name for one in lint(text, "f", template=True)] == ["template-unchecked"]


def test_a_template_for_the_register_command_needs_neither_token_nor_executor() -> None:
    assert lint("[[runners]]\n[runners.kubernetes]\nimage = 'x'\n", "f", template=True) == ()


def test_a_terraform_template_leaves_its_variables_unchecked_even_in_the_pool() -> None:
    text, places = unmarked(TERRAFORM)
    found = lint(text, "config.toml.tftpl")
    assert places_of(found, "metadata-key") == places
    assert not places_of(found, "pool-annotation-variable")
    assert [one.observed for one in found if one.code.name == "template-unchecked"] == ["lines 1 to 2, 4, 6, 9, 12"]


def test_one_line_is_named_in_the_singular() -> None:
    (finding,) = templates.unchecked([3, 3], "f")
    assert (finding.observed, str(finding.place)) == ("line 3", "f:3")


def test_nothing_is_said_of_a_template_without_pieces() -> None:
    assert templates.unchecked([], "f") == ()


def test_a_valid_file_with_braces_in_a_script_is_no_template() -> None:
    text = "[[runners]]\nname = 'a'\nurl = 'u'\ntoken = 't0'\nexecutor = 'shell'\npre_build_script = '{{.Id}} ${A}'\n"
    assert lint(text, "config.toml") == ()


def test_a_mistake_in_a_line_that_a_template_fills_in_is_not_reported() -> None:
    text = "[[runners]]\nname = {{ a }}-{{ b }}\nurl = 'u'\ntoken = 't0'\nexecutor = 'shell'\n«x»\n"
    plain, _ = unmarked(text)
    found = lint(plain, "config.toml")
    assert [one.place.line for one in found if one.place and one.code.name == "toml-syntax"] == [6]


@pytest.mark.parametrize(
    ("name", "answer"),
    [("config.toml", False), ("config.toml.j2", True), ("values.yaml.gotmpl", True), ("a.tftpl", True)],
)
def test_a_template_is_known_by_its_name(name: str, answer: bool) -> None:
    assert templates.is_template_name(name) is answer


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("a = {{ b }}", 'a = "#####"'),
        ("a = 'x{{ b }}'", "a = 'x#######'"),
        ("  {{ if b }}  ", "              "),
        ("a = '''\n{{ b }}\n'''", "a = '''\n#######\n'''"),
        ("a = 'it' # don't {{ b }}\nc = {{ d }}", "a = 'it' # don't {{ b }}\nc = \"#####\""),
        ('a = "\\"{{ b }}"', 'a = "\\"#######"'),
        ("a = 'open\nb = {{ c }}", 'a = \'open\nb = "#####"'),
        ("a = ${b}", 'a = "##"'),
        ("a = '${b}'", "a = '${b}'"),
        ("a = {% if b %}1{% endif %}", 'a = "########"1"#########"'),
        ("a = 1 {# b #}", 'a = 1 "#####"'),
        ("# {{ a }}", "# {{ a }}"),
    ],
    ids=repr,
)
def test_pieces_are_covered_one_character_for_one(text: str, masked: str) -> None:
    assert templates.mask_toml(text, terraform=False).text == masked.replace("#", FILLER) or "#" in text
    assert len(templates.mask_toml(text, terraform=False).text) == len(text)


def test_comments_are_left_as_they_are() -> None:
    text = "a = 'it' # don't {{ b }}\n# {{ c }}\nd = {{ e }}\n# {{ last }}"
    assert templates.mask_toml(text, terraform=False).lines == (3,)


def test_variables_in_texts_are_terraforms_only_where_terraform_is_at_work() -> None:
    masked = templates.mask_toml("a = '${b}'", terraform=True)
    assert (masked.text, masked.lines) == (f"a = '{FILLER * 4}'", (1,))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("a = '${b}'", False),
        ("a = ${b}", True),
        ("%{ if a }", True),
        ('a = """\n${b}"""', False),
        ("# don't ${b}\na = '${c}'", False),
    ],
)
def test_terraform_is_known_by_what_toml_does_not_have(text: str, answer: bool) -> None:
    assert templates.uses_terraform(text, "config.toml") is answer


@pytest.mark.parametrize(
    ("name", "text", "answer"),
    [("a.tftpl", "{{ b }}", True), ("a.tpl", "a = '${b}'", True), ("a.tpl", "a = '{{ b }}'", False)],
)
def test_terraform_is_known_by_the_name_of_the_file(name: str, text: str, answer: bool) -> None:
    assert templates.uses_terraform(text, name) is answer


def test_yaml_keeps_its_lines_and_columns_too() -> None:
    masked = templates.mask_yaml("{{- if .a }}\na: {{ .b }}\nc: d\n{{- end }}\n")
    assert masked.text == f"{' ' * 12}\na: {FILLER * 8}\nc: d\n{' ' * 10}\n"
    assert masked.lines == (1, 2, 4)


@given(st.text(alphabet="a={}%#$\"'\\\n {{", max_size=40))
def test_covering_never_moves_anything(text: str) -> None:
    for masked in (templates.mask_toml(text, terraform=True), templates.mask_yaml(text)):
        pairs = zip(masked.text.split("\n"), text.split("\n"), strict=True)
        assert all(len(now) == len(before) or before.endswith(("{{", "{%", "{#", "%{")) for now, before in pairs)
