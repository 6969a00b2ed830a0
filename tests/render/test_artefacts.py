"""Every artefact against the text that was reviewed; `make golden` rewrites, the diff is read."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.model.annotations import ADDRESS_KEYS
from runner_bridge.core.policy import model as p
from runner_bridge.render import ARTEFACTS, render_all
from runner_bridge.render.fragment.governed import PINNED_FLAGS, complete, governed
from tests import make

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"


def blog() -> p.Policy:
    """The blog's cluster: ordinary pods routable, infrastructure jobs behind NAT."""
    log_shipper = p.Workload(
        tier=p.TierName("infra"), namespace="logging", kind="DaemonSet", name="log-shipper", place=make.HERE
    )
    mirrors = p.Workload(tier=p.TierName("infra"), namespace="mirrors", kind="Namespace", name="", place=make.HERE)
    infra = make.tier(labels={"cost-centre": "infra"}, annotations={"example.com/project": "$CI_PROJECT_PATH"})
    return make.policy(infra, make.policy().tiers[p.TierName("default")], workloads=(log_shipper, mirrors))


def dual_stack() -> p.Policy:
    """One tier of IPv4 only, one of both families; Calico new enough for assignmentMode."""
    v6 = make.pool(
        "infra-v6", "fd00:10::/48", block_size=122, encapsulation=p.Encapsulation.VXLAN, pool_class=p.PoolClass.ISOLATED
    )
    return make.policy(
        make.tier("infra", make.pool(encapsulation=p.Encapsulation.VXLAN)),
        make.tier("both", make.pool("infra-v4", "172.17.0.0/16"), v6, runners=(make.runner("both", "both"),)),
        cluster=p.Cluster(
            name="prod-2",
            namespaces=("gitlab-runners",),
            pod_cidrs=(ip_network("10.10.0.0/16"), ip_network("172.16.0.0/15"), ip_network("fd00::/16")),
            calico_version=(3, 32),
            pools_owner=p.PoolsOwner.ADMIN,
        ),
    )


def tigera() -> p.Policy:
    """The operator owns the pools; a tier opts in to quarantine; namespaces of job pods are patterns too."""
    base = make.policy()
    cluster = replace(
        base.cluster,
        namespaces=("gitlab-runners", "ci-job-*", "release"),
        calico_version=(3, 31),
        pools_owner=p.PoolsOwner.TIGERA_OPERATOR,
    )
    infra = make.tier(enforce=p.TierEnforcement(quarantine=True))
    return make.policy(infra, base.tiers[p.TierName("default")], cluster=cluster)


CASES: dict[str, Callable[[], p.Policy]] = {"blog": blog, "dual-stack": dual_stack, "tigera": tigera}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_files_are_those_that_were_reviewed(
    artefact: str, case: str, golden: Callable[[Path, str], None], request: pytest.FixtureRequest
) -> None:
    folder = GOLDEN / artefact / case
    files = ARTEFACTS[artefact](CASES[case]())
    for name, text in files.items():
        golden(folder / name, text)
    kept = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert kept == set(files)


@pytest.mark.parametrize("case", CASES)
def test_the_same_policy_gives_the_same_bytes(case: str) -> None:
    assert list(render_all(CASES[case]()).items()) == list(render_all(CASES[case]()).items())


def test_the_page_has_a_section_for_every_artefact_and_names_every_governed_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "artefacts.md").read_text()
    section = complete({}, governed(blog(), next(iter(blog().runners.values()))))
    assert [name for name in ARTEFACTS if f"## `{name}`" not in page] == []
    assert [key for key in (*section, *section["kubernetes"]) if f"{key}`" not in page and f"{key}]`" not in page] == []
    assert [key for key in ADDRESS_KEYS if f"`{key.rpartition('/')[2]}`" not in page] == []
    assert [flag for flag in PINNED_FLAGS if f"`{flag}`" not in page] == []


def test_render_all_is_every_artefact_in_order() -> None:
    policy = blog()
    assert list(render_all(policy)) == [name for render in ARTEFACTS.values() for name in render(policy)]
