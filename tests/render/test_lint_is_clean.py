"""What we render is what we would pass: no linter minds anything in any artefact of any example."""

from __future__ import annotations

import re
from datetime import date
from itertools import count
from pathlib import Path

import pytest

from runner_bridge.core.lint.context import Context
from runner_bridge.core.lint.run import Source, lint
from runner_bridge.core.policy import Source as PolicySource
from runner_bridge.core.policy import load
from runner_bridge.render import render_all

TODAY = date(2026, 1, 1)
EXAMPLES = sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))
# True of every pool that keeps ordinary pods out: it says what the selector is not.
ADVICE = {"ippool-selector-not-protection"}
# The two ways to write one pool are never applied together.
GROUPS = ("projectcalico.org-v3", "crd.projectcalico.org-v1")


def with_tokens(text: str) -> str:
    """Do what the file asks for: put the token of each runner below its name."""
    number = count()
    return re.sub(
        r"(?m)^(  name = .*)$", lambda line: f'{line[1]}\n  token = "glrt-{next(number):09}FAKETOKEN00"', text
    )


@pytest.mark.parametrize("without", GROUPS)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_no_linter_finds_anything_in_what_is_rendered(example: Path, without: str) -> None:
    policy = load([PolicySource(name=example.name, text=example.read_text())], today=TODAY)
    rendered = {name: text for name, text in render_all(policy).items() if f"/{without}/" not in name}
    rendered["config.toml"] = with_tokens(rendered["config.toml"])
    files = [Source(name=name, text=text) for name, text in rendered.items()]
    report = lint(files, kind=None, context=Context(policy=policy), today=TODAY)
    assert [finding.headline for finding in report.findings if finding.code.name not in ADVICE] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_without_tokens_there_is_only_the_advice_to_put_them_in(example: Path) -> None:
    policy = load([PolicySource(name=example.name, text=example.read_text())], today=TODAY)
    source = Source(name="config.toml", text=render_all(policy)["config.toml"])

    report = lint([source], kind=None, context=Context(), today=TODAY)

    assert [finding.code.name for finding in report.findings] == ["token-not-in"] * len(policy.runners)
