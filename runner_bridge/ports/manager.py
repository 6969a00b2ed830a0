"""
Runner managers: whether they have loaded what was written, or refused it.

Only a manager's own word counts: its counters `gitlab_runner_configuration_loaded_total` and `_loading_error_total`
(GitLab Runner, commands/multi.go), or the lines of its log. `mark` before a change, `outcome` after it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from typing import TYPE_CHECKING, Final

import aiohttp
from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from runner_bridge.core.errors import UnavailableError
from runner_bridge.core.redact import redact
from runner_bridge.ports.files import explain_os_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

SETTLE_S: Final = 4.0
"""A refusal counts when nothing better follows for so long: what was there before may have been refused last."""
POLL_S: Final = 1.0
ANSWER_S: Final = 5.0
_MOST_BYTES: Final = 16 * 1024 * 1024
_LOADED = "gitlab_runner_configuration_loaded"
_REFUSED = "gitlab_runner_configuration_loading_error"

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# What stands before a line in the files of container runtimes and of syslog.
_PREFIX = (
    r"(?:\S+ std(?:out|err) [FP] |[A-Z][a-z]{2} [ \d]\d [\d:]{8} \S+ [\w-]+\[\d+\]: |\d{4}-\S+ \S+ [\w-]+\[\d+\]: )?"
)
_SAID = re.compile(
    _PREFIX + r'(?:time="[^"]*" level=\w+ msg=")?(?P<word>Configuration loaded|(?:ERROR: )?Failed to load config|'
    r"(?:FATAL: )?Service run failed)\b(?P<more>.*)"
)
_LOADED_WORD = "Configuration loaded"


class Mark(Struct, frozen=True):
    """How far a manager was before a change."""

    first: float
    """How often it had loaded; of a log, the file's number."""
    second: float
    """How often it had refused; of a log, its length."""


class Word(Struct, frozen=True):
    """What a manager says of the change."""

    is_loaded: bool
    text: str = ""
    """Of a refusal: why, without secrets; may be empty."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What all managers of an installation came to."""

    loaded: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    """Each with why, where it says so."""
    silent: tuple[str, ...] = ()

    @property
    def is_loaded(self) -> bool:
        """Every one has loaded it."""
        return bool(self.loaded) and not self.refused and not self.silent


class Managers:
    """
    The managers of one installation.

    Args of the constructor:
        metrics: where each serves its metrics.
        logs: log files of those that serve none.
        sleep: waits that many seconds.
        elapsed: seconds of a clock that only goes forward.
    """

    def __init__(
        self,
        metrics: Iterable[str],
        logs: Iterable[str],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = tuple(metrics)
        self._logs = tuple(logs)
        self._sleep = sleep
        self._elapsed = elapsed

    @property
    def are_heard(self) -> bool:
        """Somebody will say whether a change was loaded."""
        return bool(self._metrics or self._logs)

    async def mark(self) -> Mapping[str, Mark]:
        """
        Return how far each manager is now.

        Raises:
            UnavailableError: one cannot be heard, so nobody would say whether a change was loaded.
        """
        marks = {one: Mark(*await _counters(one)) for one in self._metrics}
        for one in self._logs:
            marks[one] = await asyncio.to_thread(_end_of, one)
        return marks

    async def outcome(self, marks: Mapping[str, Mark], *, within_s: float) -> Outcome:
        """
        Wait until every manager has loaded a change that was made after `marks`, or one has refused it.

        Args:
            marks: as of `mark`.
            within_s: how long at most.
        """
        words: dict[str, Word] = {}
        refused_at: float | None = None
        end = self._elapsed() + within_s
        while True:
            for one, mark in marks.items():
                if (before := words.get(one)) is None or not before.is_loaded:
                    word = await self._heard(one, mark)
                    words.update({one: word} if word else {})
            now = self._elapsed()
            if all(one in words and words[one].is_loaded for one in marks):
                break
            is_refused = any(not word.is_loaded for word in words.values())
            refused_at = (now if refused_at is None else refused_at) if is_refused else None
            if now >= end or (refused_at is not None and now - refused_at >= SETTLE_S):
                break
            await self._sleep(POLL_S)
        return Outcome(
            loaded=tuple(one for one in marks if one in words and words[one].is_loaded),
            refused=tuple(_refusal(one, words[one]) for one in marks if one in words and not words[one].is_loaded),
            silent=tuple(one for one in marks if one not in words),
        )

    async def _heard(self, one: str, mark: Mark) -> Word | None:
        if one in self._logs:
            return await asyncio.to_thread(_word_of_log, one, mark)
        try:
            loaded, refused = await _counters(one)
        except UnavailableError:
            return None  # it may be restarting; whoever stays silent has not loaded it
        if loaded < mark.first or refused < mark.second:
            mark = Mark(0, 0)  # a new process, which has read what is there now
        if loaded > mark.first:
            return Word(is_loaded=True)
        return Word(is_loaded=False) if refused > mark.second else None


def _refusal(one: str, word: Word) -> str:
    return f"{one}: {word.text}" if word.text else f"{one}: its log says why"


async def _counters(url: str) -> tuple[float, float]:
    """Return how often a manager has loaded its configuration, and how often it has refused one."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S), trust_env=False) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            text = (await answer.content.read(_MOST_BYTES)).decode("utf-8", "replace")
            found = {one.name: one.samples[0].value for one in text_string_to_metric_families(text) if one.samples}
    except (aiohttp.ClientError, OSError, ValueError) as error:
        said = redact(str(error)) or type(error).__name__
        message = f"{url}: the manager's metrics cannot be read: {said}. Check installations.*.loaded in the policy."
        raise UnavailableError(message) from error
    if _LOADED not in found:
        message = f"{url}: serves no {_LOADED}_total, expected metrics of GitLab Runner. Correct the address."
        raise UnavailableError(message)
    return found[_LOADED], found.get(_REFUSED, 0.0)


def _end_of(path: str) -> Mark:
    try:
        found = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError) as error:
        raise UnavailableError(explain_os_error(path, error)) from error
    return Mark(found.st_ino, found.st_size)


def _word_of_log(path: str, mark: Mark) -> Word | None:
    """Return what a log says last of the configuration, after a mark; a log that was rotated is read from the start."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - Path("") would silently be "."
            found = os.fstat(file.fileno())
            is_same = found.st_ino == mark.first and found.st_size >= mark.second
            file.seek(int(mark.second) if is_same else 0)
            lines = file.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    words = [word for line in lines if (word := _word(line))]
    return words[-1] if words else None


def _word(line: str) -> Word | None:
    r"""
    Return what one line says of the configuration.

    >>> _word("Configuration loaded                                builds=0 max_builds=4")
    Word(is_loaded=True, text='')
    >>> _word('{"level":"error","msg":"Failed to load config stat x: no such file","builds":0}')
    Word(is_loaded=False, text='stat x: no such file')
    """
    line = _ANSI.sub("", line)
    if line.startswith("{"):
        try:
            line = str(json.loads(line).get("msg"))
        except (ValueError, AttributeError):
            return None
    found = _SAID.match(line)
    if found is None:
        return None
    if found["word"] == _LOADED_WORD:
        return Word(is_loaded=True)
    return Word(is_loaded=False, text=redact(re.sub(r"\s{2,}builds=.*|^\s+", "", found["more"]))[:300])
