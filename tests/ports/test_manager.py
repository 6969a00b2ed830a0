"""What a manager says of its configuration: by its counters, and by the lines of its log as they were recorded."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.errors import UnavailableError
from runner_bridge.ports.manager import Managers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PREFIX = "gitlab_runner_configuration"
LOADED = "Configuration loaded                                builds=0 max_builds=4"
REFUSED = (
    'ERROR: Failed to load config decoding configuration file: toml: line 1 (last key "concurrent"): incompatible '
    "types: TOML value has type string; destination has type integer  builds=0 max_builds=4"
)


class Clock:
    """Seconds that pass when somebody sleeps; something may happen then."""

    def __init__(self, *happens: Callable[[], object]) -> None:
        self.seconds = 0.0
        self._happens = list(happens)

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        if self._happens:
            self._happens.pop(0)()


class Metrics:
    """A manager that serves its counters."""

    def __init__(self) -> None:
        self.loaded: int | None = 1
        self.refused: int | None = 0
        metrics = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = metrics.text().encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/metrics"

    def set(self, loaded: int | None, refused: int | None = 0) -> None:
        self.loaded, self.refused = loaded, refused

    def text(self) -> str:
        names = {"loaded": self.loaded, "loading_error": self.refused}
        return "".join(
            f"# TYPE {PREFIX}_{name}_total counter\n{PREFIX}_{name}_total {value}\n"
            for name, value in names.items()
            if value is not None
        )


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    one = Metrics()
    thread = threading.Thread(target=one.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield one
    one.server.shutdown()
    thread.join(10)
    one.server.server_close()


async def test_one_more_load_is_loaded(metrics: Metrics) -> None:
    clock = Clock(lambda: None, lambda: metrics.set(2))
    managers = Managers([metrics.url], [], sleep=clock.sleep, elapsed=clock)
    outcome = await managers.outcome(await managers.mark(), within_s=60)
    assert (outcome.is_loaded, outcome.loaded) == (True, (metrics.url,))


async def test_one_more_error_is_a_refusal_once_nothing_better_follows(metrics: Metrics) -> None:
    clock = Clock(lambda: metrics.set(1, 1))
    managers = Managers([metrics.url], [], sleep=clock.sleep, elapsed=clock)
    outcome = await managers.outcome(await managers.mark(), within_s=60)
    assert (outcome.is_loaded, outcome.refused) == (False, (f"{metrics.url}: its log says why",))
    assert clock.seconds < 10


async def test_an_error_about_what_was_there_before_is_outweighed_by_a_load(metrics: Metrics) -> None:
    clock = Clock(lambda: metrics.set(1, 1), lambda: metrics.set(2, 1))
    managers = Managers([metrics.url], [], sleep=clock.sleep, elapsed=clock)
    assert (await managers.outcome(await managers.mark(), within_s=60)).is_loaded


async def test_a_manager_that_started_again_counts_from_nothing(metrics: Metrics) -> None:
    metrics.set(7, 3)
    clock = Clock(lambda: metrics.set(1, 0))
    managers = Managers([metrics.url], [], sleep=clock.sleep, elapsed=clock)
    assert (await managers.outcome(await managers.mark(), within_s=60)).is_loaded


async def test_every_manager_has_to_say_so(metrics: Metrics, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    clock = Clock(lambda: metrics.set(2))
    managers = Managers([metrics.url], [str(log)], sleep=clock.sleep, elapsed=clock)
    outcome = await managers.outcome(await managers.mark(), within_s=5)
    assert (outcome.is_loaded, outcome.loaded, outcome.silent) == (False, (metrics.url,), (str(log),))


async def test_what_cannot_be_heard_is_said_before_anything_is_written(metrics: Metrics) -> None:
    with pytest.raises(UnavailableError, match=r"nowhere: no such file"):
        await Managers([], ["nowhere"]).mark()
    with pytest.raises(UnavailableError, match="the manager's metrics cannot be read"):
        await Managers(["http://127.0.0.1:9/metrics"], []).mark()
    metrics.set(None)
    with pytest.raises(UnavailableError, match="expected metrics of GitLab Runner"):
        await Managers([metrics.url], []).mark()


async def test_a_manager_that_goes_away_has_not_loaded_it(metrics: Metrics) -> None:
    clock = Clock(lambda: metrics.set(None))
    managers = Managers([metrics.url], [], sleep=clock.sleep, elapsed=clock)
    assert (await managers.outcome(await managers.mark(), within_s=3)).silent == (metrics.url,)


async def said(tmp_path: Path, *lines: str) -> tuple[bool, tuple[str, ...]]:
    """Return whether a log with these new lines says loaded, and what it refuses."""
    log = tmp_path / "manager.log"
    log.write_text(f"{LOADED}\n{REFUSED}\n", encoding="utf-8")
    clock = Clock()
    managers = Managers([], [str(log)], sleep=clock.sleep, elapsed=clock)
    marks = await managers.mark()
    with log.open("a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    outcome = await managers.outcome(marks, within_s=5)
    return outcome.is_loaded, tuple(one.removeprefix(f"{log}: ") for one in outcome.refused)


@pytest.mark.parametrize(
    "line",
    [
        LOADED,
        f"\x1b[0;m{LOADED}\x1b[0;m",
        f"2026-11-25T12:00:00.000000000Z stderr F {LOADED}",
        f"Nov 25 12:00:00 host gitlab-runner[71]: {LOADED}",
        f"2026-11-25T12:00:00+01:00 host gitlab-runner[71]: {LOADED}",
        'time="2026-11-25T12:00:00Z" level=info msg="Configuration loaded" builds=0 max_builds=4',
        json.dumps({"level": "info", "msg": "Configuration loaded", "builds": 0}),
    ],
)
async def test_each_format_of_the_log_says_loaded(tmp_path: Path, line: str) -> None:
    assert await said(tmp_path, line) == (True, ())


@pytest.mark.parametrize(
    "line",
    [
        f"Checking for jobs... received                       job=1 name={LOADED}",
        json.dumps({"msg": "Checking for jobs", "name": "Configuration loaded"}),
        "{broken",
        "[]",
        "",
    ],
)
async def test_what_a_job_is_called_is_no_word_of_the_manager(tmp_path: Path, line: str) -> None:
    assert await said(tmp_path, line) == (False, ())


async def test_a_refusal_says_why_and_the_last_word_counts(tmp_path: Path) -> None:
    loaded, (why,) = await said(tmp_path, REFUSED, REFUSED)
    assert (loaded, why.startswith("decoding configuration file: toml: line 1"), "builds=" in why) == (
        False,
        True,
        False,
    )
    assert await said(tmp_path, REFUSED, LOADED) == (True, ())
    assert (await said(tmp_path, LOADED, REFUSED))[0] is False
    assert await said(tmp_path, "ERROR: Failed to load config token = glrt-t1_4xYqA7pLwFAKETOKEN00") == (
        False,
        ("token = [secret]",),
    )


async def test_a_log_that_was_rotated_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * 1000, encoding="utf-8")
    clock = Clock()
    managers = Managers([], [str(log)], sleep=clock.sleep, elapsed=clock)
    marks = await managers.mark()
    log.rename(tmp_path / "log.1")
    assert (await managers.outcome(marks, within_s=2)).silent == (str(log),)
    log.write_text(f"{LOADED}\n", encoding="utf-8")
    assert (await managers.outcome(marks, within_s=2)).is_loaded


async def test_where_nobody_is_named_nobody_is_heard() -> None:
    assert not Managers([], []).are_heard
    assert not (await Managers([], []).outcome({}, within_s=1)).is_loaded
