from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.adopt.existing import Existing, ExistingRunner, read_runners
from runner_bridge.core.adopt.existing import read as read_tree
from runner_bridge.core.errors import WireError

INFRA = """
concurrent = 4
check_interval = 1
log_level = "warning"

[[runners]]
  name = "infra"
  url = "https://gitlab.example.com"
  id = 19
  token = "glrt-t1_4xYqA7pLwFAKETOKEN00"
  limit = 20
  executor = "kubernetes"
  [runners.kubernetes]
    namespace = "ci"
    service_account = "builder"
    image = "alpine:3.20"
    poll_timeout = 30
    pod_annotations_overwrite_allowed = "^team="
    pod_labels_overwrite_allowed = "^x="
    [runners.kubernetes.pod_annotations]
      "cni.projectcalico.org/ipv6pools" = '["infra-v6"]'
      "cni.projectcalico.org/ipv4pools" = '["infra", "172.17.0.0/16"]'
      "example.com/ref" = "$CI_COMMIT_REF_NAME"
    [runners.kubernetes.pod_labels]
      cost-centre = "infra"
"""


def kubernetes(keys: str, *, head: str = 'name = "a"') -> str:
    return f'[[runners]]\n{head}\nexecutor = "kubernetes"\n[runners.kubernetes]\n{keys}\n'


def annotated(value: str) -> str:
    return kubernetes(f'[runners.kubernetes.pod_annotations]\n"cni.projectcalico.org/ipv4pools" = {value}')


def read(text: str) -> Existing:
    return read_runners(text, "config.toml")


def only(text: str) -> ExistingRunner:
    (runner,) = read(text).runners
    return runner


def test_everything_that_a_policy_can_say_is_read() -> None:
    runner = only(INFRA)
    assert (runner.name, runner.url, runner.limit) == ("infra", "https://gitlab.example.com", 20)
    assert (runner.namespace, runner.service_account, runner.image) == ("ci", "builder", "alpine:3.20")
    assert (runner.poll_timeout_s, runner.namespace_per_job) == (30, False)
    assert (runner.annotation_overwrites, runner.label_overwrites) == ("^team=", "^x=")
    assert runner.labels == {"cost-centre": "infra"}
    assert runner.annotations == {"example.com/ref": "$CI_COMMIT_REF_NAME"}


def test_pools_are_read_in_their_order_ipv4_first() -> None:
    assert only(INFRA).pools == ("infra", "172.17.0.0/16", "infra-v6")


def test_global_keys_that_a_policy_knows_are_read_and_others_are_not() -> None:
    found = read('concurrent = 4\nlog_level = "warn"\nlog_format = "x"\nsentry_dsn = "x"\nshutdown_timeout = true\n')
    assert found.settings == {"concurrent": 4, "log_level": "warn"}


def test_no_value_holds_the_token() -> None:
    assert "FAKETOKEN" not in repr(read(INFRA))
    assert only(INFRA).short_id == "4xYqA7pLw"


@pytest.mark.parametrize("value", ['""', "'[]'", "'null'"])
def test_an_annotation_that_asks_for_nothing_pins_nothing(value: str) -> None:
    found = read(annotated(value))
    assert found.runners[0].pools == ()
    assert found.problems == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("""'["$POOL"]'""", "holds a variable", id="variable"),
        pytest.param("""'["{{ .Values.pool }}"]'""", "holds a variable", id="template"),
        pytest.param("'infra'", "expected one string that holds a JSON list", id="no JSON"),
        pytest.param("""'{"a": 1}'""", "expected one string that holds a JSON list", id="JSON, but no list"),
        pytest.param("""'[1]'""", "expected one string that holds a JSON list", id="a number in the list"),
        pytest.param("""'[""]'""", "expected one string that holds a JSON list", id="an empty name"),
        pytest.param(f"'{'[' * 100_000}'", "expected one string that holds a JSON list", id="deep"),
        pytest.param('["infra"]', "is an array, expected a string", id="TOML array"),
    ],
)
def test_an_annotation_that_says_no_pool_is_a_problem_and_points_to_lint(value: str, said: str) -> None:
    (problem,) = read(annotated(value)).problems
    assert said in problem
    assert "`runner-bridge lint config.toml`" in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(kubernetes("namespace = 5"), "runner 'a' (line 1): namespace is a number", id="number"),
        pytest.param(kubernetes("poll_timeout = true"), "poll_timeout is a boolean, expected a number", id="boolean"),
        pytest.param(kubernetes("pod_labels = 1979-05-27"), "pod_labels is another type", id="date"),
        pytest.param(kubernetes("image = {a = 1}"), "image is a table, expected a string", id="table"),
    ],
)
def test_a_value_of_a_wrong_type_is_a_problem(text: str, said: str) -> None:
    assert said in " ".join(read(text).problems)


