"""What pods claim is confirmed with a pretend GitLab within its budget, on a clock that moves when somebody waits."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli.bridge.facts import Asked
from runner_bridge.core import facts as folding
from runner_bridge.core.claims import Claim
from runner_bridge.core.errors import LedgerError
from runner_bridge.core.marks import short_id
from runner_bridge.core.model import cluster
from runner_bridge.core.model.ledger import Entry, Fact, Standing
from runner_bridge.core.model.verdict import JobClaim
from runner_bridge.flow import facts as flow
from runner_bridge.flow.controller.entries import Context
from runner_bridge.flow.facts import Claims, Facts
from runner_bridge.ports.gitlab import Budget
from runner_bridge.simulate.gitlab.faults import Fault
from tests import make
from tests.ports.gitlab.world import NOON, Clock, Pair, as_admin, pair, tokens_of, world_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner_bridge.simulate.gitlab.world import Job, Project, Runner

CONFIRMED, CONTRADICTED, UNSEEN = Standing.CONFIRMED, Standing.CONTRADICTED, Standing.UNSEEN


class Town:
    """Pods that claim jobs, a GitLab that has them, and what was recorded and told."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.world = world_of(12)
        self.world.now = self.moment
        self.projects = list(self.world.projects.values())
        self.runner = self.world.runner("instance")
        self.pods: dict[str, Claim] = {}
        self.entries: list[Entry] = []
        self.troubles: list[str] = []
        self.contradictions: list[str] = []
        self.broken: Exception | None = None
        self.facts: Facts
        self.both: Pair

    def moment(self) -> datetime:
        return NOON + timedelta(seconds=self.clock.seconds)

    def job(self, project: Project | None = None, runner: Runner | None = None, **more: Any) -> Job:
        taken = {"status": "running", "runner": runner or self.runner, "started_at": self.moment()}
        return self.world.job(project or self.projects[0], **(taken | more))

    def pod(self, of: Job, uid: str = "", **more: Any) -> None:
        uid = uid or f"u{of.id}"
        values: dict[str, Any] = {
            "pod_uid": uid,
            "namespace": "gitlab-runners",
            "pod": f"runner-{uid}",
            "project": str(of.project.id),
            "short_id": short_id(self.runner.token),
            "runner": "infra-platform",
            "job": str(of.id),
            "created_at": self.moment(),
        }
        self.pods[uid] = Claim(**(values | more))

    async def record(self, entries: tuple[Entry, ...]) -> None:
        if self.broken is not None:
            raise self.broken
        self.entries += entries

    def contradicted(self, claim: Claim, why: str) -> None:
        self.contradictions.append(f"{claim.pod}: {why}")

    def trouble(self, why: str) -> None:
        self.troubles.append(why)

    async def settle(self, most: int = 200) -> None:
        """Go on until there is nothing to ask for."""
        for _ in range(most):
            self.clock.seconds += flow.LOOK_S
            if not await self.facts.step():
                return
        raise AssertionError(self.facts.waiting)

    @property
    def known(self) -> dict[str, Fact]:
        found: dict[str, Fact] = {}
        for one in self.entries:
            found[one.pod_uid] = folding.fold(found.get(one.pod_uid), one)
        return found

    def stands(self) -> dict[str, Standing | None]:
        return {uid: one.standing for uid, one in self.known.items()}


@asynccontextmanager
async def opened(town: Town, **more: Any) -> AsyncIterator[Town]:
    """Open GitLab for an administrator."""
    budget = more.pop("budget", Budget(per_s=1000, burst=1000, clock=town.clock, sleep=town.clock.sleep))
    async with as_admin(town.world, budget=budget, **more) as both:
        begin(town, both)
        yield town


def begin(town: Town, both: Pair, **more: Any) -> None:
    town.both = both
    tools = flow.Tools(asks=Asked(both.port), record=town.record, clock=town.moment, pause=town.clock.sleep, tells=town)
    context = Context(cluster="prod-1", gitlab=both.server.url, policy="0" * 64, actor="test")
    town.facts = Facts(tools, lambda: context, lambda: dict(town.pods), **more)


