"""The ways into a cluster: which file counts, whose token is sent, and what happens when one is refused or rotates."""

from __future__ import annotations

import base64
import json
import ssl
import stat
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.core.errors import DeniedError, SettingsError, UnavailableError
from runner_bridge.ports.kube import Access, Patience, open_cluster
from runner_bridge.ports.kube.access import TOKEN_FRESH_S, Credentials
from runner_bridge.ports.kube.kubeconfig import find_access
from tests.ports.kube.scripted import Naps, answer, refusal, serving

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "glrt-t1_0123456789abcdefghij"


def kubeconfig(folder: Path, user: dict[str, Any] | None = None, *, name: str = "config", **cluster: Any) -> str:
    path = folder / name
    cluster.setdefault("server", "http://127.0.0.1:1/")
    parts = {
        "current-context": "ours",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}] if user else [],
        "contexts": [
            {"name": "ours", "context": {"cluster": "c", "user": "u", "namespace": "ci"}},
            {"name": "bare", "context": {"cluster": "c"}},
        ],
    }
    path.write_text(json.dumps(parts))
    return str(path)


async def find(path: str, **more: Any) -> Access:
    return await find_access(kubeconfig=path, environ=more.pop("environ", {}), **more)


def plugin(folder: Path, script: str) -> dict[str, Any]:
    path = folder / "plugin"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path)}}


def credential(**status: str) -> str:
    version = "client.authentication.k8s.io/v1"
    return f"echo '{json.dumps({'apiVersion': version, 'kind': 'ExecCredential', 'status': status})}'"


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ({"token": "abc"}, "Bearer abc"),
        ({"tokenFile": "token"}, "Bearer from-a-file"),
        ({"username": "a", "password": "b"}, f"Basic {base64.b64encode(b'a:b').decode()}"),
        (None, ""),
    ],
    ids=["token", "token file beside the kubeconfig", "password", "nobody"],
)
async def test_the_user_of_the_context_is_sent(tmp_path: Path, user: dict[str, Any] | None, header: str) -> None:
    (tmp_path / "token").write_text("from-a-file\n")

    access = await find(kubeconfig(tmp_path, user))

    assert await access.authorization("") == header
    assert (access.server, access.namespace, access.context) == ("http://127.0.0.1:1", "ci", "ours")


async def test_another_context_can_be_named(tmp_path: Path) -> None:
    access = await find(kubeconfig(tmp_path, {"token": "abc"}), context="bare")

    assert (access.context, access.namespace, await access.authorization("")) == ("bare", "default", "")


