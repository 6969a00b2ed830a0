"""Secrets: made once, changed by a merge patch, and only where nobody has written since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.asking import MERGE

if TYPE_CHECKING:
    from tests.contract.asking import Api


async def made(api: Api) -> Any:
    return await api.make("secrets", {"metadata": {"name": "runner-config"}, "type": "Opaque", "data": {"a": "eA=="}})


async def changed(api: Api, version: str, data: dict[str, str | None]) -> tuple[int, dict[str, Any]]:
    patch = {"metadata": {"resourceVersion": version}, "data": data}
    return await api.ask("PATCH", api.path("secrets", "runner-config"), patch, headers=MERGE)


async def test_a_patch_with_the_version_that_is_there_changes_its_keys_alone(api: Api) -> None:
    one = await made(api)
    status, after = await changed(api, one["metadata"]["resourceVersion"], {"b": "eQ=="})
    assert (status, after["data"]) == (200, {"a": "eA==", "b": "eQ=="})
    status, after = await changed(api, after["metadata"]["resourceVersion"], {"a": None})
    assert (status, after["data"]) == (200, {"b": "eQ=="})


async def test_a_patch_with_an_older_version_is_refused(api: Api) -> None:
    one = await made(api)
    version = one["metadata"]["resourceVersion"]
    await changed(api, version, {"b": "eQ=="})
    status, refusal = await changed(api, version, {"b": "eg=="})
    assert (status, refusal["reason"]) == (409, "Conflict")


async def test_a_second_one_of_a_name_is_refused(api: Api) -> None:
    one = await made(api)
    status, refusal = await api.ask("POST", api.path("secrets"), {"metadata": {"name": one["metadata"]["name"]}})
    assert (status, refusal["reason"]) == (409, "AlreadyExists")


async def test_a_patch_of_one_that_is_not_there_is_not_found(api: Api) -> None:
    status, _ = await changed(api, "1", {"b": "eQ=="})
    assert status == 404
