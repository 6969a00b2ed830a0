"""Trust and detours: authorities, client certificates, the name in a certificate, proxies."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.core.errors import SettingsError, UnavailableError
from runner_bridge.ports.kube import Patience, open_cluster
from runner_bridge.ports.kube.proxy import proxy_for
from tests.ports.kube.scripted import Naps, answer, serving
from tests.ports.kube.test_access import credential, find, kubeconfig, make_authority, plugin

if TYPE_CHECKING:
    from pathlib import Path


def server_tls(folder: Path, *, asks_for_a_client: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.crt"))
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED if asks_for_a_client else ssl.CERT_NONE
    return context


async def asked(path: str) -> bytes | None:
    access = await find(path)
    async with open_cluster(access, patience=Patience(attempts=1, sleep=Naps())) as cluster:
        return await cluster.reader.get("/api/v1/pods")


CLIENT = {"client-certificate": "client.crt", "client-key": "client.key"}


@pytest.mark.parametrize(
    ("cluster", "user"),
    [
        ({"certificate-authority": "ca.crt"}, CLIENT),
        ({"insecure-skip-tls-verify": True}, CLIENT),
        ({"certificate-authority": "ca.crt", "tls-server-name": "api.example.com"}, CLIENT),
    ],
    ids=["authority", "no questions asked", "another name"],
)
async def test_a_client_certificate_is_shown(tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any]) -> None:
    make_authority(tmp_path)
    async with serving(answer({}), tls=server_tls(tmp_path, asks_for_a_client=True)) as script:
        assert await asked(kubeconfig(tmp_path, user, server=script.url, **cluster)) == b"{}"


async def test_a_plugin_may_give_a_certificate(tmp_path: Path) -> None:
    make_authority(tmp_path)
    texts = {"clientCertificateData": "client.crt", "clientKeyData": "client.key"}
    status = {key: (tmp_path / name).read_text() for key, name in texts.items()}
    (tmp_path / "answer").write_text(credential(**status).removeprefix("echo '").removesuffix("'"))
    user = plugin(tmp_path, f"cat {tmp_path}/answer")
    async with serving(answer({}), tls=server_tls(tmp_path, asks_for_a_client=True)) as script:
        path = kubeconfig(tmp_path, user, server=script.url, **{"certificate-authority": "ca.crt"})
        assert await asked(path) == b"{}"


@pytest.mark.parametrize(
    "cluster",
    [{}, {"certificate-authority": "ca.crt", "tls-server-name": "other.example.com"}],
    ids=["unknown authority", "another name"],
)
async def test_a_server_that_cannot_be_trusted_is_not_asked(tmp_path: Path, cluster: dict[str, Any]) -> None:
    make_authority(tmp_path)
    async with serving(answer({}), tls=server_tls(tmp_path)) as script:
        with pytest.raises(UnavailableError, match="no TLS connection that can be trusted"):
            await asked(kubeconfig(tmp_path, {"token": "abc"}, server=script.url, **cluster))
    assert script.asked == []


async def test_a_missing_certificate_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be used as a kubeconfig: .*gone\.crt"):
        await find(kubeconfig(tmp_path, {"token": "a"}, server="https://h", **{"certificate-authority": "gone.crt"}))


async def test_the_proxy_of_the_kubeconfig_is_asked(tmp_path: Path) -> None:
    async with serving(answer({})) as proxy:
        path = kubeconfig(tmp_path, None, server="http://api.example.com", **{"proxy-url": proxy.url})
        assert await asked(path) == b"{}"
    assert proxy.asked[0].headers["Host"] == "api.example.com"


async def test_a_proxy_that_is_not_there_is_said(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, None, server="http://api.example.com", **{"proxy-url": "http://127.0.0.1:1"})
    with pytest.raises(UnavailableError, match="the proxy cannot be reached"):
        await asked(path)


PROXY = {"HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("server", "environ", "named", "found"),
    [
        ("https://api.example.com:6443", {}, "", ""),
        ("https://api.example.com:6443", PROXY, "", "http://proxy:3128"),
        ("https://api.example.com:6443", {"https_proxy": "proxy:3128"}, "", "http://proxy:3128"),
        ("http://api.example.com", PROXY, "", ""),
        ("https://api.example.com", PROXY | {"NO_PROXY": "example.com"}, "", ""),
        ("https://api.example.com", PROXY | {"NO_PROXY": "other, .example.com:6443"}, "", ""),
        ("https://api.example.com", PROXY | {"no_proxy": "*"}, "", ""),
        ("https://notexample.com", PROXY | {"NO_PROXY": "example.com"}, "", "http://proxy:3128"),
        ("https://10.96.0.1:443", PROXY | {"NO_PROXY": "10.96.0.0/12"}, "", ""),
        ("https://10.96.0.1:443", PROXY | {"NO_PROXY": "10.0.0.0/16,host"}, "", "http://proxy:3128"),
        ("https://[fd00::1]:443", PROXY | {"NO_PROXY": "fd00::1"}, "", ""),
        ("https://127.0.0.1:6443", PROXY, "", ""),
        ("https://localhost:6443", PROXY, "", ""),
        ("https://localhost:6443", PROXY, "http://other:1", "http://other:1"),
    ],
)
def test_a_proxy_is_chosen_as_go_programs_do(server: str, environ: dict[str, str], named: str, found: str) -> None:
    assert proxy_for(server, environ, named=named) == found


def test_a_proxy_of_another_kind_is_refused() -> None:
    with pytest.raises(SettingsError, match="of kind 'socks5', expected http or https"):
        proxy_for("https://api.example.com", {}, named="socks5://proxy:1080")
