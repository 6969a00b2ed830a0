"""The one way in: a whole policy, from one file or several, or every problem at once."""

from __future__ import annotations

import pytest

from runner_bridge.core.errors import PolicyError
from runner_bridge.core.model.codes import policy as codes
from runner_bridge.core.policy import Source, load
from runner_bridge.core.policy import model as p
from tests.core.policy.base import POLICY, TODAY, changed, problems, read


def test_the_whole_policy_becomes_values() -> None:
    policy = read(POLICY)
    infra = policy.tiers[p.TierName("infra")]
    assert [pool.name for pool in infra.pools] == ["infraestrutura"]
    assert infra.pools[0].encapsulation is p.Encapsulation.NONE
    assert (infra.pools[0].generated, policy.pools[p.PoolName("workload")].generated) == (True, False)
    assert infra.egress.kind is p.EgressKind.NODE
    assert infra.families == ("IPv4",)
    assert infra.job.namespace == "gitlab-runners"
    assert policy.runners[p.RunnerName("infra-19241")].short_ids == ("4xYqA7pLw",)
    assert policy.gitlab.url == "https://gitlab.example.com"
    assert policy.manager.concurrent == 20 + 2 + 10
    assert policy.people is p.People.OFF
    assert policy.waivers[0].until.isoformat() == "2027-03-31"
    assert policy.warnings == ()


def test_the_shortest_pool_is_only_recognised_with_what_calico_assumes() -> None:
    text = changed(("    encapsulation: none\n    generate: false\n", ""))
    policy = read(text)
    pool = policy.pools[p.PoolName("workload")]
    assert (pool.generated, pool.block_size, pool.nat_outgoing, pool.automatic) == (False, 26, False, True)
    assert [one.code.name for one in policy.warnings] == ["policy-encapsulation-assumed"]


def test_everything_that_may_be_said_arrives() -> None:
    manager = "concurrent: 7, check_interval: 5, shutdown_timeout: 60, log_level: warn, log_format: json"
    job = "service_account: ci, image: alpine, namespace: ci-job-1, poll_timeout: 500, annotation_overwrites: ^team=.*"
    workload = "tier: infra, namespace: logging, kind: DaemonSet, name: shipper"
    tier = f"annotations: {{example.com/a: $CI_JOB_ID}}\n    os: linux\n    job: {{{job}}}"
    text = changed(
        ("gitlab:\n", f"manager: {{{manager}, listen_address: ':9252'}}\ngitlab:\n"),
        ("name: prod-1", "name: prod-1\n  calico: {version: v3.32.1, pools_owner: tigera-operator}"),
        ("labels: {cost-centre: infra}", tier),
        ("waivers:\n", f"workloads:\n  - {{{workload}}}\nwaivers:\n"),
        ("people: off", "people: names"),
    )
    policy = read(text)
    infra = policy.tiers[p.TierName("infra")]
    assert policy.manager == p.Manager(
        concurrent=7,
        check_interval_s=5,
        shutdown_timeout_s=60,
        log_level="warn",
        log_format="json",
        listen_address=":9252",
    )
    assert policy.cluster.calico_version == (3, 32)
    assert policy.cluster.pools_owner is p.PoolsOwner.TIGERA_OPERATOR
    assert infra.annotations == {"example.com/a": "$CI_JOB_ID"}
    assert infra.os == "linux"
    assert infra.job == p.JobSettings(
        namespace="ci-job-1",
        service_account="ci",
        image="alpine",
        poll_timeout_s=500,
        annotation_overwrites="^team=.*",
        label_overwrites="",
    )
    assert [(one.kind, one.name) for one in policy.workloads] == [("DaemonSet", "shipper")]
    assert policy.people is p.People.NAMES


@pytest.mark.parametrize(
    ("written", "egress"),
    [
        ("none", p.Egress(kind=p.EgressKind.NONE)),
        ("gateway:workload", p.Egress(kind=p.EgressKind.GATEWAY, gateway=p.PoolName("workload"))),
        ("{gateway: workload}", p.Egress(kind=p.EgressKind.GATEWAY, gateway=p.PoolName("workload"))),
        ("external:[203.0.113.7, 203.0.113.64/28]", ("203.0.113.7/32", "203.0.113.64/28")),
        ("external:203.0.113.7", ("203.0.113.7/32",)),
        ("{external: ['2001:db8::7']}", ("2001:db8::7/128",)),
    ],
)
def test_egress_is_a_word_or_says_whose_address(written: str, egress: p.Egress | tuple[str, ...]) -> None:
    got = read(changed(("egress: node", f"egress: {written}"))).tiers[p.TierName("infra")].egress
    if isinstance(egress, tuple):
        assert got.kind is p.EgressKind.EXTERNAL
        assert tuple(map(str, got.addresses)) == egress
    else:
        assert got == egress


@pytest.mark.parametrize(("pool_class", "kind"), [("nat", "node"), ("routable", "pod"), ("isolated", "none")])
def test_without_egress_it_follows_from_the_class(pool_class: str, kind: str) -> None:
    text = changed(("    egress: node\n", ""), ("class: nat", f"class: {pool_class}"), ("    nat_outgoing: true\n", ""))
    assert read(text).tiers[p.TierName("infra")].egress.kind == kind


@pytest.mark.parametrize("written", ["instance", "group:a", "group:a/b", "project:7", "project:a/b"])
def test_a_scope_is_read_and_written_alike(written: str) -> None:
    policy = read(changed(('"group:platform"', f'"{written}"')))
    assert str(policy.runners[p.RunnerName("infra-platform")].scope) == written


