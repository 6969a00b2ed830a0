"""Which rights each purpose takes, and how a missing one is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from runner_bridge.core.doctor import Purpose, Right, missing, rights_for

DEPLOY = Path(__file__).parents[3] / "deploy"
OLD = "crd.projectcalico.org"


def granted(*files: str) -> set[tuple[str, str, str]]:
    """What the roles of some files grant: verb, resource, group."""
    found = set()
    for file in files:
        for one in YAML(typ="safe").load_all(DEPLOY / file):
            for rule in one.get("rules", ()) if one else ():
                found |= {(v, r, g) for v in rule["verbs"] for r in rule["resources"] for g in rule["apiGroups"]}
    return found


@pytest.mark.parametrize(
    ("purpose", "files"),
    [
        (Purpose.CHECK, ["rbac-read-only.yaml"]),
        (Purpose.OBSERVE, ["rbac-run.yaml"]),
        (Purpose.LABEL, ["rbac-run.yaml"]),
        (Purpose.ENFORCE, ["rbac-run.yaml", "rbac-enforce.yaml"]),
    ],
)
@pytest.mark.parametrize("group", [OLD, "projectcalico.org"])
def test_the_roles_in_deploy_grant_what_each_purpose_takes(purpose: Purpose, files: list[str], group: str) -> None:
    rights = rights_for(purpose, pools=group, blocks=group, deletes=True)
    needed = {(one.verb, one.resource, one.group) for one in rights}

    assert needed <= granted(*files)


def test_the_bridge_is_granted_no_write_that_it_does_not_take() -> None:
    rights = rights_for(Purpose.ENFORCE, pools=OLD, blocks=OLD, deletes=True, lease=("runner-bridge", "runner-bridge"))
    given = granted("rbac-run.yaml") | granted("rbac-enforce.yaml")
    writes = {one for one in given if one[0] not in {"get", "list", "watch"}}

    assert writes == {
        (one.verb, one.resource, one.group) for one in rights if one.verb in {"patch", "create", "delete", "update"}
    }


@pytest.mark.parametrize("purpose", Purpose)
def test_no_purpose_takes_secrets_and_deleting_takes_a_tier_that_says_so(purpose: Purpose) -> None:
    rights = rights_for(purpose, pools=OLD, blocks=OLD)

    deleted = {one.resource for one in rights if one.verb == "delete"}
    assert deleted == ({"pods"} if purpose is Purpose.PROBE else set())  # the one that it has made
    assert not [one for one in rights if one.resource == "secrets" or one.verb in {"deletecollection", "*"}]
    if purpose is not Purpose.ENFORCE:
        assert rights_for(purpose, pools=OLD, blocks=OLD, deletes=True) == rights


def test_a_cluster_without_calico_takes_no_rights_on_its_objects() -> None:
    for purpose in Purpose:
        assert not [one for one in rights_for(purpose, pools="", blocks="") if "calico" in one.full_resource]


def test_a_probe_may_write_nothing_but_pods_of_one_namespace() -> None:
    rights = rights_for(Purpose.PROBE, pools=OLD, blocks=OLD, namespace="ci")
    writes = {one for one in rights if one.verb not in {"get", "list"}}
    assert {(one.verb, one.resource, one.namespace) for one in writes} == {
        ("create", "pods", "ci"),
        ("delete", "pods", "ci"),
    }
    assert "get pods/log in namespace ci" in {str(one) for one in rights}


def test_one_namespace_needs_rights_there_alone() -> None:
    assert {one.namespace for one in rights_for(Purpose.CHECK, pools="", blocks="", namespace="ci")} == {"ci"}
    rights = rights_for(Purpose.LABEL, pools="", blocks="", namespace="ci")
    assert {one.namespace for one in rights if one.resource in {"pods", "events"}} == {"ci"}
    assert {one.resource for one in rights if not one.namespace} == {"namespaces", "nodes"}


def test_watching_all_blocks_takes_one_verb_more() -> None:
    few = rights_for(Purpose.OBSERVE, pools=OLD, blocks=OLD)
    more = rights_for(Purpose.OBSERVE, pools=OLD, blocks=OLD, watches_blocks=True)
    assert [str(one) for one in more if one not in few] == [f"watch ipamblocks.{OLD}"]
    assert rights_for(Purpose.OBSERVE, pools=OLD, blocks="", watches_blocks=True) == rights_for(
        Purpose.OBSERVE, pools=OLD, blocks=""
    )


def test_a_missing_right_names_its_verb_and_why_it_is_needed() -> None:
    have = Right(verb="get", resource="pods", why="a")
    lack = Right(verb="list", resource="ipamblocks", group=OLD, namespace="ci", why="who really holds an address")

    (finding,) = missing([have, lack], [True, False])

    assert finding.headline.startswith("list ipamblocks.crd.projectcalico.org in namespace ci:")
    assert finding.expected == "allowed: who really holds an address"
    assert "Grant the verb list on ipamblocks.crd.projectcalico.org" in finding.what_to_do
