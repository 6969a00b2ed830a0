"""The patterns of real configurations, decided; and what a witness looks like."""

from __future__ import annotations

from typing import Any

import pytest
from ruamel.yaml import YAML

from runner_bridge.core.model.codes import overwrites as codes
from runner_bridge.core.overwrites import Setting, Verdict, Witness, decide
from runner_bridge.core.overwrites.decision import answer
from runner_bridge.core.overwrites.nfa import build
from runner_bridge.core.overwrites.questions import question
from runner_bridge.core.overwrites.search import Search
from runner_bridge.core.overwrites.syntax import parse

POOLS = "cni.projectcalico.org/ipv4pools"
DEFAULT = f'{POOLS}=["default"]'

OPEN = {
    ".*": DEFAULT,
    "infra": f"{DEFAULT}$infra",
    "team=.*": f"{DEFAULT}${{team=}}",
    "cni": DEFAULT,
    "projectcalico": DEFAULT,
    "=": DEFAULT,
    "^cni.*": DEFAULT,
    "(a|b)*a(a|b){18}": f"{DEFAULT}${'a' * 19}",
    r"(?i)^CNI\.": DEFAULT,
    r"ipv4pools=\[\"infra": f'{DEFAULT}${{ipv4pools=["infra}}',
    "^team=.*|cni": DEFAULT,
    r"\$": f"{DEFAULT}$x",
    "(?m)^team=": f"{DEFAULT}${{\nteam=}}",
    "x*": DEFAULT,
}
"""Each opens the pool, and the shortest variable that does it."""

OTHER_WAYS = {
    # Nothing is asked for any more, so the namespace or the cluster decides.
    rf"^{POOLS}=$": (f"{POOLS}=", ""),
    rf"^{POOLS}=null$": (f"{POOLS}=null", "null"),
    rf"^{POOLS}=\[\]$": (f"{POOLS}=[]", "[]"),
    r"^cni\.projectcalico\.org/ipFamilies=$": ("cni.projectcalico.org/ipFamilies=", ""),
    # Another key than the lists of pools.
    "^cni.projectcalico.org/ipAddrs=": ('cni.projectcalico.org/ipAddrs=["10.10.0.1"]', '["10.10.0.1"]'),
    "ipFamilies": (f"{DEFAULT}$ipFamilies", '["default"]'),
    # Only some lists.
    rf"^{POOLS}=\[\"(a|b)\"\]$": (f'{POOLS}=["a"]', '["a"]'),
    rf"^{POOLS}=\[\"\\u0041\"\]$": (f'{POOLS}=["\\u0041"]', '["\\u0041"]'),
    # The list only through a variable.
    rf"^{POOLS}=\$[A-Z]+$": (f"{POOLS}=$X", '["x"]'),
    # A name in capitals may have been defined by GitLab, so it is emptied.
    "CI_JOB_ID$": (f"{DEFAULT}$CI_JOB_ID", '["default"]'),
    # A name that GitLab may refuse is left undefined, or another is taken.
    r"(?m)^\}\}": ('cni.projectcalico.org/ipAddrs=["${\n}}"]', '["}"]'),
    r"^cni.projectcalico.org/ipAddrs=\$.[^\"]*\"]$": ('cni.projectcalico.org/ipAddrs=$x"]', '["x"]'),
    # Broken syntax is swallowed.
    rf"^{POOLS}=.*\$\{{$": (f"{DEFAULT}${{", '["default"]'),
}

HARMLESS = [
    "",
    "^team=.*",
    r"^(a\.example/x|b\.example/y)=",
    r"^\Qteam\E=",
    r"\Ateam=",
    "^(?:team=)",
    "(?i)^team=",
    "a^b",
    r"^cni\.projectcalico\.org/ipv4pools$",
    r"^cni\.projectcalico\.org/ipv4pool=",
]


def verdict(pattern: str, setting: Setting = Setting.ANNOTATIONS) -> Verdict:
    return decide(pattern, setting=setting).verdict


