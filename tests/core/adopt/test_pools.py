from __future__ import annotations

import json

import pytest

from runner_bridge.core.adopt.pools import KnownPool, KnownPools, parse_pool, read_pools
from runner_bridge.core.errors import SettingsError, WireError

DUMP = """
apiVersion: v1
kind: List
items:
- apiVersion: crd.projectcalico.org/v1
  kind: IPPool
  metadata: {name: default-ipv4-ippool}
  spec: {cidr: 10.10.0.0/16, blockSize: 26, nodeSelector: all()}
- apiVersion: crd.projectcalico.org/v1
  kind: IPPool
  metadata: {name: infraestrutura}
  spec: {cidr: 172.16.0.0/16, natOutgoing: true, nodeSelector: "!all()"}
- kind: ConfigMap
  metadata: {name: other}
"""


def ippool(**spec: object) -> str:
    return json.dumps({"kind": "IPPool", "metadata": {"name": "p"}, "spec": {"cidr": "10.0.0.0/8", **spec}})


def names(pools: tuple[KnownPool, ...]) -> list[str]:
    return [one.name for one in pools]


def test_a_dump_tells_cidr_class_and_who_lands_in_a_pool() -> None:
    default, infra = read_pools(DUMP, "ippools.yaml")
    assert (default.name, str(default.cidr), default.pool_class, default.automatic) == (
        "default-ipv4-ippool",
        "10.10.0.0/16",
        "routable",
        True,
    )
    assert (infra.name, str(infra.cidr), infra.pool_class, infra.automatic) == (
        "infraestrutura",
        "172.16.0.0/16",
        "nat",
        False,
    )


def test_one_object_several_documents_and_a_typed_list_are_read_too() -> None:
    typed = json.dumps(
        {"kind": "IPPoolList", "items": [{"metadata": {"name": "q"}, "spec": {"cidr": "10.0.0.0/8"}}, 5]}
    )
    assert names(read_pools(f"{ippool()}\n---\n{typed}\n", "-")) == ["p", "q"]


def test_a_pool_that_both_api_groups_show_counts_once() -> None:
    assert len(read_pools(f"{ippool()}\n---\n{ippool()}\n", "-")) == 1


@pytest.mark.parametrize(
    "spec",
    [
        {"disabled": True},
        {"assignmentMode": "Manual"},
        {"nodeSelector": " ! all( ) "},
        {"namespaceSelector": "team == 'a'"},
        {"allowedUses": ["Tunnel"]},
        {"allowedUses": "Workload"},
    ],
    ids=str,
)
def test_a_pool_that_does_not_take_every_pod_is_not_automatic(spec: dict[str, object]) -> None:
    assert not read_pools(ippool(**spec), "-")[0].automatic


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("kind: ConfigMap", "holds no IPPool", id="another kind"),
        pytest.param("", "holds no IPPool", id="empty"),
        pytest.param('{"kind": "IPPool", "spec": {"cidr": "10.0.0.0/8"}}', "holds no IPPool", id="no name"),
        pytest.param(ippool(cidr="10.0.0.1/8"), "IPPool 'p': '10.0.0.1/8' is not a CIDR", id="host bits"),
        pytest.param(ippool(cidr=None), "IPPool 'p': 'None' is not a CIDR", id="no cidr"),
    ],
)
def test_a_dump_without_pools_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=r"^ippools\.yaml: ") as refused:
        read_pools(text, "ippools.yaml")
    assert said in str(refused.value)


def test_a_dump_that_is_not_yaml_is_refused_with_its_place() -> None:
    with pytest.raises(WireError, match=r"ippools.yaml:1:"):
        read_pools("a: b: c", "ippools.yaml")


def test_a_flag_names_pool_cidr_and_class() -> None:
    pool = parse_pool("infra = 172.16.0.0/16, nat")
    assert (pool.name, str(pool.cidr), pool.pool_class) == ("infra", "172.16.0.0/16", "nat")


@pytest.mark.parametrize(
    "text",
    [
        "infra",
        "infra=172.16.0.0/16",
        "=172.16.0.0/16,nat",
        "infra=172.16.0.0/16,public",
        "infra=172.16/16,nat",
        "a=10.0.0.0/8,nat,x",
    ],
)
def test_a_flag_that_leaves_something_open_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(SettingsError, match="--pool") as refused:
        parse_pool(text)
    assert "172.16.0.0/16" in str(refused.value)


def known(*flags: str, dump: str = "") -> KnownPools:
    return KnownPools(map(parse_pool, flags), read_pools(dump, "-") if dump else ())


@pytest.mark.parametrize("entry", ["infraestrutura", "172.16.0.0/16", "172.16.3.4/16"])
def test_a_pool_is_found_by_name_and_by_cidr_as_calico_does(entry: str) -> None:
    found = known(dump=DUMP).find(entry)
    assert found is not None
    assert found.name == "infraestrutura"


@pytest.mark.parametrize("entry", ["other", "172.17.0.0/16"])
def test_a_pool_that_nobody_named_is_not_invented(entry: str) -> None:
    assert known(dump=DUMP).find(entry) is None


def test_a_flag_wins_over_the_dump() -> None:
    found = known("infraestrutura=172.18.0.0/16,isolated", dump=DUMP).find("infraestrutura")
    assert found is not None
    assert (str(found.cidr), found.pool_class) == ("172.18.0.0/16", "isolated")


def test_pods_that_ask_for_nothing_land_in_the_automatic_pools_also_when_a_runner_names_one() -> None:
    assert names(known(dump=DUMP).of_unpinned({"default-ipv4-ippool"})) == ["default-ipv4-ippool"]


def test_pods_that_ask_for_nothing_land_in_the_flags_that_no_runner_names() -> None:
    pools = known("infra=172.16.0.0/16,nat", "workload=10.10.0.0/16,routable", dump=DUMP)
    assert names(pools.of_unpinned({"infra"})) == ["workload"]


def test_flags_that_are_marked_win_over_those_that_no_runner_names() -> None:
    pools = known("infra=172.16.0.0/16,nat", "workload=10.10.0.0/16,routable,automatic", dump=DUMP)
    assert names(pools.of_unpinned({"workload"})) == ["workload"]


def test_pools_for_pods_are_all_but_those_that_no_pod_can_use() -> None:
    pools = known("infra=172.18.0.0/16,nat", dump=f"{DUMP}\n---\n{ippool(allowedUses=['Tunnel'])}")
    assert names(pools.for_pods) == ["default-ipv4-ippool", "infraestrutura", "infra"]


def test_where_all_flags_are_named_by_runners_nothing_is_left_for_others() -> None:
    assert known("infra=172.16.0.0/16,nat").of_unpinned({"infra"}) == ()
