"""No token in any text that leaves the port: errors and what hangs on them, values, logs at every level."""

from __future__ import annotations

import json
import logging
import traceback
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runner_bridge.core.errors import RunnerBridgeError
from runner_bridge.core.model.gitlab import NewRunner, Purpose, RunnerType
from runner_bridge.ports.gitlab import Settings
from runner_bridge.simulate.gitlab import Fault
from runner_bridge.simulate.gitlab.world import Token
from tests.ports.gitlab.world import pair, world_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner_bridge.ports.gitlab import GitLab

LETTERS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=20, max_size=40)
SHAPES = st.one_of(
    st.builds("{}-FAKE{}".format, st.sampled_from(["glpat", "glrt", "glrtr", "gldt", "glcbt", "gloas"]), LETTERS),
    st.builds("glrt-t1_FAKE{}.01.{}".format, LETTERS, LETTERS),
    st.builds("eyJFAKE{}.{}.{}".format, LETTERS, LETTERS, LETTERS),
    st.builds("ourownprefix-FAKE{}".format, LETTERS),
)
"""What tokens look like; administrators may choose the prefix of personal ones."""

QUESTIONS: dict[str, Callable[[GitLab], Awaitable[object]]] = {
    "project": lambda port: port.projects.get(1),
    "runners": lambda port: port.runners.of_instance(),
    "create": lambda port: port.runners.create(NewRunner(type=RunnerType.INSTANCE, marker="m", tags=("a",))),
    "renew": lambda port: port.runners.renew(1),
    "access": lambda port: port.access(),
}


def answers(token: str) -> list[Fault]:
    """Every kind of answer, each quoting the token as loudly as it can."""
    loud = f"no {token} here: PRIVATE-TOKEN: {token} Authorization: Bearer {token}"
    return [
        Fault(status=401, body=json.dumps({"message": loud}).encode()),
        Fault(status=403, body=json.dumps({"error": "insufficient_scope", "error_description": loud}).encode()),
        Fault(status=400, body=json.dumps({"message": {"token": [loud]}}).encode()),
        Fault(status=500, body=loud.encode()),
        Fault(status=429, body=loud.encode()),
        Fault(status=200, body=loud.encode()),
        Fault(status=200, body=json.dumps({"errors": [{"message": loud}]}).encode()),
        Fault(status=200, body=json.dumps({"id": loud}).encode()),
        Fault(status=302, headers={"Location": f"https://elsewhere.example.com/{token}"}),
        Fault(is_torn=True),
        Fault(delay_s=1),
    ]


# An example takes half a second, so that none is made smaller when it fails.
@settings(
    max_examples=4,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(token=SHAPES)
@pytest.mark.parametrize("question", QUESTIONS)
async def test_no_text_that_leaves_holds_a_token(caplog: pytest.LogCaptureFixture, question: str, token: str) -> None:
    world = world_of(3)
    world.tokens[token] = Token(text=token, user=world.user("root", is_admin=True), scopes=("api",))
    texts: list[str] = []
    caplog.set_level(logging.DEBUG)
    async with pair(world, dict.fromkeys(Purpose, token), settings=Settings(connect_s=1, answer_s=0.05)) as both:
        for fault in answers(token):
            both.server.faults.clear()
            for _ in range(30):
                both.server.faults.add(fault)
            try:
                texts.append(repr(await QUESTIONS[question](both.port)))
            except RunnerBridgeError as error:
                texts += [str(error), repr(error), *traceback.format_exception(error)]
        texts += [repr(both.port), str(both.port.requests)]
    texts += [record.getMessage() for record in caplog.records]
    texts += [caplog.text]

    assert len(texts) > 10
    assert all(token not in text for text in texts)


async def test_the_token_of_a_new_runner_is_in_no_text(caplog: pytest.LogCaptureFixture) -> None:
    world = world_of(3)
    caplog.set_level(logging.DEBUG)
    token = world.token(world.user("root", is_admin=True), "api")
    async with pair(world, dict.fromkeys(Purpose, token)) as both:
        new = NewRunner(type=RunnerType.INSTANCE, marker="m", tags=("a",))
        created = await both.port.runners.create(new)
        again = await both.port.runners.create(new)
        both.server.faults.add(Fault(path="verify", status=422, body=again.token.reveal().encode()))
        with pytest.raises(RunnerBridgeError) as caught:
            await both.port.runners.verify(again.token, system_id="r_1")

    texts = [repr(created), repr(again), str(caught.value), caplog.text, *traceback.format_exception(caught.value)]
    for secret in (created.token.reveal(), again.token.reveal(), token):
        assert all(secret not in text for text in texts)
