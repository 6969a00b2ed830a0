"""
Asks GitLab whether pods run the jobs that they claim to run, and has the ledger keep the answers.

Beside everything else and below it: no verdict waits for this or changes by it, and while GitLab is down only this
stands still. GitLab is asked one question at a time, as fast as its budget lets them go: a page of a project's newest
jobs where several claims wait for it, else one job. Three of four questions are about the project with the most claims
waiting, the fourth about the newest claim of all, so that nobody waits for ever behind a busy project. A pod that left
long ago is given up: that its claim was never confirmed is then what the ledger says, by saying nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct, structs

from runner_bridge.core import claims
from runner_bridge.core.claims import Claim, Told
from runner_bridge.core.errors import LedgerError, RunnerBridgeError, UnavailableError
from runner_bridge.core.model.ledger import Entry, EntryKind, Standing
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import datetime

    from runner_bridge.core.model.cluster import Pod
    from runner_bridge.core.model.gitlab import Job
    from runner_bridge.core.model.ledger import Fact
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.wire.stream import Key
    from runner_bridge.flow.controller.entries import Context

LOOK_S: Final = 2.0
"""How often it is looked which pods there are, while there is nothing to ask."""
GIVE_UP: Final = timedelta(minutes=15)
"""So long after its pod left a claim is no longer asked for."""
SOON: Final = timedelta(seconds=30)
"""A job that GitLab has in an earlier state is asked for again after so long."""
HIDDEN: Final = timedelta(minutes=15)
"""So long a project or runner that GitLab does not show us is not asked for again."""
FIRST_REST_S: Final = 5.0
LONGEST_REST_S: Final = 120.0
"""How long GitLab is left alone after it could not be asked; twice as long each time, up to this."""
_NEWEST_EVERY: Final = 4
ROOM: Final = 100_000
"""So many claims may wait; the oldest are given up for newer ones."""
MOST_HINTS: Final = 10_000
"""So many are kept until the next look; a standby does not look, and what is lost is seen without."""


class Asks(Protocol):
    """The questions to GitLab; each keeps to the budget by waiting, and raises a NeighbourError or WireError."""

    async def get(self, project_id: int, job_id: int) -> Job | None:
        """Return a job; None where the project has none, or is not shown to us."""

    async def newest(self, project_id: int) -> tuple[Job, ...] | None:
        """Return the newest jobs of a project; None where it is not shown to us."""

    async def shas(self, path: str) -> Mapping[int, str]:
        """Return how the tokens of a project's runners begin, by runner; none where we may not list them."""


class Tells(Protocol):
    """Who is told, by `cli`."""

    def contradicted(self, claim: Claim, why: str) -> None:
        """Tell that GitLab says something else than a pod."""

    def trouble(self, why: str) -> None:
        """Tell that GitLab cannot be asked; empty: it can be again."""


class Tools(Struct, frozen=True, kw_only=True):
    """What it is driven with; chosen by `cli`."""

    asks: Asks
    record: Callable[[tuple[Entry, ...]], Awaitable[None]]
    clock: Callable[[], datetime]
    pause: Callable[[float], Awaitable[None]]
    tells: Tells


@dataclass(slots=True)
class _Waiting:
    """A claim, and how far it has come."""

    claim: Claim
    number: int
    """In the order in which they were seen first."""
    standing: Standing | None = None
    status: str = ""
    left_at: datetime | None = None
    again_at: datetime | None = None
    """Not to be asked for before."""
    is_old: bool = False
    """Not among the newest jobs of its project."""
    is_hinted: bool = False
    """A hook says that it has ended."""
    is_gone: bool = False
    """It was confirmed, and GitLab has it no longer: how it ended is not to be learned."""

    @property
    def is_over(self) -> bool:
        """There is nothing more to ask."""
        settled = self.standing in {Standing.CONTRADICTED, Standing.UNSEEN}
        return settled or self.is_gone or self.status in claims.ENDED

    def is_due(self, now: datetime) -> bool:
        """Tell whether something is to be asked now: what it is, or how it ended."""
        if self.is_over or (self.again_at is not None and now < self.again_at):
            return False
        return self.standing is None or self.left_at is not None or self.is_hinted


