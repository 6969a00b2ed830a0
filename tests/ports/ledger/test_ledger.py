"""What was recorded is found again, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from runner_bridge.core.chain import witnesses
from runner_bridge.core.errors import LedgerError, SettingsError
from runner_bridge.core.model.ledger import EntryKind, Fact, Interval, Purpose, Step
from runner_bridge.ports.ledger import Ledger
from runner_bridge.ports.ledger.migrate import FOLDER
from runner_bridge.ports.ledger.tables import HEAD, metadata
from tests.make import NOON, entry
from tests.ports.ledger.writing import a_day, codes, fact, later, life, record, tamper, term

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


ADDRESS = ip_address("172.16.12.2")


def uids(intervals: Sequence[Interval]) -> list[str]:
    return [one.pod_uid for one in intervals]


def test_who_had_an_address_at_a_moment(ledger: Ledger) -> None:
    a_day(ledger)

    assert uids(ledger.who_had(ADDRESS)) == ["u0", "u1", "u2", "u3", "u4"]
    assert uids(ledger.who_had(ADDRESS, since=later(12), until=later(12))) == ["u1"]
    assert uids(ledger.who_had(ADDRESS, since=later(9), until=later(9))) == []
    assert uids(ledger.who_had(ADDRESS, since=later(5), until=later(20))) == ["u0", "u1", "u2"]
    assert uids(ledger.who_had(ADDRESS, since=later(10**6))) == ["u4"], "it is still held"
    assert ledger.who_had(ip_address("172.16.12.3")) == []
    assert ledger.who_had(ADDRESS, cluster="prod-2") == []


def test_both_ends_of_an_interval_count(ledger: Ledger) -> None:
    a_day(ledger)

    assert uids(ledger.who_had(ADDRESS, since=later(10), until=later(10))) == ["u1"]
    assert uids(ledger.who_had(ADDRESS, since=later(18), until=later(18))) == ["u1"]


def test_a_node_is_found_by_its_name_and_by_an_address_it_had_then(ledger: Ledger) -> None:
    with term(ledger) as writer:
        record(writer, *life("a", 0, 5, node="n1", node_uid="1", node_addresses=("10.0.3.7", "192.0.2.1")))
        record(writer, *life("b", 6, 9, node="n2", node_uid="2", node_addresses=("10.0.3.7",)))
        record(writer, *life("c", 10, node="n1", node_uid="3", node_addresses=("10.0.3.8",)))

    assert uids(ledger.by_node("10.0.3.7")) == ["a", "b"]
    assert uids(ledger.by_node("192.0.2.1")) == ["a"]
    assert uids(ledger.by_node("n1")) == ["a", "c"]
    assert uids(ledger.by_node("10.0.3.7", since=later(7), until=later(8))) == ["b"]
    assert ledger.by_node("10.0.3.9") == []


def test_a_project_is_found_by_its_number(ledger: Ledger) -> None:
    with term(ledger) as writer:
        record(writer, *life("a", 0, project="7"), *life("b", 1, project="77"))

    assert uids(ledger.by_project("7")) == ["a"]


def test_every_field_of_an_interval_comes_back(ledger: Ledger) -> None:
    told = entry(
        sequence=2**60 + 1,
        handle="k8s-pod-network.c0ffee",
        findings=("address-routable", "host-network"),
        node_addresses=("10.0.3.7", "2001:db8::1"),
        job_url="https://gitlab.example.com/-/jobs/1",
        from_at=later(-3.000001),
        seen_from_at=later(-1),
        policy="d1gest",
        runner="infra-platform",
    )
    with term(ledger, at=-10) as writer:
        record(writer, told)

    (found,) = ledger.who_had(ADDRESS)
    for name in ("sequence", "handle", "findings", "node_addresses", "job_url", "policy", "runner", "outcome", "grade"):
        assert getattr(found, name) == getattr(told, name), name
    assert (found.from_at, found.seen_from_at) == (told.from_at, told.seen_from_at)


def test_entries_are_read_in_the_order_in_which_they_were_told(ledger: Ledger) -> None:
    a_day(ledger)

    stored = list(ledger.entries())
    assert [one.entry.pod_uid for one in stored] == ["u0", "u0", "u1", "u1", "u2", "u2", "u3", "u3", "u4"]
    assert [one.row.number for one in stored] == list(range(1, 10))
    assert [one.entry.pod_uid for one in ledger.entries(since=later(19), until=later(28))] == ["u2", "u2"]
    assert list(ledger.entries(tier="other")) == []
    assert len(list(ledger.entries(tier="infra", project="7"))) == 9
    assert uids(list(ledger.intervals(since=later(30), tier="infra", project="7"))) == ["u3", "u4"]


def test_open_intervals_and_unsettled_intents_are_where_a_restart_goes_on(ledger: Ledger) -> None:
    acted = {"act": "label-pod", "pod_uid": "u4"}
    a_day(ledger)
    with term(ledger, at=50) as writer:
        for number in (1, 2):
            record(writer, entry(EntryKind.ACTED, at=later(50), act_id=f"i{number}", step=Step.INTENT, **acted))
        record(writer, entry(EntryKind.ACTED, at=later(51), act_id="i1", step=Step.DONE, **acted))

    assert uids(ledger.open_intervals("prod-1")) == ["u4"]
    assert ledger.open_intervals("prod-2") == []
    assert [one.act_id for one in ledger.unsettled("prod-1")] == ["i2"]
    assert codes(ledger) == []


def test_acts_of_a_kind_are_found_by_their_moment_and_cluster(ledger: Ledger) -> None:
    with term(ledger, at=0) as writer:
        for number, act in enumerate(("quarantine-pod", "label-pod", "delete-pod", "quarantine-pod")):
            acted = entry(EntryKind.ACTED, at=later(number), act_id=f"i{number}", step=Step.INTENT, act=act)
            record(writer, acted)

    found = ledger.acts_since(later(1), "prod-1", ("quarantine-pod", "delete-pod"))
    assert [one.act_id for one in found] == ["i2", "i3"]
    assert ledger.acts_since(later(1), "prod-2", ("quarantine-pod",)) == []


def test_calls_that_come_together_share_a_transaction_and_keep_their_order(ledger: Ledger) -> None:
    async def many() -> None:
        await asyncio.gather(*(writer.append(life(f"u{number:03}", number / 100)) for number in range(500)))

    with term(ledger) as writer:
        asyncio.run(many())

    assert [one.entry.pod_uid for one in ledger.entries()] == [f"u{number:03}" for number in range(500)]
    assert codes(ledger) == []


def test_more_calls_than_there_is_room_for_wait(url: str) -> None:
    from runner_bridge.core.model.ledger import Opening
    from runner_bridge.ports.ledger.writer import Writer

    async def many() -> int:
        calls = [asyncio.create_task(writer.append(life(f"u{number}", 0))) for number in range(40)]
        await asyncio.sleep(0)
        waiting = writer.waiting
        await asyncio.gather(*calls)
        return waiting

    ledger = Ledger.open(url)
    opening = Opening(segment=0, at=NOON, purpose=Purpose.RUN, cluster="prod-1")
    writer = Writer(ledger._database, opening, batch=3, room=4)

    assert asyncio.run(many()) <= 4
    writer.close()
    assert len(list(ledger.entries())) == 40
    ledger.close()


def test_a_writer_that_is_closed_records_nothing_more(ledger: Ledger) -> None:
    with term(ledger) as writer:
        pass

    with pytest.raises(LedgerError, match="closed"):
        record(writer, entry())


def test_a_term_that_lasts_days_has_a_segment_for_each(ledger: Ledger) -> None:
    with term(ledger) as writer:
        for day in range(3):
            record(writer, *life(f"d{day}", day * 86400 + 1))

    assert [segment.number for segment in ledger.segments()] == [1, 2, 3]
    assert [one.reason for one in ledger.gaps(now=later(2 * 86400))] == ["the ledger begins then"]
    assert codes(ledger) == []


def test_two_writers_at_once_lose_nothing(ledger: Ledger) -> None:
    async def both() -> None:
        await asyncio.gather(
            *(w.append(life(f"{name}{n}", n / 100)) for n in range(100) for name, w in (("a", one), ("b", other)))
        )

    with term(ledger) as one, term(ledger) as other:
        asyncio.run(both())

    assert len(ledger.open_intervals("prod-1")) == 200
    assert codes(ledger) == []


def test_an_interval_told_by_two_writers_is_one(ledger: Ledger) -> None:
    with term(ledger) as one, term(ledger) as other:
        record(one, *life("u", 0))
        record(other, *life("u", 0))
        record(one, *life("u", 1, 2)[1:])

    assert uids(ledger.who_had(ADDRESS)) == ["u"]
    assert codes(ledger) == []


def test_nobody_looked_before_between_and_after_terms(ledger: Ledger) -> None:
    with term(ledger) as writer:
        record(writer, *life("a", 100))
        asyncio.run(writer.beat(later(130)))
    with term(ledger, at=200) as writer:
        gap = entry(EntryKind.GAP, at=later(230), from_at=later(210), to_at=later(220), text="the watch was torn")
        record(writer, gap)
    with term(ledger, at=150, purpose=Purpose.APPLY, cluster="prod-2"):
        pass

    told = [(one.reason, one.from_at, one.to_at) for one in ledger.gaps(now=later(1000), cluster="prod-1")]
    assert told == [
        ("the ledger begins then", None, NOON),
        ("the bridge was not running", later(130), later(200)),
        ("the watch was torn", later(210), later(220)),
        ("the bridge has recorded nothing since then", later(230), None),
    ]
    assert [one.reason for one in ledger.gaps(now=later(1000), since=later(215), until=later(216))] == [
        "the watch was torn",
        "the bridge has never recorded this cluster",
    ]
    assert len(ledger.gaps(now=later(240), cluster="prod-1")) == 3, "it may still be at work"


def test_a_witness_sees_every_entry_once_it_is_durable_and_the_head_every_hour(ledger: Ledger) -> None:
    lines: list[str] = []
    with term(ledger, witness=lines.append) as writer:
        record(writer, *life("a", 0, 5))
        record(writer, *life("b", 3700))

    seen = list(witnesses(lines))
    assert [(one.segment, one.number) for one in seen] == [(1, 0), (1, 1), (1, 2), (1, 3), (1, 3)]
    assert ledger.verify(seen) == []

    tamper(
        ledger,
        "DELETE FROM entry WHERE number = 3",
        "UPDATE segment SET last = 2, head = (SELECT hash FROM entry WHERE number = 2)",
    )
    assert "row-removed: segment 1, row 3" in codes(ledger, *seen)


def test_a_witness_that_cannot_be_written_is_said(ledger: Ledger) -> None:
    is_broken = True

    def witness(_line: str) -> None:
        if is_broken:
            raise BrokenPipeError(32, "broken pipe")

    with term(ledger, witness=witness) as writer:
        record(writer, entry())
        asyncio.run(writer.beat(later(1)))
        assert "witness cannot be written: [Errno 32] broken pipe" in writer.witness_trouble
        assert writer.problem == "", "what is recorded is recorded"
        is_broken = False
        record(writer, entry(pod_uid="u2", at=later(2)))
    assert writer.witness_trouble == ""
    assert len(list(ledger.entries())) == 2


def test_a_clock_that_was_set_back_records_nothing(ledger: Ledger) -> None:
    with term(ledger) as writer:
        record(writer, entry(at=later(60)))
        with pytest.raises(LedgerError, match="clock was set back"):
            record(writer, entry(at=later(50)))
        assert "clock" in writer.problem
        record(writer, entry(at=later(61)))
        assert writer.problem == ""

    with pytest.raises(LedgerError, match="clock was set back"):
        ledger.write(purpose=Purpose.RUN, cluster="prod-1", at=NOON)
    assert [one.entry.at for one in ledger.entries()] == [later(60), later(61)]
    assert codes(ledger) == []


def test_an_entry_that_cannot_be_written_takes_no_other_with_it(ledger: Ledger) -> None:
    async def both() -> tuple[BaseException | None, BaseException | None]:
        calls = (writer.append([entry(text="\ud800")]), writer.append([entry()]))
        return await asyncio.gather(*calls, return_exceptions=True)

    with term(ledger) as writer:
        refused, recorded = asyncio.run(both())

    assert isinstance(refused, LedgerError)
    assert recorded is None
    assert codes(ledger) == []


@pytest.mark.parametrize("text", ["\0", "'; DROP TABLE entry; --", "\u2028 \U0001f600", "%s %(x)s :x"])
def test_any_text_comes_back_as_it_was_told(ledger: Ledger, text: str) -> None:
    with term(ledger) as writer:
        record(writer, entry(text=text, job=text, project_path=text))

    (stored,) = ledger.entries()
    assert (stored.entry.text, stored.entry.job) == (text, text)
    assert codes(ledger) == []


def test_appending_nothing_is_done_at_once(ledger: Ledger) -> None:
    with term(ledger) as writer:
        record(writer)

    assert list(ledger.entries()) == []


def test_the_migrations_make_the_tables_that_are_read(ledger: Ledger) -> None:
    with ledger._database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_ledger_of_the_first_release_is_brought_up_to_date_and_keeps_its_chain(url: str, ledger: Ledger) -> None:
    a_day(ledger)
    tamper(
        ledger,
        "DROP TABLE fact",
        "DROP INDEX interval_job",
        "UPDATE alembic_version SET version_num = '0001'",
    )
    with pytest.raises(LedgerError, match="creates or upgrades it"):
        Ledger.open(url, read_only=True)

    again = Ledger.open(url)

    assert codes(again) == []
    with again._database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    again.close()


def test_pods_are_found_by_the_job_that_they_claim(ledger: Ledger) -> None:
    with term(ledger) as writer:
        for number, job in enumerate(["4711", "4712", "4711"]):
            record(writer, *life(f"u{number}", number * 10, number * 10 + 8, job=job))
        record(writer, fact("u0", 30, text="a\0b"), fact("u2", 31))

    found = ledger.by_job("4711")

    assert uids(found) == ["u0", "u2"]
    assert ledger.by_job("4711", cluster="prod-2") == []
    assert [one.job for one in ledger.facts(found).values()] == ["4711", "4711"]
    assert codes(ledger) == []


def test_retries_of_a_job_are_one_history(ledger: Ledger) -> None:
    named = {"pipeline": "90", "job_name": "deploy"}
    with term(ledger) as writer:
        record(writer, fact("late", 3, job="10", **named), fact("early", 4, job="9", **named))
        record(writer, fact("test", 5, job="11", pipeline="90", job_name="test"), fact("alone", 6, job="12"))
        record(writer, fact("next", 7, job="13", pipeline="91", job_name="deploy"))

    (late,) = ledger.facts(
        [Interval(cluster="prod-1", pod_uid="late", address="", from_at=NOON, seen_from_at=NOON)]
    ).values()
    assert [one.pod_uid for one in ledger.history(late)] == ["early", "late"]
    alone = Fact(cluster="prod-1", pod_uid="alone", said_at=NOON)
    assert ledger.history(alone) == [alone]


def test_opening_again_changes_nothing(url: str, ledger: Ledger) -> None:
    a_day(ledger)
    for read_only in (False, True):
        again = Ledger.open(url, read_only=read_only)
        assert uids(again.who_had(ADDRESS)) == ["u0", "u1", "u2", "u3", "u4"]
        assert codes(again) == []
        assert again.clusters() == ["prod-1"]
        again.close()


def test_a_ledger_of_a_newer_release_is_refused(url: str, ledger: Ledger) -> None:
    tamper(ledger, "UPDATE alembic_version SET version_num = '9999'")
    for read_only in (False, True):
        with pytest.raises(LedgerError, match="newer release"):
            Ledger.open(url, read_only=read_only)


def test_a_database_of_something_else_is_refused(url: str, ledger: Ledger) -> None:
    tamper(ledger, "DROP TABLE alembic_version")
    with pytest.raises(LedgerError, match="something else"):
        Ledger.open(url)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("ledger.db", "not an address"),
        ("mysql://host/db", "no database that can keep a ledger"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_what_is_no_address_of_a_ledger_is_refused(address: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Ledger.open(address)


def test_reading_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no ledger"):
        Ledger.open(f"sqlite:///{tmp_path}/none.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as refused:
        Ledger.open(f"postgresql://bridge:hunter2@/ledger?host={tmp_path}")

    assert "cannot be" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_half_a_second_of_disorder_is_no_clock_set_back(ledger: Ledger) -> None:
    with term(ledger) as writer:
        record(writer, entry(at=NOON + timedelta(seconds=1)))
        record(writer, entry(at=NOON + timedelta(seconds=0.5)))

    assert codes(ledger) == []


def test_a_defect_of_one_caller_is_told_to_it_alone(ledger: Ledger) -> None:
    with term(ledger) as writer:
        with pytest.raises(TypeError):
            record(writer, entry(at=NOON.replace(tzinfo=None)))
        record(writer, entry())

    assert len(list(ledger.entries())) == 1


def test_a_caller_that_no_longer_waits_does_not_take_its_entry_back(ledger: Ledger) -> None:
    async def impatient() -> None:
        call = asyncio.create_task(writer.append([entry()]))
        await asyncio.sleep(0)
        call.cancel()

    with term(ledger) as writer:
        asyncio.run(impatient())
        record(writer, *life("next", 1))

    assert [one.entry.pod_uid for one in ledger.entries()] == ["0b6f6ac1", "next"]