async def test_the_first_place_that_has_a_kubeconfig_counts(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    kubeconfig(tmp_path, {"token": "home"}, name=".kube/config")
    named = kubeconfig(tmp_path, {"token": "named"}, name="named")
    variable = kubeconfig(tmp_path, {"token": "variable"}, name="variable")
    environ = {"HOME": str(tmp_path)}

    found = [
        await find_access(environ=environ),
        await find_access(environ=environ | {"KUBECONFIG": f"{tmp_path}/none:{variable}"}),
        await find_access(kubeconfig=named, environ=environ | {"KUBECONFIG": variable}),
    ]

    assert [await one.authorization("") for one in found] == ["Bearer home", "Bearer variable", "Bearer named"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "cannot be used as a kubeconfig"),
        ("[]", "cannot be used as a kubeconfig"),
        ("a: [", "cannot be used as a kubeconfig"),
        ("\x00", "cannot be used as a kubeconfig"),
        ("current-context: x", "cannot be used as a kubeconfig"),
        ("{current-context: x, contexts: [{name: x, context: {cluster: y}}], clusters: []}", "name y in"),
        ("{current-context: x, contexts: [{}], clusters: []}", "should have|'name' key"),
    ],
    ids=["empty", "a list", "no YAML", "binary", "no clusters", "another cluster", "nameless"],
)
async def test_a_file_that_is_no_kubeconfig_is_one_sentence(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(SettingsError, match=why) as caught:
        await find(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_plugin_gives_the_token(tmp_path: Path) -> None:
    access = await find(kubeconfig(tmp_path, plugin(tmp_path, credential(token="abc"))))

    assert await access.authorization("") == "Bearer abc"


def id_token(expires_at: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": int(expires_at)}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


def provider(**config: str) -> dict[str, Any]:
    return {"auth-provider": {"name": "oidc", "config": config}}


async def test_an_id_token_is_sent_while_it_holds(tmp_path: Path) -> None:
    token = id_token(time.time() + 3600)

    access = await find(kubeconfig(tmp_path, provider(**{"id-token": token})))

    assert await access.authorization("") == f"Bearer {token}"


async def test_an_id_token_that_is_old_is_refreshed_with_the_provider(tmp_path: Path) -> None:
    fresh = id_token(time.time() + 3600)
    async with serving(
        answer({"token_endpoint": "set below"}), answer({"id_token": fresh, "refresh_token": "r2"})
    ) as idp:
        idp.replies[0] = answer({"token_endpoint": f"{idp.url}/token"})
        old = {"id-token": id_token(time.time() - 60), "refresh-token": "r1", "client-id": "c", "client-secret": "s"}
        path = kubeconfig(tmp_path, provider(**old, **{"idp-issuer-url": idp.url}))
        before = (tmp_path / "config").read_bytes()

        access = await find(path)

        assert await access.authorization("") == f"Bearer {fresh}"
    assert b"refresh_token=r1" in idp.asked[1].body
    assert (tmp_path / "config").read_bytes() == before


async def test_a_provider_that_does_not_answer_is_said(tmp_path: Path) -> None:
    old = {"id-token": id_token(time.time() - 60), "refresh-token": "r1", "client-id": "c", "client-secret": "s"}

    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:1: the identity provider gives no token"):
        await find(kubeconfig(tmp_path, provider(**old, **{"idp-issuer-url": "http://127.0.0.1:1/"})))
    del old["refresh-token"]
    with pytest.raises(SettingsError, match="there is no refresh-token"):
        await find(kubeconfig(tmp_path, provider(**old)))


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_a_refresh_token_is_sent_to_nobody_who_cannot_be_trusted(tmp_path: Path, is_trusted: bool) -> None:
    make_authority(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    async with serving(answer({}), answer({"id_token": id_token(time.time() + 3600)}), tls=tls) as idp:
        idp.replies[0] = answer({"token_endpoint": f"{idp.url}/token"})
        authority = {"idp-certificate-authority-data": base64.b64encode((tmp_path / "ca.crt").read_bytes()).decode()}
        config = {"id-token": id_token(1), "refresh-token": "r1", "idp-issuer-url": idp.url}
        path = kubeconfig(tmp_path, provider(**config, **(authority if is_trusted else {})))
        if is_trusted:
            assert (await (await find(path)).authorization("")).startswith("Bearer e30.")
        else:
            with pytest.raises(UnavailableError, match="gives no token"):
                await find(path)
            assert idp.asked == []


async def test_a_plugin_that_fails_is_said_with_its_words_and_without_secrets(tmp_path: Path) -> None:
    failing = plugin(tmp_path, f"echo 'log in first: {SECRET}' >&2; exit 3")

    with pytest.raises(UnavailableError, match=r"context ours failed: .*returned 3.*log in first") as caught:
        await find(kubeconfig(tmp_path, failing))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("script", ["echo nonsense", "echo '{}'", credential(), "exit 0"])
async def test_a_plugin_without_a_token_is_said(tmp_path: Path, script: str) -> None:
    with pytest.raises(UnavailableError, match="credential plugin of context ours failed"):
        await find(kubeconfig(tmp_path, plugin(tmp_path, script)))


async def test_a_token_that_is_refused_is_fetched_again_once_for_all(tmp_path: Path) -> None:
    count = tmp_path / "count"
    counting = plugin(
        tmp_path, f"echo x >> {count}; n=$(wc -l < {count}); {credential(token='T')}".replace('"T"', "\"t'$n'\"")
    )
    async with serving(refusal(401), answer({})) as script:
        access = await find(kubeconfig(tmp_path, counting, server=script.url))
        async with open_cluster(access) as cluster:
            assert await cluster.reader.get("/api/v1/pods") == b"{}"
            assert await access.authorization("Bearer t1") == "Bearer t2"

    assert [one.headers["Authorization"] for one in script.asked] == ["Bearer t1", "Bearer t2"]


async def test_a_token_that_stays_refused_is_a_denial(tmp_path: Path) -> None:
    async with serving(refusal(401)) as script:
        access = await find(kubeconfig(tmp_path, {"token": "abc"}, server=script.url))
        async with open_cluster(access, patience=Patience(sleep=Naps())) as cluster:
            with pytest.raises(DeniedError, match="our credentials are not accepted"):
                await cluster.reader.get("/api/v1/pods")
    assert len(script.asked) == 2


async def test_a_token_file_is_read_again_when_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("old")
    access = await find(kubeconfig(tmp_path, {"tokenFile": "token"}))
    assert await access.authorization("") == "Bearer old"

    (tmp_path / "token").write_text("new")
    assert await access.authorization("") == "Bearer old"
    assert await access.authorization("Bearer old") == "Bearer new"


async def test_a_token_is_read_again_after_a_minute() -> None:
    now, loads = 0.0, []

    async def load(refused: bool) -> str:
        loads.append(refused)
        return f"t{len(loads)}"

    credentials = Credentials(load, "t0", clock=lambda: now)
    assert await credentials.header("") == "t0"
    now += TOKEN_FRESH_S + 1
    assert await credentials.header("") == "t1"
    assert await credentials.header("t0") == "t1"
    assert await credentials.header("t1") == "t2"
    assert loads == [False, True]


@pytest.fixture
def service_account(tmp_path: Path) -> Path:
    """The folder that a kubelet mounts."""
    folder = tmp_path / "account"
    folder.mkdir()
    make_authority(folder)
    (folder / "token").write_text("mounted\n")
    (folder / "namespace").write_text("runner-bridge\n")
    return folder


IN_CLUSTER = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443", "HOME": "/nowhere"}


async def test_a_pod_uses_its_service_account_and_its_rotated_token(service_account: Path) -> None:
    access = await find_access(environ=IN_CLUSTER, service_account=str(service_account))

    assert (access.server, access.namespace) == ("https://10.96.0.1:443", "runner-bridge")
    assert await access.authorization("") == "Bearer mounted"
    (service_account / "token").write_text("rotated")
    assert await access.authorization("Bearer mounted") == "Bearer rotated"
    (service_account / "token").unlink()
    with pytest.raises(SettingsError, match="the service account cannot be used"):
        await access.authorization("Bearer rotated")


async def test_a_pod_without_a_mounted_token_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Mount its token into the pod"):
        await find_access(environ=IN_CLUSTER, service_account=str(tmp_path))


async def test_nowhere_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no cluster to ask"):
        await find_access(environ={"HOME": str(tmp_path)})
    with pytest.raises(SettingsError, match="no such file"):
        await find_access(context="x", environ={"HOME": str(tmp_path)})


def make_authority(folder: Path) -> None:
    """An authority, and a server's and a client's certificate of it."""

    def openssl(*arguments: str) -> None:
        try:
            subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
        except FileNotFoundError:
            pytest.skip("openssl is missing")

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ours", "-days", "2")
    for name in ("server", "client"):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:api.example.com\n")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed)
