from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.adopt import Adoption, Options, Undecided, adopt_runner_config
from runner_bridge.core.adopt.pools import parse_pool
from runner_bridge.core.policy import Source, load
from runner_bridge.render.fragment import merge
from tests.core.adopt.sections import changed as changed_between
from tests.core.adopt.sections import sections

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Policy

SAMPLES = Path(__file__).parent / "samples"
GROWN = (SAMPLES / "grown.toml").read_text(encoding="utf-8")
POOLS = ("infraestrutura=172.16.0.0/16,nat", "edge=172.18.0.0/16,nat", "workload=10.10.0.0/16,routable,automatic")
MAY_CHANGE = {
    "limit",
    "feature_flags.FF_SUSPENDABLE_ENVIRONMENTS",
    "feature_flags.FF_USE_ADVANCED_POD_SPEC_CONFIGURATION",
    "kubernetes.automount_service_account_token",
    "kubernetes.bearer_token_overwrite_allowed",
    "kubernetes.namespace_overwrite_allowed",
    "kubernetes.node_selector_overwrite_allowed",
    "kubernetes.node_tolerations_overwrite_allowed",
    "kubernetes.pod_annotations_overwrite_allowed",
    "kubernetes.pod_labels_overwrite_allowed",
    "kubernetes.service_account_overwrite_allowed",
    "kubernetes.namespace",
    "kubernetes.poll_timeout",
    "kubernetes.pod_labels.runner-bridge.dev/tier",
    "kubernetes.pod_annotations.runner-bridge.dev/generation",
    "kubernetes.pod_annotations.cni.projectcalico.org/ipv4pools",
}
"""All that an adopted policy may ever change in a section; nothing of it is another pool, place, name or token."""


def adopt(text: str, *flags: str, **options: Any) -> Adoption:
    pools = tuple(map(parse_pool, flags or POOLS))
    return adopt_runner_config(text, "config.toml", options=Options(pools=pools, **options), merge=merge)


def policy_of(adoption: Adoption) -> Policy:
    return load([Source(name="policy.yaml", text=adoption.policy)], today=date(2026, 1, 1))


def changed(before: str, after: str) -> set[tuple[str, ...]]:
    return changed_between(tomllib.loads(before), tomllib.loads(after))


def assert_differs_in_nothing_but_what_it_names(text: str, adoption: Adoption) -> None:
    merged = merge(text, policy_of(adoption))
    assert {one.path for one in adoption.differences} == changed(text, merged)
    assert {".".join(path[2:]) for path in changed(text, merged)} <= MAY_CHANGE
    assert adopt(merged).differences == ()


def test_a_grown_file_differs_from_its_policy_in_nothing_but_what_is_named() -> None:
    assert_differs_in_nothing_but_what_it_names(GROWN, adopt(GROWN))


def test_a_grown_file_reads_as_an_admin_wants_to_read_it(golden: Any) -> None:
    golden(Path(__file__).parent / "golden" / "grown.policy.yaml", adopt(GROWN).policy)


def test_the_policy_says_what_the_file_says() -> None:
    policy = policy_of(adopt(GROWN, project_rules=(("infraestrutura", "platform/**"),)))
    infra, rest = policy.tiers.values()
    assert [pool.name for pool in infra.pools] == ["infraestrutura"]
    assert [(one.name, one.limit, one.short_ids) for one in infra.runners] == [
        ("infra-platform", 20, ("4xYqA7pLw",)),
        ("infra-network", 0, ("9mZrT5kQx",)),
    ]
    assert (infra.pin, rest.pin) == (True, False)
    assert (infra.job.namespace, infra.job.service_account, rest.job.namespace) == ("ci-infra", "ci-builder", "ci")
    assert (dict(infra.labels), dict(infra.annotations)) == (
        {"cost-centre": "infra"},
        {"example.com/ref": "$CI_COMMIT_REF_NAME"},
    )
    assert [rule.text for rule in (*infra.rules, *rest.rules)] == ["platform/**", "**"]
    assert policy.manager.concurrent == 30


def test_groups_of_ours_are_written_where_gitlab_com_needs_them() -> None:
    text = GROWN.replace("https://gitlab.example.com", "https://gitlab.com")
    assert policy_of(adopt(text, root_groups=("acme",))).gitlab.root_groups == ("acme",)


