"""The example policies: each loads, each is what its schema says, each is told of in the README."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema  # type: ignore[import-untyped]  # has no types
import pytest

from runner_bridge.core.policy import Source, json_schema, load
from runner_bridge.core.policy import model as p
from runner_bridge.core.text import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG = Path(__file__).parents[2] / "config"
EXAMPLES = sorted(CONFIG.glob("*.yaml"))


def loaded(path: Path) -> p.Policy:
    return load([Source(name=path.name, text=path.read_text())], today=date(2026, 11, 25))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_loads_without_a_word(path: Path) -> None:
    assert loaded(path).warnings == ()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_names_its_schema_and_fits_it(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=policy.schema.json\n")
    jsonschema.Draft202012Validator(json_schema()).validate(yaml.to_python(yaml.parse(text, path.name)[0]))


def test_the_published_schema_is_the_one_that_is_printed(golden: Callable[[Path, str], None]) -> None:
    golden(CONFIG / "policy.schema.json", json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")


def test_the_readme_tells_of_every_example() -> None:
    readme = (CONFIG / "README.md").read_text()
    assert [path.name for path in EXAMPLES if f"]({path.name})" not in readme] == []


def test_a_deploy_project_on_gitlab_com_is_placed_by_the_more_specific_path() -> None:
    placement = loaded(CONFIG / "gitlab-com.yaml").place(p.Project(path=p.ProjectPath("acme-apps/shop/deploy")))
    assert placement.tier == "infra"


def test_the_firewall_tier_is_seen_with_the_pods_own_address() -> None:
    tier = loaded(CONFIG / "firewall.yaml").tiers[p.TierName("legacy-firewall")]
    assert tier.egress.kind is p.EgressKind.POD
    assert (tier.pools[0].generated, tier.pools[0].nat_outgoing) == (True, False)