def witness(pattern: str, setting: Setting = Setting.ANNOTATIONS, **kwargs: Any) -> Witness:
    found = decide(pattern, setting=setting, **kwargs).witness
    assert found is not None
    return found


@pytest.mark.parametrize("pattern", OPEN)
def test_a_pattern_that_opens_the_pool_comes_with_the_shortest_variable(pattern: str) -> None:
    found = witness(pattern)

    assert verdict(pattern) is Verdict.OPENS
    assert found.value == OPEN[pattern]
    assert found.expand_false is ("$" in OPEN[pattern])
    assert (found.key, found.final) == (POOLS, '["default"]')


@pytest.mark.parametrize("pattern", OTHER_WAYS)
def test_other_ways_out_are_found_too(pattern: str) -> None:
    found = witness(pattern)

    assert verdict(pattern) is Verdict.OPENS
    assert (found.value, found.final) == OTHER_WAYS[pattern]


def test_a_variable_that_must_be_something_is_defined_beside_it() -> None:
    assert witness(rf"^{POOLS}=\$[A-Z]+$").helpers == (("X", '["x"]'),)
    assert witness("CI_JOB_ID$").helpers == (("CI_JOB_ID", ""),)
    assert witness("infra").helpers == ()


@pytest.mark.parametrize("pattern", HARMLESS)
def test_what_reaches_no_key_of_calico_is_safe(pattern: str) -> None:
    assert verdict(pattern) is Verdict.SAFE


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        (r"^cni\.projectcalico\.org/ipv4pools=team$", f"{POOLS}=team"),
        (r"^cni\.projectcalico\.org/ipAddrs=(\[\])?$", "cni.projectcalico.org/ipAddrs="),
        (r"^cni\.projectcalico\.org/ipFamilies=null$", "cni.projectcalico.org/ipFamilies=null"),
    ],
)
def test_a_key_that_can_only_be_broken_is_told_apart(pattern: str, value: str) -> None:
    assert verdict(pattern) is Verdict.KEY_ONLY
    assert witness(pattern).value == value


@pytest.mark.parametrize("pattern", ["^team=(", "[", "a**", r"\C", "(?=x)", r"\1", "\ud800"])
def test_what_go_refuses_is_invalid(pattern: str) -> None:
    decision = decide(pattern)

    assert decision.verdict is Verdict.INVALID
    assert decision.reason


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"^\p{Letter}=", "it has the Unicode class Letter"),
        ("(" * 90 + ")" * 90, "it has groups more than 80 deep"),
        (r"\pL{1000}", "google-re2 does not load it"),
        ("a{1000}" * 101, "it has more repetitions than can be written out"),
        ("(x*){1000}!$", "it has more states than are followed"),
        (rf"^{POOLS}=\$X\"a\$X$", "a way out was found that did not stand up when it was replayed"),
        (r"^cni.projectcalico.org/ipAddrs=\$\{a b\}$", "a way out needs a variable whose name GitLab may refuse"),
    ],
)
def test_what_is_not_decided_is_unknown_and_says_why(pattern: str, reason: str) -> None:
    decision = decide(pattern)

    assert (decision.verdict, decision.reason) == (Verdict.UNKNOWN, reason)


def test_the_limit_of_states_makes_unknown_never_safe() -> None:
    assert decide("^team=", most_steps=10).verdict is Verdict.UNKNOWN
    assert decide(".*", most_steps=400).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("read", "replayed"),
    [("^team=", ".*"), (f"^{POOLS}=x$", "^team=")],
    ids=["called safe", "called key-only"],
)
def test_two_readings_that_disagree_make_unknown(read: str, replayed: str) -> None:
    matches = {".*": lambda _: True, "^team=": lambda text: text.startswith("team=")}[replayed]

    found = answer(Search(build(parse(read))), matches, Setting.ANNOTATIONS, question(Setting.ANNOTATIONS))

    assert found == (Verdict.UNKNOWN, None, "google-re2 reads it differently than this check")


