"""Findings as a person reads them."""

from __future__ import annotations

import pytest

from runner_bridge.core.model import Place, Severity
from runner_bridge.core.model.codes import overwrites as codes
from runner_bridge.core.overwrites import Setting, findings

PLACE = Place(file="config.toml", line=18, column=41)
JOB = "A job that sets this variable"
NOTHING = "The runner matches the pattern first and expands the value once more afterwards: nothing is left."
POOLS = "cni.projectcalico.org/ipv4pools"
SUBJECT = "runners[0].kubernetes.pod_annotations_overwrite_allowed"


def test_a_finding_reads_as_a_whole() -> None:
    (found,) = findings("team=.*", setting=Setting.ANNOTATIONS, place=PLACE, subject=SUBJECT)

    assert found.headline == (
        "config.toml:18:41: runners[0].kubernetes.pod_annotations_overwrite_allowed: "
        'a job can choose its own pool. Seen "team=.*".'
    )
    assert found.cause == (
        "A job that sets this variable gets the pool default. "
        'The runner matches the pattern first and expands the value once more afterwards: ["default"] is left.'
    )
    assert found.what_to_do == (
        "Leave it empty; where a team needs its own annotation, allow it by an anchored list: "
        "'^(team\\.example/owner)='"
    )
    assert found.proof == (
        "variables:\n"
        "  KUBERNETES_POD_ANNOTATIONS_1:\n"
        "    value: 'cni.projectcalico.org/ipv4pools=[\"default\"]${team=}'\n"
        "    expand: false\n"
    )


@pytest.mark.parametrize(
    ("setting", "pattern", "code", "cause"),
    [
        (Setting.ANNOTATIONS, ".*", codes.OPENS_POOL, f"{JOB} gets the pool default."),
        (
            Setting.ANNOTATIONS,
            "^cni.projectcalico.org/ipv6pools=null$",
            codes.OPENS_POOL,
            f"{JOB} gets no pool of its tier but whatever the namespace or the cluster hands out by itself.",
        ),
        (
            Setting.ANNOTATIONS,
            r"^cni.projectcalico.org/ipv4pools=\$1$",
            codes.OPENS_POOL,
            f"{JOB} gets no pool of its tier but whatever the namespace or the cluster hands out by itself. {NOTHING}",
        ),
        (
            Setting.ANNOTATIONS,
            "^cni.projectcalico.org/ipAddrs=",
            codes.OPENS_POOL,
            f"{JOB} gets a fixed address of its own choice: 10.10.0.1.",
        ),
        (
            Setting.ANNOTATIONS,
            "^cni.projectcalico.org/ipFamilies=$",
            codes.OPENS_POOL,
            f"{JOB} gets the address families of its own choice: none is named, so the cluster's own.",
        ),
        (
            Setting.ANNOTATIONS,
            "^cni.projectcalico.org/ipv4pools=team$",
            codes.REACHES_POOL_KEY,
            f'{JOB} gets {POOLS} = "team"; no text that the pattern allows becomes a list of pools.',
        ),
        (
            Setting.ANNOTATIONS,
            r"\p{Letter}",
            codes.UNDECIDED,
            "The pattern is not decided: it has the Unicode class Letter.",
        ),
        (
            Setting.ANNOTATIONS,
            "^team=(",
            codes.NO_PATTERN,
            "Go refuses it: an opening parenthesis without a closing one.",
        ),
        (Setting.LABELS, ".*", codes.CHANGES_LABELS, f'{JOB} gets the label pod = "faked".'),
        (
            Setting.NAMESPACE,
            "ci-team-.*",
            codes.ANY_NAMESPACE,
            f"{JOB} runs in the namespace prod-ci-team-x.",
        ),
        (
            Setting.NAMESPACE,
            "^ci-team-.*",
            codes.CHOOSES_NAME,
            f"{JOB} runs in the namespace ci-team-x.",
        ),
        (
            Setting.SERVICE_ACCOUNT,
            ".*",
            codes.ANY_SERVICE_ACCOUNT,
            f"{JOB} runs as the service account prod-x.",
        ),
        (
            Setting.NODE_SELECTOR,
            ".*",
            codes.CHOOSES_NODE,
            f'{JOB} runs on nodes with kubernetes.io/hostname = "worker-2".',
        ),
        (
            Setting.NODE_TOLERATIONS,
            "^$",
            codes.TOLERATES_CONTROL_PLANE,
            f"{JOB} tolerates every taint.",
        ),
        (
            Setting.BEARER_TOKEN,
            "true",
            codes.CHOOSES_TOKEN,
            f"{JOB} has its pod made by the account of that token.",
        ),
    ],
)
def test_each_code_says_what_a_job_gets(setting: Setting, pattern: str, code: object, cause: str) -> None:
    (found,) = findings(pattern, setting=setting, place=PLACE, subject="here")

    assert found.code is code
    assert found.cause == cause


@pytest.mark.parametrize("setting", Setting)
def test_an_empty_setting_has_no_finding(setting: Setting) -> None:
    assert findings("", setting=setting, place=None, subject="here") == ()


def test_only_an_open_pool_is_an_error() -> None:
    found = {name: code for name, code in vars(codes).items() if hasattr(code, "severity")}

    assert [name for name, code in found.items() if code.severity is Severity.ERROR] == ["OPENS_POOL"]
    assert [name for name, code in found.items() if code.severity is Severity.ADVICE] == ["CHOOSES_NAME"]


def test_what_is_quoted_is_short_and_without_secrets() -> None:
    (found,) = findings("a" * 100, setting=Setting.ANNOTATIONS, place=None, subject="here")
    assert found.observed == '"' + "a" * 60 + '…"'

    (found,) = findings('token = "abc123"', setting=Setting.ANNOTATIONS, place=None, subject="here")
    assert "abc123" not in f"{found.observed} {found.cause} {found.proof}"
