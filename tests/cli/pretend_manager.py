"""
A pretend runner manager: reads its configuration as a real one does, and says so in its metrics and its log.

The file is read again where its time has changed, once a twentieth of a second instead of every three; one that is no
TOML is refused with the words of the recording `start-and-reload.json`, and the old one stays. Whatever token it has
loaded it signs in with, at the pretend GitLab.
"""

from __future__ import annotations

import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner_bridge.simulate.gitlab import World

LOADED = "Configuration loaded                                builds=0 max_builds=4"
REFUSED = "ERROR: Failed to load config decoding configuration file: {}  builds=0 max_builds=4"
POLL_S = 0.05


class PretendManager:
    """
    Args of the constructor:
        read: gives the bytes that it reads now, and what changes when they are written; None for no file.
        world: the pretend GitLab.
        log: where it writes its log.
        system_id: its own.
    """

    def __init__(
        self, read: Callable[[], tuple[bytes, object] | None], world: World, log: Path, system_id: str = "s_1"
    ) -> None:
        self.loaded, self.refused = 0, 0
        self.is_picky = False
        """Refuse everything that is new, as one does of whom another version wrote the schema."""
        self.tokens: set[str] = set()
        self._read, self._world, self._log, self._system_id = read, world, log, system_id
        self._seen: object = None
        self._stop = threading.Event()
        self._log.touch()
        self.look()
        manager = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = manager.metrics().encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/metrics"
        self._threads = [
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}),
            threading.Thread(target=self._run),
        ]
        for one in self._threads:
            one.start()

    def close(self) -> None:
        self._stop.set()
        self._server.shutdown()
        for one in self._threads:
            one.join(10)
        self._server.server_close()

    def metrics(self) -> str:
        return "".join(
            f"# HELP {name} of the configuration\n# TYPE {name} counter\n{name} {value}\n"
            for name, value in (
                ("gitlab_runner_configuration_loaded_total", self.loaded),
                ("gitlab_runner_configuration_loading_error_total", self.refused),
            )
        )

    def look(self) -> None:
        found = self._read()
        if found is None or found[1] == self._seen:
            return
        data, self._seen = found
        try:
            parsed = tomllib.loads(data.decode())
            if self.is_picky and self.loaded:
                raise tomllib.TOMLDecodeError("toml: line 21: expected '.' or ']' to end table name")  # noqa: TRY301
        except tomllib.TOMLDecodeError as error:
            self.refused += 1
            self._say(REFUSED.format(error))
            return
        self.tokens = {one["token"] for one in parsed.get("runners", []) if one.get("token")}
        for runner in list(self._world.runners.values()):
            if runner.token in self.tokens:
                self._world.sign_in(runner, self._system_id)
        self.loaded += 1
        self._say(LOADED)

    def _run(self) -> None:
        while not self._stop.wait(POLL_S):
            self.look()

    def _say(self, line: str) -> None:
        with self._log.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def of_file(path: Path) -> Callable[[], tuple[bytes, object] | None]:
    """Read a file as a manager does: again where its time has changed."""

    def read() -> tuple[bytes, object] | None:
        try:
            return path.read_bytes(), path.stat().st_mtime_ns
        except FileNotFoundError:
            return None

    return read
