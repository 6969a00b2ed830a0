"""What the reading half makes of good answers and of every way in which an answer fails."""

from __future__ import annotations

import pytest

from runner_bridge.core.errors import DeniedError, InvalidError, NeighbourError, StaleError, UnavailableError
from runner_bridge.ports.kube import open_cluster, plain_access
from tests.ports.kube.scripted import Naps, Reply, answer, cluster, refusal

PODS = "/api/v1/pods"
LINE = b'{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a"}}}\n'


async def test_one_object_is_its_bytes() -> None:
    async with cluster(answer({"kind": "Pod"})) as (client, script):
        assert await client.reader.get("/api/v1/namespaces/ci/pods/a") == b'{"kind": "Pod"}'
        assert script.asked[0].headers["Authorization"] == "Bearer t"
        assert script.asked[0].headers["Accept-Encoding"] == "identity"


async def test_what_is_not_there_is_none() -> None:
    async with cluster(refusal(404, "NotFound")) as (client, _):
        assert await client.reader.get("/api/v1/namespaces/ci/pods/a") is None


async def test_a_list_comes_in_pages_until_no_token_is_left() -> None:
    first = answer({"metadata": {"resourceVersion": "7", "continue": "abc"}, "items": [1]})
    last = answer({"items": None, "metadata": {"resourceVersion": "7"}})

    async with cluster(first, last) as (client, script):
        pages = [page async for page in client.reader.pages(PODS, limit=2, label_selector="a=b", field_selector="c=d")]

    assert [(page.resource_version, page.more) for page in pages] == [("7", True), ("7", False)]
    assert [asked.query for asked in script.asked] == [
        {"limit": "2", "labelSelector": "a=b", "fieldSelector": "c=d"},
        {"limit": "2", "labelSelector": "a=b", "fieldSelector": "c=d", "continue": "abc"},
    ]
    assert client.reader.asked == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[1]}',
        b'{"items":[1],"metadata":{"resourceVersion":"7"}}',
        b'{"x":{"items":[1]},"metadata":{"resourceVersion":"7"},"items":[]}',
        b'{"x":"\\"items\\":[","metadata":{"resourceVersion":"7"},"items":[]}',
    ],
    ids=["head first", "head last", "items elsewhere", "items in a text"],
)
async def test_the_head_of_a_list_may_stand_anywhere(body: bytes) -> None:
    async with cluster(Reply(body=body)) as (client, _):
        assert [page.resource_version async for page in client.reader.pages(PODS)] == ["7"]


async def test_a_list_that_took_too_long_begins_again() -> None:
    first = answer({"metadata": {"continue": "abc"}, "items": []})

    async with cluster(first, refusal(410, "Expired", "The provided continue parameter is too old")) as (client, _):
        with pytest.raises(StaleError, match=r"list pods: 410, the cluster has moved on .*too old"):
            [page async for page in client.reader.pages(PODS)]


async def test_a_list_that_is_not_served_asks_to_look_again() -> None:
    async with cluster(refusal(404)) as (client, _):
        with pytest.raises(StaleError, match="does not serve it"):
            [page async for page in client.reader.pages("/apis/projectcalico.org/v3/ippools")]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>Log in</html>", "is no list"),
        (b"{", "is no list"),
        (b"[]", "is no list"),
        (b'{"items": "\xff"', "is no list"),
        (b'{"kind": "Pod", "metadata": {"name": "a"}}', "JSON without items"),
    ],
    ids=["a page of a proxy", "cut off", "an array", "no text", "an object"],
)
async def test_an_answer_that_is_no_list_is_said(body: bytes, why: str) -> None:
    async with cluster(Reply(body=body)) as (client, _):
        with pytest.raises(UnavailableError, match=why):
            [page async for page in client.reader.pages(PODS)]


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (
            refusal(401, "Unauthorized", "Unauthorized"),
            DeniedError,
            r"401, our credentials are not accepted \(Unauthorized\)",
        ),
        (
            refusal(403, "Forbidden", 'pods is forbidden: User "x" cannot list'),
            DeniedError,
            r"list pods: 403, not allowed .*Grant the verb list on pods\.",
        ),
        (refusal(409, "Conflict"), StaleError, "409, the cluster has moved on"),
        (refusal(422, "Invalid", "spec: bad"), InvalidError, "422 Unprocessable Entity .spec: bad., expected"),
        (Reply(status=302, headers={"Location": "https://login"}), InvalidError, "302 Found, expected"),
        (
            refusal(500, "InternalError", "token = abcdefgh"),
            UnavailableError,
            r"500 Internal Server Error \(token = \[secret\]\)",
        ),
        (Reply(status=502, body=b"<html>"), UnavailableError, "502 Bad Gateway"),
        (refusal(503, message="x" * 1000), UnavailableError, r"\(x{297}\.\.\.\)"),
    ],
    ids=["401", "403", "409", "422", "redirect", "500", "502", "a long message"],
)
async def test_a_refusal_is_one_of_our_errors(reply: Reply, kind: type[NeighbourError], text: str) -> None:
    async with cluster(reply) as (client, _):
        with pytest.raises(kind, match=text) as caught:
            await client.reader.get(PODS)
        assert caught.value.exit_code == 3


async def test_a_denial_names_what_is_missing() -> None:
    async with cluster(refusal(403, "Forbidden")) as (client, _):
        with pytest.raises(DeniedError) as caught:
            await client.reader.get("/apis/crd.projectcalico.org/v1/ipamblocks/10-0-0-0-26")

    assert (caught.value.verb, caught.value.resource) == ("get", "ipamblocks.crd.projectcalico.org")


