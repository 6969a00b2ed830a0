"""Secrets: values as bytes, who else writes them, and nothing of a value in a message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner_bridge.core.errors import WireError
from runner_bridge.core.wire.secrets import Metadata, Secret, changed_values, new_secret, owner_of, read_secret
from tests.cluster.secrets import secret

TOKEN = "glrt-t1_4xYqA7pLwFAKETOKEN00"


def read(**metadata: Any) -> Secret:
    found = secret("a", {"config.toml": TOKEN})
    found["metadata"] |= {"resourceVersion": "7", **metadata}
    return read_secret(json.dumps(found).encode(), what="Secret ci/a")


def test_values_are_bytes_and_not_shown() -> None:
    found = read()
    assert (found.values, found.version, found.owner) == ({"config.toml": TOKEN.encode()}, "7", "")
    assert repr(found) == "Secret(version='7', keys=['config.toml'])"


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        ({"annotations": {"meta.helm.sh/release-name": "ci"}}, "the Helm release ci"),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "runners:/Secret:ci/a"}},
            "the Argo CD application runners",
        ),
        ({"labels": {"argocd.argoproj.io/instance": "runners"}}, "the Argo CD application runners"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "ci"}}, "Flux's Kustomization ci"),
        (
            {
                "labels": {"helm.toolkit.fluxcd.io/name": "ci"},
                "annotations": {"meta.helm.sh/release-name": "ci"},
            },
            "Flux's HelmRelease ci",
        ),
        ({"ownerReferences": [{"kind": "ExternalSecret", "name": "a"}]}, "the ExternalSecret a"),
        ({"managedFields": [{"manager": "argocd-controller", "fieldsV1": {"f:data": {}}}]}, "Argo CD"),
        ({"managedFields": [{"manager": "argocd-controller", "fieldsV1": {"f:metadata": {}}}]}, ""),
        ({"managedFields": [{"manager": "kubectl-client-side-apply", "fieldsV1": {"f:data": {}}}]}, ""),
        ({"labels": {"app.kubernetes.io/managed-by": "runner-bridge"}}, ""),
    ],
)
def test_whoever_writes_it_again_owns_it(metadata: dict[str, Any], owner: str) -> None:
    assert read(**metadata).owner == owner


def test_an_object_without_anything_is_nobodys() -> None:
    assert owner_of(Metadata()) == ""
    assert read_secret(b"{}", what="Secret ci/a") == Secret(values={}, version="")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"data": {"a": 1}}', f'{{"data": {{"a": "{TOKEN}!"}}}}'.encode(), b"\xff"]
)
def test_what_is_none_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(WireError, match=r"^Secret ci/a: the answer is no Secret\.") as refused:
        read_secret(body, what="Secret ci/a")
    assert "FAKETOKEN" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_what_is_written_is_read_back() -> None:
    values = {"a": b"\x00\xff", "b": "é".encode()}
    assert read_secret(new_secret("x", values), what="x").values == values
    patch = json.loads(changed_values("7", {"a": b"x", "b": None}))
    assert patch == {"metadata": {"resourceVersion": "7"}, "data": {"a": "eA==", "b": None}}