def test_runners_of_other_executors_are_left_alone_and_named() -> None:
    found = read('[[runners]]\nname = "d"\nexecutor = "docker"\n[[runners]]\nname = "e"\n')
    assert found.runners == ()
    assert "runner 'd' (line 1): left alone, because it names the executor 'docker'" in found.notes[0]
    assert "runner 'e' (line 4): left alone, because it names no executor" in found.notes[1]


def test_keys_that_are_not_for_a_policy_are_named_with_the_reason_but_our_own_are_not() -> None:
    found = read(
        kubernetes(
            "[runners.kubernetes.pod_labels]\n"
            '"project.runner.gitlab.com/id" = "1"\n"runner-bridge.dev/tier" = "x"\n'
            '"runner.gitlab.com.example/x" = "1"\n"bad key" = ""\nteam = "a b"\nref = "$CI_COMMIT_REF_NAME x"\n'
            '[runners.kubernetes.pod_annotations]\n"cni.projectcalico.org/ipAddrs" = "[]"\nteam = "a b"\n'
            '"cni.projectcalico.org/ipv4Pools" = "[]"'
        )
    )
    assert found.runners[0].labels == {"runner.gitlab.com.example/x": "1", "ref": "$CI_COMMIT_REF_NAME x"}
    assert found.runners[0].annotations == {"team": "a b"}
    assert [note.split(": ", 1)[1] for note in found.notes] == [
        "the label 'project.runner.gitlab.com/id' is not for a policy: the key belongs to GitLab Runner.",
        "the label 'bad key' is not for a policy: Kubernetes refuses such a key, so no pod starts.",
        "the label 'team' is not for a policy: no label can hold the value, so the runner changes it.",
        "the annotation 'cni.projectcalico.org/ipAddrs' is not for a policy: the key belongs to Calico.",
        (
            "the annotation 'cni.projectcalico.org/ipv4Pools' is not for a policy: Calico ignores the key and knows "
            "'cni.projectcalico.org/ipv4pools'. Correct it first, if the runner is to ask for pools."
        ),
    ]


def test_runners_that_a_policy_cannot_tell_apart_are_problems_each() -> None:
    section = '[[runners]]\nname = "a"\ntoken = "glrt-4xYqA7pLwFAKETOKEN00"\nexecutor = "kubernetes"\n'
    found = read(section + section + '[[runners]]\nexecutor = "kubernetes"\n')
    assert [problem.split(".")[0] for problem in found.problems] == [
        "runners 'a' (line 1) and 'a' (line 5) have one name, and a policy tells runners apart by name",
        "runners 'a' (line 1) and 'a' (line 5) share a token: GitLab deals their jobs to either by chance",
        "runner of line 9 has no name, and a policy tells runners apart by name",
    ]


def test_a_section_without_a_line_of_its_own_is_told_by_name_or_number() -> None:
    sections = [{"name": "a", "executor": "kubernetes"}, {"executor": "kubernetes"}]
    assert [str(one) for one in read_tree({"runners": sections}, "f").runners] == ["'a'", "number 2"]


def test_runners_of_two_gitlabs_may_have_the_same_name() -> None:
    section = '[[runners]]\nname = "{}"\nurl = "https://{}.example.com{}"\nexecutor = "kubernetes"\n'
    assert read(section.format("a", "one", "/") + section.format("A", "two", "")).problems == ()
    assert len(read(section.format("a", "one", "/") + section.format("A", "one", "/ci")).problems) == 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[[runners]\n", id="torn"),
        pytest.param("runners = 5\n", id="no list"),
        pytest.param("runners = [5]\n", id="no tables"),
        pytest.param("[runners]\nname = 'a'\n", id="one table"),
        pytest.param("a = " + "[" * 5000, id="deep"),
        pytest.param("a = " + "9" * 5000, id="long number"),
    ],
)
def test_a_file_that_is_no_config_toml_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(WireError) as refused:
        read(text)
    assert str(refused.value).startswith("config.toml: ")
    assert "\n" not in str(refused.value)


def test_a_refusal_quotes_no_secret() -> None:
    with pytest.raises(WireError) as refused:
        read('token = "glrt-4xYqA7pLwFAKETOKEN00" x\n')
    assert "FAKETOKEN" not in str(refused.value)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read(text)
    except WireError:
        return
    tomllib.loads(text)
