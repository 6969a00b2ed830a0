"""Pools: what a real API server refused is an error, what is dangerous is found, and a good pool is left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.lint.context import Context
from runner_bridge.core.lint.ip_pools import lint
from runner_bridge.core.model import Finding, Severity
from runner_bridge.core.policy.model import PoolClass
from tests import make

SAMPLES = Path(__file__).parent / "samples"
GOOD = {
    "cidr": "172.16.0.0/16",
    "blockSize": 25,
    "ipipMode": "CrossSubnet",
    "vxlanMode": "Never",
    "natOutgoing": True,
    "nodeSelector": "all()",
    "allowedUses": ["Workload"],
}


def manifest(name: str = "infra", api: str = "projectcalico.org/v3", **spec: Any) -> str:
    """A good pool with changes; a field that is None is left out."""
    fields = {key: value for key, value in (GOOD | spec).items() if value is not None}
    return json.dumps({"apiVersion": api, "kind": "IPPool", "metadata": {"name": name}, "spec": fields})


def found(*texts: str, context: Context | None = None) -> list[Finding]:
    named = [(text, f"{number}.yaml") for number, text in enumerate(texts)]
    return list(lint(named, context or Context()))


def codes(*texts: str, context: Context | None = None) -> list[str]:
    return [finding.code.name.removeprefix("ippool-") for finding in found(*texts, context=context)]


def alone(context: Context | None = None, **spec: Any) -> list[str]:
    return codes(manifest(**spec), context=context)


RECORDED = json.loads((SAMPLES / "ip-pools-api-server.json").read_text())
DANGEROUS = {"unparsable nodeSelector: accepted"}


@pytest.mark.parametrize("row", RECORDED, ids=[row["case"] for row in RECORDED])
def test_an_error_is_what_the_api_server_refused_or_what_is_dangerous(row: dict[str, Any]) -> None:
    text = json.dumps(
        {"apiVersion": "crd.projectcalico.org/v1", "kind": "IPPool", "metadata": {"name": "probe"}, "spec": row["spec"]}
    )
    errors = [one for one in found(text) if one.code.severity is Severity.ERROR]
    refused = row["http"] == 422
    assert bool(errors) == (refused or row["case"] in DANGEROUS)


SELECTED = json.loads((SAMPLES / "ip-pools-selection.json").read_text())


@pytest.mark.parametrize("row", SELECTED, ids=[row["setting"] for row in SELECTED])
def test_a_setting_that_broke_unannotated_pods_is_an_error_and_no_other_is(row: dict[str, Any]) -> None:
    text = json.dumps(
        {
            "apiVersion": "projectcalico.org/v3",
            "kind": "IPPool",
            "metadata": {"name": "infraestrutura"},
            "spec": row["infraPool"],
        }
    )
    errors = [one for one in found(text) if one.code.severity is Severity.ERROR]
    # Two more settings failed because of the other pool, which this file does not hold.
    broke = row["exitCodes"][0] != 0 and "default pool" not in row["setting"]
    assert bool(errors) == broke


def test_a_good_pool_has_no_finding() -> None:
    assert alone() == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"cidr": None}, ["cidr-invalid"], id="no cidr"),
        pytest.param({"cidr": "172.16.0.0"}, ["cidr-invalid"], id="no prefix length"),
        pytest.param({"cidr": "172.16.0.0/255.255.0.0"}, ["cidr-invalid"], id="a netmask"),
        pytest.param({"cidr": "172.16.0.0/33"}, ["cidr-invalid"], id="a prefix that is too long"),
        pytest.param({"cidr": "172.16.0.1/16"}, ["cidr-invalid"], id="host bits"),
        pytest.param({"cidr": "169.254.8.0/24"}, ["link-local"], id="inside link-local"),
        pytest.param(
            {"cidr": "fe00::/8", "ipipMode": "Never", "blockSize": 122}, ["link-local"], id="holds link-local"
        ),
        pytest.param({"cidr": "172.16.0.0/12"}, ["docker-range"], id="172.16/12 holds Docker's bridge"),
        pytest.param({"cidr": "172.17.4.0/24"}, ["docker-range"], id="inside Docker's bridge"),
        pytest.param({"blockSize": 19}, ["block-size-range"], id="a block that is too large"),
        pytest.param({"blockSize": None}, ["block-size-absent"], id="no blockSize"),
        pytest.param({"blockSize": "25"}, ["value-refused"], id="blockSize as text"),
        pytest.param({"blockSize": True}, ["value-refused"], id="blockSize as truth"),
        pytest.param({"cidr": "172.16.0.0/26"}, ["smaller-than-block"], id="smaller than a block"),
        pytest.param({"cidr": "fd00::/64", "blockSize": None, "ipipMode": "Never"}, ["block-size-absent"], id="IPv6"),
        pytest.param({"cidr": "fd00::/64", "blockSize": 122}, ["ipip-on-ipv6"], id="IPIP on IPv6"),
        pytest.param({"vxlanMode": "Always"}, ["two-encapsulations"], id="IPIP and VXLAN"),
        pytest.param({"ipipMode": None, "vxlanMode": None}, ["encapsulation-absent"], id="no encapsulation"),
        pytest.param({"ipipMode": "always"}, ["value-refused"], id="a word in the wrong case"),
        pytest.param({"natOutgoing": "true"}, ["value-refused"], id="truth as text"),
        pytest.param({"natOutGoing": True}, ["unknown-field"], id="a misspelt field"),
        pytest.param({"allowedUses": None}, [], id="no allowedUses on the pool that every pod may use"),
        pytest.param(
            {"allowedUses": None, "nodeSelector": "!all()"},
            ["allowed-uses-absent", "selector-not-protection"],
            id="no allowedUses on a closed pool",
        ),
        pytest.param(
            {"allowedUses": [], "nodeSelector": "has(ci)"},
            ["allowed-uses-absent", "selector-not-protection"],
            id="empty allowedUses on a restricted pool",
        ),
        pytest.param({"allowedUses": "Workload"}, ["value-refused"], id="allowedUses as text"),
        pytest.param({"allowedUses": ["Pods", "Jobs"]}, ["value-refused", "value-refused"], id="unknown uses"),
        pytest.param({"nodeSelector": "a" * 1025}, ["value-refused"], id="a selector that is too long"),
        pytest.param({"nodeSelector": 5}, ["value-refused"], id="a selector that is a number"),
        pytest.param({"nodeSelector": {}}, ["value-refused"], id="a selector that is a map"),
        pytest.param({"nodeSelector": "global()"}, ["selector-global"], id="global()"),
        pytest.param({"nodeSelector": "!all()"}, ["selector-not-protection"], id="closed by !all()"),
        pytest.param({"nodeSelector": 'ci == "yes"'}, ["selector-not-protection"], id="only some nodes"),
        pytest.param({"nodeSelector": "ci == yes"}, ["selector-breaks-pods"], id="a selector that breaks pods"),
        pytest.param(
            {"nodeSelector": "ci == yes", "assignmentMode": "Manual"},
            ["selector-invalid", "field-needs-version", "selector-not-protection"],
            id="... and one that is asleep",
        ),
        pytest.param(
            {"nodeSelector": "(", "disabled": True}, ["selector-invalid", "disabled"], id="... on a disabled pool"
        ),
        pytest.param(
            {"namespaceSelector": "has(ci)"}, ["field-needs-version", "selector-not-protection"], id="namespaceSelector"
        ),
        pytest.param(
            {"namespaceSelector": "has(ci)", "allowedUses": ["Workload", "Tunnel"]},
            ["tunnel-namespace", "field-needs-version", "selector-not-protection"],
            id="Tunnel and namespaceSelector",
        ),
        pytest.param({"disabled": True, "nodeSelector": "!all()"}, ["disabled"], id="disabled"),
        pytest.param({"disableBGPExport": True}, ["bgp-export-off"], id="disableBGPExport"),
        pytest.param({"natOutgoing": False}, [], id="no NAT on an open pool is the normal case"),
        pytest.param(
            {"natOutgoing": None, "nodeSelector": "!all()"},
            ["selector-not-protection", "nat-off"],
            id="closed without NAT",
        ),
        pytest.param(
            {"cidr": "198.51.100.0/24", "natOutgoing": False, "nodeSelector": "!all()"},
            ["selector-not-protection"],
            id="closed, public, without NAT",
        ),
        pytest.param({"status": {}}, ["unknown-field"], id="a field of another level"),
    ],
)
def test_rules_about_one_pool(spec: dict[str, Any], expected: list[str]) -> None:
    assert alone(**spec) == expected


@pytest.mark.parametrize(
    ("spec", "seen"),
    [
        ({"allowedUses": ["LoadBalancer", "Workload"]}, ["allowedUses: LoadBalancer, Workload"]),
        ({"ipipMode": "Always"}, ["IPIP"]),
        ({"vxlanMode": "Always"}, ["VXLAN"]),
        ({"disableBGPExport": True}, ["disableBGPExport: true"]),
        ({"nodeSelector": "!all()"}, ["a nodeSelector other than all()"]),
        ({}, []),
    ],
)
def test_a_load_balancer_pool_is_nothing_else(spec: dict[str, Any], seen: list[str]) -> None:
    plain = {"allowedUses": ["LoadBalancer"], "ipipMode": None, "vxlanMode": None}
    findings = found(manifest(**(plain | spec)))
    assert [one.observed for one in findings if one.code.name == "ippool-load-balancer"] == seen


@pytest.mark.parametrize(
    ("version", "spec", "expected"),
    [
        ((3, 28), {"assignmentMode": "Manual"}, ["field-ignored"]),
        ((3, 30), {"assignmentMode": "Manual"}, []),
        ((3, 30), {"namespaceSelector": "has(ci)"}, ["field-ignored"]),
        ((3, 31), {"namespaceSelector": "has(ci)"}, []),
        ((3, 30), {"namespaceSelector": "has(ci)", "assignmentMode": "Manual"}, []),
        ((3, 28), {"namespaceSelector": "has(ci)", "assignmentMode": "Manual"}, ["field-ignored", "field-ignored"]),
        (None, {"assignmentMode": "Manual"}, ["field-needs-version"]),
        ((3, 28), {"assignmentMode": "Manual", "nodeSelector": "!all()"}, []),
        ((3, 28), {"assignmentMode": "Manual", "disabled": True}, ["disabled"]),
    ],
)
def test_what_an_old_calico_ignores(version: tuple[int, int] | None, spec: dict[str, Any], expected: list[str]) -> None:
    names = [name for name in alone(Context(calico=version), **spec) if name != "selector-not-protection"]
    assert names == expected


def test_the_version_may_stand_in_the_policy() -> None:
    policy = make.policy()
    assert Context(policy=policy).calico_version is None
    assert Context(policy=policy, calico=(3, 30)).calico_version == (3, 30)


@pytest.mark.parametrize(
    ("cidr", "nodes", "expected"),
    [
        ("172.16.0.0/24", 3, ["too-few-blocks"]),
        ("172.16.0.0/24", 2, []),
        ("172.16.0.0/25", 2, ["too-few-blocks"]),
        ("172.16.0.0/24", None, []),
    ],
)
def test_each_node_needs_a_block(cidr: str, nodes: int | None, expected: list[str]) -> None:
    assert alone(Context(nodes=nodes), cidr=cidr) == expected


UNQUOTED = """\
apiVersion: projectcalico.org/v3
kind: IPPool
metadata:
  name: infra
