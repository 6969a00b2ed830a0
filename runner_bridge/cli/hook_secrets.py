"""What GitLab's hooks prove themselves with: the options that name the files, and reading them, again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_bridge.core.model.webhooks import WebhookSecrets
    from runner_bridge.core.wire.hook_proof import Secrets

Function = TypeVar("Function", bound="Callable[..., Any]")
_LIMIT_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFiles:
    """The files; one may be left out."""

    signing: str
    token: str

    @property
    def are_given(self) -> bool:
        """Tell whether there is any."""
        return bool(self.signing or self.token)


def hook_secret_options(function: Function) -> Function:
    """Add `--hook-signing-file` and `--hook-token-file`."""
    for option in (
        click.option(
            "--hook-token-file",
            "hook_token",
            default="",
            metavar="FILE",
            envvar="RUNNER_BRIDGE_HOOK_TOKEN_FILE",
            show_envvar=True,
            help="What GitLab sends in X-Gitlab-Token, as it is; for a GitLab before 19.0, or besides.",
        ),
        click.option(
            "--hook-signing-file",
            "hook_signing",
            default="",
            metavar="FILE",
            envvar="RUNNER_BRIDGE_HOOK_SIGNING_FILE",
            show_envvar=True,
            help="The key that GitLab (19.0 or later) signs its hooks with: whsec_ and 32 bytes in base64.",
        ),
    ):
        function = option(function)
    return function


def read_secrets(files: SecretFiles) -> Secrets:
    """
    Read what a hook has to prove itself with.

    Raises:
        SettingsError: a file cannot be read, or holds something else.
    """
    from runner_bridge.core.wire.hook_proof import Secrets, secret_tokens, signing_keys

    return Secrets(
        signing=signing_keys(_text(files.signing), name=files.signing) if files.signing else (),
        tokens=secret_tokens(_text(files.token), name=files.token) if files.token else (),
    )


def secrets_to_set(files: SecretFiles) -> WebhookSecrets:
    """
    Read what is to be set in GitLab: of each file the first line; others are those of before, while it changes.

    Raises:
        SettingsError: as `read_secrets`.
    """
    from base64 import b64encode

    from runner_bridge.core.model.webhooks import WebhookSecrets
    from runner_bridge.core.wire.hook_proof import PREFIX

    found = read_secrets(files)
    return WebhookSecrets(
        signing=f"{PREFIX}{b64encode(found.signing[0]).decode()}" if found.signing else "",
        token=found.tokens[0].decode() if found.tokens else "",
    )


class Keeping:
    """
    The secrets of now: read again every half minute, so that a mounted Secret may change under a running bridge.

    Args of the constructor:
        files: where they are.
        tell: tells the log one sentence.

    Raises:
        SettingsError: they cannot be read now; later, those of before are kept.
    """

    EVERY_S: Final = 30.0

    def __init__(self, files: SecretFiles, tell: Callable[[str], None]) -> None:
        self._files = files
        self._tell = tell
        self._secrets = read_secrets(files)
        self._is_told = False

    def __call__(self) -> Secrets:
        """Return them."""
        return self._secrets

    def again(self) -> None:
        """Read them again; what cannot be read is told once."""
        from runner_bridge.core.errors import SettingsError

        try:
            self._secrets = read_secrets(self._files)
        except SettingsError as error:
            if not self._is_told:
                self._tell(f"{error} The secrets of before are used.")
            self._is_told = True
        else:
            self._is_told = False


def _text(path: str) -> str:
    from runner_bridge.ports.files import read_text

    return read_text(path, limit_bytes=_LIMIT_BYTES)
