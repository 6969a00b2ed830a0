"""The HTTP side of `run`, as a user starts it: where it listens, what it answers, that it ends in time."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import pytest

from runner_bridge.ask.web import digest_of
from runner_bridge.cli import CLEAN, FINDINGS, USAGE, run
from runner_bridge.cli.bridge.web import Place, PlaceType
from tests.cli.test_run_bridge import add, cluster, command  # noqa: F401 - a fixture among them
from tests.patience import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.pretend import Pretend

ENOUGH_S = 20.0


class Running:
    """A bridge that runs, by its address."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def get(self, path: str, token: str = "") -> tuple[int, str]:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=ENOUGH_S) as answer:  # noqa: S310 - loopback
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def post(self, path: str, body: bytes, token: str) -> tuple[int, str]:
        request = urllib.request.Request(self.url + path, data=body, headers={"X-Gitlab-Token": token})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=ENOUGH_S) as answer:  # noqa: S310 - loopback
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def until(self, path: str, said: str) -> str:
        end = time.monotonic() + ENOUGH_S
        while said not in (text := self.get(path)[1]):
            assert time.monotonic() < end, f"{path} does not say {said!r}: {text[-3000:]}"
            time.sleep(0.05)
        return text


@contextmanager
def running(world: Pretend, *arguments: str) -> Iterator[Running]:
    args = command(world, "-o", "json", "--listen", "127.0.0.1:0", *arguments)
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield Running(process, address_of(process))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=ENOUGH_S)


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "http://127.0.0.1" in line and "listening" in line:
            return str(json.loads(line)["address"])
    raise AssertionError("".join(said))


def test_a_bridge_answers_from_the_world_it_watches(
    cluster: Pretend,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    add(cluster, "good", "172.16.0.1")
    add(cluster, "bad", "10.10.0.7", asked='["workload"]')
    with running(cluster, "--mode", "label") as one:
        one.until("/readyz", "ok")
        metrics = one.until("/metrics", 'runner_bridge_acts_total{kind="label-pod",outcome="done"} 2.0')
        held = json.loads(one.get("/api/v1/who-had?address=10.10.0.7")[1])
        jobs = json.loads(one.get("/api/v1/jobs")[1])["jobs"]
        job = json.loads(one.get(f"/api/v1/job?id={jobs[0]['job']}")[1])["jobs"]
        checked = json.loads(one.get("/api/v1/check")[1])
        code = run(["status", "--url", one.url])
        began = time.monotonic()
        one.process.send_signal(signal.SIGTERM)
        ended = one.process.wait(ENOUGH_S)
        took_s = time.monotonic() - began
    assert 'runner_bridge_jobs_observed_total{pool="infraestrutura",tier="infra",verdict="pass"} 1.0' in metrics
    assert 'runner_bridge_findings_total{code="address-routable",tier="infra"} 1.0' in metrics
    assert {one["outcome"] for one in jobs} <= {"pass", "breach"}
    assert [one["job"] for one in job] == [jobs[0]["job"]]
    assert "runner_bridge_verify_latency_seconds_count 0.0" not in metrics
    assert 'controller_runtime_reconcile_total{controller="judge",result="error"} 0.0' in metrics
    assert 'runner_bridge_routable_addresses_held{kind="jobs"}' in metrics
    assert [one["pod"] for one in held["candidates"]] == ["bad"]
    assert (checked["counts"]["pass"], checked["counts"]["breach"]) == (1, 1)
    out = capsys.readouterr().out
    assert (code, "routable addresses held by CI: 1" in out, "mode label, without election" in out) == (
        FINDINGS,
        True,
        True,
    )
    assert (ended, took_s < allowed(5)) == (CLEAN, True)


def test_with_a_token_file_nobody_is_believed_without_one(cluster: Pretend) -> None:  # noqa: F811
    tokens = cluster.kubeconfig().parent / "tokens"
    tokens.write_text(f"sha256:{digest_of('mine')} viewer me\n")
    with running(cluster, "--api-tokens", str(tokens)) as one:
        assert one.until("/readyz", "ok")
        assert one.get("/api/v1/status", "yours")[0] == 401
        assert one.get("/api/v1/status", "mine")[0] == 200
        assert one.get("/api/v1/who-had?address=10.10.0.7", "mine")[0] == 403


def test_a_place_where_somebody_listens_already_ends_it_with_a_sentence(cluster: Pretend) -> None:  # noqa: F811
    with running(cluster) as one:
        place = one.url.removeprefix("http://")
        other = [*command(cluster, "--listen", place, "--ledger", f"sqlite:///{cluster.kubeconfig().parent}/other.db")]
        done = subprocess.run(other, capture_output=True, text=True, timeout=ENOUGH_S, check=False)
    assert done.returncode == USAGE
    assert f"--listen {place}: nobody can listen there" in done.stderr


def test_a_token_file_that_is_wrong_keeps_it_from_starting(cluster: Pretend) -> None:  # noqa: F811
    tokens = cluster.kubeconfig().parent / "tokens"
    tokens.write_text("my-secret-token\n")
    args = command(cluster, "--listen", "127.0.0.1:0", "--api-tokens", str(tokens))
    done = subprocess.run(args, capture_output=True, text=True, timeout=ENOUGH_S, check=False)
    assert done.returncode == USAGE
    assert "tokens:1: not of the form" in done.stderr
    assert "my-secret-token" not in done.stderr


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:8080", Place("127.0.0.1", 8080)),
        (":8080", Place("", 8080)),
        ("[::1]:0", Place("::1", 0)),
        ("localhost:65535", Place("localhost", 65535)),
        ("off", None),
        (Place("x", 1), Place("x", 1)),
    ],
)
def test_where_to_listen_is_read_as_it_is_usually_written(text: Any, place: Place | None) -> None:
    assert PlaceType().convert(text, None, None) == place


@pytest.mark.parametrize(
    "text", ["", "8080", "127.0.0.1", "::1:8080", "x:", "x:65536", "x:-1", "x:٣", "x:123456", "on"]
)
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no place to listen on"):
        PlaceType().convert(text, None, None)


def test_hooks_of_gitlab_are_taken_where_their_secret_is_given(
    cluster: Pretend,  # noqa: F811
    tmp_path: Path,
) -> None:
    (tmp_path / "secret").write_text("FAKE-token-of-a-hook", encoding="utf-8")
    body = b'{"object_kind": "build", "build_id": 7, "project_id": 3, "build_status": "running"}'
    with running(cluster, "--hook-token-file", str(tmp_path / "secret"), "--log-level", "debug") as one:
        answers = [one.post("/hooks/gitlab", body, token) for token in ("FAKE-token-of-a-hook", "FAKE-forged-token")]
        metrics = one.until("/metrics", 'runner_bridge_hooks_total{result="refused"} 1.0')
    assert answers == [(200, ""), (401, "")]
    assert 'runner_bridge_hooks_total{result="accepted"} 1.0' in metrics


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--hook-signing-file", "no/such/file", "--listen", "127.0.0.1:0"], "no/such/file"),
        (["--hook-signing-file", "no/such/file", "--listen", "off"], "hooks come over HTTP"),
    ],
)
def test_secrets_of_hooks_that_are_of_no_use_are_told_at_the_start(
    cluster: Pretend,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert run(command(cluster, *arguments)[3:]) == USAGE
    assert said in capsys.readouterr().err
