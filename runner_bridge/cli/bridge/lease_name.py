"""`--lease NAMESPACE/NAME`, read once for every verb that has it."""

from __future__ import annotations

from runner_bridge.core.errors import SettingsError


def read_lease_name(text: str) -> tuple[str, str]:
    """
    Return namespace and name.

    Raises:
        SettingsError: it is not of that form.
    """
    namespace, slash, name = text.partition("/")
    if not (namespace and slash and name) or "/" in name:
        message = f"--lease: {text!r} is no Lease, expected NAMESPACE/NAME."
        raise SettingsError(message)
    return namespace, name
