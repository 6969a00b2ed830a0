"""One hash for what a policy means, however it is written."""

from __future__ import annotations

import pytest

from runner_bridge.core.policy import Source, load
from tests.core.policy.base import POLICY, TODAY, changed, read

DIGEST = read(POLICY).digest


def test_a_file_of_another_name_and_two_files_mean_the_same() -> None:
    head, mark, rest = POLICY.partition("tiers:\n")
    split = load([Source(name="b", text=mark + rest), Source(name="a", text=head)], today=TODAY)
    assert read(POLICY, "other.yaml").digest == split.digest == DIGEST


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(("gitlab:\n", "# a comment\ngitlab:\n"), id="comment"),
        pytest.param(("[platform, products]", "[products, platform]"), id="order-of-groups"),
        pytest.param(('"platform/**", "id:19241"', '"id:19241", "platform/**"'), id="order-of-rules"),
        pytest.param(('"platform/**"', '"group:platform"'), id="group-is-path"),
        pytest.param(("    egress: node\n", ""), id="default-written-out"),
        pytest.param(
            ("    class: nat\n    block_size: 25\n", "    block_size: 25\n    class: nat\n"), id="order-of-keys"
        ),
        pytest.param(("gitlab.example.com/", "gitlab.example.com"), id="slash"),
        pytest.param(("privacy:", "enforce: {brake_percent: 25}\nprivacy:"), id="later-key-with-its-default"),
        pytest.param(("    egress: node\n", "    enforce: {quarantine: false}\n"), id="later-key-of-a-tier"),
        pytest.param(("privacy:", "installations: {}\nprivacy:"), id="later-map-that-is-empty"),
    ],
)
def test_how_it_is_written_does_not_count(edit: tuple[str, str]) -> None:
    assert read(changed(edit)).digest == DIGEST


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(("limit: 20", "limit: 21"), id="limit"),
        pytest.param(("id:19241", "id:19242"), id="rule"),
        pytest.param(("block_size: 25", "block_size: 26"), id="block-size"),
        pytest.param(("people: off", "people: names"), id="privacy"),
        pytest.param(("2027-03-31", "2027-04-01"), id="waiver"),
        pytest.param(("privacy:", "enforce: {brake_percent: 26}\nprivacy:"), id="limit-of-enforcing"),
        pytest.param(("    egress: node\n", "    enforce: {quarantine: true}\n"), id="enforcing"),
        pytest.param(("limit: 20", "limit: 20, paused: false"), id="declared-in-gitlab"),
    ],
)
def test_what_it_means_does(edit: tuple[str, str]) -> None:
    assert read(changed(edit)).digest != DIGEST