def test_a_witness_that_google_re2_refuses_is_no_proof() -> None:
    found = answer(Search(build(parse(".*"))), lambda _: False, Setting.ANNOTATIONS, question(Setting.ANNOTATIONS))

    assert found[0] is Verdict.UNKNOWN


# Other settings


@pytest.mark.parametrize(
    ("setting", "pattern", "expected", "value"),
    [
        (Setting.LABELS, ".*", Verdict.OPENS, "pod=faked"),
        (Setting.LABELS, "runner", Verdict.OPENS, "pod=faked$runner"),
        (Setting.LABELS, "^runner-bridge", Verdict.OPENS, "runner-bridge.dev/tier=faked"),
        (Setting.LABELS, r"^runner-bridge\.dev/pool=", Verdict.OPENS, "runner-bridge.dev/pool="),
        (Setting.LABELS, "^team=", Verdict.SAFE, None),
        (Setting.LABELS, "^project.runner.gitlab.com/id=", Verdict.SAFE, None),
        (Setting.NAMESPACE, ".*", Verdict.OPENS, "kube-system"),
        (Setting.NAMESPACE, "ci-team-.*", Verdict.OPENS, "prod-ci-team-x"),
        (Setting.NAMESPACE, "^ci-team-.*", Verdict.KEY_ONLY, "ci-team-x"),
        (Setting.NAMESPACE, "^ci-team-a$", Verdict.KEY_ONLY, "ci-team-a"),
        (Setting.NAMESPACE, "^(ci|prod)-", Verdict.KEY_ONLY, "ci-x"),
        (Setting.NAMESPACE, "A", Verdict.SAFE, None),
        (Setting.NAMESPACE, "x{64}", Verdict.SAFE, None),
        (Setting.NAMESPACE, "x{63}", Verdict.KEY_ONLY, "x" * 63),
        (Setting.SERVICE_ACCOUNT, "default", Verdict.OPENS, "prod-default"),
        (Setting.SERVICE_ACCOUNT, "^default$", Verdict.KEY_ONLY, "default"),
        (Setting.NODE_SELECTOR, ".*", Verdict.OPENS, "kubernetes.io/hostname=worker-2"),
        (Setting.NODE_SELECTOR, "hostname=n[0-9]$", Verdict.OPENS, "kubernetes.io/hostname=n0"),
        (Setting.NODE_SELECTOR, "team=", Verdict.SAFE, None),
        (Setting.NODE_SELECTOR, "x{64}$", Verdict.UNKNOWN, None),
        (Setting.NODE_TOLERATIONS, ".*", Verdict.OPENS, "node-role.kubernetes.io/control-plane:NoSchedule"),
        (Setting.NODE_TOLERATIONS, "^$", Verdict.OPENS, ""),
        (Setting.NODE_TOLERATIONS, "^ci-only=", Verdict.SAFE, None),
        (Setting.BEARER_TOKEN, "true", Verdict.OPENS, "$TOKEN_OF_ANOTHER_ACCOUNT"),
        (Setting.BEARER_TOKEN, "false", Verdict.SAFE, None),
        (Setting.BEARER_TOKEN, "", Verdict.SAFE, None),
    ],
)
def test_every_setting_has_its_own_way_out(
    setting: Setting, pattern: str, expected: Verdict, value: str | None
) -> None:
    decision = decide(pattern, setting=setting)

    assert decision.verdict is expected
    assert (decision.witness.value if decision.witness else None) == value


def test_a_label_that_the_configuration_sets_is_one_to_protect() -> None:
    assert verdict("^egress-profile=", Setting.LABELS) is Verdict.SAFE
    assert witness("^egress-profile=", Setting.LABELS, configured=["egress-profile"]).value == "egress-profile=faked"
    assert witness(".*", Setting.LABELS, configured=["egress-profile"]).value == "egress-profile=faked"