async def test_a_claim_is_confirmed_with_what_gitlab_has_of_the_job() -> None:
    town = Town()
    job = town.job(name="deploy", stage="prod", ref="main")
    town.pod(job)
    async with opened(town):
        await town.settle()

    (fact,) = town.known.values()
    assert (fact.standing, fact.text) == (CONFIRMED, "")
    assert (fact.job_name, fact.stage, fact.ref, fact.status) == ("deploy", "prod", "main", "running")
    assert (fact.pipeline, fact.project_path) == (str(job.pipeline_id), job.project.path)
    assert fact.job_url.endswith(f"/{job.project.path}/-/jobs/{job.id}")
    assert "maria" not in str(town.entries)
    assert (town.facts.told, town.facts.waiting) == (Counter({CONFIRMED: 1}), 0)


async def test_false_claims_are_told_from_true_ones() -> None:
    town = Town()
    true, ended = town.job(), town.job(finished_at=NOON - timedelta(hours=1), status="success")
    elsewhere, others = town.job(town.projects[1]), town.job(runner=town.world.runner("instance"))
    for job in (true, ended, others):
        town.pod(job)
    town.pod(elsewhere, project=str(true.project.id))
    town.pod(true, "late", job=str(10**9))
    town.pod(true, "odd", job="<script>")
    town.pod(true, "zero", job=f"000{true.id}")
    async with opened(town):
        await town.settle()
        assert "late" not in town.stands()
        town.clock.seconds += 180
        await town.settle()

    stands = town.stands()
    assert {uid for uid, one in stands.items() if one is CONFIRMED} == {f"u{true.id}", "zero"}
    assert {one for uid, one in stands.items() if uid not in {f"u{true.id}", "zero"}} == {CONTRADICTED}
    assert len(town.contradictions) == len(stands) - 2 == 5
    assert "which is not the runner that made the pod" in town.known[f"u{others.id}"].text


async def test_how_a_job_ended_is_asked_once_its_pod_has_left() -> None:
    town = Town()
    job = town.job()
    town.pod(job)
    async with opened(town):
        await town.settle()
        asked = town.both.port.requests.total
        for _ in range(20):
            await town.settle()
        assert town.both.port.requests.total == asked
        town.pods.clear()
        await town.settle()
        job.status = "failed"
        town.clock.seconds += 60
        await town.settle()
        await town.settle()
        asked = town.both.port.requests.total
        await town.settle()
        assert town.both.port.requests.total == asked

    assert [one.status for one in town.entries] == ["running", "failed"]


async def test_a_job_that_was_deleted_after_it_was_confirmed_stays_confirmed() -> None:
    town = Town()
    job = town.job()
    town.pod(job)
    async with opened(town):
        await town.settle()
        del town.world.jobs[job.id]
        town.pods.clear()
        await town.settle()
        await town.settle()

    assert town.stands() == {f"u{job.id}": CONFIRMED}


async def test_a_job_that_waits_for_its_runner_is_asked_for_again() -> None:
    town = Town()
    job = town.job(runner=None, started_at=None, status="pending")
    job.runner = None
    town.pod(job)
    async with opened(town):
        await town.settle()
        assert town.entries == []
        job.runner, job.status, job.started_at = town.runner, "running", town.moment()
        town.clock.seconds += 31
        await town.settle()

    assert town.stands() == {f"u{job.id}": CONFIRMED}


async def test_what_gitlab_does_not_show_proves_nothing_and_is_not_asked_for_twice() -> None:
    town = Town()
    user = town.world.user("outsider")
    for _ in range(3):
        town.pod(town.job())
    async with pair(town.world, tokens_of(town.world, user)) as both:
        begin(town, both)
        await town.settle()
        asked = both.port.requests.total
        town.pod(town.job())
        await town.settle()

    assert set(town.stands().values()) == {UNSEEN}
    assert len(town.known) == 4
    assert both.port.requests.total == asked == 1


