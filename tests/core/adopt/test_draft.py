from __future__ import annotations

from typing import Any

import pytest

from runner_bridge.core.adopt.draft import Options, PolicyDraft, Undecided, draft
from runner_bridge.core.adopt.existing import read_runners
from runner_bridge.core.adopt.pools import parse_pool, read_pools

POOLS = (parse_pool("infra=172.16.0.0/16,nat"), parse_pool("workload=10.10.0.0/16,routable,automatic"))


def section(
    name: str, kubernetes: str = "", *, head: str = 'url = "https://gitlab.example.com"', pool: str = ""
) -> str:
    pinned = (
        f"[runners.kubernetes.pod_annotations]\n'cni.projectcalico.org/ipv4pools' = '[\"{pool}\"]'\n" if pool else ""
    )
    return (
        f'[[runners]]\nname = "{name}"\nexecutor = "kubernetes"\n{head}\n[runners.kubernetes]\n{kubernetes}\n{pinned}'
    )


def plan(*sections: str, **options: Any) -> PolicyDraft:
    text = "".join(sections)
    return draft(read_runners(text, "config.toml"), "config.toml", Options(**({"pools": POOLS} | options)))


def open_things(*sections: str, **options: Any) -> tuple[str, ...]:
    with pytest.raises(Undecided) as undecided:
        plan(*sections, **options)
    assert undecided.value.exit_code == 2
    return undecided.value.problems


@pytest.mark.parametrize("tail", ["", "/", "/ci", "/ci/"])
def test_the_url_is_that_of_the_runners_as_a_policy_writes_it(tail: str) -> None:
    head = f'url = "https://gitlab.example.com{tail}"'
    assert plan(section("a", head=head)).url == "https://gitlab.example.com"


def test_runners_of_two_gitlabs_need_a_choice_and_the_others_are_left_alone() -> None:
    both = section("a"), section("b", head='url = "https://other.example.com"')
    assert "https://gitlab.example.com, https://other.example.com" in open_things(*both)[0]
    chosen = plan(*both, gitlab_url="https://gitlab.example.com/")
    assert [one.name for tier in chosen.tiers for one in tier.runners] == ["a"]
    assert chosen.notes == ("runner 'b' (line 7): left alone, because it is of https://other.example.com.",)


@pytest.mark.parametrize("head", ["", 'url = "$CI_SERVER_URL"'])
def test_a_url_that_only_the_environment_knows_is_asked_for(head: str) -> None:
    assert "--gitlab-url URL" in open_things(section("a", head=head))[0]
    assert plan(section("a", head=head), gitlab_url="https://x.example").url == "https://x.example"


@pytest.mark.parametrize("url", ["https://gitlab.com.example.com", "https://x.gitlab.com", "https://[broken", "x"])
def test_what_is_not_gitlab_com_needs_no_groups(url: str) -> None:
    assert plan(section("a", head=f'url = "{url}"')).url == url


def test_case_makes_no_other_gitlab() -> None:
    both = section("a"), section("b", head='url = "https://GitLab.example.com/"')
    assert len(plan(*both).tiers[0].runners) == 2


def test_no_password_in_a_url_is_told() -> None:
    both = section("a"), section("b", head='url = "https://user:hunter2@other.example.com"')
    assert "hunter2" not in " ".join(open_things(*both))
    assert "hunter2" not in " ".join(plan(*both, gitlab_url="https://gitlab.example.com").notes)
    (said,) = open_things(both[1])
    assert said.endswith("Give --gitlab-url https://other.example.com")


def test_gitlab_com_needs_the_groups_that_are_ours() -> None:
    head = 'url = "https://gitlab.com/"'
    assert "--root-group" in open_things(section("a", head=head))[0]
    assert plan(section("a", head=head), root_groups=("acme",)).root_groups == ("acme",)


def test_a_namespace_of_a_template_is_asked_for_and_one_that_is_written_stays() -> None:
    both = section("a", "namespace = '{{.Release.Namespace}}'"), section("b", "namespace = 'ci'")
    assert "--namespace NAME" in open_things(*both)[0]
    assert plan(*both, namespace="runners").namespaces == ("runners", "ci")


def test_the_namespaces_of_jobs_are_known_also_where_each_job_has_its_own() -> None:
    assert plan(section("a", "namespace_per_job = true")).namespaces == ("default", "ci-job-*")


@pytest.mark.parametrize(
    ("name", "head", "known_as"),
    [
        pytest.param("produção (1)", 'token = "glrt-4xYqA7pLwFAKETOKEN00"', "produ__o__1", id="as job pods show it"),
        pytest.param("produção", 'token = "$TOKEN"', None, id="a section that could not be found again"),
        pytest.param("a b", 'token = "glrt-4xYq"', None, id="a token too short to tell runners apart"),
        pytest.param("ü", 'token = "glrt-4xYqA7pLwFAKETOKEN00"', None, id="nothing is left of it"),
    ],
)
def test_a_name_that_no_label_holds_becomes_the_one_on_the_pods_where_the_token_finds_the_section(
    name: str, head: str, known_as: str | None
) -> None:
    text = section(name, head=f'url = "https://gitlab.example.com"\n{head}')
    if known_as is None:
        assert "cannot hold this name" in open_things(text)[0]
    else:
        assert plan(text).tiers[0].runners[0].name == known_as


