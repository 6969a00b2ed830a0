"""
The places that a policy names: a file, a Secret, a values file, a folder of tokens.

Each is read as it is now; nobody keeps anything. What holds a token is never part of a message.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.errors import RunnerBridgeError, SettingsError, UnavailableError, WireError
from runner_bridge.core.policy.model import StoreKind
from runner_bridge.core.wire.secrets import Secret, read_secret
from runner_bridge.ports import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_bridge.core.policy.model import RunnerName, Store
    from runner_bridge.ports.kube import Reader

_TOKEN_LIMIT_BYTES = 4096
_MOUNTED = "..data"
"""How Kubernetes mounts a Secret or ConfigMap: each file is a link through this one."""


class Held(Struct, frozen=True, kw_only=True):
    """What stands in a place now."""

    text: str | None = None
    """None: nothing is there."""
    owner: str = ""
    """As `LiveConfiguration.owner`."""
    trouble: str = ""
    """Why it could not be read."""


class Kept(Struct, frozen=True, kw_only=True):
    """The tokens of an installation."""

    tokens: Mapping[RunnerName, str]
    trouble: str = ""

    def __repr__(self) -> str:
        return f"Kept(of={sorted(self.tokens)}, trouble={self.trouble!r})"


class Stores:
    """
    Reads places.

    Args of the constructor:
        reader: of the cluster; None: there is none to be asked.
        why_not: why there is none.
    """

    def __init__(self, reader: Reader | None, why_not: str = "") -> None:
        self._reader = reader
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
        if self._reader is None:
            raise UnavailableError(self._why_not)
        body = await self._reader.get(f"/api/v1/namespaces/{store.namespace}/secrets/{store.name}")
        return None if body is None else read_secret(body, what=f"Secret {store}")


def _of_secret(secret: Secret, store: Store) -> Held:
    data = secret.values.get(store.key)
    owner = secret.owner or ("somebody who made it immutable" if secret.is_immutable else "")
    if data is None:
        return Held(owner=owner)
    try:
        return Held(text=data.decode(), owner=owner)
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
    return Held(text=files.read_text(path), owner=owner)


def _folder(path: str, runners: tuple[RunnerName, ...]) -> dict[RunnerName, str]:
    if not Path(path).is_dir():
        if os.path.lexists(path) or not Path(path).parent.is_dir():
            message = f"{path}: is no folder, so nobody can say which tokens are kept. Create it with mode 0700."
            raise SettingsError(message)
        return {}
    held = [name for name in runners if os.path.lexists(Path(path) / name)]
    return {name: files.read_text(str(Path(path) / name), limit_bytes=_TOKEN_LIMIT_BYTES) for name in held}
