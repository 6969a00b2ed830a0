"""Webhooks: made once, whatever becomes of the answers, and what GitLab means when it does not take an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.errors import DeniedError, InvalidError
from runner_bridge.core.model.gitlab import Purpose
from runner_bridge.core.model.webhooks import Owner, OwnerKind, Wanted, WebhookSecrets
from runner_bridge.ports.gitlab import LostError
from runner_bridge.ports.gitlab.webhooks import is_without_jobs
from runner_bridge.simulate.gitlab import Fault
from tests.ports.gitlab.world import as_admin, pair, tokens_of, world_of

if TYPE_CHECKING:
    from runner_bridge.core.model.webhooks import Webhook
    from tests.ports.gitlab.world import Pair

URL = "https://bridge.example.com/hooks/gitlab"
GROUP = Owner(kind=OwnerKind.GROUP, ref="platform/api")
SIGNING = "whsec_RkFLRVNFQ1JFVEZBS0VTRUNSRVRGQUtFU0VDUkVU"
SECRETS = WebhookSecrets(signing=SIGNING, token="FAKE-token-of-a-hook")
WANTED = Wanted(url=URL, has_token=True)


async def made(both: Pair, owner: Owner = GROUP) -> Webhook:
    return await both.port.webhooks.create(owner, WANTED, SECRETS)


def kept(both: Pair) -> list[tuple[str, str, str, set[str]]]:
    return [
        (one.hook.url, one.hook.signing, one.hook.secret, one.events) for one in both.server.world.webhooks.values()
    ]


@pytest.mark.parametrize("kind", OwnerKind)
async def test_a_webhook_is_created_for_jobs_alone_and_with_its_secrets(kind: OwnerKind) -> None:
    world = world_of(50)
    ref = {OwnerKind.GROUP: "platform/api", OwnerKind.PROJECT: str(next(iter(world.projects)))}[kind]
    owner = Owner(kind=kind, ref=ref)
    async with as_admin(world) as both:
        created = await made(both, owner)
        assert (created.events, created.has_signing, created.has_token) == (("job_events",), True, True)
        assert kept(both) == [(URL, SIGNING, "FAKE-token-of-a-hook", {"job_events"})]
        assert await both.port.webhooks.of(owner) == (created,)


async def test_many_webhooks_come_in_pages() -> None:
    async with as_admin(world_of(50)) as both:
        for _ in range(120):
            await made(both)
        found = await both.port.webhooks.of(GROUP)
    assert found is not None
    assert len({one.id for one in found}) == 120


async def test_one_whose_answer_is_lost_is_found_again_and_not_made_twice() -> None:
    async with as_admin(world_of(50)) as both:
        both.server.faults.add(Fault(method="POST", path="/hooks$", is_torn=True, is_carried_out=True))
        created = await made(both)
        assert await both.port.webhooks.of(GROUP) == (created,)


async def test_one_that_was_not_made_is_not_tried_again_by_itself() -> None:
    async with as_admin(world_of(50)) as both:
        both.server.faults.add(Fault(method="POST", path="/hooks$", status=502))
        with pytest.raises(LostError):
            await made(both)
        assert kept(both) == []


async def test_it_is_set_as_wanted_and_its_secrets_stay_unless_they_are_given() -> None:
    async with as_admin(world_of(50)) as both:
        created = await made(both)
        (live,) = both.server.world.webhooks.values()
        live.events |= {"push_events"}
        live.template, live.verifies_tls = "{}", False
        (found,) = await both.port.webhooks.of(GROUP) or ()

        changed = await both.port.webhooks.update(GROUP, found, WANTED, None)
        assert changed == created
        assert kept(both) == [(URL, SIGNING, "FAKE-token-of-a-hook", {"job_events"})]

        await both.port.webhooks.update(GROUP, found, WANTED, WebhookSecrets(token="FAKE-another-token"))
        assert kept(both) == [(URL, SIGNING, "FAKE-another-token", {"job_events"})]


async def test_what_is_gone_is_told() -> None:
    async with as_admin(world_of(50)) as both:
        created = await made(both)
        assert await both.port.webhooks.delete(GROUP, created.id)
        assert not await both.port.webhooks.delete(GROUP, created.id)
        assert await both.port.webhooks.update(GROUP, created, WANTED, None) is None
        with pytest.raises(InvalidError, match="not there"):
            await both.port.webhooks.test(GROUP, created)
        assert await both.port.webhooks.of(Owner(kind=OwnerKind.PROJECT, ref="no/such")) is None
        with pytest.raises(DeniedError, match="no such project"):
            await made(both, Owner(kind=OwnerKind.PROJECT, ref="no/such"))


async def test_a_group_of_a_free_gitlab_has_none() -> None:
    world = world_of(50)
    world.has_group_hooks = False
    async with as_admin(world) as both:
        assert await both.port.webhooks.of(GROUP) is None
        with pytest.raises(DeniedError, match="Premium"):
            await made(both)


async def test_a_refused_private_address_names_the_setting_that_allows_it() -> None:
    wanted = Wanted(url="http://10.1.2.3:8080/hooks/gitlab")
    async with as_admin(world_of(50)) as both:
        created = await made(both)
        for attempt in (
            both.port.webhooks.create(GROUP, wanted, SECRETS),
            both.port.webhooks.update(GROUP, created, wanted, None),
        ):
            with pytest.raises(InvalidError, match=r"Settings > Network > Outbound requests") as caught:
                await attempt
            assert "http://10.1.2.3:8080/hooks/gitlab" in str(caught.value)
            assert SIGNING not in str(caught.value)


async def test_another_refusal_stays_what_it_is() -> None:
    async with as_admin(world_of(50)) as both:
        both.server.faults.add(Fault(method="POST", path="/hooks$", status=422, body=b'{"message": "Too many hooks"}'))
        with pytest.raises(InvalidError, match="Too many hooks") as caught:
            await made(both)
    assert "Outbound" not in str(caught.value)


async def test_a_test_without_any_job_is_told_apart_from_one_that_fails() -> None:
    world = world_of(50)
    async with as_admin(world) as both:
        created = await made(both)
        with pytest.raises(InvalidError) as caught:
            await both.port.webhooks.test(GROUP, created)
        assert is_without_jobs(caught.value)

        group = world.find_group("platform/api")
        assert group is not None
        world.job(next(one for one in world.projects.values() if group in list(one.group.line())))
        next(iter(world.webhooks.values())).hook = type(next(iter(world.webhooks.values())).hook)(
            url="http://127.0.0.1:9/"
        )
        with pytest.raises(InvalidError, match="Outbound requests"):
            await both.port.webhooks.test(GROUP, created)
        world.allows_local_hooks = True
        with pytest.raises(InvalidError, match="Hook execution failed") as caught:
            await both.port.webhooks.test(GROUP, created)
        assert not is_without_jobs(caught.value)


async def test_a_token_that_reads_can_look_and_change_nothing() -> None:
    world = world_of(50)
    tokens = tokens_of(world, world.user("root", is_admin=True), (Purpose.READ,))
    async with pair(world, tokens) as both:
        assert await both.port.webhooks.of(GROUP) == ()
        with pytest.raises(DeniedError, match="scope api"):
            await made(both)