def test_every_place_of_a_value_is_that_of_its_text() -> None:
    policy = read(POLICY)
    infra = policy.tiers[p.TierName("infra")]
    lines = POLICY.split("\n")
    assert lines[infra.place.line - 1][infra.place.column - 1 :] == "infra:"
    rule = infra.rules[1].place
    assert lines[rule.line - 1][rule.column - 1 : rule.end_column - 1] == '"id:19241"'
    runner = infra.runners[1].place
    assert lines[runner.line - 1][runner.column - 1 : runner.end_column - 1] == "infra-19241"


def test_all_problems_are_told_at_once_in_the_order_of_lines() -> None:
    text = changed(
        ("class: routable", "class: rotable"),
        ("block_size: 25", "block_size: 33"),
        ("limit: 20", "limit: '20'"),
        ("pin: false", "pni: false"),
        ("until: 2027-03-31", "until: soon"),
    )
    assert [(one.code.name, one.place and one.place.line) for one in problems(text)] == [
        ("policy-invalid-value", 12),
        ("policy-block-size", 18),
        ("policy-wrong-type", 28),
        ("policy-unknown-key", 33),
        ("policy-invalid-value", 37),
    ]


def test_a_tier_without_pools_in_a_policy_without_pools_is_told_to_have_one() -> None:
    found = problems("pools: {}\ntiers: {a: {pools: []}}\n")
    assert [one.expected for one in found if one.code is codes.TIER_WITHOUT_POOL] == ["at least one pool"]


def test_a_problem_shows_its_line_without_secrets() -> None:
    text = changed(("short_ids: [4xYqA7pLw]", "short_ids: [glrt-abcdefghijklmnopqrst]"))
    (found,) = problems(text)
    assert found.excerpt[0].endswith("short_ids: [[secret]]}")
    assert "abcdefgh" not in repr(found)


def test_the_error_names_the_first_problem_and_how_many_follow() -> None:
    with pytest.raises(PolicyError, match=r"policy\.yaml:12:12: pools\.workload\.class: .* \(and 1 more\)"):
        read(changed(("class: routable", "class: rotable"), ("limit: 20", "limit: x")))


# --- several files ---


def parts(*texts: str) -> list[Source]:
    return [Source(name=f"{number}.yaml", text=text) for number, text in enumerate(texts)]


def test_maps_and_lists_at_the_top_may_be_split_between_files() -> None:
    head, _, rest = POLICY.partition("tiers:\n")
    first, _, second = rest.partition("  default:\n")
    waiver = second[second.index("waivers:") :]
    policy = load(
        parts(
            head,
            f"version: 1\ntiers:\n{first}",
            f"tiers:\n  default:\n{second}",
            waiver.replace("node-tools", "tools").partition("privacy")[0],
            "",
            "# nothing here\n",
        ),
        today=TODAY,
    )
    assert list(policy.tiers) == ["infra", "default"]
    assert [one.project for one in policy.waivers] == ["platform/node-tools", "platform/tools"]
    assert policy.tiers[p.TierName("default")].place.file == "2.yaml"


@pytest.mark.parametrize(
    ("second", "place"),
    [
        pytest.param("pools:\n  workload: {cidr: 10.0.0.0/8, class: nat}\n", "1.yaml:2:3", id="pool"),
        pytest.param("version: 2\n", "1.yaml:1:1", id="version"),
        pytest.param("gitlab: {url: 'https://b.example.com'}\n", "1.yaml:1:10", id="url"),
        pytest.param("tiers: []\n", "1.yaml:1:1", id="kind"),
    ],
)
def test_a_key_in_two_files_is_a_problem_that_names_both(second: str, place: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load(parts(POLICY, second), today=TODAY)
    (found,) = (one for one in caught.value.findings if one.code.name == "policy-repeated-key")
    assert str(found.place) == place
    assert "0.yaml:" in found.observed


def test_a_file_that_is_not_yaml_hides_no_other_file_and_is_not_followed_by_what_it_would_define() -> None:
    with pytest.raises(PolicyError) as caught:
        load(parts("a: [", "pools:\n  a: {}\n  a: {}\n"), today=TODAY)
    assert [one.code.name for one in caught.value.findings] == ["policy-malformed", "policy-repeated-key"]


def test_one_file_holds_one_document() -> None:
    (found,) = problems(POLICY + "---\na: b\n")
    assert (found.code.name, found.place and found.place.line) == ("policy-malformed", POLICY.count("\n") + 2)


@pytest.mark.parametrize("more", ["", "---\na: b\n"], ids=["one object", "several documents"])
def test_a_kubernetes_object_among_the_files_is_one_problem(more: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load(parts(POLICY, f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{more}"), today=TODAY)
    (found,) = caught.value.findings
    assert (found.subject, found.observed, str(found.place)) == ("apiVersion", "a Kubernetes object", "1.yaml:1:1")


@pytest.mark.parametrize(
    "sources", [[], parts(""), parts("# a comment\n"), parts("---\n")], ids=["no-file", "empty", "comment", "null"]
)
def test_no_text_is_a_policy_without_its_keys(sources: list[Source]) -> None:
    with pytest.raises(PolicyError) as caught:
        load(sources, today=TODAY)
    assert {one.subject for one in caught.value.findings} >= {"version", "gitlab", "cluster", "pools", "tiers"}


@pytest.mark.parametrize("text", ["- a\n", "a\n"])
def test_a_text_that_is_no_map_is_a_problem(text: str) -> None:
    assert problems(text)[-1].code.name == "policy-wrong-type"


def test_a_pool_may_be_called_by_a_number() -> None:
    policy = read(changed(("  workload:\n", "  10:\n"), ("same-as workload", "same-as 10"), ("[workload]", "['10']")))
    assert list(policy.pools) == ["10", "infraestrutura"]
