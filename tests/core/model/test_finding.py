"""A finding reads as one sentence, and its place as editors expect it."""

from __future__ import annotations

import pytest

from runner_bridge.core.model import Code, Family, Finding, Place, Severity
from runner_bridge.core.model.codes import REGISTRY, _collect, policy

CODE = Code(name="x", family=Family.POLICY, severity=Severity.ERROR, title="pools overlap", page="p", remedy="mend it")


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place(file="a.yaml"), "a.yaml"),
        (Place(file="a.yaml", line=3), "a.yaml:3"),
        (Place(file="a.yaml", line=3, column=7), "a.yaml:3:7"),
    ],
)
def test_a_place_reads_as_editors_expect(place: Place, text: str) -> None:
    assert str(place) == text


def test_a_headline_leaves_out_what_is_not_known() -> None:
    assert Finding(code=CODE, subject="pools.b").headline == "pools.b: pools overlap."


def test_a_headline_names_what_was_seen_and_expected() -> None:
    finding = Finding(code=CODE, subject="pools.b", observed="10.0.0.0/8", expected="a range of its own")

    assert finding.headline == "pools.b: pools overlap. Seen 10.0.0.0/8. Expected a range of its own."


def test_the_remedy_of_the_case_comes_before_the_general_one() -> None:
    assert Finding(code=CODE, subject="s").what_to_do == "mend it"
    assert Finding(code=CODE, subject="s", remedy="do this").what_to_do == "do this"


def test_severities_are_ordered_from_the_worst() -> None:
    assert sorted(Severity, key=lambda one: one.rank) == [Severity.ERROR, Severity.WARNING, Severity.ADVICE]


def test_a_code_is_found_by_its_name() -> None:
    assert all(name == code.name for name, code in REGISTRY.items())


def test_a_code_defined_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "ONE", CODE, raising=False)
    monkeypatch.setattr(policy, "TWO", CODE, raising=False)

    with pytest.raises(ValueError, match="'x' is defined twice"):
        _collect()