@dataclass(slots=True)
class _Hidden:
    """What is not asked for again, and until when."""

    projects: dict[str, datetime] = field(default_factory=dict)
    """Those that GitLab does not show us."""
    failing: dict[str, datetime] = field(default_factory=dict)
    """Projects for which GitLab refuses the question, or does not answer it as documented."""
    runners: dict[int, datetime] = field(default_factory=dict)


class Facts:
    """
    See the module.

    Args of the constructor:
        tools: what it is driven with.
        context: what is the same in all entries.
        there: the claims of the pods that are there now, by uid.
        room: so many claims may wait.
    """

    def __init__(
        self,
        tools: Tools,
        context: Callable[[], Context],
        there: Callable[[], Mapping[str, Claim]],
        *,
        room: int = ROOM,
    ) -> None:
        self.told: Counter[Standing] = Counter()
        """How many claims came to stand how."""
        self.given_up = 0
        """Claims that were never confirmed."""
        self.trouble = ""
        """Why GitLab cannot be asked; empty while it can."""
        self._tools = tools
        self._context = context
        self._there = there
        self._room = room
        self._waiting: dict[str, _Waiting] = {}
        self._known_facts: dict[str, Fact] = {}
        self._hidden = _Hidden()
        self._hints: set[tuple[str, str]] = set()
        self._shas: dict[int, str] = {}
        self._numbers = count()
        self._turns = count(1)
        self._rest_s = 0.0

    @property
    def waiting(self) -> int:
        """How many claims nothing is known of yet."""
        return sum(1 for one in self._waiting.values() if one.standing is None)

    def begin(self, known: Iterable[Fact]) -> None:
        """Take up what the ledger knows of pods that are there: another process may have asked for them."""
        self._known_facts = {fact.pod_uid: fact for fact in known}
        self._waiting.clear()
        self._hints.clear()

    def hint(self, project: int, job: int, status: str) -> None:
        """
        Ask soon for a job that is said to have ended, if a pod claims it; whether that is so GitLab says then.

        Args:
            project: its number.
            job: its number.
            status: what is said; one of before the end is seen in time without.
        """
        if status in claims.ENDED and len(self._hints) < MOST_HINTS:
            self._hints.add((str(project), str(job)))

    async def run(self) -> None:
        """
        Ask, for ever.

        Raises:
            LedgerError: an answer could not be recorded.
        """
        while True:
            if not await self.step():
                await self._tools.pause(LOOK_S)

    def look(self) -> None:
        """Take note of the pods that have come and gone."""
        now = self._tools.clock()
        there = self._there()
        for uid, claim in there.items():
            before = self._waiting.get(uid)
            if before is None or (before.claim is not claim and before.claim.job != claim.job):
                self._waiting[uid] = self._taken_up(claim)
            elif before.left_at is not None:  # it was not seen for a moment
                before.left_at = None
        for uid in self._waiting.keys() - there.keys():
            one = self._waiting[uid]
            if one.left_at is None:
                one.left_at, one.again_at = now, None
            if one.is_over or now - one.left_at > GIVE_UP:
                self._drop(uid)
        self._take_hints()
        for uid in list(self._waiting)[: max(0, len(self._waiting) - self._room)]:
            self._drop(uid)

    def _take_hints(self) -> None:
        """Have those asked for that a hook told of; a hint of a job that no pod claims leads to nothing."""
        if not self._hints:
            return
        for one in self._waiting.values():
            if (one.claim.project, _canonical(one.claim.job)) in self._hints:
                one.is_hinted, one.again_at = True, None
        self._hints.clear()

    def _taken_up(self, claim: Claim) -> _Waiting:
        one = _Waiting(claim, next(self._numbers))
        known = self._known_facts.pop(claim.pod_uid, None)
        if known is not None and known.job == claim.job:
            one.standing, one.status = known.standing, known.status
        return one

    async def step(self) -> bool:
        """
        Look, ask one question if there is one, record what it tells; False: there was none, or GitLab has to rest.

        Raises:
            LedgerError: what was told could not be recorded.
        """
        self.look()
        await asyncio.sleep(0)  # with tens of thousands of pods each half takes its time
        now = self._tools.clock()
        due = [one for one in self._waiting.values() if one.is_due(now) and not self._is_failing(one, now)]
        if free := [(one, told) for one in due if (told := self._known(one.claim, now)) is not None]:
            await self._record([(one, None, told) for one, told in free if one.standing is None])
            for one, _ in free:
                one.again_at = now + HIDDEN
            return True
        if not due:
            return False
        chosen = self._choose(due)
        try:
            await self._ask(chosen, due, now)
        except LedgerError:
            raise
        except RunnerBridgeError as error:
            if not isinstance(error, UnavailableError):
                self._hidden.failing[chosen.claim.project] = now + HIDDEN
            await self._leave_alone(error)
            return True
        if self.trouble:
            self.trouble, self._rest_s = "", 0.0
            self._tools.tells.trouble("")
        return True

    def _known(self, claim: Claim, now: datetime) -> Told | None:
        """Return what needs no question."""
        if not claim.is_number:
            return claims.no_number(claim)
        until = self._hidden.projects.get(claim.project)
        return claims.no_such_job(claim, shows_others=False) if until is not None and now < until else None

    def _is_failing(self, one: _Waiting, now: datetime) -> bool:
        until = self._hidden.failing.get(one.claim.project)
        return until is not None and now < until

    async def _ask(self, chosen: _Waiting, due: list[_Waiting], now: datetime) -> None:
        """Ask for one claim, or for all of its project that may be among its newest jobs."""
        of_project = [one for one in due if one.claim.project == chosen.claim.project]
        young = [one for one in of_project if not one.is_old]
        if len(young) > 1:
            await self._ask_page(young, now)
        else:
            await self._ask_one(chosen, now)

    def _choose(self, due: list[_Waiting]) -> _Waiting:
        """Return the newest claim of all, or of the project with the most; what a job is comes before how it ended."""
        unknown = [one for one in due if one.standing is None] or due
        if next(self._turns) % _NEWEST_EVERY:
            counts = Counter(one.claim.project for one in due)
            most = max(counts.values())
            unknown = [one for one in unknown if counts[one.claim.project] == most] or [
                one for one in due if counts[one.claim.project] == most
            ]
        return max(unknown, key=lambda one: one.number)

    async def _ask_page(self, young: list[_Waiting], now: datetime) -> None:
        project = young[0].claim.project
        page = await self._tools.asks.newest(int(project))
        if page is None:
            self._hide(project, now)
            return
        found = {str(job.id): job for job in page}
        told = [(one, found[_canonical(one.claim.job)]) for one in young if _canonical(one.claim.job) in found]
        for one in young:
            # Older than all of them, or not there though it would have to be: that is asked for by itself.
            one.is_old = _canonical(one.claim.job) not in found
        await self._compare(told)

    async def _ask_one(self, one: _Waiting, now: datetime) -> None:
        claim = one.claim
        job = await self._tools.asks.get(int(claim.project), int(claim.job))
        if job is not None:
            await self._compare([(one, job)])
            return
        if one.standing is not None:
            one.is_gone = True
            return
        if claims.is_new(claim, now):
            one.again_at = now + SOON
            return
        page = await self._tools.asks.newest(int(claim.project))
        if page is None:
            self._hide(claim.project, now)
            return
        await self._record([(one, None, claims.no_such_job(claim, shows_others=True))])

    def _hide(self, project: str, now: datetime) -> None:
        """Take note that a project is not shown to us: the next step says so of all its claims."""
        self._hidden.projects[project] = now + HIDDEN

    async def _compare(self, found: list[tuple[_Waiting, Job]]) -> None:
        """Compare claims with their jobs, and record how they stand."""
        told: list[tuple[_Waiting, Job | None, Told]] = []
        for one, job in found:
            sha = await self._sha(job)
            now = self._tools.clock()
            result = claims.compare(one.claim, job, short_sha=sha, now=now)
            is_news = result is not None and (result.standing is not one.standing or job.status != one.status)
            if result is not None and is_news:
                told.append((one, job, result))
            one.is_hinted = False
            if result is None or job.status not in claims.ENDED:
                one.again_at = now + SOON
        await self._record(told)

    async def _sha(self, job: Job) -> str | None:
        """Return how the token of a job's runner begins; asked once for each runner, and again after a while."""
        runner, now = job.runner_id, self._tools.clock()
        if runner is None:
            return None
        until = self._hidden.runners.get(runner)
        path = claims.path_of(job.web_url, self._context().gitlab) or job.project_path
        if runner not in self._shas and path and (until is None or now >= until):
            self._shas.update(await self._tools.asks.shas(path))
            self._hidden.runners[runner] = now + HIDDEN
        return self._shas.get(runner)

    async def _record(self, told: list[tuple[_Waiting, Job | None, Told]]) -> None:
        if not told:
            return
        now = self._tools.clock()
        await self._tools.record(tuple(_entry(self._context(), one.claim, job, said, now) for one, job, said in told))
        for one, job, said in told:
            if one.standing is not said.standing:
                self.told[said.standing] += 1
                if said.standing is Standing.CONTRADICTED:
                    self._tools.tells.contradicted(one.claim, said.text)
            one.standing, one.status = said.standing, job.status if job else ""

    async def _leave_alone(self, error: RunnerBridgeError) -> None:
        """Say why GitLab cannot be asked, and let it be for a while."""
        why = redact(str(error))
        if why != self.trouble:
            self.trouble = why
            self._tools.tells.trouble(why)
        self._rest_s = min(LONGEST_REST_S, self._rest_s * 2 or FIRST_REST_S)
        await self._tools.pause(self._rest_s)

    def _drop(self, uid: str) -> None:
        one = self._waiting.pop(uid)
        self.given_up += one.standing is None


