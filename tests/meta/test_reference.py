"""The reference of finding codes: written by hand above the mark, from the one registry below it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.model import Code, Family
from runner_bridge.core.model.codes import REGISTRY
from runner_bridge.core.model.finding import Quarantine

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
MARK = "<!-- what follows is generated: make golden -->\n"
HEADINGS = {
    Family.POLICY: "The policy",
    Family.RUNNER_CONFIG: "config.toml",
    Family.OVERWRITES: "What a job may overwrite",
    Family.HELM: "Helm values, ConfigMaps, Secrets, the operator's Runner",
    Family.IP_POOLS: "Pools",
    Family.JOB_PODS: "Job pods",
    Family.LEDGER: "What verify finds",
    Family.DOCTOR: "What doctor finds",
    Family.PLAN: "What plan cannot compare",
    Family.AUDIT: "What the audit finds",
    Family.DRIFT: "What drift finds",
    Family.PROBE: "What probe finds",
}


PAGES = {Family.LEDGER, Family.DOCTOR, Family.PLAN, Family.AUDIT, Family.DRIFT, Family.PROBE}
"""Those with a page of their own."""
IN_MODE_ENFORCE = {
    Quarantine.NEVER: "",
    Quarantine.BY_BLOCK: "\n**In mode `enforce`:** justifies quarantine once the block names the pod as the holder.\n",
    Quarantine.AT_ONCE: "\n**In mode `enforce`:** justifies quarantine at once.\n",
}


def sentence(text: str) -> str:
    """A title as a sentence; titles start in lower case, because a subject stands before them. A field's name stays."""
    first = text.split(maxsplit=1)[0]
    return f"{text[0] if first != first.lower() else text[0].upper()}{text[1:]}."


def prose(text: str) -> str:
    """A text as Markdown: patterns such as `^team=.*` that stand in it without backticks stay what they are."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([\\*_<])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def kind(code: Code) -> str:
    if code.family is not Family.JOB_PODS:
        return str(code.severity)
    outcome = str(code.outcome) if code.outcome else "note"
    return f"{outcome}, settles by itself" if code.pending else outcome


def section(family: Family) -> str:
    codes = [code for code in REGISTRY.values() if code.family is family]
    rows = "".join(
        f"| [`{code.name}`](#{code.name}) | {kind(code)} | {prose(sentence(code.title))} |\n" for code in codes
    )
    pages = "".join(
        f"\n### {code.name}\n\n*{kind(code)}*: {prose(sentence(code.title))}\n\n{prose(code.page)}\n\n"
        f"**What to do:** {prose(code.remedy)}\n{IN_MODE_ENFORCE[code.quarantine]}"
        for code in codes
    )
    word = "outcome" if family is Family.JOB_PODS else "severity"
    return f"\n## {HEADINGS[family]}\n\n| code | {word} | |\n|---|---|---|\n{rows}{pages}"


@pytest.mark.parametrize(
    ("page", "families"),
    [
        (
            "lint.md",
            [family for family in Family if family not in {*PAGES, Family.JOB_PODS}],
        ),
        ("findings.md", [Family.JOB_PODS]),
        ("ledger.md", [Family.LEDGER]),
        ("doctor.md", [Family.DOCTOR]),
        ("plan.md", [Family.PLAN]),
        ("audit.md", [Family.AUDIT]),
        ("drift.md", [Family.DRIFT]),
        ("probe.md", [Family.PROBE]),
    ],
)
def test_the_page_has_a_paragraph_for_every_code(
    page: str, families: list[Family], golden: Callable[[Path, str], None]
) -> None:
    path = REFERENCE / page
    head = path.read_text().partition(MARK)[0]
    golden(path, head + MARK + "".join(map(section, families)))


@pytest.mark.parametrize("code", REGISTRY.values(), ids=REGISTRY)
def test_a_code_is_documented_in_whole_sentences(code: Code) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code.name)
    assert not code.title.endswith((".", "!", "?"))
    assert len(code.title) <= 100
    assert code.page.endswith(".")
    assert len(code.page) > len(code.title)
    assert code.remedy
    assert not re.search(r"\s\s|\n", code.title + code.page + code.remedy)


@pytest.mark.parametrize("code", REGISTRY.values(), ids=REGISTRY)
def test_only_job_pods_have_an_outcome(code: Code) -> None:
    assert code.family is Family.JOB_PODS or code.outcome is None
