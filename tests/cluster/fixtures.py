"""Fixtures that need a real API server. A missing part skips loudly on a laptop and fails where CI=true."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.cluster import server
from tests.cluster.pretend import pretending
from tests.cluster.worlds import World, real_world, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.ApiServer]:
    """
    Start a real kube-apiserver, once for each worker, with Calico's older CRDs.

    Tests share it: each makes its own namespace, and leaves what is global as it found it.
    """
    if absent := server.missing():
        why = f"no real API server: {absent} missing. make test builds them; or set KUBEBUILDER_ASSETS."
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    one = server.ApiServer(tmp_path_factory.mktemp("cluster"))
    try:
        one.start()
        one.install("old-ippools", "old-ipamblocks")
        yield one
    finally:
        one.stop()


@pytest.fixture(params=["pretended", pytest.param("real", marks=pytest.mark.real)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Return a cluster with two pools and an empty namespace ci-team-a; the real one, and one of this test's own."""
    if request.param == "real":
        with real_world(request.getfixturevalue("api_server")) as real:
            yield real
    else:
        with pretending(tmp_path) as pretend:
            settle(pretend)
            yield pretend