class Claims:
    """
    Reads what job pods claim from what is said of them; on a large cluster most are the same as a moment before.

    Args of the constructor:
        pod_of: returns a pod as it is now.
    """

    def __init__(self, pod_of: Callable[[Key], Pod | None]) -> None:
        self._pod_of = pod_of
        self._before: dict[str, Claim] = {}

    def of(self, verdicts: Iterable[Verdict]) -> Mapping[str, Claim]:
        """Return the claims of those that claim anything, by uid."""
        found: dict[str, Claim] = {}
        for verdict in verdicts:
            claim = self._before.get(verdict.uid)
            if claim is None or claim.job != verdict.job.id or claim.runner != verdict.runner:
                claim = self._read(verdict)
            if claim is not None:
                found[verdict.uid] = claim
        self._before = found
        return found

    def _read(self, verdict: Verdict) -> Claim | None:
        if not verdict.job.id or not verdict.project.isdecimal():
            return None
        pod = self._pod_of((verdict.namespace, verdict.pod))
        if pod is None or pod.uid != verdict.uid:
            return None
        return Claim(
            pod_uid=verdict.uid,
            namespace=verdict.namespace,
            pod=verdict.pod,
            project=verdict.project,
            short_id=pod.marks.short_id if pod.marks else "",
            runner=verdict.runner,
            job=verdict.job.id,
            created_at=pod.created_at,
        )


def _canonical(number: str) -> str:
    """Return a number without leading zeros."""
    return number.lstrip("0") or "0"


def _entry(context: Context, claim: Claim, job: Job | None, told: Told, at: datetime) -> Entry:
    said = Entry(
        kind=EntryKind.FACT,
        at=at,
        cluster=context.cluster,
        gitlab=context.gitlab,
        policy=context.policy,
        actor=context.actor,
        pod_uid=claim.pod_uid,
        namespace=claim.namespace,
        pod=claim.pod,
        project=claim.project,
        runner=claim.runner,
        job=claim.job,
        standing=told.standing,
        text=redact(told.text),
    )
    if job is None:
        return said
    return structs.replace(
        said,
        project_path=claims.path_of(job.web_url, context.gitlab) or job.project_path,
        job_url=redact(job.web_url),
        job_name=redact(job.name),
        stage=redact(job.stage),
        ref=redact(job.ref),
        pipeline=str(job.pipeline_id or ""),
        status=job.status,
    )
