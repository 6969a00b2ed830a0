"""The script of a probe, run by this machine's sh with tools of a test, and where there is one by a real BusyBox."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.wire.probe import Report, State, addresses_in, report_of
from runner_bridge.render.probe_script import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALWAYS = ("tr", "cut", "sed", "sleep")
TARGETS = {
    "RB_NAME": "gitlab.example.com",
    "RB_GITLAB_HOST": "gitlab.example.com",
    "RB_GITLAB_PORT": "443",
    "RB_ECHO": "https://echo.example.com",
    "RB_WAIT": "1",
    "RB_STAY": "0",
    "KUBERNETES_SERVICE_HOST": "10.96.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
}
NC = 'case "$1" in -h) echo "usage: nc [-46CDdFhklNnrStUuvZz]";; *) {} ;; esac'


def asked(folder: Path, tools: dict[str, str], **targets: str) -> Report:
    """Run the script where only these tools are; each is a line of sh."""
    for name in ALWAYS:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    for name, line in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", SCRIPT],
        env={"PATH": str(folder), **TARGETS, **targets},
        capture_output=True,
        timeout=20,
        check=False,
    )
    report = report_of(done.stdout)
    assert report is not None, done
    assert done.returncode == 0
    return report


def test_an_image_without_any_tool_is_honest(tmp_path: Path) -> None:
    report = asked(tmp_path, {})
    assert [one.state for one in (report.name, report.api, report.gitlab, report.echo)] == [State.NO_TOOL] * 4
    assert report.name.said == "nslookup, getent"


def test_everything_is_reached(tmp_path: Path) -> None:
    tools = {
        "nslookup": 'printf "Server: 10.96.0.10\\n\\nName:\\tgitlab.example.com\\nAddress: 192.0.2.9\\n"; exit 1',
        "nc": NC.format("true"),
        "wget": "echo 192.0.2.1",
    }
    report = asked(tmp_path, tools)
    assert [one.state for one in (report.name, report.api, report.gitlab, report.echo)] == [State.YES] * 4
    assert report.echo.said.strip() == "192.0.2.1"


def test_nothing_is_reached(tmp_path: Path) -> None:
    tools = {
        "nslookup": 'echo "** server can\'t find it: NXDOMAIN"; exit 0',
        "nc": NC.format("exit 1"),
        "wget": 'echo "wget: download timed out" >&2; exit 1',
    }
    report = asked(tmp_path, tools)
    assert [one.state for one in (report.name, report.api, report.gitlab, report.echo)] == [State.NO] * 4
    assert report.echo.said == "wget: download timed out"


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("exit 0", State.YES),
        ("exit 8", State.YES),
        ('echo "wget: server returned error: HTTP/1.1 403 Forbidden" >&2; exit 1', State.YES),
        ('echo "wget: error getting response: Connection reset by peer" >&2; exit 1', State.YES),
        ('echo "wget: can\'t connect to remote host: Connection refused" >&2; exit 1', State.NO),
        ("exit 4", State.NO),
        ("kill -SEGV $$", State.NO_TOOL),
    ],
    ids=["ok", "an error page", "forbidden", "cut off", "refused", "network", "a crash"],
)
def test_without_nc_any_answer_of_a_server_is_a_connection(tmp_path: Path, line: str, state: State) -> None:
    assert asked(tmp_path, {"wget": line}).gitlab.state is state


def test_an_nc_that_cannot_scan_is_not_used(tmp_path: Path) -> None:
    report = asked(tmp_path, {"nc": 'echo "usage: nc HOST PORT"; exit 1', "wget": "exit 0"})
    assert report.api.state is State.YES


@pytest.mark.parametrize(
    ("tool", "line", "state"),
    [("getent", "echo 192.0.2.9", State.YES), ("getent", "exit 2", State.NO)],
)
def test_names_are_asked_of_getent_where_there_is_no_nslookup(
    tmp_path: Path, tool: str, line: str, state: State
) -> None:
    assert asked(tmp_path, {tool: line}).name.state is state


def test_a_wget_that_crashes_is_no_answer(tmp_path: Path) -> None:
    assert asked(tmp_path, {"wget": "kill -SEGV $$"}).echo.state is State.NO_TOOL


@pytest.mark.parametrize(("line", "state"), [("echo 192.0.2.1", State.YES), ("exit 7", State.NO)])
def test_a_destination_is_asked_with_curl_where_there_is_no_wget(tmp_path: Path, line: str, state: State) -> None:
    assert asked(tmp_path, {"curl": line}).echo.state is state


def test_what_has_no_target_is_not_asked(tmp_path: Path) -> None:
    tools = {"nslookup": "exit 1", "nc": NC.format("exit 1"), "wget": "exit 1"}
    report = asked(tmp_path, tools, RB_NAME="", RB_ECHO="", KUBERNETES_SERVICE_HOST="")
    assert (report.name.state, report.echo.state, report.api.state) == (State.NOT_ASKED,) * 3


@pytest.mark.parametrize(
    "text",
    ['"}\n{"probe":1}', "\\", '\\"', "\x1b[2J", "a" * 2000, "äöü", "`id` $(id) $HOME", "100%s %d"],
    ids=["json", "backslash", "escaped quote", "terminal", "long", "letters", "commands", "formats"],
)
def test_nothing_that_a_destination_answers_breaks_the_report(tmp_path: Path, text: str) -> None:
    (tmp_path / "said").write_text(text)
    says = f"while IFS= read -r one || [ -n \"$one\" ]; do printf '%s\\n' \"$one\"; done <'{tmp_path}/said'"
    report = asked(tmp_path, {"wget": says})
    assert report.echo.state is State.YES
    assert len(report.echo.said) <= 400
    assert "uid=" not in report.echo.said


def test_no_target_is_read_as_a_command(tmp_path: Path) -> None:
    marker = tmp_path / "owned"
    evil = f"x'; : > {marker}; $(: > {marker})"
    asked(tmp_path, {"nslookup": "exit 1", "wget": "exit 1"}, RB_NAME=evil, RB_ECHO=evil)
    assert not marker.exists()


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.client_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def echoing() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.mark.skipif(shutil.which("busybox") is None, reason="no busybox here; the tools of a test stand in for it")
def test_a_real_busybox_tells_what_a_real_destination_saw(tmp_path: Path) -> None:
    busybox = shutil.which("busybox")
    assert busybox
    for name in ("sh", "nc", "wget", "nslookup", "timeout", *ALWAYS):
        (tmp_path / name).symlink_to(busybox)
    with socket.socket() as closed, echoing() as port:
        closed.bind(("127.0.0.1", 0))
        done = subprocess.run(
            [str(tmp_path / "sh"), "-c", SCRIPT],
            env={
                **TARGETS,
                "PATH": str(tmp_path),
                "RB_NAME": "",
                "RB_GITLAB_HOST": "127.0.0.1",
                "RB_GITLAB_PORT": str(closed.getsockname()[1]),
                "RB_ECHO": f"http://127.0.0.1:{port}/",
                "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                "KUBERNETES_SERVICE_PORT": str(port),
            },
            capture_output=True,
            timeout=30,
            check=False,
        )
    report = report_of(done.stdout)
    assert report is not None, done
    assert (report.api.state, report.gitlab.state, report.echo.state) == (State.YES, State.NO, State.YES)
    assert [str(one) for one in addresses_in(report.echo.said)] == ["127.0.0.1"]