async def test_without_sight_of_the_runners_that_is_said() -> None:
    town = Town()
    top = town.projects[0].path.partition("/")[0]
    levels: dict[str, Any] = {top: 20}
    user = town.world.user("reader", **levels)
    town.pod(town.job())
    async with pair(town.world, tokens_of(town.world, user)) as both:
        begin(town, both)
        await town.settle()

    (fact,) = town.known.values()
    assert fact.standing is CONFIRMED
    assert "could not be compared" in fact.text


async def test_while_gitlab_is_gone_nothing_is_said_and_afterwards_all() -> None:
    town = Town()
    for _ in range(5):
        town.pod(town.job())
    async with opened(town):
        url = town.both.port.url
        await town.both.server.stop()
        for _ in range(3):
            assert await town.facts.step()
            town.clock.seconds += flow.LOOK_S
    assert town.entries == []
    assert town.facts.waiting == 5
    assert len(town.troubles) == 1
    assert url in town.troubles[0]
    async with opened(town):
        await town.settle()
    assert set(town.stands().values()) == {CONFIRMED}


async def test_a_claim_that_changed_is_asked_for_again() -> None:
    town = Town()
    job, other = town.job(), town.job(town.projects[1])
    town.pod(job, "a")
    async with opened(town):
        await town.settle()
        town.clock.seconds += 180
        town.pod(other, "a", project=str(job.project.id), created_at=NOON)
        await town.settle()

    assert [one.standing for one in town.entries] == [CONFIRMED, CONTRADICTED]
    assert town.known["a"].job == str(other.id)


async def test_what_another_process_was_told_is_not_asked_for_again() -> None:
    town = Town()
    town.pod(town.job())
    async with opened(town):
        await town.settle()
        asked = town.both.port.requests.total
        town.facts.begin(town.known.values())
        await town.settle()
        assert town.both.port.requests.total == asked
        town.facts.begin([])
        await town.settle()
        assert town.both.port.requests.total > asked


async def test_what_is_not_recorded_is_not_known() -> None:
    town = Town()
    town.pod(town.job())
    town.broken = LedgerError("disk full")
    async with opened(town):
        with pytest.raises(LedgerError):
            await town.settle()
        town.broken = None
        town.facts.begin([])
        await town.settle()

    assert set(town.stands().values()) == {CONFIRMED}


async def test_a_project_that_gitlab_chokes_on_does_not_hold_up_the_others() -> None:
    town = Town()
    bad, good = town.job(town.projects[0]), town.job(town.projects[1])
    town.pod(bad)
    town.pod(good)
    async with opened(town):
        path = f"/projects/{bad.project.id}/jobs"
        fault = Fault(path=path, status=200, body=b'{"message": []}', times=None)
        town.both.server.faults.add(fault)
        await town.settle()

    assert town.stands() == {f"u{good.id}": CONFIRMED}
    assert "is not what GitLab's documentation says" in town.troubles[0]


async def test_the_oldest_claims_make_room_for_newer_ones() -> None:
    town = Town()
    for _ in range(5):
        town.pod(town.job())
    async with opened(town):
        begin(town, town.both, room=3)
        town.facts.look()

    assert (town.facts.waiting, town.facts.given_up) == (3, 2)


async def test_a_pod_that_left_long_ago_is_given_up() -> None:
    town = Town()
    town.pod(town.job())
    async with opened(town):
        await town.both.server.stop()
        await town.facts.step()
        town.pods.clear()
        town.clock.seconds += flow.LOOK_S
        await town.facts.step()
        town.clock.seconds += flow.GIVE_UP.total_seconds() + 1
        assert not await town.facts.step()

    assert (town.facts.given_up, town.facts.waiting, town.entries) == (1, 0, [])


