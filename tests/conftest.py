"""What every test may use; builders of values are in `make`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.cluster.fixtures import api_server, world  # noqa: F401 - fixtures for every test

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Bridges of tests run side by side, and only one of them could listen where `run` does by default.
os.environ.setdefault("RUNNER_BRIDGE_LISTEN", "off")

# The same examples on every machine, unless a person asks for more: pytest --hypothesis-profile=thorough
settings.register_profile("default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", deadline=None, max_examples=5000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files and generated pages")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a file, or rewrite the file with --update-golden."""
    update = request.config.getoption("--update-golden")

    def compare(path: Path, text: str) -> None:
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing; run: make golden"
        assert text == path.read_text(encoding="utf-8"), f"{path} is out of date; run: make golden, and read the diff"

    return compare