def test_what_is_left_to_complete_is_what_the_policy_warns_of() -> None:
    assert {one.code.name for one in policy_of(adopt(GROWN)).warnings} == {
        "policy-runner-never-used",
        "policy-tier-without-rule",
    }


def test_what_the_admin_completes_changes_nothing_more_in_the_file() -> None:
    adoption = adopt(GROWN)
    text = adoption.policy.replace("tags: []  # complete", "tags: [x]").replace("scope: instance", "scope: group:x")
    completed = load([Source(name="p", text=text.replace("projects: []", "projects: [x/**]"))], today=date(2026, 1, 1))
    assert completed.warnings == ()
    assert merge(GROWN, completed) == merge(GROWN, policy_of(adoption))


def test_the_first_line_names_the_schema_and_every_line_of_the_report_is_a_comment_of_80_columns() -> None:
    adoption = adopt(GROWN)
    first, *lines = adoption.policy.splitlines()
    assert first == "# yaml-language-server: $schema=policy.schema.json"
    assert [line.removeprefix("#").removeprefix(" ") for line in lines[: len(adoption.report)]] == list(adoption.report)
    assert max(map(len, lines)) <= 80


def test_no_token_and_no_key_of_a_store_reaches_the_policy() -> None:
    assert "FAKETOKEN" not in adopt(GROWN).policy
    assert "not for anybody" not in adopt(GROWN).policy


def test_a_report_cannot_break_out_of_its_comment() -> None:
    text = GROWN.replace('"job.runner.gitlab.com/team"', '"runner.gitlab.com/a\\u0085version: 2\\u2028b"')
    assert policy_of(adopt(text)).tiers


def test_an_overwrite_that_a_policy_takes_stays_and_another_is_closed() -> None:
    def section(name: str, pattern: str) -> str:
        return (
            f'[[runners]]\nname = "{name}"\nurl = "https://gitlab.example.com"\nexecutor = "kubernetes"\n'
            f'[runners.kubernetes]\npod_annotations_overwrite_allowed = "{pattern}"\n'
        )

    policy = policy_of(adopt(section("a", ".*") + section("b", "") + section("c", "^team=(")))
    assert {name: [one.name for one in tier.runners] for name, tier in policy.tiers.items()} == {
        "default": ["a", "b", "c"]
    }
    assert policy.tiers["default"].job.annotation_overwrites == ""  # type: ignore[index]


def test_what_only_the_policy_refuses_is_told_as_well_without_a_place_in_a_file_that_nobody_has() -> None:
    with pytest.raises(Undecided) as undecided:
        adopt(GROWN, "infraestrutura=172.16.0.0/16,nat", "BIG_NAME=10.0.0.0/8,routable")
    (said,) = undecided.value.problems
    assert said.startswith("pools.BIG_NAME: ")


def test_a_tier_of_one_family_says_so_on_a_cluster_of_two() -> None:
    adoption = adopt(GROWN, *POOLS, "v6=fd00:10::/64,routable,automatic")
    assert [tier.families for tier in policy_of(adoption).tiers.values()] == [("IPv4",), ("IPv4", "IPv6")]
    assert any("ipFamilies" in one.path[-1] for one in adoption.differences)


RECORDED = sorted(path for path in SAMPLES.glob("recorded-*.toml"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_a_real_runner_ran_with_differs_in_nothing_but_what_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    adoption = adopt(text)
    assert {one.path for one in adoption.differences} == changed(text, merge(text, policy_of(adoption)))
    assert adopt(merge(text, policy_of(adoption))).differences == ()


@given(st.lists(sections(), min_size=1, max_size=4), st.booleans())
def test_any_file_differs_from_its_policy_in_nothing_but_what_is_named(bodies: list[str], docker: bool) -> None:
    other = '[[runners]]\nname = "other"\nexecutor = "docker"\n[runners.docker]\nimage = "x"\n' if docker else ""
    text = "concurrent = 4 # jobs\n" + other
    text += "".join(f'\n[[runners]]\nname = "r{at}"\n{body}\n' for at, body in enumerate(bodies))
    assert_differs_in_nothing_but_what_it_names(text, adopt(text))