def test_a_label_that_the_runner_protects_cannot_be_changed() -> None:
    keys = ["project.runner.gitlab.com/id", "Manager.Runner.GitLab.com/name", "runner.gitlab.com/x"]

    assert decide(r"(?i)^[a-z.]*runner\.gitlab\.com/", setting=Setting.LABELS, configured=keys).verdict is Verdict.SAFE


def test_a_node_is_chosen_by_its_name_where_that_is_possible() -> None:
    found = witness(".*", Setting.NODE_SELECTOR, configured=["kubernetes.io/os"])

    assert (found.key, found.final) == ("kubernetes.io/hostname", "worker-2")


def test_a_configured_key_that_no_job_could_write_is_passed_over() -> None:
    assert decide("^team=", setting=Setting.LABELS, configured=["", "a=b", "é"]).verdict is Verdict.SAFE


def test_a_node_label_that_the_configuration_selects_by_is_one_to_protect() -> None:
    found = witness("^zone=", Setting.NODE_SELECTOR, configured=["zone"])

    assert (found.key, found.final) == ("zone", "worker-2")


@pytest.mark.parametrize(
    ("pattern", "verdict"),
    [
        (r"^kubernetes\.io/arch=(amd64|arm64)$", Verdict.SAFE),
        (r"^kubernetes\.io/arch=(worker-2|arm64)$", Verdict.SAFE),
        (r"^kubernetes\.io/arch=[a-z0-9]{3,5}$", Verdict.SAFE),
        (r"^kubernetes\.io/arch=arm.*$", Verdict.OPENS),
        (r"^kubernetes\.io/arch=[a-z]+$", Verdict.OPENS),
        (r"^(kubernetes\.io/arch=(amd64|arm64)|kubernetes\.io/hostname=a)$", Verdict.OPENS),
    ],
)
def test_a_list_of_the_values_of_a_node_label_is_an_admins_choice(pattern: str, verdict: Verdict) -> None:
    assert decide(pattern, setting=Setting.NODE_SELECTOR, configured=["kubernetes.io/arch"]).verdict is verdict


def test_what_the_remedy_for_node_labels_proposes_is_no_problem() -> None:
    proposed = codes.CHOOSES_NODE.remedy.partition("'")[2].rstrip("'")
    configured = ["kubernetes.io/arch"]
    assert decide(proposed, setting=Setting.NODE_SELECTOR, configured=configured).verdict is Verdict.SAFE


def test_an_unknown_setting_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="privileged"):
        decide(".*", setting="privileged")


# The witness as text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            Witness(variable="KUBERNETES_POD_ANNOTATIONS_1", value=DEFAULT),
            f"variables:\n  KUBERNETES_POD_ANNOTATIONS_1: '{DEFAULT}'\n",
        ),
        (
            Witness(variable="KUBERNETES_POD_ANNOTATIONS_1", value="a=$X", expand_false=True, helpers=(("X", "it's"),)),
            "variables:\n  KUBERNETES_POD_ANNOTATIONS_1:\n    value: 'a=$X'\n    expand: false\n  X: 'it''s'\n",
        ),
        (
            Witness(variable="V", value='a="\n\t\r\\\x00é\U0001f600'),
            'variables:\n  V: "a=\\"\\n\\t\\r\\\\\\x00\\xE9\\U0001F600"\n',
        ),
    ],
    ids=["plain", "with a helper", "with characters that need escapes"],
)
def test_a_witness_is_written_as_the_variables_of_a_job(found: Witness, text: str) -> None:
    assert found.as_yaml() == text


@pytest.mark.parametrize("pattern", [*OPEN, *OTHER_WAYS, "[^ -~]$", "\\x00", "'", "É"])
def test_a_witness_is_yaml_that_says_what_it_means(pattern: str) -> None:
    found = witness(pattern)

    said = YAML(typ="safe").load(found.as_yaml())["variables"]

    main = said.pop(found.variable)
    assert main == ({"value": found.value, "expand": False} if found.expand_false else found.value)
    assert said == dict(found.helpers)
