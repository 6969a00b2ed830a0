"""What all shapes share: their base, and the patterns that an editor checks texts with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from runner_bridge.core.policy.model import Encapsulation

NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
"""What a label can hold: tiers and runners are written as labels."""
POOL_NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
"""A name of a Kubernetes object. It holds no `$`, which the runner would expand in the annotation."""
RULE = r"^(\*\*|id:[1-9][0-9]*|group:\S+|attribute:[^=]+=.*|topic:.+|[^:\s]+/[^:\s]+)$"
SCOPE = r"^(instance|group:\S+|project:\S+)$"
URL = r"^https?://[^\s/]+(/\S*)?$"
OBJECT = r"^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9.-]*$"
"""A Secret, with its namespace."""
ENCAPSULATION = "^(" + "|".join(Encapsulation) + "|same-as .+)$"


class Shape(BaseModel):
    """Base: unknown keys are errors, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


CIDR: dict[str, Any] = {"format": "cidr", "examples": ["172.16.0.0/16"]}
