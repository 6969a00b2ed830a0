"""Which proxy leads to an API server: the kubeconfig's, else the environment's, as Go programs read it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner_bridge.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


def proxy_for(server: str, environ: Mapping[str, str], *, named: str = "") -> str:
    """
    Return the URL of the proxy to use, empty for none.

    Args:
        server: the URL of the API server.
        environ: with `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in capitals or small.
        named: `proxy-url` of the kubeconfig; it wins.

    Raises:
        SettingsError: the proxy speaks something that we do not.

    >>> proxy_for("https://10.96.0.1:443", {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "10.96.0.0/12"})
    ''
    """
    parts = urlsplit(server)
    variable = f"{parts.scheme}_proxy"
    found = named or environ.get(variable.upper()) or environ.get(variable) or ""
    if not found or (not named and _is_direct(parts.hostname or "", environ)):
        return ""
    url = found if "://" in found else f"http://{found}"
    scheme = urlsplit(url).scheme
    if scheme not in {"http", "https"}:
        message = f"the proxy for {server} is of kind {scheme!r}, expected http or https. Use such a proxy, or none."
        raise SettingsError(message)
    return url


def _is_direct(host: str, environ: Mapping[str, str]) -> bool:
    """Tell whether NO_PROXY names a host: a name with all below it, an address, a network, or everything."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    listed = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    return any(_covers(entry.strip().lower(), host.lower(), address) for entry in listed.split(",") if entry.strip())


def _covers(entry: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    if entry == "*":
        return True
    if address is None:
        name = entry.partition(":")[0].removeprefix("*").removeprefix(".")
        return host == name or host.endswith(f".{name}")
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