async def test_too_many_requests_waits_as_long_as_the_server_says() -> None:
    naps = Naps()
    async with cluster(refusal(429, "TooManyRequests", Retry_After="7"), answer({}), naps=naps) as (client, script):
        assert await client.reader.get(PODS) == b"{}"

    assert 7.0 <= naps.taken[0] <= 7.2
    assert len(script.asked) == 2


async def test_a_server_that_wants_an_hour_is_not_asked_again() -> None:
    naps = Naps()
    async with cluster(refusal(429, "TooManyRequests", Retry_After="3600"), naps=naps) as (client, script):
        with pytest.raises(UnavailableError, match="left alone for 3600 s") as caught:
            await client.reader.get(PODS)

    assert (caught.value.retry_after_s, naps.taken, len(script.asked)) == (3600.0, [], 1)


async def test_a_server_in_trouble_is_asked_four_times_with_growing_waits() -> None:
    naps = Naps()
    async with cluster(refusal(503), naps=naps) as (client, script):
        with pytest.raises(UnavailableError):
            await client.reader.get(PODS)

    assert len(script.asked) == 4
    assert all(0 <= nap <= most for nap, most in zip(naps.taken, (0.2, 0.4, 0.8), strict=True))


async def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    torn = Reply(pieces=[b'{"items":['], end="tear")
    async with cluster(torn, answer({"items": []})) as (client, script):
        assert await client.reader.get(PODS) == b'{"items": []}'
        assert len(script.asked) == 2


async def test_nobody_at_that_port_is_said_with_the_address() -> None:
    async with cluster(answer({})) as (_, script):
        url = script.url
    async with open_cluster(plain_access(url)) as client:
        with pytest.raises(UnavailableError, match=f"{url}: list pods: cannot be reached"):
            await client.session._patience.again(UnavailableError(""), lambda: client.reader.get(PODS))


async def test_a_watch_gives_whole_lines_however_they_are_cut() -> None:
    stream = Reply(pieces=[LINE[:10], LINE[10:] + LINE + LINE[:3], LINE[3:]])
    async with cluster(stream) as (client, script):
        pieces = [piece async for piece in client.reader.watch(PODS, resource_version="7", label_selector="a=b")]

    assert b"".join(pieces) == LINE * 3
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert script.asked[0].query == {
        "watch": "1",
        "allowWatchBookmarks": "true",
        "resourceVersion": "7",
        "timeoutSeconds": "300",
        "labelSelector": "a=b",
    }


TOO_OLD = b'{"type":"ERROR","object":{"kind":"Status","reason":"Expired","code":410,"message":"too old"}}\n'
TROUBLE = b'{"type": "ERROR", "object": {"kind": "Status", "code": 500, "details": {"retryAfterSeconds": 4}}}\n'


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (Reply(pieces=[LINE + TOO_OLD]), StaleError, r"watch pods: .* no longer has that version \(too old\)"),
        (Reply(pieces=[LINE + TROUBLE]), UnavailableError, "ended the watch"),
        (Reply(pieces=[LINE, LINE[:20]]), UnavailableError, "ended within a line"),
        (Reply(pieces=[LINE], end="tear"), UnavailableError, "broke off"),
        (Reply(pieces=[LINE, LINE[:20]], end="tear"), UnavailableError, "broke off"),
        (Reply(pieces=[LINE], end="hang"), UnavailableError, "no answer in time"),
    ],
    ids=["410 in the stream", "500 in the stream", "half a line", "torn", "torn within a line", "silent"],
)
async def test_a_watch_that_fails_gives_what_came_before(reply: Reply, kind: type[NeighbourError], text: str) -> None:
    async with cluster(reply) as (client, _):
        watch = client.reader.watch(PODS, resource_version="7", timeout_s=0, grace_s=0.3)
        assert await anext(watch) == LINE
        with pytest.raises(kind, match=text):
            await anext(watch)


async def test_a_watch_says_how_long_the_server_wants_to_be_left_alone() -> None:
    async with cluster(Reply(pieces=[TROUBLE])) as (client, _):
        with pytest.raises(UnavailableError) as caught:
            [piece async for piece in client.reader.watch(PODS, resource_version="7")]
    assert caught.value.retry_after_s == 4.0


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"ADDED","object":{"name":"ERROR"},"x":"ERROR"}\n',
        b'"ERROR" is no JSON\n',
        b'{"type":1,"object":"ERROR"}\n',
    ],
)
async def test_a_word_in_a_line_does_not_end_a_watch(line: bytes) -> None:
    async with cluster(Reply(pieces=[line + LINE])) as (client, _):
        assert b"".join([piece async for piece in client.reader.watch(PODS, resource_version="7")]) == line + LINE


@pytest.mark.parametrize(
    ("code", "kind"), [(410, StaleError), (404, StaleError), (403, DeniedError), (503, UnavailableError)]
)
async def test_a_watch_that_is_refused_at_once_is_not_asked_again(code: int, kind: type[NeighbourError]) -> None:
    async with cluster(refusal(code)) as (client, script):
        with pytest.raises(kind):
            [piece async for piece in client.reader.watch(PODS, resource_version="7")]
        assert len(script.asked) == 1


async def test_a_question_is_a_read() -> None:
    async with cluster(answer({"status": {}}, 201)) as (client, script):
        await client.reader.question("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", b"{}")
        assert (client.session.reads, client.session.writes) == (1, 0)
        assert script.asked[0].headers["Content-Type"] == "application/json"
