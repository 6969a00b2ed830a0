"""What is not as declared: who is right, and what mends it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from runner_bridge.core.drift import Drift, Namespaces, drift
from runner_bridge.core.edits.live import Known, LiveConfiguration
from runner_bridge.core.edits.marker import UNFINISHED
from runner_bridge.core.edits.plan import plan
from runner_bridge.core.model.cluster import Asked, Namespace
from runner_bridge.core.model.edit import Plan
from runner_bridge.core.policy import model as p
from tests import make
from tests.core.edits.base import MARK, SHARED, infra, ip_pool, live, live_runners, policy

CI = p.Workload(tier=p.TierName("infra"), namespace="logging", kind="Namespace", name="", place=make.HERE)
ASKS = Asked(ipv4_pools='["infraestrutura"]')


def drifted(declared: p.Policy | None = None, namespaces: Namespaces | None = None, **changes: Any) -> Drift:
    chosen = declared or policy()
    return drift(chosen, plan(chosen, live(**changes), with_pools=True), namespaces or Namespaces())


def codes(found: Drift) -> list[str]:
    return [f"{one.code.name} {one.subject}" for one in found.found]


def test_what_is_as_declared_is_no_drift() -> None:
    assert drifted() == Drift(found=(), unseen=(), by_tier={"infra": 0, "default": 0})


@pytest.mark.parametrize(
    ("changes", "expected", "remedy"),
    [
        pytest.param(
            {"runners": live_runners(infra(tags=("infra", "more"), run_untagged=True), SHARED)},
            "runner-drifted runner infra-platform",
            "`runner-bridge apply --target runner.infra-platform`; or, if the change was meant, put it into the policy "
            "(run_untagged, tags).",
            id="settings",
        ),
        pytest.param(
            {"runners": live_runners(infra(description="theirs"), SHARED)},
            "runner-drifted runner infra-platform",
            "`runner-bridge apply --target runner.infra-platform`.",
            id="a name that is ours",
        ),
        pytest.param(
            {"runners": live_runners(SHARED)},
            "runner-gone runner infra-platform",
            "`runner-bridge apply --target runner.infra-platform`.",
            id="gone",
        ),
        pytest.param(
            {"runners": live_runners(infra(group_ids=(9,)), SHARED)},
            "runner-misplaced runner infra-platform",
            "Do what is shown.",
            id="another group's",
        ),
        pytest.param(
            {"runners": live_runners(infra(), SHARED, infra(id=30, short_sha="CCCCCCCC"))},
            "runner-left-over runner #30",
            "`runner-bridge apply --target runner.#30`.",
            id="left over",
        ),
        pytest.param(
            {"runners": live_runners(infra(maintenance_note=f"{MARK}\n{UNFINISHED}"), SHARED)},
            "runner-unfinished runner infra-platform",
            "`runner-bridge apply --target runner.infra-platform`.",
            id="cut off",
        ),
        pytest.param(
            {"configurations": {"ci-main": LiveConfiguration(before="x = 2\n", after="x = 1\n")}},
            "configuration-drifted configuration ci-main",
            "`runner-bridge apply --target configuration.ci-main`.",
            id="the file",
        ),
        pytest.param(
            {"configurations": {"ci-main": LiveConfiguration(before="x = 2\n", after="x = 1\n", owner="Argo CD")}},
            "configuration-drifted configuration ci-main",
            "Do what is shown.",
            id="somebody else's file",
        ),
        pytest.param(
            {"pools": (ip_pool(nat_outgoing=False),)},
            "pool-drifted pool infraestrutura",
            "`runner-bridge apply --target pool.infraestrutura --pools`.",
            id="a pool",
        ),
        pytest.param({"pools": ()}, "pool-drifted pool infraestrutura", "--pools`.", id="no pool"),
    ],
)
def test_what_apply_would_change_is_drift(changes: dict[str, Any], expected: str, remedy: str) -> None:
    found = drifted(**changes)
    assert codes(found) == [expected]
    assert found.found[0].what_to_do.endswith(remedy)
    assert "The policy is right" in found.found[0].cause


def test_what_differs_is_shown_as_it_is_and_as_it_was_declared() -> None:
    (one,) = drifted(runners=live_runners(infra(tags=()), SHARED)).found
    assert (one.observed, one.expected, one.place) == ("tag_list none", "tag_list infra", make.HERE)
    (file,) = drifted(configurations={"ci-main": LiveConfiguration(before="x = 2\n", after="x = 1\n")}).found
    assert "-x = 2" in file.proof


def test_a_token_that_nobody_has_is_told() -> None:
    nobody = {p.RunnerName("infra-platform"): Known(), p.RunnerName("shared"): Known(id=3, is_signed_in=True)}
    assert codes(drifted(runners=live_runners(known=nobody))) == ["runner-unfinished runner infra-platform"]


def test_somebody_elses_edit_without_a_text_says_where() -> None:
    whole = plan(
        policy(),
        live(configurations={"ci-main": LiveConfiguration(before="", after="a\n", owner="x")}),
        with_pools=True,
    )
    bare = structs.replace(whole, edits=tuple(structs.replace(one, text="") for one in whole.edits))
    assert drift(policy(), bare, Namespaces()).found[0].remedy == "Change it where it is kept."


def test_what_could_not_be_compared_is_kept_apart() -> None:
    found = drifted(runners=None, runners_trouble="away", namespaces=Namespaces(trouble="no right to list namespaces"))
    assert codes(found) == []
    assert [(one.code.name, one.cause) for one in found.unseen] == [
        ("runners-unseen", "away"),
        ("namespaces-unseen", "no right to list namespaces"),
    ]


# --- namespaces ---


def of_namespaces(*namespaces: Namespace, **changes: Any) -> list[tuple[str, str, str, str]]:
    found = drift(policy(**changes), Plan(), Namespaces(items=namespaces)).found
    return [(one.code.name, one.subject, one.observed, one.what_to_do) for one in found]


@pytest.mark.parametrize(
    "text",
    ['["infraestrutura"]', '["172.16.0.0/16"]', '["172.16.3.0/16"]', '["workload", "infra\\u0065strutura"]'],
)
def test_a_namespace_that_gives_a_tiers_addresses_away_is_drift(text: str) -> None:
    (one,) = of_namespaces(Namespace(name="team", asked=Asked(ipv4_pools=text)))
    assert one == (
        "namespace-grants-pool",
        "namespace team",
        text,
        (
            "`kubectl annotate namespace team cni.projectcalico.org/ipv4pools-`; or, if it was meant, declare it: "
            "`workloads: [{tier: infra, namespace: team, kind: Namespace}]`."
        ),
    )


@pytest.mark.parametrize(
    "asked",
    [
        Asked(),
        Asked(ipv4_pools=""),
        Asked(ipv4_pools="[]"),
        Asked(ipv4_pools="no list"),
        Asked(ipv4_pools='["workload"]'),
        Asked(ipv4_pools='["10.10.0.0/16", "not/cidr", "192.0.2.0/24"]'),
        Asked(ipv6_pools='["other"]'),
    ],
)
def test_a_namespace_that_gives_nothing_of_a_tier_away_is_none(asked: Asked) -> None:
    assert of_namespaces(Namespace(name="team", asked=asked)) == []


def test_a_namespace_that_jobs_of_the_tier_have_for_themselves_may_ask_for_its_pools() -> None:
    own = make.policy(make.tier())
    asks = Namespaces(items=(Namespace(name="gitlab-runners", asked=ASKS),))
    assert drift(own, Plan(), asks).found == ()
    assert codes(drift(make.policy(), Plan(), asks)) == ["namespace-grants-pool namespace gitlab-runners"]


@pytest.mark.parametrize(
    ("namespaces", "observed"),
    [
        ([], "no such namespace"),
        ([Namespace(name="logging")], "nothing"),
        ([Namespace(name="logging", asked=Asked(ipv4_pools='["workload"]'))], '["workload"]'),
        ([Namespace(name="logging", asked=Asked(ipv4_pools="x" * 200))], "x" * 120 + "…"),
    ],
)
def test_a_declared_namespace_has_to_ask_for_the_pools(namespaces: list[Namespace], observed: str) -> None:
    (one,) = of_namespaces(*namespaces, workloads=(CI,))
    assert one[:3] == ("namespace-drifted", "namespace logging", observed)
    assert one[3].startswith(
        "`kubectl annotate --overwrite namespace logging 'cni.projectcalico.org/ipv4pools=[\"infraestrutura\"]'`"
    )


def test_a_declared_namespace_that_asks_is_in_order() -> None:
    assert of_namespaces(Namespace(name="logging", asked=ASKS), workloads=(CI,)) == []
    by_cidr = Asked(ipv4_pools='[ "172.16.0.0/16" ]')
    assert of_namespaces(Namespace(name="logging", asked=by_cidr), workloads=(CI,)) == []


def test_a_namespace_of_a_tier_that_is_not_pinned_need_not_ask() -> None:
    everywhere = p.Workload(tier=p.TierName("default"), namespace="logging", kind="Namespace", name="", place=make.HERE)
    other = p.Workload(tier=p.TierName("infra"), namespace="logging", kind="DaemonSet", name="x", place=make.HERE)
    assert of_namespaces(workloads=(everywhere, other)) == []


def test_each_tier_counts_what_is_not_as_declared_of_its_things() -> None:
    runners = live_runners(infra(tags=()), SHARED, infra(id=30, short_sha="CCCCCCCC"))
    configurations = {"ci-main": LiveConfiguration(before="", after="x = 1\n")}
    team = Namespaces(items=(Namespace(name="team", asked=ASKS),))
    found = drifted(runners=runners, configurations=configurations, pools=(), namespaces=team)
    assert len(found.found) == 5
    assert found.by_tier == {"infra": 4, "default": 1}
    declared = drift(policy(workloads=(CI,)), Plan(), Namespaces())
    assert declared.by_tier == {"infra": 1, "default": 0}
