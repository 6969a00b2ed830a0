"""Hooks over real HTTP: what is authentic gets an empty 200 whatever it says, what is not a 401 without a word."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner_bridge.ask.hooks import LARGEST, LARGEST_KEPT, PATH, Bounds, Receiver, Result
from runner_bridge.core.model.gitlab import JobEvent, PipelineEvent
from runner_bridge.core.wire.hook_proof import Secrets
from runner_bridge.simulate.gitlab import Posting, World
from runner_bridge.simulate.gitlab.hooks import Hook, job_event, sign
from runner_bridge.simulate.gitlab.webhooks import Webhook
from tests.ask.web.serving import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY = b"a key of thirty-two bytes, fake!"
SIGNING = f"whsec_{base64.b64encode(KEY).decode()}"
TOKEN = "FAKE-token-of-a-hook"
SIGNED = Secrets(signing=(KEY,))
PLAIN = Secrets(tokens=(TOKEN.encode(),))
BOTH = Secrets(signing=(KEY,), tokens=(TOKEN.encode(),))


class Bench:
    """A receiver that listens, a GitLab that posts, and what came of it."""

    def __init__(self, secrets: Secrets, **changes: Any) -> None:
        self.world = World(now=lambda: NOON)
        self.job = self.world.job(self.world.project("deploy", self.world.group("platform")))
        self.hints: list[JobEvent | PipelineEvent] = []
        self.results: list[Result] = []
        self.said: list[str] = []
        self.now = NOON.timestamp()
        self.gate = asyncio.Event()
        self.gate.set()
        self.hook = Hook(url="")

        async def hint(event: JobEvent | PipelineEvent) -> None:
            await self.gate.wait()
            self.hints.append(event)

        values: dict[str, Any] = {"hint": hint} | changes
        self.receiver = Receiver(
            secrets=lambda: secrets, count=self.results.append, tell=self.said.append, now=lambda: self.now, **values
        )

    def delivery(self, payload: Mapping[str, object] | None = None) -> Any:
        return self.hook.delivery("Job Hook", payload or job_event(self.job, base=""), self.world)

    async def post(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.hook.url, data=io.BytesIO(body), headers=dict(headers)) as answer,
        ):
            return answer.status, await answer.read()

    async def settled(self, number: int) -> list[JobEvent | PipelineEvent]:
        async with asyncio.timeout(5):
            while len(self.hints) < number:  # noqa: ASYNC110 - a test looks from outside
                await asyncio.sleep(0.001)
        return self.hints


@asynccontextmanager
async def bench(secrets: Secrets = BOTH, **changes: Any) -> AsyncIterator[Bench]:
    made = Bench(secrets, **changes)
    async with served(hooks=made.receiver) as client:
        signing = SIGNING if secrets.signing else ""
        made.hook = Hook(url=client.url + PATH, secret=TOKEN if secrets.tokens else "", signing=signing)
        yield made


@pytest.mark.parametrize("secrets", [SIGNED, PLAIN, BOTH], ids=lambda one: str(one.mode))
async def test_a_job_event_becomes_a_hint_and_gets_an_empty_answer_at_once(secrets: Secrets) -> None:
    async with bench(secrets) as one:
        one.gate.clear()
        sent = one.delivery()
        status, body = await one.post(sent.headers, sent.body)  # answered, though the hint takes its time
        one.gate.set()
        hints = await one.settled(1)
    assert (status, body) == (200, b"")
    assert [(hint.project_id, hint.job_id) for hint in hints if isinstance(hint, JobEvent)] == [
        (one.job.project.id, one.job.id)
    ]
    assert one.results == [Result.ACCEPTED]


@pytest.mark.parametrize(
    ("secrets", "spoilt"),
    [
        (SIGNED, {"webhook-signature": "v1,AAAA"}),
        (SIGNED, {"webhook-signature": ""}),
        (SIGNED, {"webhook-timestamp": str(int(NOON.timestamp()) + 1)}),
        (PLAIN, {"X-Gitlab-Token": "FAKE-token-of-another"}),
        (BOTH, {"X-Gitlab-Token": ""}),
    ],
    ids=["forged", "unsigned", "another moment", "another token", "one of two"],
)
async def test_what_is_not_authentic_gets_a_401_that_says_nothing(secrets: Secrets, spoilt: dict[str, str]) -> None:
    async with bench(secrets) as one:
        sent = one.delivery()
        answers = [await one.post({**sent.headers, **spoilt}, sent.body) for _ in range(3)]
        one.now += 61
        await one.post({**sent.headers, **spoilt}, sent.body)
    assert set(answers) == {(401, b"")}
    assert one.hints == []
    assert one.results == [Result.REFUSED] * 4
    assert len(one.said) == 2, "once, and again a minute later"
    assert "127.0.0.1" in one.said[0]
    assert "2 more" in one.said[1]
    assert not any(secret in "".join(one.said) for secret in (TOKEN, "build_id", "AAAA", SIGNING))


async def test_a_delivery_that_was_recorded_a_month_ago_is_refused_and_the_log_tells_of_clocks() -> None:
    async with bench() as one:
        sent = one.delivery()
        one.now += timedelta(days=30).total_seconds()
        status, _ = await one.post(sent.headers, sent.body)
    assert (status, one.hints) == (401, [])
    assert "clocks differ" in one.said[0]


async def test_a_month_old_event_that_gitlab_sends_again_now_is_a_hint_as_any_other() -> None:
    async with bench() as one:
        payload = job_event(one.job, base="")
        one.world.now = lambda: NOON + timedelta(days=30)
        one.now += timedelta(days=30).total_seconds()
        sent = one.delivery(payload)
        status, _ = await one.post(sent.headers, sent.body)
        await one.settled(1)
    assert (status, one.results) == (200, [Result.ACCEPTED])


async def test_a_delivery_that_comes_twice_is_one_hint() -> None:
    async with bench() as one:
        sent = one.delivery()
        statuses = [(await one.post(sent.headers, sent.body))[0] for _ in range(3)]
        # What is not signed does not make it another one.
        statuses.append((await one.post({**sent.headers, "Idempotency-Key": "another"}, sent.body))[0])
        await one.settled(1)
    assert statuses == [200] * 4
    assert one.results == [Result.ACCEPTED] + [Result.DUPLICATE] * 3
    assert len(one.hints) == 1


async def test_what_is_remembered_of_deliveries_is_bounded() -> None:
    async with bench(bounds=Bounds(keys=2)) as one:
        sent = [one.delivery() for _ in range(3)]
        for each in (*sent, sent[2], sent[0]):
            await one.post(each.headers, each.body)
    assert one.results == [Result.ACCEPTED] * 3 + [Result.DUPLICATE, Result.ACCEPTED]


async def test_an_older_gitlab_without_a_key_is_never_a_duplicate() -> None:
    async with bench(PLAIN) as one:
        sent = one.delivery()
        headers = {name: value for name, value in sent.headers.items() if name != "Idempotency-Key"}
        for _ in range(2):
            await one.post(headers, sent.body)
    assert one.results == [Result.ACCEPTED] * 2


async def test_of_hooks_that_overtake_each_other_the_later_one_is_passed_on() -> None:
    async with bench() as one:
        one.gate.clear()
        await one.post(*_other(one))  # keeps the hint busy
        early = one.delivery()
        one.job.status, one.job.started_at = "running", NOON + timedelta(seconds=5)
        late = one.delivery()
        for sent in (late, early):
            await one.post(sent.headers, sent.body)
        assert one.receiver.waiting == 1
        one.gate.set()
        hints = await one.settled(2)
    assert hints[1].status == "running"
    assert one.results == [Result.ACCEPTED] * 3


def _other(one: Bench) -> tuple[Mapping[str, str], bytes]:
    job = one.world.job(one.job.project)
    sent = one.delivery(job_event(job, base=""))
    return sent.headers, sent.body


async def test_where_no_hint_finds_room_any_more_gitlab_still_gets_its_200_and_may_send_it_again() -> None:
    async with bench(bounds=Bounds(waiting=2)) as one:
        one.gate.clear()
        statuses = [(await one.post(*_other(one)))[0] for _ in range(3)]  # one is in hand
        dropped = _other(one)
        statuses.append((await one.post(*dropped))[0])
        one.gate.set()
        await one.settled(3)
        statuses.append((await one.post(*dropped))[0])
        await one.settled(4)
    assert statuses == [200] * 5
    assert one.results == [Result.ACCEPTED] * 3 + [Result.DROPPED, Result.ACCEPTED]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"object_kind": "push"}', Result.UNINTERESTING),
        (b'{"text": "a custom template"}', Result.UNREADABLE),
        (b"", Result.UNREADABLE),
        (b"\xff" * 100, Result.UNREADABLE),
        (b"{" + b" " * LARGEST_KEPT, Result.TOO_LARGE),
        (b"x" * 5_000_000, Result.TOO_LARGE),
    ],
    ids=["another event", "a custom template", "empty", "bytes", "a byte too many", "5 MB"],
)
async def test_whatever_an_authentic_hook_holds_gets_a_200(body: bytes, expected: Result) -> None:
    async with bench() as one:
        at = str(int(NOON.timestamp()))
        headers = {
            "webhook-id": "one",
            "webhook-timestamp": at,
            "webhook-signature": sign(SIGNING, "one", at, body),
            "X-Gitlab-Token": TOKEN,
        }
        status, answer = await one.post(headers, body)
    assert (status, answer, one.results, one.hints) == (200, b"", [expected], [])


async def test_a_forged_body_of_five_megabytes_is_refused_and_not_kept() -> None:
    async with bench(SIGNED) as one:
        sent = one.delivery()
        status, _ = await one.post(sent.headers, b"x" * 5_000_000)
    assert (status, one.results) == (401, [Result.REFUSED])


async def test_a_body_larger_than_any_of_gitlab_is_not_read() -> None:
    async with bench(SIGNED) as one:
        sent = one.delivery()
        answer = await _raw(one, {**sent.headers, "Content-Length": str(LARGEST + 1)}, b"x")
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_body_that_does_not_say_its_length_is_not_read_further_either() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LARGEST // 1_000_000 + 2):
            yield b"x" * 1_000_000

    async with bench(SIGNED) as one, aiohttp.ClientSession() as session:
        sent = one.delivery()
        with suppress(aiohttp.ClientError):  # it may still be sending when it is refused
            async with session.post(one.hook.url, data=endless(), headers=dict(sent.headers)) as answer:
                assert answer.status == 413
        assert one.results == [Result.REFUSED]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Length": "100"}, b"half of it"),
        ({"Transfer-Encoding": "chunked"}, b"nonsense\r\n\r\n"),
        ({"Transfer-Encoding": "chunked"}, b"5\r\nabc"),
        ({"Content-Length": "5", "Content-Encoding": "gzip"}, b"abcde"),
        ({"Content-Length": "-1"}, b""),
        ({"Content-Length": "a"}, b""),
        ({}, b""),
    ],
)
async def test_a_request_that_is_not_whole_is_never_an_error_of_ours(headers: dict[str, str], body: bytes) -> None:
    async with bench(PLAIN) as one:
        answer = await _raw(one, {"X-Gitlab-Token": TOKEN, **headers}, body, ends=True)
        sent = one.delivery()
        status, _ = await one.post(sent.headers, sent.body)
    assert not answer.startswith(b"HTTP/1.1 5")
    assert status == 200, "and the next one is taken"


async def _raw(one: Bench, headers: Mapping[str, str], body: bytes, *, ends: bool = False) -> bytes:
    """Send bytes as they are, end where that is wanted, and return what comes back."""
    host, port = one.hook.url.removeprefix("http://").partition("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: bridge\r\n{lines}\r\n".encode() + body)
    if ends:
        writer.write_eof()
    try:
        return await reader.read(1000)
    finally:
        writer.close()


async def test_whatever_order_gitlab_posts_in_each_job_is_hinted_at_and_no_webhook_is_switched_off() -> None:
    async with bench(SIGNED) as one:
        webhook = Webhook(id=1, hook=one.hook, owner=one.job.project.group, created_at=NOON, events={"job_events"})
        one.world.webhooks[1] = webhook
        posting = Posting(one.world, base="", delay_s=0.2, repeats=0.3)
        jobs = [one.world.job(one.job.project) for _ in range(25)]  # fewer deliveries than connections
        for status in ("pending", "running", "success"):
            for job in jobs:
                job.status = status
                posting.job(job)
        await posting.done()
        async with asyncio.timeout(5):
            while one.receiver.waiting:  # noqa: ASYNC110 - a test looks from outside
                await asyncio.sleep(0.001)
    assert set(posting.statuses) == {200}
    assert len(posting.statuses) == len(one.results) > 75, "some came twice"
    assert one.results.count(Result.DUPLICATE) == len(one.results) - 75
    assert {hint.job_id for hint in one.hints if isinstance(hint, JobEvent)} == {job.id for job in jobs}
    assert webhook.status(NOON) == "executable"


async def test_a_body_that_does_not_come_in_time_is_given_up() -> None:
    async with bench(PLAIN, bounds=Bounds(body_s=0.05)) as one:
        answer = await _raw(one, {"X-Gitlab-Token": TOKEN, "Content-Length": "100"}, b"{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert one.results == [Result.REFUSED]


async def test_bodies_that_are_coming_in_share_one_bound_whoever_sends_them() -> None:
    async with bench(PLAIN, bounds=Bounds(in_hand=2000, body_s=0.3)) as one:
        slow = [
            asyncio.create_task(_raw(one, {"X-Gitlab-Token": TOKEN, "Content-Length": "2000"}, b"x" * 900))
            for _ in range(2)
        ]
        await asyncio.sleep(0.1)
        sent = one.delivery()
        status, _ = await one.post(sent.headers, sent.body)
        assert (status, one.results) == (200, [Result.TOO_LARGE])
        await asyncio.gather(*slow)
        sent = one.delivery()
        await one.post(sent.headers, sent.body)
    assert one.results[-1] is Result.ACCEPTED, "room that was given back"


async def test_a_connection_serves_one_hook_after_the_other() -> None:
    async with bench() as one, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        for _ in range(3):
            sent = one.delivery()
            async with session.post(one.hook.url, data=sent.body, headers=sent.headers) as answer:
                assert (answer.status, answer.headers.get("Connection")) == (200, None)
    assert one.results == [Result.ACCEPTED] * 3


async def test_a_hint_that_fails_does_not_keep_the_next_one() -> None:
    told: list[JobEvent | PipelineEvent] = []

    async def hint(event: JobEvent | PipelineEvent) -> None:
        told.append(event)
        if len(told) == 1:
            message = f"it broke over {SIGNING}"
            raise ValueError(message)

    async with bench(hint=hint) as one:
        for _ in range(2):
            await one.post(*_other(one))
        async with asyncio.timeout(5):
            while len(told) < 2:  # noqa: ASYNC110 - a test looks from outside
                await asyncio.sleep(0.001)
    assert "ValueError" in one.said[0]
    assert SIGNING not in one.said[0]


async def test_only_posting_works_there_and_only_where_hooks_are_taken() -> None:
    async with bench() as one, aiohttp.ClientSession() as session, session.get(one.hook.url) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    async with served() as client:
        status, _, _ = await client.ask("POST", PATH, data=b"{}")
    assert status == 405


async def test_hooks_are_counted_by_what_became_of_them() -> None:
    async with bench() as one, aiohttp.ClientSession() as session:
        sent = one.delivery()
        await one.post(sent.headers, sent.body)
        async with session.get(one.hook.url.replace(PATH, "/metrics")) as answer:
            text = await answer.text()
    assert f'runner_bridge_http_requests_total{{code="200",route="{PATH}"}} 1.0' in text


HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
NAMES = ["webhook-id", "webhook-timestamp", "webhook-signature", "X-Gitlab-Token", "Idempotency-Key", "Content-Type"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    headers=st.dictionaries(st.sampled_from(NAMES), HEADER, max_size=6),
    body=st.binary(max_size=300) | st.just(json.dumps({"object_kind": "build", "build_id": None}).encode()),
    authentic=st.booleans(),
)
def test_no_headers_and_no_body_make_an_error_of_ours(headers: dict[str, str], body: bytes, *, authentic: bool) -> None:
    async def ask() -> tuple[bytes, list[Result]]:
        async with bench(PLAIN) as one:
            given_headers = {**headers, **({"X-Gitlab-Token": TOKEN} if authentic else {})}
            answer = await _raw(one, {**given_headers, "Content-Length": str(len(body)), "Connection": "close"}, body)
            return answer, one.results

    answer, results = asyncio.run(ask())
    assert answer.startswith(b"HTTP/1.1 200" if authentic else (b"HTTP/1.1 401", b"HTTP/1.1 400")), answer
    assert len(results) <= 1
