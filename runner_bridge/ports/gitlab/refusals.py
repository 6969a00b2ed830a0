"""GitLab's refusals → `core.errors`, once: by status, by what the body says, and by what the headers ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import msgspec

from runner_bridge.core.errors import DeniedError, InvalidError, StaleError, UnavailableError
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.errors import NeighbourError

LONGEST_QUOTE = 200
_LONGEST_WAIT_S = 24 * 3600.0


class LostError(UnavailableError):
    """The request went out and no answer is known: it may have been carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is asked, for messages and counters."""

    verb: str
    """`get`, `list`, `create`, `update`, `delete`."""
    resource: str
    """`runners`, `projects`."""
    endpoint: str
    """How the metrics call it; one of few."""
    subject: str = ""
    """Which one: a number or path; empty for a list."""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{f' {self.subject}' if self.subject else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A status that is no success, and what came with it."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class _Body(msgspec.Struct):
    message: msgspec.Raw = msgspec.Raw(b"")
    error: str | None = None
    error_description: str | None = None
    scope: str | None = None
    errors: msgspec.Raw = msgspec.Raw(b"")


def translate(refusal: Refusal, deed: Deed, *, server: str, origin: str, now: datetime) -> NeighbourError:
    """
    Return the error that a refusal means.

    Args:
        refusal: what came back.
        deed: what was asked.
        server: GitLab's address.
        origin: where the token came from.
        now: to tell how long a moment is away.
    """
    body = _read(refusal.body)
    subject = f"{server}: {deed}: {refusal.status}"
    said = _quoted(body, refusal.body)
    match refusal.status:
        case 401:
            why = "has expired" if "expired" in said else "is not accepted; it was revoked, or is not GitLab's"
            message = f"{subject}, the token from {origin} {why}{said}. Make a new one, and put it there."
            return DeniedError(message, verb=deed.verb, resource=deed.resource)
        case 403:
            return DeniedError(f"{subject}, {_why_not(body, origin)}{said}.", verb=deed.verb, resource=deed.resource)
        case 409 | 410:
            return StaleError(f"{subject}, GitLab has moved on{said}. Read again.")
        case 429:
            wait = wait_of(refusal.headers, now)
            later = "" if wait is None else f" It asks to be left alone for {wait:g} s."
            return UnavailableError(f"{subject}, too many requests{said}.{later}", retry_after_s=wait)
        case 408 | 425 | 500 | 502 | 503 | 504 | 520 | 521 | 522 | 523 | 524 | 525 | 530:
            wait = wait_of(refusal.headers, now)
            return LostError(f"{subject}, GitLab or what is in front of it is not well{said}.", retry_after_s=wait)
        case code:
            message = f"{subject}, GitLab does not take it{said}. Correct what it names."
            return InvalidError(message, status=code)


def wait_of(headers: Mapping[str, str], now: datetime) -> float | None:
    """
    Return for how many seconds GitLab wants to be left alone; None where it does not say.

    `Retry-After` counts first, in seconds or as a date; then `RateLimit-Reset`, seconds since 1970.
    https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers
    """
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal() and text.isascii() and len(text) < 7:
        return float(text)
    seconds = _until(text, now)
    if seconds is None:
        reset = headers.get("RateLimit-Reset", "").strip()
        if reset.isdecimal() and reset.isascii() and len(reset) < 12:
            seconds = float(reset) - now.timestamp()
    return None if seconds is None else min(max(0.0, seconds), _LONGEST_WAIT_S)


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()


def _read(body: bytes) -> _Body:
    try:
        return msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Body()


def _quoted(body: _Body, whole: bytes) -> str:
    """Return GitLab's own words as an end of a sentence, cut and without secrets; empty for a web page."""
    words = body.error_description or body.error or ""
    for part in (body.message, body.errors):
        words = words or bytes(part).decode(errors="replace").strip('"')
    if not words and whole.lstrip()[:1] not in {b"<", b"{", b"["}:
        words = whole.decode(errors="replace")
    line = " ".join(redact(words).split())
    if not line:
        return ""
    return f" ({line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 3] + '...'})"


def _why_not(body: _Body, origin: str) -> str:
    if body.error == "insufficient_scope":
        needed = f"; it needs one of: {redact(body.scope)}" if body.scope else ""
        return f"the token from {origin} has not the scope for this{needed}"
    return f"the owner of the token from {origin} may not do this: give him the role, or use an administrator's"
