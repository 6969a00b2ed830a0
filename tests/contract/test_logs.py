"""The log of a pod, as far as both servers can answer without a kubelet; tests/cli/test_probe_real.py brings one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.asking import Api


async def test_the_log_of_a_pod_that_is_not_there(api: Api) -> None:
    status, body = await api.ask("GET", f"{api.path('pods', 'gone')}/log")
    assert (status, body["message"]) == (404, 'pods "gone" not found')


async def test_the_log_of_a_pod_that_is_on_no_node(api: Api) -> None:
    await api.pod("a")
    async with api.session.get(f"{api.path('pods', 'a')}/log", params={"limitBytes": "100"}) as answer:
        assert (answer.status, await answer.text()) == (204, "")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_log_can_only_be_read(api: Api, method: str) -> None:
    await api.pod("a")
    status, _ = await api.ask(method, f"{api.path('pods', 'a')}/log", {})
    assert status == 405


async def test_a_right_to_pods_is_none_to_their_logs(api: Api) -> None:
    await api.pod("a")
    status, body = await api.ask("GET", f"{api.path('pods', 'a')}/log", headers=api.stranger)
    assert status == 403
    assert 'cannot get resource "pods/log" in API group ""' in body["message"]
