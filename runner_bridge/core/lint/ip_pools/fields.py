"""
The fields of a pool: those of an IPPool, and those that the Tigera operator has for the same thing.

Sources: Calico, api/pkg/apis/projectcalico/v3/ippool.go; Tigera operator, api/v1/installation_types.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

MODES = ("Never", "Always", "CrossSubnet")
USES = ("Workload", "Tunnel", "LoadBalancer")
ASSIGNMENT = ("Automatic", "Manual")
TEXT, NUMBER, FLAG = "text", "a number", "true or false"

Allowed: TypeAlias = str | tuple[str, ...]
"""What a value must be: one of the three kinds above, or the words that are allowed (a list of them: allowedUses)."""

FIELDS: Mapping[str, Allowed] = {
    "cidr": TEXT,
    "blockSize": NUMBER,
    "ipipMode": MODES,
    "vxlanMode": MODES,
    "natOutgoing": FLAG,
    "disabled": FLAG,
    "disableBGPExport": FLAG,
    "nodeSelector": TEXT,
    "namespaceSelector": TEXT,
    "allowedUses": USES,
    "assignmentMode": ASSIGNMENT,
}
OPERATOR_FIELDS: Mapping[str, Allowed] = {
    "name": TEXT,
    "cidr": TEXT,
    "blockSize": NUMBER,
    "encapsulation": ("IPIPCrossSubnet", "IPIP", "VXLAN", "VXLANCrossSubnet", "None"),
    "natOutgoing": ("Enabled", "Disabled"),
    "disableNewAllocations": FLAG,
    "disableBGPExport": FLAG,
    "nodeSelector": TEXT,
    "allowedUses": USES,
    "assignmentMode": ASSIGNMENT,
}
ENCAPSULATIONS = {  # the operator's word → ipipMode, vxlanMode
    "IPIP": ("Always", "Never"),
    "IPIPCrossSubnet": ("CrossSubnet", "Never"),
    "VXLAN": ("Never", "Always"),
    "VXLANCrossSubnet": ("Never", "CrossSubnet"),
    "None": ("Never", "Never"),
}
OTHER_NAMES = {  # what one API calls it → what the other does
    "encapsulation": "ipipMode and vxlanMode",
    "disableNewAllocations": "disabled",
    "disabled": "disableNewAllocations",
    "ipipMode": "encapsulation",
    "vxlanMode": "encapsulation",
}
TOP = ("apiVersion", "kind", "metadata", "spec", "status")
