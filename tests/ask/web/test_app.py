"""The routes over real loopback: what they say, to whom, and what they say when something is wrong."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from msgspec.structs import replace

from runner_bridge.ask.answers.jobs import JobsAnswer, answer_job, answer_jobs, asked_job
from runner_bridge.ask.views import status_data
from runner_bridge.ask.web import ROUTES, Asker, Role, Token, digest_of
from runner_bridge.ask.web.answering import LEDGER_AT_ONCE, MOST_CANDIDATES
from runner_bridge.core.errors import LedgerError, UnavailableError
from runner_bridge.core.intervals import fold
from runner_bridge.core.model import Outcome
from runner_bridge.core.model.cluster import Gap, Kind
from runner_bridge.core.model.ledger import Interval
from tests import make
from tests.ask.web.serving import served

TOKENS = tuple(
    Token(bytes.fromhex(digest_of(str(role))), Asker(f"a {role}", role)) for role in (Role.VIEWER, Role.AUDITOR)
)
API = [route.path for route in ROUTES if route.role is not None]
TORN = make.state(gaps=(Gap(kind=Kind.PODS, reason="secret place 10.9.8.7 is torn"),))
STUCK = make.state(watches=tuple(replace(one, heard_at=None, tried_at=make.NOON) for one in make.state().watches))


def bearer(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {role}"}


def interval(**changes: Any) -> Interval:
    values: dict[str, Any] = {"cluster": "prod-1", "pod_uid": "u", "address": "172.16.12.2", "opened_at": make.NOON}
    return Interval(**(values | {"from_at": make.NOON, "seen_from_at": make.NOON, "judged_at": make.NOON} | changes))


@pytest.mark.parametrize(
    ("path", "state", "status", "lines"),
    [
        ("/healthz", make.state(), 200, ["ok"]),
        ("/readyz", make.state(), 200, ["ok"]),
        ("/healthz", TORN, 200, ["ok"]),
        ("/readyz", TORN, 503, ["[-] picture failed: reason withheld, see status or the log", "failed"]),
        ("/healthz", STUCK, 503, None),
    ],
    ids=["alive", "ready", "alive while the API server is down", "not ready", "stuck"],
)
async def test_health_names_what_is_not_well_and_not_why(path: str, state: Any, status: int, lines: Any) -> None:
    async with served(state=lambda: state) as client:
        seen, text, _ = await client.get(path)
    assert seen == status
    assert "10.9.8.7" not in text
    assert lines is None or text.splitlines() == lines


async def test_status_is_what_the_bridge_would_show_itself() -> None:
    async with served(state=lambda: TORN) as client, client.session.get(f"{client.url}/api/v1/status") as answer:
        one = status_data.read(await answer.read(), name=client.url)
    assert (one.state, one.is_running, one.is_ready, one.exit_code) == (TORN, True, False, 3)
    assert (one.job_pods, one.other, one.holding.routable, one.pools[0].held) == (1, 1, 1, 1)


async def test_check_gives_every_verdict_and_its_exit_code() -> None:
    bad = make.verdict(Outcome.BREACH, pod="bad")
    async with served(verdicts=lambda: [make.verdict(), bad]) as client:
        status, document, _ = await client.get("/api/v1/check")
    assert (status, document["exit_code"], document["counts"]["breach"]) == (200, 1, 1)
    assert document["pods"][0]["pod"] == "bad"
    assert document["source"] == "watched https://10.0.0.1:6443"


async def test_what_is_known_besides_the_policy_counts() -> None:
    pod = make.job_pod(marks=make.marks(short_id="Xx1234567", manager="x"))
    known: dict[str, Any] = {"short_ids": lambda: [("Xx1234567", "infra-platform")], "projects": list}
    async with served(pods=lambda: [pod]) as client:
        _, without, _ = await client.get("/api/v1/check")
    async with served(pods=lambda: [pod], **known) as client:
        _, within, _ = await client.get("/api/v1/check")
    assert (without["counts"]["unmanaged"], within["counts"]["unmanaged"]) == (1, 0)
    assert "not in the list of projects" in within["notes"][0]["observed"]


async def test_check_in_a_picture_that_is_not_whole_proves_nothing() -> None:
    async with served(state=lambda: TORN) as client:
        _, document, _ = await client.get("/api/v1/check")
    assert document["exit_code"] == 3
    assert [one["code"] for one in document["cluster"]["findings"]] == ["snapshot-incomplete"]


async def test_who_had_is_asked_with_the_stretch_of_time_and_told_to_the_log() -> None:
    asked: list[Any] = []
    told: list[str] = []

    def who_had(address: Any, *, since: Any, until: Any) -> Any:
        asked.append((str(address), since, until, threading.current_thread() is threading.main_thread()))
        return [interval()], []

    async with served(who_had=who_had, tell=told.append) as client:
        status, document, _ = await client.get("/api/v1/who-had?address=172.16.12.2&at=2026-11-20T12:00:00Z")
        await client.get("/api/v1/who-had?address=172.16.12.2&since=2026-11-20T12:00:00Z")
        await client.get("/api/v1/who-had?address=172.16.12.2")
    assert (status, len(document["candidates"])) == (200, 1)
    one = "172.16.12.2"
    assert asked == [(one, make.NOON, make.NOON, False), (one, make.NOON, None, False), (one, None, None, False)]
    assert told == [f"who-had {one} asked by this machine"] * 3


async def test_no_more_than_a_thousand_candidates_are_listed_and_that_is_said() -> None:
    many = [interval(pod_uid=str(number)) for number in range(MOST_CANDIDATES + 5)]
    async with served(who_had=lambda _address, **_: (many, [])) as client:
        _, document, _ = await client.get("/api/v1/who-had?address=172.16.12.2")
    assert len(document["candidates"]) == MOST_CANDIDATES
    assert document["candidates"][-1]["pod_uid"] == str(MOST_CANDIDATES + 4)
    assert "1,000 of 1,005" in document["notes"][-1]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "address='' is no address"),
        ("?address=pod", "'pod' is no address"),
        ("?address=1.2.3.4&at=noon", "'noon' is no time"),
        ("?address=1.2.3.4&at=2026-11-20T10:31:00", "names no zone"),
        ("?address=1.2.3.4&at=2026-11-20T10:31:00Z&since=2026-11-20T10:31:00Z", "exclude each other"),
        ("?address=1.2.3.4&since=2026-11-21T00:00:00Z&until=2026-11-20T00:00:00Z", "'since' is after 'until'"),
        ("?address=1.2.3.4&address=1.2.3.5", "'address' is given twice"),
        ("?adress=1.2.3.4", "'adress' is no parameter. Known here: address, at, since, until"),
        ("?address=glpat-0123456789abcdefghij", "[secret]"),
    ],
)
async def test_a_question_that_cannot_be_read_is_answered_with_what_is_wrong(query: str, said: str) -> None:
    async with served() as client:
        status, problem, headers = await client.get(f"/api/v1/who-had{query}")
    assert (status, headers["Content-Type"]) == (400, "application/problem+json")
    assert said in problem["detail"]


async def test_a_parameter_where_none_is_known_is_refused() -> None:
    async with served() as client:
        answers = [await client.get(f"{path}?verbose=1") for path in ("/healthz", "/readyz", *API[:2])]
    assert [status for status, _, _ in answers] == [400] * 4


async def test_a_process_without_a_ledger_says_so() -> None:
    async with served(who_had=None) as client:
        status, problem, _ = await client.get("/api/v1/who-had?address=1.2.3.4")
    assert (status, "no ledger" in problem["detail"]) == (503, True)


@pytest.mark.parametrize(
    ("path", "role", "status"),
    [
        *((path, "", 401) for path in API),
        *((path, "wrong", 401) for path in API),
        *((path, "auditor", 200) for path in API if "who-had" not in path and "/job" not in path),
        ("/api/v1/status", "viewer", 200),
        ("/api/v1/who-had?address=1.2.3.4", "viewer", 403),
        ("/api/v1/job?id=1", "viewer", 403),
        ("/api/v1/jobs", "viewer", 403),
        ("/api/v1/who-had?address=1.2.3.4", "auditor", 200),
        ("/nothing", "", 401),
        ("/nothing", "viewer", 404),
        ("/healthz", "", 200),
        ("/readyz", "", 200),
        ("/metrics", "", 200),
    ],
)
async def test_with_tokens_every_path_but_health_and_metrics_needs_one(path: str, role: str, status: int) -> None:
    async with served(tokens=TOKENS) as client:
        seen, _, headers = await client.get(path, headers=bearer(role) if role else {})
    assert seen == status
    assert ("WWW-Authenticate" in headers) is (status == 401)


@pytest.mark.parametrize("path", [*API, "/", "/nothing"])
async def test_without_tokens_nobody_from_elsewhere_is_believed(path: str) -> None:
    async with served() as client:
        status, problem, _ = await client.get(path, headers={"X-Forwarded-For": "203.0.113.9"})
    assert (status, "--api-tokens" in problem["detail"]) == (403, True)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/healthz", "/api/v1/status", "/nothing"])
async def test_whatever_would_change_something_is_refused(method: str, path: str) -> None:
    async with served() as client:
        status, problem, headers = await client.ask(method, path)
    assert (status, problem["status"], headers["Allow"]) == (405, 405, "GET,HEAD")


async def test_a_body_is_refused_unread_and_ends_the_connection() -> None:
    async with served() as client:
        status, problem, headers = await client.get("/healthz", data=b"x" * 10)
    assert (status, problem["title"], headers["Connection"]) == (413, "Request Entity Too Large", "close")


async def test_head_is_answered_without_a_body() -> None:
    async with served() as client:
        status, text, headers = await client.ask("HEAD", "/api/v1/status")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 100


@pytest.mark.parametrize("path", [*(route.path for route in ROUTES), "/nothing"])
async def test_every_response_has_the_headers_that_keep_browsers_from_guessing(path: str) -> None:
    async with served() as client:
        _, _, headers = await client.get(path)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"] == "runner-bridge"
    assert "Access-Control-Allow-Origin" not in headers


def failing(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (LedgerError("the ledger is locked."), 503, "the ledger is locked."),
        (UnavailableError("GitLab does not answer."), 502, "GitLab does not answer."),
        (RuntimeError("boom at /home/x/secret.py"), 500, "This is a defect of the bridge; its log says more."),
    ],
)
async def test_an_error_is_told_as_far_as_it_is_meant_for_whoever_asks(error: Any, status: int, said: str) -> None:
    told: list[str] = []
    async with served(who_had=failing(error), tell=told.append) as client:
        seen, problem, _ = await client.get("/api/v1/who-had?address=1.2.3.4")
    assert (seen, problem["detail"]) == (status, said)
    assert any("boom" in line for line in told) is (status == 500)


async def test_an_answer_that_failed_is_made_again_for_the_next() -> None:
    states = [RuntimeError("boom"), make.state()]

    def pools() -> Any:
        one = states.pop(0) if states else make.state()
        if isinstance(one, Exception):
            raise one

    async with served(pools=pools) as client:
        first, second = await client.get("/api/v1/status"), await client.get("/api/v1/status")
    assert (first[0], second[0]) == (500, 200)


async def test_many_who_ask_at_once_share_one_answer() -> None:
    asked: list[int] = []

    def pods() -> Any:
        asked.append(1)
        return [make.job_pod()]

    async with served(pods=pods) as client:
        answers = await asyncio.gather(*(client.get("/api/v1/status") for _ in range(20)))
        again = await client.get("/api/v1/status")
    assert {json.dumps(body) for _, body, _ in (*answers, again)} == {json.dumps(again[1])}
    assert len(asked) == 1


async def test_too_many_questions_to_the_ledger_are_told_to_come_again() -> None:
    let_go = threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        let_go.wait(20)
        return [], []

    async with served(who_had=slow) as client:
        path = "/api/v1/who-had?address=1.2.3.4"
        asked = [asyncio.create_task(client.get(path)) for _ in range(LEDGER_AT_ONCE + 1)]
        first, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        let_go.set()
        done = await asyncio.gather(*asked)
    ((status, problem, headers),) = [one.result() for one in first]
    assert (status, headers["Retry-After"], "Ask again" in problem["detail"]) == (503, "2", True)
    assert [one for one, _, _ in done].count(200) == LEDGER_AT_ONCE


async def test_an_answer_that_takes_too_long_is_given_up_by_whoever_waits() -> None:
    let_go = threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        let_go.wait(20)
        return [], []

    async with served(who_had=slow, answer_s=0.05) as client:
        status, problem, _ = await client.get("/api/v1/who-had?address=1.2.3.4")
        let_go.set()
    assert (status, problem["detail"]) == (503, "The answer took longer than 0.05 s. Ask again, or ask for less.")


class Ledger:
    """Holds one job."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def one(self, job: str) -> JobsAnswer:
        return answer_job(asked_job(job), [fold(None, make.entry(job="4711"))], {}, {}, [])

    def some(self, **asked: Any) -> JobsAnswer:
        self.asked.append(asked)
        return answer_jobs([fold(None, make.entry(job="4711"))], {}, [])


