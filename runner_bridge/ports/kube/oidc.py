"""
Getting a new ID token from an identity provider, for kubeconfigs with the auth-provider `oidc`.

`kubernetes.aio` would do it without verifying the provider's certificate, and hand it the refresh token; so it is done
here. OpenID Connect Core 1.0, section 12; kubeconfig keys as in client-go, plugin/pkg/client/auth/oidc/oidc.go.
"""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING

import aiohttp
import msgspec
from msgspec import Struct

from runner_bridge.core.errors import UnavailableError
from runner_bridge.ports.kube.proxy import proxy_for

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_S = 30.0


class Tokens(Struct, frozen=True):
    """What the provider gives."""

    id_token: str
    refresh_token: str | None = None
    """A new one, where the old one is used up by using it."""


class _Provider(Struct):
    token_endpoint: str


async def refresh(config: Mapping[str, str], environ: Mapping[str, str]) -> Tokens:
    """
    Ask for a new ID token.

    Args:
        config: the `config` of the auth-provider in the kubeconfig.
        environ: with the variables of proxies.

    Raises:
        UnavailableError: the provider cannot be reached or trusted, or gives no token.
        SettingsError: its proxy cannot be used.
        OSError: its authority cannot be read.
    """
    issuer = config.get("idp-issuer-url", "").rstrip("/")
    data = config.get("idp-certificate-authority-data")
    trusted = ssl.create_default_context(
        cafile=None if data else config.get("idp-certificate-authority"),
        cadata=base64.b64decode(data).decode() if data else None,
    )
    form = {
        "grant_type": "refresh_token",
        "refresh_token": config.get("refresh-token", ""),
        "client_id": config.get("client-id", ""),
        "client_secret": config.get("client-secret", ""),
    }
    limits = aiohttp.ClientTimeout(total=LONGEST_S)
    try:
        async with aiohttp.ClientSession(timeout=limits, raise_for_status=True, trust_env=False) as session:
            well_known = f"{issuer}/.well-known/openid-configuration"
            async with session.get(well_known, ssl=trusted, proxy=proxy_for(issuer, environ) or None) as answer:
                where = msgspec.json.decode(await answer.read(), type=_Provider).token_endpoint
            async with session.post(where, data=form, ssl=trusted, proxy=proxy_for(where, environ) or None) as answer:
                return msgspec.json.decode(await answer.read(), type=Tokens)
    except (aiohttp.ClientError, OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        # Not the error's own text: a provider may repeat in it what it was sent.
        message = f"{issuer}: the identity provider gives no token ({type(error).__name__}). Log in again."
        raise UnavailableError(message) from error
