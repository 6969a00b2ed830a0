"""
Who asks, and what that person or program may ask: decided here for every route, and nowhere else.

Health and metrics are open to everybody who reaches the port: kubelet and Prometheus carry no token, and what is open
names no pod, address or person. Everything else needs a role. As long as no tokens are configured only whoever is on
this machine is believed, and may ask everything: over loopback, by a name of loopback (a web page that a browser was
lured to comes with a name of its own), and not through a proxy. Once tokens are configured nobody is believed without.

Only hashes of tokens are kept: 32 random bytes cannot be guessed from them, so that a plain SHA-256 is enough.
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner_bridge.core.errors import RunnerBridgeError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths without authentication; see the module for why."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
"""Not all of 127/8: a service mesh's sidecar hands on what came from elsewhere from an address of it."""
_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_BY_PROXY: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
_LONGEST_NAME: Final = 64


class Role(StrEnum):
    """What somebody may ask; each may what the one before may."""

    VIEWER = "viewer"
    """How it stands, and the verdicts of job pods that are there."""
    AUDITOR = "auditor"
    """Also who had an address: what people did, long after."""

    def includes(self, other: Role) -> bool:
        """Tell whether this role may what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class Asker(Struct, frozen=True):
    """Who asks."""

    name: str
    role: Role


class Token(Struct, frozen=True):
    """A token that is accepted."""

    digest: bytes
    """SHA-256 of the token."""
    asker: Asker


class RefusedError(RunnerBridgeError):
    """Whoever asks is not known, or may not; the text says what to do and nothing of what there is."""

    exit_code = 3

    def __init__(self, message: str, *, known: bool) -> None:
        self.known = known
        """True: it is known who asks, or nobody could become known; 403. False: 401."""
        super().__init__(message)


_LOCAL: Final = Asker("this machine", Role.AUDITOR)


def who(*, peer: str, headers: Mapping[str, str], host: str, tokens: tuple[Token, ...]) -> Asker:
    """
    Return who asks.

    Args:
        peer: address of the other end; empty where it has none.
        headers: of the request, looked up without regard to case.
        host: the header Host, empty where it is missing.
        tokens: those that are accepted; none: only this machine is believed.

    Raises:
        RefusedError: it is not known who asks.
    """
    if not tokens:
        if _is_local(peer, headers, host):
            return _LOCAL
        message = (
            "No tokens are configured, so only this machine may ask: directly, over loopback. "
            "Start the bridge with --api-tokens to let others ask."
        )
        raise RefusedError(message, known=True)
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    found = _matching(given.strip(), tokens) if scheme.lower() == "bearer" else None
    if found is None:
        message = "A bearer token that is accepted here is needed: Authorization: Bearer TOKEN."
        raise RefusedError(message, known=False)
    return found


def permit(asker: Asker, role: Role) -> None:
    """
    Let somebody pass who has a role.

    Raises:
        RefusedError: the asker does not have it.
    """
    if not asker.role.includes(role):
        message = f"This needs the role {role}, and {asker.name} has the role {asker.role}."
        raise RefusedError(message, known=True)


def digest_of(token: str) -> str:
    """Return the hash of a token as a token file holds it, without `sha256:`."""
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def read_tokens(text: str, *, name: str) -> tuple[Token, ...]:
    """
    Read a token file: lines `sha256:HASH ROLE NAME`; empty lines and lines that begin with `#` are passed over.

    Args:
        text: of the file.
        name: of the file, for errors. A line is never quoted: somebody may have written the token itself.

    Raises:
        SettingsError: a line is none of these, a hash or a name stands there twice, or there is no token.
    """
    tokens: list[Token] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            tokens.append(_token(line, f"{name}:{number}"))
            _refuse_repeated(tokens, f"{name}:{number}")
    if not tokens:
        message = f"{name}: no token in it. Write lines 'sha256:HASH viewer|auditor NAME', or leave out --api-tokens."
        raise SettingsError(message)
    return tuple(tokens)


def _token(line: str, where: str) -> Token:
    kind, _, rest = line.strip().partition(":")
    parts = rest.split()
    if kind != "sha256" or len(parts) != 3 or parts[1] not in set(Role):
        message = (
            f"{where}: not of the form 'sha256:HASH viewer|auditor NAME', the name without blanks. "
            'The hash is what `printf %s "$TOKEN" | sha256sum` prints.'
        )
        raise SettingsError(message)
    try:
        digest = bytes.fromhex(parts[0])
    except ValueError:
        digest = b""
    if len(digest) != sha256().digest_size:
        message = f"{where}: the hash is not 64 hexadecimal digits. A token itself is never written into this file."
        raise SettingsError(message)
    if len(parts[2]) > _LONGEST_NAME or not parts[2].isprintable():
        message = f"{where}: the name is longer than {_LONGEST_NAME} characters, or not plain text."
        raise SettingsError(message)
    return Token(digest, Asker(parts[2], Role(parts[1])))


def _refuse_repeated(tokens: list[Token], where: str) -> None:
    last = tokens[-1]
    if any(one.digest == last.digest or one.asker.name == last.asker.name for one in tokens[:-1]):
        message = f"{where}: the hash or the name stands in an earlier line too. Give each its own token and name."
        raise SettingsError(message)


def _matching(given: str, tokens: tuple[Token, ...]) -> Asker | None:
    """Compare with every token, each in constant time, whichever it is."""
    digest = bytes.fromhex(digest_of(given))
    found = None
    for one in tokens:
        if hmac.compare_digest(one.digest, digest):
            found = one.asker
    return found


def _is_local(peer: str, headers: Mapping[str, str], host: str) -> bool:
    if peer not in _LOOPBACK or any(name in headers for name in _BY_PROXY):
        return False
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name.lower() in _LOCAL_NAMES
