"""
The way into a cluster as kubectl finds it: kubeconfig, in-cluster, exec and OIDC plugins.

`kubernetes.aio` reads the configuration and runs the plugins; importing this module costs a third of a second for it.
Its retries, its typed client and its way of finding proxies are not used, and it writes nothing back.
"""

from __future__ import annotations

import logging
import os
import ssl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.incluster_config import InClusterConfigLoader
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger

from runner_bridge.core.errors import SettingsError, UnavailableError
from runner_bridge.core.redact import redact
from runner_bridge.ports.kube import oidc
from runner_bridge.ports.kube.access import Access, Credentials
from runner_bridge.ports.kube.proxy import proxy_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


async def find_access(
    *,
    kubeconfig: str = "",
    context: str = "",
    environ: Mapping[str, str] = os.environ,
    service_account: str = SERVICE_ACCOUNT,
) -> Access:
    """
    Find the way in as kubectl does: `--kubeconfig`, $KUBECONFIG, ~/.kube/config, then the pod's own service account.

    Args:
        kubeconfig: a file; several with colons between them are merged.
        context: another than the current one.
        environ: the environment of the process.
        service_account: the folder that a kubelet mounts.

    Raises:
        SettingsError: there is none, or it cannot be used.
        UnavailableError: a credential plugin or identity provider gives no token.
    """
    named = kubeconfig or environ.get("KUBECONFIG", "")
    paths = named or f"{environ.get('HOME', '')}/.kube/config"
    if exist := _existing(paths):
        return await _from_kubeconfig(exist, context, environ)
    if kubeconfig or context:
        message = f"{paths}: no such file, expected a kubeconfig. Name one with --kubeconfig or $KUBECONFIG."
        raise SettingsError(message)
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return await _in_cluster(service_account, environ)
    message = (
        f"no cluster to ask: {paths} does not exist, and this is no pod of a cluster. "
        "Name a kubeconfig with --kubeconfig or $KUBECONFIG."
    )
    raise SettingsError(message)


def _existing(paths: str) -> str:
    return os.pathsep.join(path for path in paths.split(os.pathsep) if path and Path(path).expanduser().exists())


async def _in_cluster(folder: str, environ: Mapping[str, str]) -> Access:
    token, authority, namespace = (Path(folder) / name for name in ("token", "ca.crt", "namespace"))
    configuration = Configuration()

    async def load(_refused: bool) -> str:  # noqa: FBT001 - the shape of `Credentials`
        try:
            InClusterConfigLoader(str(token), str(authority), environ=environ).load_and_set(configuration)
        except (ConfigException, OSError) as error:
            message = f"{folder}: the service account cannot be used: {error}. Mount its token into the pod."
            raise SettingsError(message) from error
        return _header(configuration)

    value = await load(False)  # noqa: FBT003
    return Access(
        server=_server(configuration),
        authorization=Credentials(load, value).header,
        tls=_tls(configuration),
        proxy=proxy_for(configuration.host, environ),
        namespace=namespace.read_text().strip() if namespace.exists() else "default",
    )


async def _from_kubeconfig(paths: str, context: str, environ: Mapping[str, str]) -> Access:
    configuration = Configuration()
    with _explained(paths):
        # The library would write refreshed tokens into the file; a reader of clusters writes nothing.
        loader: Any = _Loader(KubeConfigMerger(paths).config, context, environ)
        chosen = loader.current_context
    tls: ssl.SSLContext | None = None
    runs_plugin = _has_plugin(loader)

    async def load(refused: bool) -> str:  # noqa: FBT001 - the shape of `Credentials`
        if refused:
            vars(loader).pop("exec_plugin_expiry", None)  # else the loader trusts the date more than the server
        elif runs_plugin and tls is not None and not hasattr(loader, "exec_plugin_expiry"):
            return _header(configuration)  # a plugin that names no end is asked again when it is refused
        with _explained(paths), _overheard() as said:
            await loader.load_and_set(configuration)
        value = _header(configuration)
        if runs_plugin and not value and not configuration.cert_file:
            why = redact("; ".join(said)) or "it printed no token"
            message = f"{paths}: the credential plugin of context {chosen['name']} failed: {why}. Log in with it first."
            raise UnavailableError(message)
        if tls is not None and configuration.cert_file:
            tls.load_cert_chain(configuration.cert_file, configuration.key_file)
        return value

    value = await load(False)  # noqa: FBT003
    with _explained(paths):
        tls = _tls(configuration)
    return Access(
        server=_server(configuration),
        authorization=Credentials(load, value).header,
        tls=tls,
        server_name=configuration.tls_server_name or "",
        proxy=proxy_for(configuration.host, environ, named=configuration.proxy or ""),
        namespace=chosen["context"].get("namespace") or "default",
        context=chosen["name"],
    )


class _Loader(KubeConfigLoader):
    """The library's loader, with the one step replaced that would trust anybody (see `oidc`)."""

    def __init__(self, config: Any, context: str, environ: Mapping[str, str]) -> None:  # noqa: ANN401 - the library has no types
        self._environ = environ
        super().__init__(config, active_context=context or None, config_base_path=None)  # type: ignore[no-untyped-call]

    async def _refresh_oidc(self, provider: Any) -> None:  # noqa: ANN401 - the library has no types
        config = provider["config"].value
        if "refresh-token" not in config:
            message = "the ID token has expired and there is no refresh-token"
            raise ConfigException(message)
        tokens = await oidc.refresh(config, self._environ)
        config["id-token"] = tokens.id_token
        config["refresh-token"] = tokens.refresh_token or config["refresh-token"]


def _has_plugin(loader: Any) -> bool:  # noqa: ANN401 - the library has no types
    user = loader._user  # noqa: SLF001 - the loader says nowhere else which way of logging in was chosen
    return user is not None and "exec" in user


def _header(configuration: Any) -> str:  # noqa: ANN401 - the library has no types
    text: str = configuration.api_key.get("BearerToken") or ""
    scheme, _, token = text.strip().partition(" ")
    return f"{scheme.capitalize()} {token.strip()}" if token else ""


def _server(configuration: Any) -> str:  # noqa: ANN401 - the library has no types
    host: str = configuration.host
    return host.rstrip("/")


def _tls(configuration: Any) -> ssl.SSLContext:  # noqa: ANN401 - the library has no types
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    # The authorities of many clusters lack the key identifiers that Python 3.13 asks for; kubectl never did.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


@contextmanager
def _explained(paths: str) -> Iterator[None]:
    """Turn whatever the library raises over a kubeconfig into one sentence; our own errors pass."""
    try:
        yield
    except (ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        why = " ".join(redact(str(error)).split())[:300]
        message = f"{paths}: cannot be used as a kubeconfig: {why}. kubectl config view shows what it holds."
        raise SettingsError(message) from error


_LOGGER: Final = "kubernetes.aio.config.kube_config"


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """Collect what the library only logs: it swallows the reason why a plugin failed."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(" ".join(record.getMessage().split())[:300])

    logger, ear = logging.getLogger(_LOGGER), Ear(logging.ERROR)
    before = logger.propagate
    logger.addHandler(ear)
    logger.propagate = False
    try:
        yield said
    finally:
        logger.removeHandler(ear)
        logger.propagate = before
