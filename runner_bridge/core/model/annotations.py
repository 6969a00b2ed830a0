"""The annotations by which a pod asks Calico for its address (projectcalico/calico, cni-plugin/internal/pkg/utils)."""

from __future__ import annotations

from typing import Final

CALICO: Final = "cni.projectcalico.org/"
POOL_KEYS: Final = {f"{CALICO}ipv4pools": 4, f"{CALICO}ipv6pools": 6}
"""Those that name pools, a JSON list in a text, each with the IP version of its pools."""
FAMILIES_KEY: Final = f"{CALICO}ipFamilies"
ADDRESS_KEYS: Final = (
    *POOL_KEYS,
    FAMILIES_KEY,
    *(f"{CALICO}{name}" for name in ("ipAddrs", "ipAddrsNoIpam", "floatingIPs", "allowedSourcePrefixes")),
)
"""All that decide which address a pod gets or may use."""
