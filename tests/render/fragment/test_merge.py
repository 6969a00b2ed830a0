"""A merge changes what the policy governs, and not one byte more."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from runner_bridge.core.model.annotations import ADDRESS_KEYS
from runner_bridge.core.policy import model as p
from runner_bridge.core.text.problem import Malformed
from runner_bridge.render.fragment import merge
from runner_bridge.render.fragment.governed import STAMP
from runner_bridge.render.runner_config import render
from tests import make

SAMPLES = sorted((Path(__file__).parent.parent / "samples").glob("*.toml"))
POOLS = "cni.projectcalico.org/ipv4pools"
FLAG = "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION"
POLICY = make.policy(make.tier())
UNPINNED = make.policy(make.tier(pin=False))
EXISTING = """\
# Our runners. Ask the platform team.
concurrent = 4   # nodes are small
check_interval = 1

[session_server]
  session_timeout = 900

[[runners]]
  name = "other-team"
  url = "https://gitlab.example.com"
  token = "glrt-othersFAKETOKEN00"
  executor = "docker"
  [runners.docker]
    image = "alpine"

[[runners]]
  # do not rename
  name = "infra-platform"
  url = "https://gitlab.example.com/"
  id = 19
  token = "glrt-t1_4xYqA7pLwFAKETOKEN00"
  executor = "kubernetes"
  environment = ["LANG=C"]
  [runners.cache]
    Type = "s3"
  [runners.kubernetes]
    namespace = "gitlab-runners"
    privileged = true # for now
    poll_timeout = 360
    pod_annotations_overwrite_allowed = ".*"
    [runners.kubernetes.pod_annotations]
      "example.com/owner" = "platform"   # who to call
      "cni.projectcalico.org/ipv4pools" = "[\\"default\\"]"