def test_all_that_is_open_is_told_at_once() -> None:
    text = section("a", "namespace = '$NS'", head="") + section("b", "namespace = 5", pool="x")
    said = open_things(text, pools=())
    assert len(said) == 4
    assert "4 things are open" in str(Undecided("config.toml", said))


def test_a_file_without_a_runner_of_kubernetes_is_no_source() -> None:
    assert open_things('[[runners]]\nname = "d"\nexecutor = "docker"\n') == (
        "no runner uses the Kubernetes executor, and a policy is about no other. Name another file.",
    )


def test_the_one_tier_that_asks_for_no_pool_takes_all_other_projects() -> None:
    assert plan(section("a", pool="infra"), section("b")).rules == {"default": ("**",)}


def test_rules_of_the_admin_go_to_their_tiers_and_a_catch_all_is_not_given_twice() -> None:
    both = section("a", pool="infra"), section("b")
    rules = plan(*both, project_rules=(("infra", "platform/**"), ("infra", "id:5"))).rules
    assert rules == {"infra": ("platform/**", "id:5"), "default": ("**",)}
    assert plan(*both, project_rules=(("infra", "**"),)).rules == {"infra": ("**",)}


def test_pools_of_the_tiers_come_first_and_no_pool_for_pods_is_left_out() -> None:
    dumped = read_pools(
        '{"kind": "List", "items": [{"kind": "IPPool", "metadata": {"name": "other"}, "spec": {"cidr": "10.1.0.0/16"}},'
        ' {"kind": "IPPool", "metadata": {"name": "off"}, "spec": {"cidr": "10.2.0.0/16", "disabled": true}}]}',
        "-",
    )
    assert [one.name for one in plan(section("a", pool="infra"), dumped_pools=dumped).pools] == [
        "infra",
        "other",
        "workload",
    ]


def test_pools_that_share_addresses_are_open_and_families_are_never_compared() -> None:
    both = (*POOLS, parse_pool("x=172.16.128.0/17,nat"), parse_pool("v6=fd00::/64,nat"))
    (said,) = open_things(section("a"), pools=both)
    assert "pools 'infra' (172.16.0.0/16) and 'x' (172.16.128.0/17) share addresses" in said


def test_on_gitlab_com_a_runner_is_of_a_group() -> None:
    assert plan(section("a")).scope == "instance"
    ours = section("a", head='url = "https://gitlab.com"')
    assert plan(ours, root_groups=("acme",)).scope == "group:acme"


@pytest.mark.parametrize(
    ("tokens", "known"),
    [
        pytest.param(("glrt-4xYqA7pLwFAKETOKEN00", "glrt-9mZrT5kQxFAKETOKEN00"), [True, True], id="each its own"),
        pytest.param(
            ("glrt-4xYqA7pLwFAKETOKEN00", "glrt-4xYqA7pLwFAKETOKEN11"), [False, False], id="shared by two tokens"
        ),
        pytest.param(("glrt-4xYq", "$TOKEN"), [False, False], id="too short, or a reference"),
    ],
)
def test_a_short_id_is_written_where_it_tells_runners_apart(tokens: tuple[str, str], known: list[bool]) -> None:
    url = 'url = "https://gitlab.example.com"'
    found = plan(*(section(f"r{at}", head=f'{url}\ntoken = "{token}"') for at, token in enumerate(tokens)))
    assert [bool(one.short_id) for tier in found.tiers for one in tier.runners] == known


def test_a_rule_for_a_tier_that_is_none_names_those_that_are() -> None:
    (said,) = open_things(section("a", pool="infra"), project_rules=(("infrastructure", "platform/**"),))
    assert "Tiers are infra." in said


def test_where_two_tiers_ask_for_no_pool_none_takes_all_projects() -> None:
    assert plan(section("a", "namespace = 'x'"), section("b")).rules == {}


def test_a_job_says_what_does_not_follow_from_the_rest() -> None:
    found = plan(
        section(
            "a", 'service_account = "s"\nimage = "i"\npoll_timeout = 30\npod_annotations_overwrite_allowed = "^t="'
        ),
        section("b", 'namespace = "x"\npod_labels_overwrite_allowed = "^t="'),
    )
    assert [found.job(tier) for tier in found.tiers] == [
        {"service_account": "s", "image": "i", "poll_timeout": 30, "annotation_overwrites": "^t="},
        {"namespace": "x", "label_overwrites": "^t="},
    ]


def test_what_only_helm_can_fill_in_is_left_to_the_file() -> None:
    template = "'{{ .Values.x }}'"
    found = plan(section("a", f"image = {template}\nservice_account = {template}\npoll_timeout = -1"))
    assert found.job(found.tiers[0]) == {}


def test_what_runners_of_one_tier_do_not_share_stays_with_them() -> None:
    found = plan(section("a", 'image = "i"\npoll_timeout = 30'), section("b", 'image = "j"\npoll_timeout = 90'))
    assert found.job(found.tiers[0]) == {"poll_timeout": 90}


def test_no_secret_of_the_file_is_told() -> None:
    said = open_things(section("a", 'namespace = "$glrt-4xYqA7pLwFAKETOKEN00"'))
    assert "FAKETOKEN" not in " ".join(said)