spec:
  cidr: 172.16.0.0/16
  blockSize: 25
  ipipMode: Never
  natOutgoing: yes
  nodeSelector: !all()
  allowedUses: [Workload]
"""


def plain(old: str, new: str) -> str:
    """The manifest above with a plain selector and one more change."""
    return UNQUOTED.replace("!all()", "all()").replace(old, new, 1)


def test_an_unquoted_exclamation_mark_is_a_tag() -> None:
    (finding,) = found(UNQUOTED)
    assert finding.code.name == "ippool-selector-tag"
    assert str(finding.place) == "0.yaml:10:17"
    assert finding.observed == "nodeSelector: !all()"
    assert finding.expected == 'nodeSelector: "!all()"'


def test_a_tag_before_a_selector_is_none_of_it() -> None:
    (finding,) = found(UNQUOTED.replace("!all()", "! all()"))
    assert finding.expected == 'nodeSelector: "! all()"'


def test_a_tag_of_yaml_itself_is_fine() -> None:
    assert codes(UNQUOTED.replace("!all()", "!!str all()")) == []


def test_truth_as_yaml_1_1_writes_it() -> None:
    text = UNQUOTED.replace("!all()", "all()")
    assert codes(text) == []
    assert codes(text.replace("yes", "off")) == []
    assert codes(text.replace("yes", '"yes"')) == ["value-refused"]


def test_a_selector_is_marked_at_the_exact_columns() -> None:
    (finding,) = found(UNQUOTED.replace("!all()", '"ci == yes"'))
    assert finding.place is not None
    assert (finding.place.line, finding.place.column, finding.place.end_column) == (10, 24, 27)
    assert "no pod of the cluster" in finding.cause


@pytest.mark.parametrize(
    ("text", "expected", "place"),
    [
        pytest.param("kind: IPPool\n  x: [", ["unreadable"], "0.yaml:2:4", id="not YAML"),
        pytest.param(
            "kind: IPPool\nspec: {{ .x }}: [\n", ["template-unchecked"], "0.yaml:1", id="a template past reading"
        ),
        pytest.param(
            "kind: IPPool\nmetadata: {{ .x }}\nspec: {{ .y }}\n",
            ["value-refused", "template-unchecked"],
            "0.yaml:1:1",
            id="a template for everything",
        ),
        pytest.param(plain("172.16.0.0/16", '"{{ .cidr }}"'), ["template-unchecked"], "0.yaml:6", id="in quotes"),
        pytest.param(plain("172.16.0.0/16", "{{ .cidr }}/16"), ["template-unchecked"], "0.yaml:6", id="without quotes"),
        pytest.param(plain("172.16.0.0/16", "${CIDR}"), ["template-unchecked"], "0.yaml:6", id="a shell variable"),
        pytest.param(plain("infra", "{{ .name }}"), ["template-unchecked"], "0.yaml:4", id="a template as the name"),
        pytest.param(plain("all()", "{{ .s }}"), ["template-unchecked"], "0.yaml:10", id="a template as selector"),
        pytest.param(plain("[Workload]", "[{{ .u }}]"), ["template-unchecked"], "0.yaml:11", id="a template as use"),
        pytest.param(
            plain(
                "  natOutgoing: yes\n", "{{ if .n }}\n  natOutgoing: yes\n{{ else }}\n  natOutgoing: no\n{{ end }}\n"
            ),
            ["template-unchecked"],
            "0.yaml:9",
            id="a key in two branches",
        ),
        pytest.param(
            plain("metadata:", "{{- if .n }}\nmetadata:") + "{{- end }}\n  natOutGoing: x\n",
            ["unknown-field", "template-unchecked"],
            "0.yaml:14:3",
            id="what stands beside a template is checked",
        ),
        pytest.param(plain("  cidr", "  blockSize: 24\n  cidr"), ["repeated-key"], "0.yaml:8:3", id="a key twice"),
        pytest.param(
            plain("projectcalico.org/v3", "crd.projectcalico.org/v3"),
            ["api-version"],
            "0.yaml:1:13",
            id="a wrong version",
        ),
        pytest.param(plain("  name: infra", "  labels: {}"), ["value-refused"], "0.yaml:1:1", id="no name"),
        pytest.param("kind: IPPool\nmetadata: {name: a}\n", ["cidr-invalid"], "0.yaml:2:18", id="no spec"),
        pytest.param(
            plain("spec:", "natOutgoing: true\nspec:"), ["unknown-field"], "0.yaml:5:1", id="a field one level too high"
        ),
        pytest.param(plain("spec:", "data: 1\nspec:"), ["unknown-field"], "0.yaml:5:1", id="a field of nothing"),
        pytest.param(plain("all()", "null"), [], None, id="null is absent"),
        pytest.param("kind: ConfigMap\n---\n- 1\n---\ntext\n", [], None, id="no pools at all"),
    ],
)
def test_the_form_of_a_manifest(text: str, expected: list[str], place: str | None) -> None:
    assert codes(text) == expected
    if place:
        assert str(found(text)[0].place) == place


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("natOutGoing", "natOutgoing"),
        ("nodeselector", "nodeSelector"),
        ("encapsulation", "ipipMode and vxlanMode"),
        ("disableNewAllocations", "disabled"),
    ],
)
def test_an_unknown_field_is_told_what_was_meant(name: str, meant: str) -> None:
    (finding,) = found(manifest(**{name: "x"}))
    assert finding.expected == meant
    assert finding.remedy == f"Write {meant}."


def test_an_unknown_field_that_is_like_none_lists_them() -> None:
    (finding,) = found(manifest(zone="x"))
    assert finding.expected.startswith("one of cidr, blockSize,")
    assert finding.what_to_do == finding.code.remedy


def test_lists_are_looked_into() -> None:
    one = json.loads(manifest(cidr="10.0.0.0/99"))
    both = {
        "kind": "List",
        "items": [{"kind": "IPPoolList", "items": [{key: value for key, value in one.items() if key != "kind"}]}, one],
    }
    assert codes(json.dumps(both)) == ["cidr-invalid", "cidr-invalid", "named-twice"]


def installation(**pool: Any) -> str:
    values = {"name": "infra", "cidr": "172.16.0.0/16", "allowedUses": ["Workload"]} | pool
    spec = {"calicoNetwork": {"ipPools": [values, "text"]}}
    return json.dumps({"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "spec": spec})


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ({}, []),
        ({"encapsulation": "None", "natOutgoing": "Enabled", "disableNewAllocations": False}, []),
        ({"encapsulation": "IPIP", "cidr": "fd00::/64"}, ["ipip-on-ipv6"]),
        ({"natOutgoing": True}, ["value-refused"]),
        ({"ipipMode": "Always"}, ["unknown-field"]),
        ({"disableNewAllocations": True}, ["disabled"]),
        ({"disabled": True}, ["unknown-field"]),
        ({"nodeSelector": "!all()", "natOutgoing": "Enabled"}, ["selector-not-protection"]),
        ({"nodeSelector": "!all()", "natOutgoing": "Disabled"}, ["selector-not-protection", "nat-off"]),
        ({"blockSize": 12}, ["block-size-range"]),
    ],
)
def test_pools_of_the_operator_have_their_own_words(pool: dict[str, Any], expected: list[str]) -> None:
    assert codes(installation(**pool)) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("spec: {calicoNetwork: {ipPools: [POOL]}}", id="a merge patch"),
        pytest.param("installation: {calicoNetwork: {ipPools: [POOL]}}", id="values of the operator's chart"),
        pytest.param("- {op: add, path: /spec/calicoNetwork/ipPools/-, value: POOL}", id="a JSON patch"),
        pytest.param("- {op: add, path: /spec/calicoNetwork/ipPools, value: [POOL]}", id="... of the whole list"),
    ],
)
def test_pools_of_the_operator_are_found_in_patches_and_values(text: str) -> None:
    assert codes(text.replace("POOL", "{name: infra, cidr: 10.0.0.0/99, allowedUses: [Workload]}")) == ["cidr-invalid"]


def test_other_patches_are_none_of_our_business() -> None:
    assert codes("- {op: add, path: /spec/replicas, value: {cidr: x}}\n- {op: remove, path: /spec}\n- 5\n") == []


def test_an_installation_without_pools_is_none_of_our_business() -> None:
    assert codes('{"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "spec": {"cni": {}}}') == []


OTHER = {"name": "workload", "cidr": "10.10.0.0/16"}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param({}, OTHER, [], id="apart"),
        pytest.param({}, {"name": "b", "cidr": "172.16.128.0/17"}, ["overlap"], id="one inside the other"),
        pytest.param({"cidr": "172.16.128.0/17"}, {"name": "b"}, ["overlap"], id="one around the other"),
        pytest.param({}, {"name": "b"}, ["overlap"], id="the same range"),
        pytest.param({}, {"name": "b", "disabled": True}, ["disabled"], id="a disabled pool is no overlap"),
        pytest.param({}, {"api": "crd.projectcalico.org/v1"}, [], id="one pool through both groups is none"),
        pytest.param({}, {"name": "b", "cidr": "10.0.0.0/99"}, ["cidr-invalid"], id="a range that cannot be read"),
        pytest.param({}, OTHER | {"natOutgoing": False}, ["automatic-order"], id="two ways out"),
        pytest.param(
            {},
            OTHER | {"natOutgoing": False, "nodeSelector": "!all()"},
            ["selector-not-protection", "nat-off"],
            id="... but one is closed",
        ),
        pytest.param({}, OTHER | {"natOutgoing": False, "disabled": True}, ["disabled"], id="... or disabled"),
        pytest.param(
            {}, OTHER | {"ipipMode": "Never", "vxlanMode": "Always"}, ["encapsulation-differs"], id="IPIP and VXLAN"
        ),
        pytest.param({"ipipMode": "Never"}, OTHER, ["encapsulation-differs"], id="none and IPIP"),
        pytest.param(
            {}, OTHER | {"ipipMode": "Never", "cidr": "fd00::/64", "blockSize": 122}, [], id="... in another family"
        ),
    ],
)
def test_rules_between_pools_of_two_files(first: dict[str, Any], second: dict[str, Any], expected: list[str]) -> None:
    assert codes(manifest(**first), manifest(**second)) == expected


def test_an_overlap_names_both_pools_and_stands_at_the_later_one() -> None:
    small = manifest("small", cidr="172.16.128.0/17")
    findings = found(small, manifest("apart", cidr="10.0.0.0/8"), manifest("large"))
    (overlap,) = (one for one in findings if one.code.name == "ippool-overlap")
    assert overlap.subject == "pool large"
    assert overlap.observed.startswith("172.16.0.0/16, which shares addresses with 172.16.128.0/17 of small (0.yaml:1:")


def test_nested_pools_are_each_found_once() -> None:
    texts = [manifest(f"p{length}", cidr=f"10.0.0.0/{length}") for length in (8, 12, 16)]
    assert codes(*texts) == ["overlap", "overlap"]


def test_pools_of_one_file() -> None:
    both = f"{manifest()}\n---\n{manifest(api='crd.projectcalico.org/v1')}\n---\n{manifest()}\n"
    assert codes(both) == ["both-groups", "named-twice"]
    three = f"{both}---\n{manifest(api='crd.projectcalico.org/v1')}\n"
    assert codes(three) == ["both-groups", "named-twice", "named-twice"]


def test_a_pool_of_the_operator_is_of_no_group() -> None:
    assert codes(f"{manifest()}\n---\n{installation(name='b', cidr='10.0.0.0/16', natOutgoing='Enabled')}\n") == []


def test_the_name_decides_where_ordinary_pods_land() -> None:
    texts = (manifest("workload", cidr="10.10.0.0/16", natOutgoing=False), manifest("infraestrutura"))
    (finding,) = found(*texts)
    assert finding.subject == "pool infraestrutura"
    assert finding.observed == "infraestrutura (with NAT) beside workload (without NAT)"


POLICY = make.policy()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"nodeSelector": "!all()"}, ["selector-not-protection"], id="as declared"),
        pytest.param({"nodeSelector": "!all()", "natOutgoing": False}, ["nat-against-class"], id="NAT off"),
        pytest.param(
            {"nodeSelector": "!all()", "natOutgoing": "{{ .nat }}"}, ["template-unchecked"], id="NAT not known"
        ),
        pytest.param({"nodeSelector": "!all()", "cidr": "172.18.0.0/16"}, ["differs-from-policy"], id="another range"),
        pytest.param({"nodeSelector": "!all()", "blockSize": 26}, ["differs-from-policy"], id="another block"),
        pytest.param({"nodeSelector": "!all()", "ipipMode": "Always"}, ["differs-from-policy"], id="carried otherwise"),
        pytest.param({}, ["differs-from-policy"], id="open"),
        pytest.param({"disabled": True}, ["disabled", "differs-from-policy"], id="disabled"),
        pytest.param({"allowedUses": ["Tunnel"], "nodeSelector": "!all()"}, ["differs-from-policy"], id="not for pods"),
        pytest.param({"name": "workload", "cidr": "10.10.0.0/16"}, ["nat-against-class"], id="a pool to recognise"),
        pytest.param({"name": "workload", "cidr": "10.10.0.0/16", "natOutgoing": None}, [], id="... as it is"),
        pytest.param({"name": "misnamed", "nodeSelector": "!all()"}, ["differs-from-policy"], id="under another name"),
        pytest.param({"name": "foreign", "cidr": "10.99.0.0/16"}, [], id="not in the policy"),
    ],
)
def test_a_policy_says_what_is_meant(spec: dict[str, Any], expected: list[str]) -> None:
    names = alone(Context(policy=POLICY), **({"name": "infraestrutura"} | spec))
    assert [name for name in names if name != "selector-not-protection" or expected == [name]] == expected


def test_the_class_in_the_policy_tells_two_automatic_pools_apart() -> None:
    pools = make.policy(
        make.tier("infra", make.pool(automatic=True)),
        make.tier("default", make.pool("workload", "10.10.0.0/16", automatic=True, pool_class=PoolClass.ISOLATED)),
    )
    texts = (manifest("infraestrutura"), manifest("workload", cidr="10.10.0.0/16"))
    (finding,) = found(*texts, context=Context(policy=pools))
    assert finding.observed == "infraestrutura (class nat) beside workload (class isolated)"


def test_a_long_name_is_cut() -> None:
    finding = next(one for one in found(manifest("n" * 500, cidr="x" * 500)) if one.code.name == "ippool-cidr-invalid")
    assert finding.subject == f"pool {'n' * 74}…"
    assert len(finding.observed) == 82


def test_no_secret_reaches_a_finding() -> None:
    token = "glrt-t1_4xYqA7pLwFAKETOKEN00"
    text = manifest(token, nodeSelector=f"x == {token}", ipipMode=token, **{token: token})
    for finding in found(text):
        assert token not in repr((finding.subject, finding.observed, finding.expected, finding.cause, finding.remedy))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 200)
    | st.sampled_from(["all()", "!all(", "Never", "10.0.0.0/8", "x", ""]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["cidr", "spec", "kind"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "assignmentMode", "namespaceSelector", "x"]), VALUES), VALUES)
def test_anything_is_linted_without_an_exception(spec: dict[str, Any], metadata: object) -> None:
    for kind, key in (("IPPool", "spec"), ("Installation", "calicoNetwork")):
        value = {"apiVersion": "operator.tigera.io/v1", "kind": kind, "metadata": metadata, key: spec}
        found(json.dumps(value), json.dumps({"kind": "List", "items": metadata}))


def test_a_name_that_no_object_can_have_is_told() -> None:
    finding = next(one for one in found(manifest("Infra_pool")) if one.code.name == "ippool-value-refused")
    assert (finding.observed, finding.expected) == ('"Infra_pool"', "small letters, digits, - and .")