# the end
"""


def section(text: str, name: str = "infra-platform") -> dict[str, Any]:
    found: list[dict[str, Any]] = [each for each in tomllib.loads(text)["runners"] if each["name"] == name]
    assert len(found) == 1
    return found[0]


def for_file(text: str, **changes: Any) -> p.Policy:
    """A policy that declares every runner of a file."""
    sections = tomllib.loads(text)["runners"]
    runners = tuple(make.runner(each["name"]) for each in sections)
    return make.policy(make.tier(runners=runners, **changes), gitlab=p.GitLab(url=sections[0]["url"], root_groups=()))


def test_the_diff_is_what_is_governed() -> None:
    merged = merge(EXISTING, POLICY)
    kept = set(EXISTING.splitlines()) - set(merged.splitlines())
    assert sorted(line.strip() for line in kept) == [
        '"cni.projectcalico.org/ipv4pools" = "[\\"default\\"]"',
        'pod_annotations_overwrite_allowed = ".*"',
    ]
    new = [line.strip() for line in merged.splitlines() if line not in EXISTING.splitlines()]
    assert new == [
        "limit = 20",
        "[runners.feature_flags]",
        "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION = false",
        "FF_SUSPENDABLE_ENVIRONMENTS = false",
        'pod_annotations_overwrite_allowed = ""',
        "automount_service_account_token = false",
        "bearer_token_overwrite_allowed = false",
        'namespace_overwrite_allowed = ""',
        'service_account_overwrite_allowed = ""',
        'node_selector_overwrite_allowed = ""',
        'node_tolerations_overwrite_allowed = ""',
        'pod_labels_overwrite_allowed = ""',
        """"cni.projectcalico.org/ipv4pools" = '["infraestrutura"]'""",
        f'"{STAMP}" = "{section(merged)["kubernetes"]["pod_annotations"][STAMP]}"',
        "[runners.kubernetes.pod_labels]",
        '"runner-bridge.dev/tier" = "infra"',
    ]


def test_another_runners_section_stays_byte_for_byte() -> None:
    start, end = EXISTING.index("[[runners]]"), EXISTING.index("[[runners]]\n  # do not")
    assert EXISTING[:end] in merge(EXISTING, POLICY)
    assert EXISTING[start:end] in merge(EXISTING, POLICY)


def test_a_second_merge_changes_nothing() -> None:
    once = merge(EXISTING, POLICY)
    assert merge(once, POLICY) == once


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_recorded_files_keep_everything_but_what_is_governed(path: Path) -> None:
    text = path.read_text()
    policy = for_file(text)
    merged = merge(text, policy)
    assert merge(merged, policy) == merged
    for before, after in zip(tomllib.loads(text)["runners"], tomllib.loads(merged)["runners"], strict=True):
        assert after["token"] == before["token"]
        assert after["kubernetes"]["pod_annotations"][POOLS] == '["infraestrutura"]'
        changed = {key for key, value in before["kubernetes"].items() if after["kubernetes"][key] != value}
        assert {key for key in changed if not key.endswith("_overwrite_allowed")} <= {
            "namespace",
            "poll_timeout",
            "pod_annotations",
            "pod_labels",
        }


def test_merging_a_new_file_into_itself_changes_nothing() -> None:
    text = render(make.policy())["config.toml"]
    assert merge(text, make.policy()) == text


def test_an_empty_file_becomes_a_whole_one() -> None:
    merged = tomllib.loads(merge("# to come\n", make.policy()))
    assert merged == tomllib.loads(render(make.policy())["config.toml"])


def test_a_runner_that_is_missing_is_added_without_a_token() -> None:
    merged = merge("concurrent = 2", make.policy(make.tier()))
    assert merged.startswith("concurrent = 2\n\n# Tier infra, group:platform, tags infra.")
    assert "token" not in section(merged)


def test_added_before_nothing_that_follows_the_runners() -> None:
    text = f"{EXISTING}\n[experimental.usage_logger]\nenabled = true\n"
    merged = merge(text, make.policy())
    assert [each["name"] for each in tomllib.loads(merged)["runners"]] == ["other-team", "infra-platform", "shared"]
    assert tomllib.loads(merged)["experimental"] == {"usage_logger": {"enabled": True}}


def test_line_ends_stay_what_they_are() -> None:
    merged = merge(EXISTING.replace("\n", "\r\n"), make.policy())
    assert merged.count("\n") == merged.count("\r\n")
    assert merged.replace("\r\n", "\n") == merge(EXISTING, make.policy())


@pytest.mark.parametrize("globals_", ["concurrent = 0", "concurrent = -1", "Concurrent = 0"])
def test_concurrent_that_ends_the_runner_is_mended(globals_: str) -> None:
    merged = tomllib.loads(merge(f"{globals_} # off\n", POLICY))
    assert next(iter(merged.values())) == 20


@pytest.mark.parametrize(
    "globals_", ["concurrent = 1", "concurrent = true", "concurrent = 'none'", "log_level = 'warn'"]
)
def test_other_globals_are_the_admins(globals_: str) -> None:
    assert merge(f"{globals_}\n", POLICY).startswith(f"{globals_}\n\n#")


def test_a_tier_that_is_not_pinned_loses_every_annotation_that_chooses_an_address() -> None:
    doors = "".join(f"""      "{key}" = '["10.0.0.1"]'\n""" for key in ADDRESS_KEYS if key != POOLS)
    text = EXISTING.replace("# the end", f"{doors}# the end")
    annotations = section(merge(text, UNPINNED))["kubernetes"]["pod_annotations"]
    assert set(annotations) == {"example.com/owner", STAMP}


def test_the_stamp_follows_its_own_section_only() -> None:
    def stamps(text: str, policy: p.Policy = make.policy()) -> list[str]:  # noqa: B008 - frozen
        parsed = tomllib.loads(merge(text, policy))["runners"]
        return [each["kubernetes"]["pod_annotations"][STAMP] for each in parsed if each["executor"] == "kubernetes"]

    first, second = stamps(EXISTING)
    assert stamps(EXISTING.replace("FAKETOKEN00", "FAKETOKEN01")) == [first, second]
    assert stamps(EXISTING.replace("id = 19", "id = 20\n  token_obtained_at = 2026-01-01T00:00:00Z")) == [first, second]
    assert stamps(EXISTING.replace("# for now", "# for ever")) == [first, second]
    privileged = stamps(EXISTING.replace("privileged = true", "privileged = false"))
    assert privileged[0] != first
    assert privileged[1] == second


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("", False),
        ('environment = ["FF_USE_ADVANCED_POD_SPEC_CONFIGURATION=true"]', True),
        (
            'environment = ["FF_USE_ADVANCED_POD_SPEC_CONFIGURATION=1", "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION=no"]',
            False,
        ),
        ("environment = 5", False),
        ("feature_flags = { FF_USE_ADVANCED_POD_SPEC_CONFIGURATION = true }", True),
        ("feature_flags.FF_USE_ADVANCED_POD_SPEC_CONFIGURATION = false", False),
    ],
)
def test_a_flag_keeps_the_value_that_is_in_force_and_no_job_can_switch_it(found: str, expected: bool) -> None:
    text = f'[[runners]]\nname = "infra-platform"\n{found}\n'
    assert section(merge(text, POLICY))["feature_flags"][FLAG] is expected


def test_dormant_patches_stay_dormant_and_those_in_use_stay_in_use() -> None:
    text = next(path for path in SAMPLES if path.stem == "e-pod-spec-patches").read_text()
    merged = tomllib.loads(merge(text, for_file(text)))["runners"]
    assert {each["name"]: each["feature_flags"][FLAG] for each in merged} == {
        "strategic": True,
        "merge-metadata": True,
        "json-metadata": True,
        "json-host-network": True,
        "flag-not-set": False,
    }


def written(*lines: str) -> str:
    return "\n".join(("[[runners]]", 'name = "infra-platform"', *lines, ""))


SHAPES = {
    "headers": written("[runners.kubernetes]", 'namespace = "x"', "[runners.kubernetes.pod_annotations]", 'a = "b"'),
    "no kubernetes header": written("[runners.kubernetes.pod_annotations]", 'a = "b"'),
    "dotted from the section": written('kubernetes.namespace = "x"', 'kubernetes.pod_annotations.a = "b"'),
    "dotted from the table": written("[runners.kubernetes]", 'pod_annotations.a = "b"', 'namespace = "x"'),
    "dotted, then a header": written('kubernetes.x = "y"', "[runners.kubernetes.pod_annotations]", 'a = "b"'),
    "inline": written('kubernetes = { namespace = "x", pod_annotations = { a = "b" } } # why'),
    "inline in a table": written("[runners.kubernetes]", 'namespace = "x"', 'pod_annotations = { a = "b" }'),
    "inline and empty": written("kubernetes = {}"),
    "out of order": written(
        "[runners.kubernetes.pod_annotations]", 'a = "b"', "[runners.cache]", 'Type = "s3"', "[runners.kubernetes]"
    ),
    "torn by another table": written("[session_server]", "session_timeout = 1", "[runners.kubernetes]", 'x = "y"'),
    "no line end": written().rstrip(),
    "tabs": written("\tid = 1", "\t[runners.kubernetes]", '\t\tnamespace = "x"'),
    "quoted keys": """[["runners"]]\n"name" = "infra-platform"\n[runners."kubernetes"]\n'namespace' = "x"\n""",
    "empty tables": written("[runners.kubernetes]", "[runners.kubernetes.pod_labels]", "[runners.feature_flags]"),
    "values over several lines": written(
        "environment = [ # all", '  "A=1",', "]", "[runners.kubernetes]", 'namespace = """', 'x"""'
    ),
    "dates and numbers": written("token_obtained_at = 0001-01-01T00:00:00Z", "x = [1, 1.0, nan, inf, 1979-05-27]"),
    "inline with all kinds": written("kubernetes = { x = [1, 1.5, true, -inf, 07:32:00, 1979-05-27], 'y z' = 'q\"' }"),
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_every_way_to_write_tables_takes_the_governed_keys(text: str) -> None:
    merged = merge(text, POLICY)
    kubernetes = section(merged)["kubernetes"]
    assert kubernetes["pod_annotations"][POOLS] == '["infraestrutura"]'
    assert kubernetes["namespace"] == "gitlab-runners"
    assert merge(merged, POLICY) == merged
    for line in text.splitlines():
        assert (
            line in merged
            or "kubernetes = {" in line
            or "namespace" in line
            or "pod_annotations = {" in line
            or line == 'x"""'
        )