async def test_a_job_is_asked_by_number_or_page_and_jobs_by_their_time() -> None:
    ledger, told = Ledger(), list[str]()
    async with served(jobs=ledger, tell=told.append) as client:
        for named in ("4711", "https://gitlab.example.com/a/b/-/jobs/4711"):
            status, document, _ = await client.get(f"/api/v1/job?id={named}")
            assert (status, document["asked"], document["jobs"][0]["job"]) == (200, "4711", "4711")
        status, document, _ = await client.get("/api/v1/jobs?tier=infra&since=2026-11-20T12:00:00Z")
        assert (status, len(document["jobs"])) == (200, 1)
        wrong = [await client.get(f"/api/v1/{one}") for one in ("job", "job?id=x", "jobs?project=1&x=2")]

    assert [status for status, _, _ in wrong] == [400, 400, 400]
    assert "Write its number" in wrong[1][1]["detail"]
    assert ledger.asked == [{"since": make.NOON, "until": None, "tier": "infra", "project": ""}]
    assert told[0] == "job '4711' asked by this machine"


async def test_a_standby_has_no_jobs() -> None:
    async with served() as client:
        answers = [await client.get(path) for path in ("/api/v1/job?id=1", "/api/v1/jobs")]

    assert [status for status, _, _ in answers] == [503, 503]
