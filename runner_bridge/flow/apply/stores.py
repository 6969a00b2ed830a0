"""
The places that a policy names: a file, a Secret, a values file, a folder of tokens.

Each is read as it is now, and replaced whole or not at all, only where it is still what was read. What holds a token is
never part of a message.
"""

from __future__ import annotations

import asyncio
import glob
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from runner_bridge.core.errors import (
    DeniedError,
    RunnerBridgeError,
    SettingsError,
    StaleError,
    UnavailableError,
    WireError,
)
from runner_bridge.core.policy.model import StoreKind
from runner_bridge.core.wire import cluster_facts
from runner_bridge.core.wire.secrets import LIMIT_BYTES, Secret, changed_values, new_secret, read_secret
from runner_bridge.ports import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_bridge.core.policy.model import RunnerName, Store
    from runner_bridge.ports.kube import Cluster

_TOKEN_LIMIT_BYTES = 4096
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_ATTEMPTS = 5
_BEFORE = ".before-"
"""In the name of what is put aside, followed by the digest of what has taken its place."""
_MOUNTED = "..data"
"""How Kubernetes mounts a Secret or ConfigMap: each file is a link through this one."""


class Held(Struct, frozen=True, kw_only=True):
    """What stands in a place now."""

    text: str | None = None
    """None: nothing is there."""
    owner: str = ""
    """As `LiveConfiguration.owner`."""
    is_unconfirmed: bool = False
    """As `LiveConfiguration.is_unconfirmed`."""
    trouble: str = ""
    """Why it could not be read."""


class Before(Struct, frozen=True, kw_only=True):
    """What an apply that was cut off has put aside: the bytes that it was about to replace."""

    name: str
    """Of the file beside the configuration, or the key in its Secret."""
    data: bytes

    def is_of(self, data: bytes | None) -> bool:
        """Tell whether `data` is what it was replaced by: nobody has written since."""
        return data is not None and self.name.endswith(_digest(data))

    def __repr__(self) -> str:
        return f"Before({self.name!r}, {len(self.data)} bytes)"


class Kept(Struct, frozen=True, kw_only=True):
    """The tokens of an installation."""

    tokens: Mapping[RunnerName, str]
    trouble: str = ""

    def __repr__(self) -> str:
        return f"Kept(of={sorted(self.tokens)}, trouble={self.trouble!r})"


class Raw(Struct, frozen=True, kw_only=True):
    """The very bytes of a configuration, as they are now."""

    data: bytes | None
    """None: nothing is there."""
    secret: Secret | None = None
    """The Secret that it stands in; None for a file, and for a Secret that is not there."""

    def __repr__(self) -> str:
        return f"Raw({len(self.data or b'')} bytes)"