def test_a_comment_behind_an_inline_table_stays() -> None:
    assert "} # why\n" in merge(SHAPES["inline"], POLICY)


REFUSED = {
    "not TOML": ("[[runners]\n", "config.toml:1:"),
    "a table twice": ("[a]\nx = 1\n[a]\ny = 2\n", "config.toml:3:2"),
    "TOML 1.1": ("a = {\n}\n", "config.toml"),
    "nested beyond use": (f"a = {'[' * 5000}{']' * 5000}\n", "beyond any use"),
    "runners is one value": ("a = 1\nrunners = [ { name = 'x' } ]\n", "config.toml:2:1: runners in one value"),
    "runners is one table": ("[runners]\nname = 'x'\n", "config.toml:1:1: [runners], expected [[runners]]"),
    "a table of no runner": (
        "concurrent = 1\n[runners.kubernetes]\nnamespace = 'x'\n",
        "config.toml:2:1: [runners.kubernetes] that belongs to no runner, expected [[runners]] above it",
    ),
    "runners in capitals": ("[[Runners]]\nname = 'x'\n", "config.toml:1:1: Runners, expected runners"),
    "kubernetes is a string": (
        "[[runners]]\nname = 'infra-platform'\nkubernetes = 'x'\n",
        "config.toml:3:1: kubernetes is of type string",
    ),
    "annotations are an array": (
        "[[runners]]\nname = 'infra-platform'\n[[runners.kubernetes.pod_annotations]]\na = 'x'\n",
        "config.toml:3:1: pod_annotations is of type array, expected a table. Write it as [runners.kubernetes.pod_ann",
    ),
    "a value is a table": (
        "[[runners]]\nname = 'infra-platform'\n[runners.limit]\n",
        "config.toml:3:1: limit is a table",
    ),
    "a governed key in capitals": (
        "[[runners]]\nname = 'infra-platform'\n[runners.kubernetes]\nPod_Annotations_Overwrite_Allowed = '.*'\n",
        "config.toml:4:1: Pod_Annotations_Overwrite_Allowed, expected pod_annotations_overwrite_allowed",
    ),
    "a governed key in capitals, inline": (
        "[[runners]]\nname = 'infra-platform'\nkubernetes = { Namespace = 'x' }\n",
        "config.toml:1:1: Namespace, expected namespace",
    ),
    "two sections for one runner": (
        "[[runners]]\nname = 'infra-platform'\n[[runners]]\nname = 'infra-platform'\n",
        "config.toml:3:1: a second section for the runner infra-platform",
    ),
    "the same name at another GitLab": (
        "[[runners]]\nname = 'infra-platform'\nurl = 'https://other.example.com'\n",
        "config.toml:1:1: the runner infra-platform at https://other.example.com",
    ),
    "another executor": (
        "[[runners]]\nname = 'infra-platform'\nexecutor = 'docker'\n",
        "config.toml:1:1: the runner infra-platform with another executor",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_leaves_no_room_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(Malformed) as error:
        merge(text, POLICY)
    assert message in str(error.value)


@pytest.mark.parametrize("url", ["", "$CI_SERVER_URL", "https://GitLab.example.com/ci/", "https://gitlab.example.com"])
def test_a_section_is_known_by_name_and_gitlab(url: str) -> None:
    line = f'url = "{url}"\n' if url else ""
    merged = section(merge(f'[[runners]]\nname = "infra-platform"\n{line}', POLICY))
    assert merged["url"] == (url or "https://gitlab.example.com")


def test_a_section_is_known_by_a_token_of_the_policy_and_takes_its_name() -> None:
    policy = make.policy(make.tier(runners=(make.runner(short_ids=("4xYqA7pLw",)),)))
    merged = merge(EXISTING.replace('"infra-platform"', '"old name"'), policy)
    assert section(merged)["id"] == 19


def test_a_token_of_the_policy_at_another_gitlab_is_refused() -> None:
    policy = make.policy(make.tier(runners=(make.runner(short_ids=("4xYqA7pLw",)),)))
    with pytest.raises(Malformed, match=r"the runner infra-platform at https://other\.example\.com"):
        merge(EXISTING.replace("https://gitlab.example.com/", "https://other.example.com"), policy)


def test_a_token_of_one_runner_under_the_name_of_another_is_refused() -> None:
    policy = make.policy(make.tier(runners=(make.runner("a", short_ids=("4xYqA7pLw",)), make.runner("b"))))
    with pytest.raises(Malformed, match="a section that is the runner a as well as b"):
        merge('[[runners]]\nname = "b"\ntoken = "glrt-4xYqA7pLwFAKETOKEN00"\n', policy)


def test_no_error_shows_a_token() -> None:
    with pytest.raises(Malformed) as error:
        merge('[[runners]]\nname = "infra-platform"\nurl = "https://glrt-t1_4xYqA7pLwFAKETOKEN00@x"\n', POLICY)
    assert "FAKETOKEN" not in str(error.value)


def test_an_overwrite_that_a_newer_runner_has_is_closed_too() -> None:
    text = written("[runners.kubernetes]", 'a_overwrite_allowed = ".*"', "b_overwrite_allowed = true")
    kubernetes = section(merge(text, POLICY))["kubernetes"]
    assert (kubernetes["a_overwrite_allowed"], kubernetes["b_overwrite_allowed"]) == ("", False)


def test_a_token_goes_into_a_section_without_one_and_replaces_none() -> None:
    token = {p.RunnerName("infra-platform"): "glrt-newFAKETOKEN00"}
    merged = merge("", POLICY, tokens=token)
    assert section(merged)["token"] == "glrt-newFAKETOKEN00"
    assert "GitLab shows the token once" not in merged
    assert merge(merged, POLICY) == merged
    assert merge(EXISTING, POLICY, tokens=token) == merge(EXISTING, POLICY)
    emptied = EXISTING.replace("glrt-t1_4xYqA7pLwFAKETOKEN00", "")
    assert section(merge(emptied, POLICY, tokens=token))["token"] == "glrt-newFAKETOKEN00"
    unsigned = merge("", POLICY)
    assert section(merge(unsigned, POLICY, tokens=token))["token"] == "glrt-newFAKETOKEN00"
