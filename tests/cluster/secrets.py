"""Secrets, as a test puts them into a cluster."""

from __future__ import annotations

from base64 import b64encode
from typing import Any


def secret(name: str, values: dict[str, str], **annotations: str) -> dict[str, Any]:
    """A Secret of the namespace ci-team-a."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": name, "namespace": "ci-team-a", "annotations": annotations},
        "data": {key: b64encode(text.encode("utf-8", "surrogateescape")).decode() for key, text in values.items()},
    }
