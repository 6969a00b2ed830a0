"""`check --watch` as a user starts it: a fresh table after each change, nothing written, 130 after Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli import run
from runner_bridge.cli.check.watch import fitted
from runner_bridge.simulate.cluster import Cluster
from tests.cli.test_run_bridge import POLICY, add, cluster  # noqa: F401 - a fixture
from tests.cluster.pretend import Pretend  # noqa: TC001 - pytest
from tests.flow.world import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENOUGH_S = 20.0


class Watching:
    """A process that watches; `text` is what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], source: int) -> None:
        self.process = process
        self.text = ""
        self._source = source

    def until(self, said: str, times: int = 1) -> str:
        """Read on until it has said something so many times."""
        end = time.monotonic() + ENOUGH_S
        os.set_blocking(self._source, False)
        while self.text.count(said) < times:
            assert time.monotonic() < end, f"{said!r} was not said {times} times: {self.text[-2000:]!r}"
            try:
                self.text += os.read(self._source, 65536).decode("utf-8", "replace")
            except (BlockingIOError, OSError):
                time.sleep(0.02)
        return self.text

    def interrupt(self) -> int:
        """Press Ctrl-C and read on to its end."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(ENOUGH_S)
        os.set_blocking(self._source, False)
        try:
            while piece := os.read(self._source, 65536):
                self.text += piece.decode("utf-8", "replace")
        except OSError:
            pass
        return code


@contextmanager
def watching(world: Pretend, *arguments: str, terminal: bool = False) -> Iterator[Watching]:
    folder = world.kubeconfig().parent
    flags = ["--kubeconfig", str(world.kubeconfig()), "--policy", str(folder / "policy.yaml")]
    source, sink = pty.openpty() if terminal else os.pipe()
    environment = {**os.environ, "COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "runner_bridge", "check", "--watch", *flags, *arguments],
        stdout=sink,
        stderr=subprocess.PIPE,
        env=environment,
    )
    os.close(sink)
    try:
        yield Watching(process, source)
    finally:
        if process.poll() is None:  # whoever watches says good-bye, or the pretend server would be left in the middle
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=ENOUGH_S)
        os.close(source)


def test_each_change_is_a_block_of_its_own_where_nobody_sits_at_a_terminal(cluster: Pretend) -> None:  # noqa: F811
    add(cluster, "good", "172.16.0.1")
    with watching(cluster) as one:
        one.until("1 job pod: 1 pass; evidence: 1 block")
        add(cluster, "bad", "10.10.0.7", asked='["workload"]')
        text = one.until("2 job pods: 1 pass, 1 breach; evidence: 2 block")
        cluster.delete(cluster.admin("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/good"))
        one.until("1 job pod: 1 breach; evidence: 1 block")
        assert one.interrupt() == 130
    assert "gitlab-runners/bad" in text
    assert "\x1b" not in text
    assert "UTC: watching http://127.0.0.1" in text
    assert not any(key.startswith("runner-bridge.dev/") for key in labels(cluster, "bad"))


def labels(world: Pretend, name: str) -> dict[str, str]:
    return dict(world.admin("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/{name}")["metadata"]["labels"])


def test_json_is_one_document_per_change(cluster: Pretend) -> None:  # noqa: F811
    add(cluster, "good", "172.16.0.1")
    with watching(cluster, "-o", "json") as one:
        one.until('"evidence": "1 block"')
        assert one.interrupt() == 130
    documents = list(decoded(one.text))
    assert documents[-1]["counts"]["pass"] == 1


def decoded(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:]


def test_a_terminal_is_drawn_over_and_the_last_table_stays(cluster: Pretend) -> None:  # noqa: F811
    add(cluster, "good", "172.16.0.1")
    with watching(cluster, "-n", NAMESPACE, terminal=True) as one:
        one.until("1 job pod: ")
        add(cluster, "bad", "10.10.0.7", asked='["workload"]')
        one.until("1 breach")
        assert one.interrupt() == 130
    assert one.text.startswith("\x1b[?1049h\x1b[?25l")
    assert one.text.count("\x1b[H") >= 2
    _, left, last = one.text.rpartition("\x1b[?25h\x1b[?1049l")
    assert left
    assert "2 job pods: 1 pass, 1 breach" in last


@pytest.mark.parametrize(
    ("arguments", "pods"),
    [
        (("-l", "project.runner.gitlab.com/id=4217"), "2 job pods"),
        (("-l", "project.runner.gitlab.com/id=1"), "No job pod"),
        (("-n", "default"), "No job pod"),
        (("-A", "-l", "project.runner.gitlab.com/id"), "2 job pods"),
    ],
)
def test_only_what_is_selected_is_watched(cluster: Pretend, arguments: tuple[str, ...], pods: str) -> None:  # noqa: F811
    add(cluster, "one", "172.16.0.1")
    add(cluster, "two", "172.16.1.1")
    with watching(cluster, *arguments) as one:
        one.until(pods)


def test_what_other_files_tell_is_shown_too(cluster: Pretend) -> None:  # noqa: F811
    add(cluster, "good", "172.16.0.1")
    projects = cluster.kubeconfig().parent / "projects.json"
    projects.write_text('[{"id": 4217, "path_with_namespace": "platform/api"}]')
    with watching(cluster, "--projects", str(projects)) as one:
        one.until("platform/api")
        assert one.interrupt() == 130
    assert "was not checked" not in one.text


class Bare(BaseHTTPRequestHandler):
    """An API server that serves nothing."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: Any) -> None:
        pass


def test_a_cluster_without_calico_ends_it_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with HTTPServer(("127.0.0.1", 0), Bare) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = Cluster().kubeconfig().replace(":0", f":{server.server_port}")
        (tmp_path / "kubeconfig").write_text(config)
        (tmp_path / "policy.yaml").write_text(POLICY)
        files = ["--policy", str(tmp_path / "policy.yaml"), "--kubeconfig", str(tmp_path / "kubeconfig")]
        assert run(["check", "--watch", *files]) == 3
        server.shutdown()
    assert ": nothing can be judged: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pods", "pods.json"], "Leave out --pods"),
        (["--strict", "--pods", "x"], "Leave out --pods, --strict"),
        (["-o", "junit"], "junit is one report of one moment"),
        (["-l", "a=b,"], "selector"),
    ],
)
def test_what_does_not_go_with_it_is_refused(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    assert run(["check", "--watch", "--policy", str(tmp_path / "policy.yaml"), *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "height", "shown"),
    [
        ("abcd", 4, ["a", "b", "c", "d"]),
        ("abcde", 4, ["a", "… 2 more lines", "d", "e"]),
        ("abcdefghijkl", 9, ["a", "b", "c", "d", "… 4 more lines", "i", "j", "k", "l"]),
        ("ab", 1, ["… 1 more lines", "b"]),
    ],
)
def test_a_table_that_is_too_long_keeps_its_beginning_and_its_summary(
    lines: str, height: int, shown: list[str]
) -> None:
    drawn = fitted("".join(f"{one}\n" for one in lines), height)
    assert drawn.startswith("\x1b[H")
    assert drawn.endswith("\x1b[K\x1b[J")
    assert [line.removesuffix("\x1b[K") for line in drawn[3:-3].split("\n")] == shown
