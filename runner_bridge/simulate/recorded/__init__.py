"""Recorded job pods and the configuration that made them; `README.md` beside this file says how they were taken."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files

RECORDED_AT = datetime(2026, 11, 23, 17, 41, tzinfo=UTC)
"""The moment the dump is judged at: four seconds after its youngest pod."""


def text(name: str) -> str:
    """Return one of `config.toml`, `policy.yaml`, `pods.json`, `projects.json`."""
    return (files(__package__) / name).read_text(encoding="utf-8")