class Stores:
    """
    Reads and replaces places.

    Args of the constructor:
        cluster: where Secrets are; None: there is none to be asked.
        why_not: why there is none.
    """

    def __init__(self, cluster: Cluster | None, why_not: str = "") -> None:
        self._cluster = cluster
        self._why_not = why_not

    async def configuration(self, store: Store) -> Held:
        """Return what managers read. Never raises for what lies outside of this program."""
        try:
            if store.kind is StoreKind.SECRET:
                secret = await self.secret(store)
                return Held() if secret is None else _of_secret(secret, store)
            return await asyncio.to_thread(_file, store.path)
        except RunnerBridgeError as error:
            return Held(trouble=str(error))

    async def tokens(self, store: Store | None, runners: Iterable[RunnerName]) -> Kept:
        """Return the tokens that are kept, by runner. Never raises for what lies outside of this program."""
        if store is None:
            return Kept(tokens={})
        try:
            if store.kind is StoreKind.SECRET:
                secret = await self.secret(store)
                values = {} if secret is None else secret.values
                texts = {name: values.get(str(name), b"").decode("utf-8", "replace") for name in runners}
            else:
                texts = await asyncio.to_thread(_folder, store.path, tuple(runners))
        except RunnerBridgeError as error:
            return Kept(tokens={}, trouble=str(error))
        return Kept(tokens={name: text.strip() for name, text in texts.items() if text.strip()})

    async def secret(self, store: Store) -> Secret | None:
        """
        Return a Secret; None: it is not there.

        Raises:
            NeighbourError: the cluster cannot be asked.
            WireError: what it answers is no Secret.
        """
        body = await self._reached().reader.get(f"{_secrets(store)}/{store.name}")
        return None if body is None else read_secret(body, what=f"Secret {store}")

    async def raw(self, store: Store) -> Raw:
        """
        Return the bytes of a configuration.

        Raises:
            SettingsError, NeighbourError, WireError: it cannot be read.
        """
        if store.kind is StoreKind.SECRET:
            secret = await self.secret(store)
            return Raw(data=None if secret is None else secret.values.get(store.key), secret=secret)
        return Raw(data=await asyncio.to_thread(files.read_bytes, store.path))

    async def replace(self, store: Store, before: Raw, data: bytes | None, *, sets_aside: bool = False) -> None:
        """
        Put `data` in the place of what was read, whole or not at all; None takes it away.

        A file gets the mode 0600 where it is new, and a fresh time, by which a runner notices it. With `sets_aside`
        what was there before stays beside it until `forget`, for whoever goes on after a crash.

        Raises:
            StaleError: somebody else has written since; nothing was done.
            SettingsError, NeighbourError: it cannot be written; nothing was done.
        """
        aside = f"{_BEFORE}{_digest(data)}" if sets_aside and data is not None and before.data is not None else ""
        if store.kind is StoreKind.SECRET:
            kept = {f"{store.key}{aside}": before.data} if aside and _has_room(before, data) else {}
            await self._set(store, before.secret, {store.key: data, **kept})
        else:
            await asyncio.to_thread(_replace_file, store.path, before.data, data, aside)

    async def set_aside(self, store: Store) -> Before | None:
        """
        Return what an apply that was cut off has put aside; None: there is nothing.

        Raises:
            SettingsError, NeighbourError, WireError: it cannot be read.
        """
        if store.kind is StoreKind.SECRET:
            secret = await self.secret(store)
            found = _aside_in(secret, store) if secret else ()
            return Before(name=found[-1], data=secret.values[found[-1]]) if secret and found else None
        return await asyncio.to_thread(_aside_of, store.path)

    async def forget(self, store: Store) -> None:
        """
        Remove what was put aside.

        Raises:
            SettingsError, NeighbourError: it cannot be removed; then the next apply looks at it again.
        """
        if store.kind is not StoreKind.SECRET:
            for one in await asyncio.to_thread(_asides, store.path):
                await asyncio.to_thread(files.remove, one)
            return
        secret = await self.secret(store)
        if secret and (found := _aside_in(secret, store)):
            await self._set(store, secret, dict.fromkeys(found))

    async def keep(self, store: Store, runner: RunnerName, token: str) -> None:
        """
        Keep a runner's token.

        Raises:
            StaleError: somebody else wrote the Secret again and again.
            SettingsError, NeighbourError: it cannot be written.
        """
        if store.kind is not StoreKind.SECRET:
            await asyncio.to_thread(_keep_in_folder, store.path, str(runner), token)
            return
        for _ in range(_ATTEMPTS - 1):
            with suppress(StaleError):
                await self._set(store, await self.secret(store), {str(runner): token.encode()})
                return
        await self._set(store, await self.secret(store), {str(runner): token.encode()})

    async def check(self, store: Store, *, more_bytes: int) -> None:
        """
        Find out whether a place can be written, and has room for more, before anything is done that it has to keep.

        Raises:
            SettingsError, NeighbourError: it cannot.
        """
        match store.kind:
            case StoreKind.SECRET:
                secret = await self.secret(store)
                _check_size(store, sum(map(len, secret.values.values())) + more_bytes if secret else more_bytes)
                await self._check_right(store, "create" if secret is None else "patch")
            case StoreKind.DIRECTORY:
                await asyncio.to_thread(files.make_folder, store.path, mode=0o700)
                await asyncio.to_thread(files.check_writable, str(Path(store.path) / "token"))
            case _:
                await asyncio.to_thread(files.check_writable, store.path)

    async def _check_right(self, store: Store, verb: str) -> None:
        attributes = {"verb": verb, "resource": "secrets", "namespace": store.namespace}
        if verb != "create":  # what is to be created has no name for the authorizer
            attributes["name"] = store.name
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        reader = self._reached().reader
        if not cluster_facts.is_allowed(await reader.question(_REVIEWS, msgspec.json.encode(review))):
            message = f"{reader.server}: {verb} secrets in namespace {store.namespace}: not allowed. Grant this verb."
            raise DeniedError(message, verb=verb, resource="secrets", namespace=store.namespace)

    async def _set(self, store: Store, secret: Secret | None, values: Mapping[str, bytes | None]) -> None:
        there = {} if secret is None else secret.values
        _check_size(store, sum(len(value or b"") for value in {**there, **values}.values()))
        writer = self._reached().writer
        if secret is None:
            given = {key: value for key, value in values.items() if value is not None}
            await writer.create(_secrets(store), new_secret(store.name, given))
        else:
            await writer.merge(f"{_secrets(store)}/{store.name}", changed_values(secret.version, values))

    def _reached(self) -> Cluster:
        if self._cluster is None:
            raise UnavailableError(self._why_not)
        return self._cluster


