"""
Where GitLab tokens come from: a file, the environment, or whoever is asked; and which one a request goes with.

A token is read again whenever it is needed, so that one that rotates is taken up without a restart. No token is ever
part of a text that leaves this module, other than in the header it is for.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Protocol

from runner_bridge.core.errors import DeniedError, SettingsError
from runner_bridge.core.model.gitlab import Purpose
from runner_bridge.ports import files

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_LIMIT_BYTES = 64 * 1024


class TokenSource(Protocol):
    """Gives a token."""

    @property
    def origin(self) -> str:
        """Where it comes from, for people."""

    async def read(self) -> str:
        """
        Return the token of this moment.

        Raises:
            SettingsError: there is none.
        """


class FileToken:
    """A token in a file: a mounted Secret, or what an agent writes."""

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def origin(self) -> str:
        """Return `file` and its path."""
        return f"file {self._path}"

    async def read(self) -> str:
        """Return what stands in the file now, without the space around it."""
        text = await asyncio.to_thread(files.read_text, self._path, limit_bytes=_LIMIT_BYTES)
        return _checked(text, self.origin)


class EnvironmentToken:
    """A token in a variable of the environment."""

    def __init__(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        self._name = name
        self._environment = os.environ if environment is None else environment

    @property
    def origin(self) -> str:
        """Return `variable` and its name."""
        return f"variable {self._name}"

    async def read(self) -> str:
        """Return the value of the variable."""
        return _checked(self._environment.get(self._name, ""), self.origin)


class AskedToken:
    """A token that somebody else fetches, for example from a Secret; he keeps it as long as he sees fit."""

    def __init__(self, origin: str, ask: Callable[[], Awaitable[str]]) -> None:
        self._origin = origin
        self._ask = ask

    @property
    def origin(self) -> str:
        """Return what it was called."""
        return self._origin

    async def read(self) -> str:
        """Return what is answered."""
        return _checked(await self._ask(), self.origin)


def _checked(text: str, origin: str) -> str:
    token = text.strip()
    if not token:
        message = f"{origin}: holds no GitLab token. Put one there, or leave the setting out."
        raise SettingsError(message)
    if not token.isascii() or not token.isprintable() or " " in token:
        message = f"{origin}: what is there is no GitLab token: it has spaces, lines or signs that no token has."
        raise SettingsError(message)
    return token


class Tokens:
    """The tokens that are there, by purpose; each is optional."""

    def __init__(self, sources: Mapping[Purpose, TokenSource]) -> None:
        self._sources = dict(sources)

    @property
    def purposes(self) -> tuple[Purpose, ...]:
        """For which there is one, in their order."""
        return tuple(one for one in Purpose if one in self._sources)

    def origin(self, purpose: Purpose) -> str:
        """Return where the token of a purpose comes from; only for one that is there."""
        return self._sources[purpose].origin

    def first(self, *purposes: Purpose) -> Purpose:
        """
        Return the first of these that there is a token for.

        Raises:
            DeniedError: for none of them.
        """
        for purpose in purposes:
            if purpose in self._sources:
                return purpose
        needed = " or ".join(purposes)
        message = f"There is no GitLab token with the scope {needed}. Make one and name it in the settings."
        raise DeniedError(message, verb="read", resource=f"token ({needed})")

    async def read(self, purpose: Purpose) -> str:
        """
        Return the token of a purpose.

        Raises:
            SettingsError: its source has none now.
            DeniedError: there is no source.
        """
        return await self._sources[self.first(purpose)].read()