async def test_fifty_jobs_a_second_cost_one_request_a_second_and_are_all_confirmed() -> None:
    town = Town()
    budget = Budget(per_s=1.0, burst=5, clock=town.clock, sleep=town.clock.sleep)
    lives: list[tuple[float, Job]] = []
    seconds = 90

    def there() -> dict[str, Claim]:
        while len(lives) < min(town.clock.seconds, seconds) * 50:
            job = town.job(town.projects[len(lives) % 12])
            lives.append((town.clock.seconds, job))
            town.pod(job)
        for began, job in lives:
            if job.status == "running" and town.clock.seconds > began + 20:
                job.status, job.finished_at = "success", town.moment()
                del town.pods[f"u{job.id}"]
        return dict(town.pods)

    async with opened(town, budget=budget):
        town.facts._there = there
        while town.clock.seconds < seconds + 60:
            if not await town.facts.step():
                await town.clock.sleep(flow.LOOK_S)
        requests = town.both.port.requests.total

    assert len(lives) == seconds * 50
    assert requests <= town.clock.seconds * 1.0 + 5
    assert Counter(town.stands().values()) == Counter({CONFIRMED: len(lives)})
    assert town.facts.given_up == 0


def test_only_pods_that_claim_a_job_are_asked_about() -> None:
    marks = cluster.Marks(short_id="4xYqA7pLw")
    pods = {
        name: cluster.Pod(namespace="ns", name=name, uid=name, created_at=NOON, marks=marks)
        for name in ("a", "b", "c", "d")
    }
    said = [
        make.verdict(pod=name, namespace="ns", uid=uid, project=project, job=JobClaim(id=job))
        for name, uid, project, job in (
            ("a", "a", "7", "4711"),
            ("b", "b", "7", ""),
            ("c", "another", "7", "4711"),
            ("d", "d", "", "4711"),
            ("gone", "gone", "7", "4711"),
        )
    ]

    read = Claims(lambda key: pods.get(key[1]))
    (claim,) = read.of(said).values()
    pods.clear()
    assert read.of(said) == {"a": claim}
    assert read.of([]) == read.of(said) == {}
    assert (claim.pod, claim.job, claim.short_id, claim.created_at) == ("a", "4711", "4xYqA7pLw", NOON)


async def test_a_hint_has_the_end_of_a_job_known_while_its_pod_is_still_there() -> None:
    town = Town()
    async with opened(town):
        job, other = town.job(), town.job()
        town.pod(job)
        town.pod(other)
        await town.settle()
        job.status = other.status = "success"
        job.finished_at = other.finished_at = town.moment()
        await town.settle()
        assert {one.status for one in town.known.values()} == {"running"}, "as long as nobody says so"

        asked = len(town.both.server.asked)
        town.facts.hint(job.project.id, job.id, "running")
        town.facts.hint(job.project.id, 999_999, "success")
        await town.settle()
        assert len(town.both.server.asked) == asked, "neither is worth a question"

        town.facts.hint(job.project.id, job.id, "success")
        await town.settle()
    assert {uid: one.status for uid, one in town.known.items()} == {f"u{job.id}": "success", f"u{other.id}": "running"}


async def test_a_hint_that_is_wrong_changes_nothing_and_is_asked_for_once() -> None:
    town = Town()
    async with opened(town):
        job = town.job()
        town.pod(job)
        await town.settle()
        entries, asked = len(town.entries), len(town.both.server.asked)
        town.facts.hint(job.project.id, job.id, "failed")
        await town.settle()
    assert (len(town.entries), town.known[f"u{job.id}"].status) == (entries, "running")
    assert len(town.both.server.asked) == asked + 1


async def test_hints_are_bounded_and_not_those_of_a_term_before() -> None:
    town = Town()
    async with opened(town):
        job = town.job()
        town.pod(job)
        await town.settle()
        job.status = "success"
        asked = len(town.both.server.asked)
        for number in range(flow.MOST_HINTS):
            town.facts.hint(1, number, "success")
        town.facts.hint(job.project.id, job.id, "success")
        await town.settle()
        assert len(town.both.server.asked) == asked, "it found no room"

        town.facts.hint(job.project.id, job.id, "success")
        town.facts.begin(town.known.values())
        await town.settle()
        assert len(town.both.server.asked) == asked, "what the ledger knows is taken up, and no more"
