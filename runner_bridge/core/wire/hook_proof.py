"""
Whether a hook is GitLab's: by its signature, its token, or both; over the bytes as they came, in constant time.

The signature is that of Standard Webhooks (https://www.standardwebhooks.com), in GitLab from 19.0 on: HMAC-SHA256
over id, moment and body. Where a signing key is set, a request without a signature is not believed, whatever token it
carries: the token travels in clear. A body is taken in pieces, so that it need not be kept to be checked. Nothing that
a request can hold raises.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from runner_bridge.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WINDOW_S: Final = 300.0
"""How far the moment of a signature may be from now; an older request may be a recorded one, sent again."""
PREFIX: Final = "whsec_"
_KEY_BYTES: Final = (24, 64)
"""Shortest and longest key that Standard Webhooks allows; GitLab's have 32."""
_SHORTEST_TOKEN: Final = 16
_LONGEST_KEY: Final = 255
_MOST_SIGNATURES: Final = 16
"""In one header; a sender that is changing its key sends two."""


class Doubt(StrEnum):
    """Why a request is not believed."""

    UNSIGNED = "unsigned"
    """A header of the signature is missing."""
    MALFORMED = "malformed-signature"
    """A header of the signature is not what it should be."""
    FORGED = "wrong-signature"
    """Signed with another key, or the body is not the one that was signed."""
    STALE = "stale-signature"
    """Signed with our key, long ago or in the future: sent again by somebody, or the clocks differ."""
    TOKEN = "wrong-token"  # noqa: S105 - a word of ours
    """X-Gitlab-Token is missing or another one."""


class Mode(StrEnum):
    """What a request has to prove; follows from the secrets that are set."""

    SIGNATURE = "signature"
    TOKEN = "token"  # noqa: S105 - a word of ours
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What GitLab signs with and sends along; of each more than one only while it is being changed."""

    signing: tuple[bytes, ...] = field(default=(), repr=False)
    tokens: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def mode(self) -> Mode:
        """Return what a request has to prove."""
        if self.signing:
            return Mode.BOTH if self.tokens else Mode.SIGNATURE
        return Mode.TOKEN


def signing_keys(text: str, *, name: str) -> tuple[bytes, ...]:
    """
    Read the keys of a file, one in a line: `whsec_` and 24 to 64 bytes in base64. Empty lines and `#` are passed over.

    Args:
        text: of the file.
        name: of the file, for errors; nothing of the text is quoted.

    Raises:
        SettingsError: a line is none, or there is no key.
    """
    return tuple(_key(line, f"{name}:{number}") for number, line in _lines(text, name))


def secret_tokens(text: str, *, name: str) -> tuple[bytes, ...]:
    """
    Read the tokens of a file, one in a line: 16 or more printable ASCII characters without blanks.

    Args:
        text: of the file.
        name: of the file, for errors; nothing of the text is quoted.

    Raises:
        SettingsError: a line is none, or there is no token.
    """
    found = []
    for number, line in _lines(text, name):
        if len(line) < _SHORTEST_TOKEN or not line.isascii() or not line.isprintable() or " " in line:
            message = (
                f"{name}:{number}: no secret token: {_SHORTEST_TOKEN} or more letters, digits and signs, no blanks."
            )
            raise SettingsError(message)
        found.append(line.encode())
    return tuple(found)


class Check:
    """
    One request while its body comes in.

    Args of the constructor:
        key: what a request that is sent again has in common with the first; empty where it says none.
        sums: one for each signing key, begun with id and moment; none where nothing is signed.
        signatures: those that the request carries.
        is_stale: the moment of the signature is too far from now.
    """

    def __init__(
        self, key: str, sums: tuple[hmac.HMAC, ...] = (), signatures: tuple[bytes, ...] = (), *, is_stale: bool = False
    ) -> None:
        self.key = key
        self._sums = sums
        self._signatures = signatures
        self._is_stale = is_stale

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the body."""
        for one in self._sums:
            one.update(piece)

    def end(self) -> Doubt | None:
        """Return why the request is not believed; None: it is GitLab's."""
        if not self._sums:
            return None
        matches = 0
        for one in self._sums:
            expected = one.digest()
            for signature in self._signatures:
                matches += hmac.compare_digest(expected, signature)
        if not matches:
            return Doubt.FORGED
        return Doubt.STALE if self._is_stale else None


def begin(secrets: Secrets, headers: Mapping[str, str], *, now: float) -> Check | Doubt:
    """
    Look at the headers of a request. Never raises.

    Args:
        secrets: those that are set, at least one.
        headers: looked up without regard to case; bytes that are no UTF-8 as surrogates.
        now: seconds since 1970.

    Returns:
        What the body is to be fed to; or why the request is not believed, whatever its body is.
    """
    if secrets.tokens and not _has_token(secrets.tokens, headers.get("X-Gitlab-Token", "")):
        return Doubt.TOKEN
    if not secrets.signing:
        return Check(headers.get("Idempotency-Key", "")[:_LONGEST_KEY])
    return _signed(secrets.signing, headers, now)


def _signed(keys: tuple[bytes, ...], headers: Mapping[str, str], now: float) -> Check | Doubt:
    key, at, header = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not key or not at or not header:
        return Doubt.UNSIGNED
    signatures = tuple(_signatures(header))
    # What is signed joins the three with dots: with one in the id, two requests could be signed alike.
    if (
        not signatures
        or "." in key
        or len(key) > _LONGEST_KEY
        or not (at.isascii() and at.isdecimal() and len(at) < 13)
    ):
        return Doubt.MALFORMED
    opening = f"{key}.{at}.".encode("utf-8", "surrogateescape")
    sums = tuple(hmac.new(one, opening, hashlib.sha256) for one in keys)
    return Check(key, sums, signatures, is_stale=abs(now - int(at)) > WINDOW_S)


def _signatures(header: str) -> Iterator[bytes]:
    """Yield the signatures of the version that we know; `v1,…` and others, with blanks between."""
    for part in header.split(" ")[:_MOST_SIGNATURES]:
        version, _, text = part.partition(",")
        if version == "v1":
            try:
                yield b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                continue


def _has_token(tokens: tuple[bytes, ...], given: str) -> bool:
    seen = given.encode("utf-8", "surrogateescape")
    return sum(hmac.compare_digest(one, seen) for one in tokens) > 0


def _lines(text: str, name: str) -> Iterator[tuple[int, str]]:
    is_empty = True
    for number, line in enumerate(text.splitlines(), 1):
        if (bare := line.strip()) and not bare.startswith("#"):
            is_empty = False
            yield number, bare
    if is_empty:
        message = f"{name}: no secret in it. Put it there on a line of its own."
        raise SettingsError(message)


def _key(line: str, where: str) -> bytes:
    shortest, longest = _KEY_BYTES
    try:
        key = b64decode(line.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not line.startswith(PREFIX) or not shortest <= len(key) <= longest:
        message = (
            f"{where}: no signing key: expected {PREFIX} and {shortest} to {longest} bytes in base64. "
            f'Make one: printf "{PREFIX}%s\\n" "$(openssl rand -base64 32)".'
        )
        raise SettingsError(message)
    return key
