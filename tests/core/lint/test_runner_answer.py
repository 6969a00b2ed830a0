"""Every answer that a real `gitlab-runner lint` was seen to give becomes findings with places."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner_bridge.core.lint.runner_answer import read, without_repeats
from runner_bridge.core.model import Place
from tests import make

SAMPLES = Path(__file__).parent / "samples"
ANSWERS = {row["what"]: row["stderr"] for row in json.loads((SAMPLES / "gitlab-runner-lint.json").read_text())}
GOOD = (SAMPLES / "good.toml").read_text()
FIRST_LINE = "Runtime platform    arch=amd64 os=linux pid=7 revision=1 version=19.4.0\n"


def findings(what: str, text: str = GOOD) -> list[tuple[str, str, str, int, int]]:
    """Code, subject, what was seen, line and column."""
    answers = read(FIRST_LINE + ANSWERS[what], text, "config.toml")
    places = [one.place or Place(file="") for one in answers]
    return [
        (one.code.name, one.subject, one.observed, place.line, place.column)
        for one, place in zip(answers, places, strict=True)
    ]


UNKNOWN, REFUSED = "runner-does-not-know-key", "runner-refuses"
KEY = 'runners.kubernetes.pod_annotations."cni.projectcalico.org/ipv4pools"'


@pytest.mark.parametrize(
    ("what", "change", "expected"),
    [
        (
            "unknown key in kubernetes",
            ("poll_timeout", "pol_timeout"),
            [(UNKNOWN, "runners.kubernetes.pol_timeout", "pol_timeout", 17, 5)],
        ),
        (
            "misspelt section pod_anotations",
            ("pod_annotations", "pod_anotations"),
            [(UNKNOWN, "runners.kubernetes.pod_anotations", "pod_anotations", 18, 25)],
        ),
        (
            "section pod_annotations one level too high",
            ("", ""),
            [(UNKNOWN, "runners.pod_annotations", "pod_annotations", 0, 0)],
        ),
        (
            "wrong type: concurrent is a string",
            ("", ""),
            [
                (
                    REFUSED,
                    "concurrent",
                    "incompatible types: TOML value has type string; destination has type integer",
                    1,
                    0,
                )
            ],
        ),
        (
            "annotation value is an array, not a string",
            ("", ""),
            [(REFUSED, KEY, "incompatible types: TOML value has type []any; destination has type string", 19, 0)],
        ),
        (
            "annotation key not quoted, no slash",
            ("", ""),
            [
                (
                    REFUSED,
                    "runners.kubernetes.pod_annotations.cni",
                    "incompatible types: TOML value has type map[string]any; destination has type string",
                    0,
                    0,
                )
            ],
        ),
        ("no token", ("", ""), [(REFUSED, "/runners/0/token", "minLength: got 0, want 1", 9, 3)]),
        ("no url", ("  url", "  # url"), [(REFUSED, "/runners/0/url", "minLength: got 0, want 1", 5, 1)]),
        ("no such file", ("", ""), [(REFUSED, "the file", "config file not found: nothere.toml", 0, 0)]),
    ],
)
def test_recorded_answers(what: str, change: tuple[str, str], expected: list[tuple[str, str, str, int, int]]) -> None:
    assert findings(what, GOOD.replace(*change)) == expected


@pytest.mark.parametrize("what", [what for what, answer in ANSWERS.items() if "FATAL" in answer])
def test_no_refusal_is_lost(what: str) -> None:
    assert findings(what)


def test_a_quoted_part_of_a_key_is_one_part() -> None:
    text = GOOD.replace("cni.projectcalico.org", "cni.example.org")
    answer = 'unknown key: runners.kubernetes.pod_annotations."cni.example.org/ipv4pools"'
    (finding,) = read(answer, text, "c")
    assert str(finding.place) == "c:19:7"


@pytest.mark.parametrize("pointer", ["/runners/7/url", "/runners/0/name/x", "/other", ""])
def test_a_pointer_that_leads_nowhere_is_about_the_file(pointer: str) -> None:
    (finding,) = read(f"- at '{pointer}': bad", GOOD, "c")
    assert finding.place in (Place(file="c"), Place(file="c", line=5, column=1, end_column=12))


def test_an_answer_of_no_known_form_is_shown_and_cut() -> None:
    (finding,) = read("something " * 100, "", "c")
    assert finding.observed.endswith("…")
    assert len(finding.observed) == 200


def test_secrets_in_answers_are_masked() -> None:
    (finding,) = read("FATAL: token glrt-t1_4xYqA7pLwFAKETOKEN00 is bad", "", "c")
    assert finding.observed == "token [secret] is bad"


def test_what_our_own_linter_said_of_a_line_is_not_said_twice() -> None:
    answers = read("unknown key: a\n unknown key: b\n unknown key: c", "a = 1\nb = 2\n", "c")
    own = [make.finding(place=Place(file="c", line=2, column=9)), make.finding(place=None)]
    assert [one.subject for one in without_repeats(answers, own)] == ["a", "c"]
