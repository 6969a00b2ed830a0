"""Each rule on config.toml: what it finds, at which characters, and what it leaves alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.lint.runner_config import lint
from runner_bridge.core.model import Finding, Severity
from runner_bridge.core.text import yaml
from tests.core.lint.marked import places_of, unmarked

SAMPLES = Path(__file__).parent / "samples/runner-config"

TOP = "concurrent = 4\n"
RUNNER = """[[runners]]
name = "a"
url = "https://gitlab.example.com"
token = "glrt-t1_4xYqA7pLwFAKETOKEN00"
executor = "kubernetes"
"""
KUBERNETES = """[runners.kubernetes]
poll_timeout = 360
automount_service_account_token = false
"""
POOL = """[runners.kubernetes.pod_annotations]
"cni.projectcalico.org/ipv4pools" = '["infra"]'
"""


def runner(text: str) -> str:
    """A good file with something more below [[runners]]."""
    return TOP + RUNNER + text


def kubernetes(text: str) -> str:
    """A good file with something more below [runners.kubernetes]."""
    return runner(KUBERNETES + text)


def pinned(text: str) -> str:
    """A good file whose job pods have a pool, with something more below [runners.kubernetes]."""
    return kubernetes(text) + POOL


def annotation(text: str) -> str:
    return kubernetes(f"[runners.kubernetes.pod_annotations]\n{text}\n")


def label(text: str) -> str:
    return kubernetes(f"[runners.kubernetes.pod_labels]\n{text}\n")


def patch(text: str, flag: str = "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION = true") -> str:
    flags = f"[runners.feature_flags]\n{flag}\n" if flag else ""
    return runner(f"{flags}{KUBERNETES}{text}")


def second(text: str) -> str:
    return f"{TOP}{RUNNER}[[runners]]\n{text}"


ANNOTATION = "runners[a].kubernetes.pod_annotations"
POOL_KEY = '"cni.projectcalico.org/ipv4pools"'
FLAG = "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION"

FOUND = {
    # the parser
    "not closed": (runner("[runners.kubernetes« »\n"), "toml-syntax"),
    "twice": (runner("limit = 2\n«limit» = 2\n"), "toml-repeated"),
    "slash": (annotation("cni.projectcalico.org«/»ipv4pools = '[\"a\"]'"), "unquoted-key"),
    "dots for a slash": (
        annotation("«cni».projectcalico.org.ipv4pools = '[\"a\"]'"),
        "unquoted-key",
    ),
    "dots": (annotation("«cni».projectcalico.org = '[\"a\"]'"), "unquoted-key"),
    "dots in a header": (
        kubernetes('[runners.kubernetes.pod_annotations.«cni».projectcalico]\norg = "x"\n'),
        "unquoted-key",
    ),
    # types
    "number in quotes": (kubernetes('poll_interval = «"3"»\n'), "wrong-type"),
    "text without list": (runner('environment = «"A=1"»\n'), "wrong-type"),
    "list of numbers": (runner("environment = «[1]»\n"), "wrong-type"),
    "too large": (runner("limit = «9223372036854775808»\n"), "wrong-type"),
    "fraction": (runner("limit = «1.5»\n"), "wrong-type"),
    "true for a number": (runner("limit = «true»\n"), "wrong-type"),
    "no duration": (runner('unhealthy_interval = «"5 minutes"»\n'), "wrong-type"),
    "no time": (runner('token_expires_at = «"2026-01-01"»\n'), "wrong-type"),
    "date for a text": (runner("clone_url = «2026-01-01»\n"), "wrong-type"),
    "table for a text": (kubernetes("image = «{ name = 1 }»\n"), "wrong-type"),
    "list for a table": (kubernetes('pod_labels = «["a"]»\n'), "wrong-type"),
    "text for a section": (runner('kubernetes = «"yes"»\n'), "wrong-type"),
    "list for sections": (runner('[runners.kubernetes]\nservices = «["docker"]»\n'), "wrong-type"),
    "label that is a number": (label("x = «1»"), "wrong-type"),
    "flag in quotes": (runner('[runners.feature_flags]\nFF_USE_FASTZIP = «"true"»\n'), "wrong-type"),
    "retry limits": (kubernetes('[runners.kubernetes.retry_limits]\n"TLS" = «"5"»\n'), "wrong-type"),
    "fraction of pods": (kubernetes("[[runners.kubernetes.autoscaler.policy]]\nscale_factor = «'1'»\n"), "wrong-type"),
    "annotation that is a list": (annotation(f'{POOL_KEY} = «["a"]»'), "pool-annotation-type"),
    "annotation that is a number": (annotation(f"{POOL_KEY} = «4»"), "pool-annotation-type"),
    "other annotation that is a list": (annotation('"example.com/x" = «["a"]»'), "wrong-type"),
    "one bracket": (runner("[runners.kubernetes]\n[runners.kubernetes.«services»]\nname = 'x'\n"), "table-kind"),
    "two brackets": (runner("[[runners.«kubernetes»]]\nimage = 'x'\n"), "table-kind"),
    "two brackets for free keys": (kubernetes("[[runners.kubernetes.«pod_labels»]]\na = 'x'\n"), "table-kind"),
    "runners as a table": ("[«runners»]\nname = 'a'\n", "table-kind"),
    # keys
    "misspelt": (kubernetes("«pol_timeout» = 3\n"), "unknown-key"),
    "camel case": (kubernetes("[runners.kubernetes.«podAnnotations»]\na = 'b'\n"), "unknown-key"),
    "called otherwise": (kubernetes("[runners.kubernetes.«annotations»]\na = 'b'\n"), "unknown-key"),
    "nothing like it": (kubernetes("«zzz» = 1\n"), "unknown-key"),
    "tags": (runner("«tags» = ['a']\n"), "unknown-key"),
    "network of the host": (kubernetes("«host_network» = true\n"), "unknown-key"),
    "misspelt in docker": (runner("[runners.docker]\n«privilegd» = true\n"), "unknown-key"),
    "swapped in docker": (runner("[runners.docker]\n«privielged» = true\n"), "unknown-key"),
    "other letter in docker": (runner("[runners.docker]\n«pull_polizy» = 'always'\n"), "unknown-key"),
    "unknown in docker": (runner("[runners.docker]\n«new_thing» = true\n"), "unfamiliar-key"),
    "too high": (runner("[runners.«pod_annotations»]\na = 'b'\n"), "misplaced-key"),
    "two too high": (TOP + "«pod_annotations» = {}\n" + RUNNER, "misplaced-key"),
    "too low": (kubernetes("«limit» = 1\n"), "misplaced-key"),
    "environment too low": (kubernetes("«environment» = ['A=1']\n"), "misplaced-key"),
    "global after the first runner": (runner("«check_interval» = 1\n"), "misplaced-key"),
    "global after a sub-table": (kubernetes("«concurrent» = 1\n"), "misplaced-key"),
    "in the wrong executor": (runner("[runners.docker]\n«pod_annotations» = {}\n"), "unfamiliar-key"),
    "setting among annotations": (annotation(f"{POOL_KEY} = '[\"a\"]'\n«poll_timeout» = 360"), "misplaced-key"),
    "list among annotations": (annotation("«environment» = ['A=1']"), "misplaced-key"),
    "setting among labels": (label("«service_account» = 'x'"), "misplaced-key"),
    "removed": (kubernetes("«terminationGracePeriodSeconds» = 1\n"), "removed-key"),
    "removed from runners": (runner("«pre_clone_script» = 'x'\n"), "removed-key"),
    "usage logger": (TOP + "[experimental.usage_logger]\n«log_dir» = '/x'\n" + RUNNER, "deprecated-key"),
    "machine": (runner("").replace('"kubernetes"', '«"docker+machine"»'), "deprecated-key"),
    "ci": (runner("").replace('"https://gitlab.example.com"', '«"https://gitlab.example.com/ci/"»'), "deprecated-key"),
    # values
    "concurrent": ("concurrent = «0»\n" + RUNNER, "concurrent-below-one"),
    "concurrent below": ("concurrent = «-1»\n" + RUNNER, "concurrent-below-one"),
    "log level": ("log_level = «'loud'»\n" + RUNNER, "invalid-value"),
    "shell": (runner("shell = «'zsh'»\n"), "invalid-value"),
    "dns": (kubernetes("dns_policy = «'ClusterFirst'»\n"), "invalid-value"),
    "pull policy": (kubernetes("pull_policy = «'Always'»\n"), "invalid-value"),
    "one of the pull policies": (kubernetes("pull_policy = ['always', «'sometimes'»]\n"), "invalid-value"),
    "idle time": (kubernetes("[[runners.kubernetes.autoscaler.policy]]\nidle_time = «'10ms'»\n"), "invalid-value"),
    "idle time in nanoseconds": (
        kubernetes("[[runners.kubernetes.autoscaler.policy]]\nidle_time = «600»\n"),
        "invalid-value",
    ),
    "no idle time": (kubernetes("[[runners.kubernetes.autoscaler.policy]]\nidle_time = «'0'»\n"), "invalid-value"),
    "label of the runner": (runner("[runners.labels]\n«ab» = 'x'\n"), "invalid-value"),
    "value of a label of the runner": (TOP + "[labels]\nabc = «'x y'»\n" + RUNNER, "invalid-value"),
    "executor": (runner("").replace('"kubernetes"', '«"Kubernetes"»'), "unknown-executor"),
    "no executor": (
        runner("").replace('executor = "kubernetes"\n', "").replace("[[runners]]", "«[[runners]]»"),
        "unknown-executor",
    ),
    "flag": (runner("[runners.feature_flags]\n«FF_USE_FASTZIPS» = true\n"), "unknown-flag"),
    "removed flag": (runner("[runners.feature_flags]\n«FF_SKIP_NOOP_BUILD_STAGES» = true\n"), "unknown-flag"),
    # identity
    "no token": (runner("").replace("token = ", "#").replace("[[runners]]", "«[[runners]]»"), "required-key"),
    "empty url": (runner("").replace('"https://gitlab.example.com"', '«""»'), "required-key"),
    "shared token": (second("name = 'b'\ntoken = «'glrt-t1_4xYqA7pLwFAKETOKEN00'»\n"), "shared-token"),
    "shared variable": (
        second("token = «'$T'»\n").replace('"glrt-t1_4xYqA7pLwFAKETOKEN00"', '"$T"'),
        "shared-token",
    ),
    "shared short id": (second("token = «'glrt-t2_4xYqA7pLwFAKETOKEN01'»\n"), "shared-short-id"),
    "dollar in a token": (second("token = «'glrt-a$b'»\n"), "token-variable"),
    "same name": (second("name = «'a'»\n"), "duplicate-name"),
    "same label": (f"{TOP}[[runners]]\nname = 'a b'\n[[runners]]\nname = «'a_b'»\n", "duplicate-name"),
    "no name": (runner("").replace('name = "a"\n', "").replace("[[runners]]", "«[[runners]]»"), "name-missing"),
    "odd name": (runner("").replace('"a"', '«"a b"»'), "name-changed"),
    # the pool
    "no JSON": (annotation(f"{POOL_KEY} = «'infra'»"), "pool-annotation-invalid"),
    "text of JSON": (annotation(f"{POOL_KEY} = «'\"infra\"'»"), "pool-annotation-invalid"),
    "empty": (annotation(f"{POOL_KEY} = «''»"), "pool-annotation-invalid"),
    "empty list": (annotation(f"{POOL_KEY} = «'[]'»"), "pool-annotation-invalid"),
    "list of numbers for pools": (annotation(f"{POOL_KEY} = «'[1]'»"), "pool-annotation-invalid"),
    "empty name": (annotation(f"{POOL_KEY} = «'[\"\"]'»"), "pool-annotation-invalid"),
    "impossible name": (annotation(f"{POOL_KEY} = «'[\"Infra_1\"]'»"), "pool-annotation-invalid"),
    "range of the other version": (annotation(f"{POOL_KEY} = «'[\"fd00::/64\"]'»"), "pool-annotation-invalid"),
    "IPv4 range for IPv6": (
        annotation('"cni.projectcalico.org/ipv6pools" = «\'["a", "10.0.0.0/8"]\'»'),
        "pool-annotation-invalid",
    ),
    "no range": (annotation(f"{POOL_KEY} = «'[\"10.0.0.0/99\"]'»"), "pool-annotation-invalid"),
    "address for a range": (annotation(f"{POOL_KEY} = «'[\"fd00::1\"]'»"), "pool-annotation-invalid"),
    "single quotes inside": (annotation(f"{POOL_KEY} = «\"['infra']\"»"), "pool-annotation-invalid"),
    "nested without end": (annotation(f"{POOL_KEY} = «'{'[' * 5000}'»"), "pool-annotation-invalid"),
    "variable": (annotation(f"{POOL_KEY} = «'[\"$POOL\"]'»"), "pool-annotation-variable"),
    "predefined variable": (annotation(f"{POOL_KEY} = «'[\"${{CI_PROJECT_NAME}}\"]'»"), "pool-annotation-variable"),
    "dollar alone": (annotation(f"{POOL_KEY} = «'[\"a$\"]'»"), "pool-annotation-variable"),
    "singular": (annotation('«"cni.projectcalico.org/ipv4pool"» = \'["a"]\''), "pool-annotation-misspelt"),
    "capital": (annotation('«"cni.projectcalico.org/ipv4Pools"» = \'["a"]\''), "pool-annotation-misspelt"),
    "without cni": (annotation('«"projectcalico.org/ipv4pools"» = \'["a"]\''), "pool-annotation-misspelt"),
    "without domain": (annotation("«ipv4pools» = '[\"a\"]'"), "pool-annotation-misspelt"),
    "fixed address": (annotation('«"cni.projectcalico.org/ipAddrs"» = \'["10.0.0.1"]\''), "fixed-address"),
    "pool as a label": (label(f"«{POOL_KEY}» = '[\"a\"]'"), "misplaced-key"),
    "executor without pods": (
        pinned("")
        .replace('"kubernetes"', '"docker"')
        .replace("[runners.kubernetes.pod_annotations]", "«[runners.kubernetes.pod_annotations]»"),
        "kubernetes-unused",
    ),
    # metadata
    "annotation key": (annotation("«\"a b\"» = 'x'"), "metadata-key"),
    "annotation key with two slashes": (annotation("«\"a/b/c\"» = 'x'"), "metadata-key"),
    "label key with a capital domain": (label("«\"Example.com/a\"» = 'x'"), "metadata-key"),
    "label key too long": (label(f"«{'a' * 64}» = 'x'"), "metadata-key"),
    "reserved label": (label("«\"job.runner.gitlab.com/id\"» = 'x'"), "label-reserved"),
    "AppArmor": (annotation("«\"container.apparmor.security.beta.kubernetes.io/build\"» = 'x'"), "deprecated-key"),
    "annotation of the runner": (annotation("«\"job.runner.gitlab.com/id\"» = 'x'"), "annotation-replaced"),
    # what jobs may do
    "overwrite": (pinned("pod_annotations_overwrite_allowed = «'.*'»\n"), "overwrite-opens-pool"),
    "bearer": (pinned("bearer_token_overwrite_allowed = «true»\n"), "overwrite-chooses-token"),
    "dormant": (patch("«[[runners.kubernetes.pod_spec]]»\npatch = '{}'\n", flag=""), "pod-spec-dormant"),
    "by environment": (
        patch("[[runners.kubernetes.pod_spec]]\npatch = '{}'\n", flag="").replace(
            "executor", f"environment = ['A=1', «'{FLAG}=true'»]\nexecutor"
        ),
        "flag-not-pinned",
    ),
    "metadata by merge": (
        patch("[[runners.kubernetes.pod_spec]]\npatch_type = 'merge'\npatch = «'metadata: {}'»\n"),
        "pod-spec-metadata",
    ),
    "metadata by JSON patch": (
        patch(
            "[[runners.kubernetes.pod_spec]]\npatch_type = 'json'\n"
            "patch = «'[{op: add, path: /metadata/labels/a, value: b}]'»\n"
        ),
        "pod-spec-metadata",
    ),
    "host network": (
        patch("[[runners.kubernetes.pod_spec]]\npatch = «'hostNetwork: true'»\n"),
        "pod-spec-host-network",
    ),
    "host network by JSON patch": (
        patch(
            "[[runners.kubernetes.pod_spec]]\npatch_type = 'json'\n"
            "patch = «'[{op: add, path: /hostNetwork, value: true}]'»\n"
        ),
        "pod-spec-host-network",
    ),
    "no YAML": (patch("[[runners.kubernetes.pod_spec]]\npatch = «'a: ['»\n"), "pod-spec-unreadable"),
    "no map": (patch("[[runners.kubernetes.pod_spec]]\npatch = «'- a'»\n"), "pod-spec-unreadable"),
    "no list": (patch("[[runners.kubernetes.pod_spec]]\npatch_type = 'json'\npatch = «'{}'»\n"), "pod-spec-unreadable"),
    "two patches in one": (
        patch("[[runners.kubernetes.pod_spec]]\npatch = '{}'\npatch_path = «'/x'»\n"),
        "pod-spec-unreadable",
    ),
    "patch type": (patch("[[runners.kubernetes.pod_spec]]\npatch_type = «'Merge'»\npatch = '{}'\n"), "invalid-value"),
    # the rest
    "pause pods": (
        pinned("«[runners.kubernetes.autoscaler]»\n[[runners.kubernetes.autoscaler.policy]]\nidle_count = 1\n"),
        "pause-pods-unpinned",
    ),
    "boot verify": (
        runner("[runners.experimental.boot_verify]\nenabled = «true»\n[runners.kubernetes]\n"),
        "boot-verify-image",
    ),
    "namespace per job": (
        pinned("")
        + "[[runners]]\nname = 'b'\nexecutor = 'kubernetes'\n[runners.kubernetes]\nnamespace_per_job = «true»\n",
        "namespace-per-job",
    ),
    "privileged": (pinned("privileged = «true»\n"), "privileged-jobs"),
    "mounted": (pinned("").replace("token = false", "token = «true»"), "token-mounted"),
    "mounted by default": (
        pinned("")
        .replace("automount_service_account_token = false\n", "")
        .replace("[runners.kubernetes]", "«[runners.kubernetes]»"),
        "token-mounted",
    ),
    "poll timeout": (pinned("").replace("360", "«180»"), "poll-timeout"),
    "poll timeout by default": (
        pinned("").replace("poll_timeout = 360\n", "").replace("[runners.kubernetes]", "«[runners.kubernetes]»"),
        "poll-timeout",
    ),
    "poll interval": (kubernetes("poll_interval = «361»\n"), "poll-interval"),
    "poll timeout below the interval": (kubernetes("").replace("360", "«2»"), "poll-interval"),
}


WRONG_EVERYWHERE = """
[[runners]]
name = 1
url = []
token = {}
executor = []
shell = 1
environment = [1]
limit = "x"
[runners.labels]
abc = 1
[runners.feature_flags]
FF_USE_ADVANCED_POD_SPEC_CONFIGURATION = []
[runners.experimental.boot_verify]
enabled = "x"
[runners.kubernetes]
pull_policy = [[1]]
poll_timeout = "x"
poll_interval = []
namespace_overwrite_allowed = 1
automount_service_account_token = []
bearer_token_overwrite_allowed = "true"
[runners.kubernetes.pod_annotations]
"cni.projectcalico.org/ipv4pools" = []
"a/b" = 1
[[runners.kubernetes.autoscaler.policy]]
idle_time = true
[[runners.kubernetes.autoscaler.policy]]
idle_time = "x"
[[runners.kubernetes.pod_spec]]
name = 1
patch = []
patch_type = 1
patch_path = 1
[[runners.kubernetes.pod_spec]]
patch_type = "json"
patch = "[{op: add, path: [a]}, {op: add, path: /hostNetwork}]"
"""


def test_a_wrong_type_is_one_finding_and_confuses_no_other_rule() -> None:
    assert set(names(lint(WRONG_EVERYWHERE, "config.toml"), at_least=Severity.ERROR)) == {
        "wrong-type",
        "pool-annotation-type",
    }


def test_settings_that_are_no_sections_confuse_nothing() -> None:
    text = "concurrent = true\nrunners = 1\nexperimental = 1\nlabels = 1\n"
    assert names(lint(text, "config.toml")) == ["wrong-type"] * 4


def names(findings: tuple[Finding, ...], *, at_least: Severity = Severity.ADVICE) -> list[str]:
    return [finding.code.name for finding in findings if finding.code.severity.rank <= at_least.rank]


@pytest.mark.parametrize("row", FOUND)
def test_a_rule_finds_its_problem_at_these_characters(row: str) -> None:
    text, code = FOUND[row]
    plain, places = unmarked(text)
    assert len(places) == 1
    assert places_of(lint(plain, "config.toml"), code) == places


QUIET = {
    "the good file": pinned(""),
    "variables in other annotations": annotation('"example.com/a" = "$CI_PROJECT_PATH ${CI_JOB_ID}"'),
    "variables in labels": label('project = "$CI_PROJECT_ID"'),
    "two pools": annotation(f'{POOL_KEY} = \'["a", "b"]\''),
    "a pool by its range": annotation(f"{POOL_KEY} = '[\"172.16.0.0/16\"]'"),
    "both families": annotation(f'{POOL_KEY} = \'["a"]\'\n"cni.projectcalico.org/ipv6pools" = \'["a6"]\''),
    "other settings of Calico": annotation('"cni.projectcalico.org/ipFamilies" = \'["IPv4"]\''),
    "a capital domain in an annotation": annotation("\"Example.com/a\" = 'x'"),
    "an empty label of a team": label('"node-role.example.com/ci" = ""'),
    "a quoted label that is called like a setting": label('"service_account" = "x"'),
    "a bare label that is called like a setting": label('namespace = "x"\nimage = "y"'),
    "capital letters in keys": TOP.replace("c", "C")
    + RUNNER.replace("name", "Name")
    + KUBERNETES.replace("poll", "Poll"),
    "an empty regular expression": kubernetes('pod_annotations_overwrite_allowed = ""\n'),
    "an anchored list": kubernetes("pod_annotations_overwrite_allowed = '^team\\.example/x=[a-z]+$'\n"),
    "a token that is a variable": runner("").replace('"glrt-t1_4xYqA7pLwFAKETOKEN00"', '"${TOKEN}"'),
    "words in the place of tokens": f"{TOP}{RUNNER}{RUNNER.replace(chr(34) + 'a', chr(34) + 'b')}".replace(
        "glrt-t1_4xYqA7pLwFAKETOKEN00", "REDACTED"
    ),
    **{
        f"tokens blanked as {blank}": f"{TOP}{RUNNER}{RUNNER.replace(chr(34) + 'a', chr(34) + 'b')}".replace(
            "t1_4xYqA7pLwFAKETOKEN00", blank
        )
        for blank in ("REDACTED", "xxxxxxxxxxxxxxxxxxxx", "********", "...", "<token>")
    },
    "patches that are pinned off": patch(
        "[[runners.kubernetes.pod_spec]]\npatch = 'hostNetwork: true'\n", flag=f"{FLAG} = false"
    ),
    "a harmless patch": patch("[[runners.kubernetes.pod_spec]]\npatch = 'nodeSelector: {a: b}'\n"),
    "a patch that switches it off": patch("[[runners.kubernetes.pod_spec]]\npatch = 'hostNetwork: false'\n"),
    "a harmless JSON patch": patch(
        "[[runners.kubernetes.pod_spec]]\npatch_type = 'json'\npatch = '[{op: remove, path: /hostNetwork}, a]'\n"
    ),
    "a patch in a file": patch("[[runners.kubernetes.pod_spec]]\npatch_path = '/etc/p.yaml'\n"),
    "an empty patch": patch("[[runners.kubernetes.pod_spec]]\npatch = '# nothing'\n"),
    "privileged without a pool": kubernetes("privileged = true\n"),
    "a namespace for each job where no pool is chosen": kubernetes("namespace_per_job = true\n"),
    "pause pods where no pool is chosen": kubernetes("[[runners.kubernetes.autoscaler.policy]]\nidle_time = '1m'\n"),
    "an autoscaler without a policy": pinned("[runners.kubernetes.autoscaler]\nmax_pause_pods = 1\n"),
    "boot verify with an image": runner(
        "[runners.experimental.boot_verify]\nenabled = true\n[runners.kubernetes]\nimage = 'x'\n"
    ),
    "durations": runner('unhealthy_interval = "1h30m"\n'),
    "free tables": runner("[runners.monitoring]\na = 1\n"),
    "an empty list of services": kubernetes("services = []\n"),
    "policies": kubernetes("pull_policy = ['always', 'never']\ndns_policy = 'none'\n"),
    "labels of the runner": runner("[runners.labels]\nabc = 'x'\n"),
    "dollar in the value of a label": runner("[runners.feature_flags]\nFF_USE_FASTZIP = true\n"),
    "another executor": runner("").replace('"kubernetes"', '"shell"'),
    "an environment without the flag": patch("", flag="").replace("executor", "environment = ['A=1']\nexecutor"),
    "poll timeout zero": kubernetes("").replace("360", "0"),
}


@pytest.mark.parametrize("row", QUIET)
def test_normal_use_raises_no_alarm(row: str) -> None:
    assert names(lint(QUIET[row], "config.toml")) == []


WARNED = {
    "a-plain": [],
    "b-annotations-labels": ["label-reserved"],
    "c-overwrite-any": ["overwrite-changes-labels", "overwrite-opens-pool"],
    "d-overwrite-regexp": ["overwrite-opens-pool", "overwrite-pattern-refused"],
    "e-pod-spec-patches": [
        "pod-spec-host-network",
        "pod-spec-metadata",
        "pod-spec-metadata",
        "pod-spec-host-network",
        "pod-spec-dormant",
    ],
    "e-pod-spec-strategic-metadata": ["pod-spec-metadata", "pod-spec-unreadable", "invalid-value"],
    "f-namespace-nodes-services": [
        "overwrite-any-namespace",
        "overwrite-any-service-account",
        "overwrite-chooses-node",
        "overwrite-tolerates-control-plane",
    ],
    "h-same-token-twice": ["shared-token"],
    "i-odd-values": ["metadata-key", "metadata-key"],
    "j-pull-failure-eviction-deletion": [],
    "k-admission-policy": ["overwrite-opens-pool", "pod-spec-dormant"],
    "n-pause-pods": ["pause-pods-unpinned"],
    "real-docker": [],
    "real-s3-cache": [],
}


@pytest.mark.parametrize("sample", WARNED)
def test_recorded_and_usual_files_have_exactly_these_findings(sample: str) -> None:
    text = (SAMPLES / f"{sample}.toml").read_text(encoding="utf-8")
    assert names(lint(text, "config.toml"), at_least=Severity.WARNING) == WARNED[sample]


def test_every_sample_is_in_the_table() -> None:
    assert {path.stem for path in SAMPLES.glob("*.toml")} == set(WARNED)


@pytest.mark.parametrize(
    ("row", "remedy"),
    [
        ("misspelt", "Did you mean poll_timeout?"),
        ("camel case", "Did you mean pod_annotations?"),
        ("called otherwise", "Did you mean pod_annotations?"),
        ("misspelt in docker", "Did you mean privileged?"),
        ("executor", 'Did you mean "kubernetes"?'),
        ("flag", "Did you mean FF_USE_FASTZIP?"),
        ("too high", "Move it below [runners.kubernetes]."),
        ("too low", "Move it directly below [[runners]], above the first [runners.…] header."),
        ("environment too low", "Move it directly below [[runners]], above the first [runners.…] header."),
        ("global after the first runner", "Move it to the top of the file, before the first [[runners]]."),
        ("dots", 'Quote the key: "cni.projectcalico.org" = ….'),
        ("dots for a slash", 'Quote the key: "cni.projectcalico.org/ipv4pools" = ….'),
        ("slash", 'Quote the key: "cni.projectcalico.org/ipv4pools".'),
        ("one bracket", "Write [[runners.kubernetes.services]]."),
        ("two brackets", "Write [runners.kubernetes]."),
        ("removed", "Write pod_termination_grace_period_seconds and cleanup_grace_period_seconds."),
        ("singular", 'Write "cni.projectcalico.org/ipv4pools".'),
        ("nothing like it", "Correct the spelling, or remove the key."),
    ],
)
def test_the_remedy_is_about_this_very_case(row: str, remedy: str) -> None:
    text, code = FOUND[row]
    finding = next(one for one in lint(unmarked(text)[0], "config.toml") if one.code.name == code)
    assert finding.what_to_do == remedy


def test_a_lost_pool_is_said_where_its_section_is_misspelt() -> None:
    text = kubernetes('[runners.kubernetes.pod_anotations]\n"cni.projectcalico.org/ipv4pools" = \'["a"]\'\n')
    assert "reaches no pod" in lint(text, "config.toml")[0].cause


def test_a_dormant_patch_on_the_network_is_named() -> None:
    text = patch("[[runners.kubernetes.pod_spec]]\nname = 'p'\npatch = 'hostNetwork: true'\n", flag="")
    (finding,) = lint(text, "config.toml")
    assert "pod_spec[p] then gives its pod the network of the node" in finding.cause


def test_what_a_job_can_reach_comes_with_the_variable_that_proves_it() -> None:
    (finding,) = lint(pinned("pod_annotations_overwrite_allowed = 'team=.*'\n"), "config.toml")
    assert "KUBERNETES_POD_ANNOTATIONS_1" in finding.proof


def test_a_finding_of_the_second_runner_is_named_by_it() -> None:
    text = second("name = 'b'\nlimit = '1'\n")
    assert [one.subject for one in lint(text, "c.toml") if one.code.name == "wrong-type"] == ["runners[b].limit"]


def test_sections_without_a_name_have_a_number() -> None:
    text = "[[runners]]\n[[runners]]\nlimit = '1'\n"
    assert [one.subject for one in lint(text, "c.toml") if one.code.name == "wrong-type"] == ["runners[1].limit"]


def test_a_line_that_cannot_be_read_is_not_missed_as_well() -> None:
    text = runner("").replace("token = ", "token ").replace("executor = ", "executor ")
    assert names(lint(text, "config.toml")) == ["toml-syntax"]


def test_a_finding_about_the_text_as_a_whole_stands_at_its_start_in_another_file() -> None:
    (document,) = yaml.parse("a:\n  b: |\n    # nothing\n", "v.yaml")
    inner = document.items[0][1].items[0][1]
    assert [str(one.place) for one in lint(inner.text, "v.yaml", offset=inner)] == ["v.yaml:3:5"]


def test_findings_come_in_the_order_of_the_lines() -> None:
    findings = lint(second("token = 'glrt-t1_4xYqA7pLwFAKETOKEN00'\n") + "concurrent = 1\n[x\n", "config.toml")
    lines = [finding.place.line for finding in findings if finding.place]
    assert lines == sorted(lines)
    assert len(lines) > 3


SECRETS = st.text(alphabet="abcdefgXYZ0123456789", min_size=12, max_size=30)


@given(
    secret=SECRETS,
    quote=st.sampled_from(['"', "'", ""]),
    equals=st.sampled_from([" = ", ": ", " ", " = [", " = {a="]),
    key=st.sampled_from(
        ["token", "bearer_token", "tokn", "token_", "Token", "pod_annotations", "environment", "id", "url"]
    ),
    section=st.sampled_from([RUNNER, RUNNER + KUBERNETES, RUNNER + "[runners.cache.s3]\n", RUNNER + POOL]),
    tail=st.sampled_from(["\n", "", " x\n", "'\n", "$\n"]),
)
def test_no_finding_holds_a_secret_of_the_file(
    secret: str, quote: str, equals: str, key: str, section: str, tail: str
) -> None:
    text = f"{section}{key}{equals}{quote}{secret}{quote}{tail}"
    for finding in lint(text, "config.toml"):
        shown = [finding.subject, finding.observed, finding.expected, finding.cause, finding.remedy, finding.proof]
        assert not re.search(secret, " ".join(shown))


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    lint(f"{TOP}{RUNNER}{KUBERNETES}{text}\n", "config.toml")
    lint(text, "config.toml", template=True)