def _has_room(before: Raw, data: bytes | None) -> bool:
    """Tell whether a Secret may hold both what was there and what takes its place."""
    there = before.secret.values.values() if before.secret else ()
    return sum(map(len, there)) + len(data or b"") <= LIMIT_BYTES


def _check_size(store: Store, size: int) -> None:
    if size > LIMIT_BYTES:
        message = (
            f"Secret {store}: would hold {size:,} bytes, and Kubernetes takes {LIMIT_BYTES:,} at most. "
            "Give what else is in it a Secret of its own."
        )
        raise SettingsError(message)


def _secrets(store: Store) -> str:
    return f"/api/v1/namespaces/{store.namespace}/secrets"


def _replace_file(path: str, before: bytes | None, data: bytes | None, aside: str) -> None:
    def look() -> None:
        if files.read_bytes(path) != before:
            message = f"{path}: was changed by somebody else meanwhile; nothing was written."
            raise StaleError(message)

    target = Path(os.path.realpath(path))
    if aside and before is not None:
        files.write_bytes(str(target.parent / f".{target.name}{aside}"), before, mode=0o600)
    if data is None:
        look()
        files.remove(path)
    else:
        files.write_bytes(path, data, mode=0o600, last_look=look)


def _keep_in_folder(folder: str, runner: str, token: str) -> None:
    files.make_folder(folder, mode=0o700)
    files.write_text(str(Path(folder) / runner), f"{token}\n", mode=0o600)


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


def _aside_in(secret: Secret, store: Store) -> tuple[str, ...]:
    return tuple(sorted(key for key in secret.values if key.startswith(f"{store.key}{_BEFORE}")))


def _asides(path: str) -> list[str]:
    target = Path(os.path.realpath(path))
    return sorted(str(one) for one in target.parent.glob(f".{glob.escape(target.name)}{_BEFORE}*"))


def _aside_of(path: str) -> Before | None:
    for one in _asides(path)[-1:]:
        return Before(name=one, data=files.read_bytes(one) or b"")
    return None


def _of_secret(secret: Secret, store: Store) -> Held:
    data = secret.values.get(store.key)
    owner = secret.owner or ("somebody who made it immutable" if secret.is_immutable else "")
    if data is None:
        return Held(owner=owner)
    try:
        return Held(text=data.decode(), owner=owner, is_unconfirmed=bool(_aside_in(secret, store)))
    except UnicodeDecodeError:
        message = f"Secret {store}: the value of {store.key} is not UTF-8 text. Check that the right key is named."
        raise WireError(message) from None


def _file(path: str) -> Held:
    folder = Path(path).parent
    if not os.path.lexists(path):
        if folder.is_dir():
            return Held()
        message = f"{path}: there is no folder {str(folder)!r}. Run it where the managers run, or correct the path."
        raise SettingsError(message)
    is_mounted = (folder / _MOUNTED).is_symlink() or _MOUNTED in os.path.realpath(path)
    owner = "the Secret or ConfigMap that is mounted there" if is_mounted else ""
    return Held(text=files.read_text(path), owner=owner, is_unconfirmed=bool(_asides(path)))


def _folder(path: str, runners: tuple[RunnerName, ...]) -> dict[RunnerName, str]:
    if not Path(path).is_dir():
        if os.path.lexists(path) or not Path(path).parent.is_dir():
            message = f"{path}: is no folder, so nobody can say which tokens are kept. Create it with mode 0700."
            raise SettingsError(message)
        return {}
    held = [name for name in runners if os.path.lexists(Path(path) / name)]
    return {name: files.read_text(str(Path(path) / name), limit_bytes=_TOKEN_LIMIT_BYTES) for name in held}
