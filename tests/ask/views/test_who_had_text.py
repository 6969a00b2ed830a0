"""The answers of `who-had` read well at eighty columns, in one zone, whatever a job claims of itself."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.ask.answers.addresses import Kind, answer
from runner_bridge.ask.views import who_had_text
from runner_bridge.core.intervals import fold
from runner_bridge.core.model.ledger import EntryKind, Gap
from tests.make import NOON, entry

END = NOON + timedelta(minutes=5)
INTERVAL = fold(
    fold(None, entry(project_path="platform/network", job="4711", findings=("address-routable",))),
    entry(EntryKind.CLOSED, at=END, seen_to_at=END - timedelta(minutes=1)),
)
GAP = Gap(cluster="prod-1", reason="the bridge was not running", from_at=NOON, to_at=END)


def test_a_pod_is_a_paragraph() -> None:
    told = answer(Kind.ADDRESS, "172.16.12.2", [INTERVAL], [GAP], since=NOON, until=NOON)

    assert who_had_text.render(told, zone=ZoneInfo("Europe/Paris"), width=80) == (
        "address 172.16.12.2 at 2026-11-20 13:00:00 CET: 1 pod.\n"
        "\n"
        "2026-11-20 13:00:00 CET to 2026-11-20 13:05:00 CET (seen until 13:04:00)\n"
        "  pod gitlab-runners/runner-4xyqa7plw-project-7-concurrent-0 on prod-1\n"
        "  project platform/network (7), job (as it claims) 4711, tier infra, pool\n"
        "    infraestrutura\n"
        "  node node-1 10.0.3.7\n"
        "  pass, evidence address, address-routable\n"
        "\n"
        "- Not known from 2026-11-20 13:00:00 CET until 2026-11-20 13:05:00 CET (prod-1):\n"
        "  the bridge was not running; pods that came and went then are missing.\n"
    )


@given(st.text(), st.text())
def test_no_claim_steers_the_terminal(job: str, project: str) -> None:
    interval = fold(None, entry(job=job, project_path=project))
    out = who_had_text.render(answer(Kind.ADDRESS, "x", [interval], []), zone=UTC, width=80)

    assert all(letter.isprintable() or letter == "\n" for letter in out)
