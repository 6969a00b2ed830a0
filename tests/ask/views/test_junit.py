"""JUnit XML that any reader accepts, whatever stood in the files."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.ask.views.junit import Case, Mark, Suite, render

SUITE = Suite(
    name="pools.yaml",
    cases=(
        Case(name="reads", group="lint"),
        Case(name="told", group="lint", text="by the way"),
        Case(name="overlap", group="lint", mark=Mark.FAILED, message="two pools", text="a\nb", file="pools.yaml"),
        Case(name="advice", group="lint", mark=Mark.SKIPPED, message="only advice"),
    ),
)


def test_cases_and_their_counts() -> None:
    root = ET.fromstring(render([SUITE, Suite(name="other", cases=())]))  # noqa: S314 - our own text
    assert root.attrib == {"tests": "4", "failures": "1", "skipped": "1", "errors": "0"}
    suite = root[0]
    assert suite.attrib == {"name": "pools.yaml", "tests": "4", "failures": "1", "skipped": "1", "errors": "0"}
    assert [case.get("name") for case in suite] == ["reads", "told", "overlap", "advice"]
    assert [[child.tag for child in case] for case in suite] == [[], ["system-out"], ["failure"], ["skipped"]]
    assert suite[2].get("file") == "pools.yaml"
    assert suite[2][0].get("message") == "two pools"
    assert suite[2][0].text == "a\nb"
    assert suite[3][0].text is None


@given(st.text())
def test_any_text_is_valid_xml(text: str) -> None:
    case = Case(name=text, group=text, mark=Mark.FAILED, message=text, text=text, file=text)
    document = render([Suite(name=text, cases=(case,))])
    ET.fromstring(document.encode())  # noqa: S314 - our own text
