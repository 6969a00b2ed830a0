"""
A plan made real, step by step, in the order of its parts: pools, runners and their tokens, configurations, service.

Each step is recorded before it is done and may be cut off at any point: everything that a second run needs to go on
stands in the world itself. A new runner carries its marker and, until it takes jobs, a note that it is unfinished; its
token is kept before anything else happens; what was created and is not kept gets another token; nothing is deleted
while anything else has failed.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from runner_bridge.core.edits.marker import UNFINISHED, finished, marker
from runner_bridge.core.edits.runners import TYPES, access_level
from runner_bridge.core.errors import InvalidError, LedgerError, RunnerBridgeError, UnavailableError
from runner_bridge.core.model.edit import Deed, Part
from runner_bridge.core.model.gitlab import NewRunner, RunnerChange
from runner_bridge.core.policy.model import PoolName, RunnerName, ScopeKind
from runner_bridge.core.redact import redact
from runner_bridge.flow.apply.configuring import Configuring, State
from runner_bridge.flow.apply.stores import Stores
from runner_bridge.ports.kube import discover_calico
from runner_bridge.ports.manager import Managers
from runner_bridge.render import ip_pools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from runner_bridge.core.model.edit import Edit, Plan
    from runner_bridge.core.policy.model import Installation, Policy
    from runner_bridge.flow.apply.book import Book
    from runner_bridge.flow.apply.live import Neighbours
    from runner_bridge.ports.gitlab import GitLab

POLL_S = 2.0
TOKEN_BYTES = 256
"""More than a token has."""
_OPERATOR = "app.kubernetes.io/managed-by"


class Line(Struct, frozen=True, kw_only=True):
    """How one edit ended."""

    address: str
    is_done: bool
    text: str
    """One sentence: what stands now."""


class Tools(Struct, frozen=True, kw_only=True):
    """What applying is done with; chosen by `cli`."""

    book: Book
    tell: Callable[[Line], None]
    """Is told how each edit ended, at once."""
    within_s: float
    """How long managers have to load a configuration."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Applying:
    """
    Applies one plan.

    Args of the constructor:
        policy: what is declared, as far as it is meant.
        targets: scope of a runner as text → number of its group or project.
        neighbours: whom to ask and tell.
        tools: the rest.
    """

    def __init__(self, policy: Policy, targets: Mapping[str, int | None], neighbours: Neighbours, tools: Tools) -> None:
        self._policy = policy
        self._targets = targets
        self._neighbours = neighbours
        self._tools = tools
        self._stores = Stores(neighbours.cluster, neighbours.no_cluster)
        self._home = {name: one for one in policy.installations.values() for name in one.runners}
        self._numbers: dict[str, int] = {}
        """Numbers of runners that were created now."""
        self._standing: dict[str, State] = {}
        """Of configurations that were seen to, by installation."""
        self._failed = False

    async def check(self, plan: Plan) -> None:
        """
        Find out, before anything is done, whether what has to be written can be, and whether managers can be heard.

        Raises:
            SettingsError, NeighbourError: something cannot; nothing was changed.
        """
        for one in plan.edits:
            installation = self._installation(one)
            if one.deed is Deed.TELL or installation is None:
                continue
            if one.part is Part.TOKEN and installation.tokens is not None:
                await self._stores.check(installation.tokens, more_bytes=TOKEN_BYTES)
            if one.part is Part.CONFIGURATION:
                await self._configuring(installation).check()

    async def run(self, plan: Plan) -> None:
        """
        Do what a plan says; how each edit ended is told as it ends.

        Raises:
            LedgerError: something could not be recorded; what was being done then is not known to the ledger.
            RenderError: a defect of ours.
        """
        by_address = {one.address: one for one in plan.edits}
        for one in plan.edits:
            if one.part is Part.TOKEN and f"{Part.RUNNER}.{one.name}" in by_address and one.runner_id is None:
                continue  # it comes with its runner
            await self._one(one)

    async def _one(self, edit: Edit) -> None:
        try:
            done, text = await self._do(edit)
        except LedgerError:
            raise
        except RunnerBridgeError as error:
            done, text = False, redact(str(error))
        self._failed |= not done
        self._tools.tell(Line(address=edit.address, is_done=done, text=text))

    async def _do(self, edit: Edit) -> tuple[bool, str]:
        """Do one edit; return whether it stands now as declared, and one sentence on what stands."""
        if edit.deed is Deed.TELL:
            if edit.part is Part.CONFIGURATION:
                self._standing[edit.name] = State.UNCONFIRMED  # what its owner does, GitLab hears of
            return False, "Left to its owner."
        match edit.part:
            case Part.POOL:
                return True, await self._pool(edit)
            case Part.RUNNER:
                return await self._runner(edit)
            case Part.TOKEN:
                return True, await self._renew(edit)
            case Part.CONFIGURATION:
                return await self._configure(edit)
            case Part.SERVICE:
                return await self._serve(edit)

    async def _runner(self, edit: Edit) -> tuple[bool, str]:
        match edit.deed:
            case Deed.CREATE:
                return True, await self._create(RunnerName(edit.name))
            case Deed.DELETE:
                return await self._delete(edit)
            case _:
                return True, await self._update(edit)

    async def _create(self, name: RunnerName) -> str:
        declared, home = self._policy.runners[name], self._home[name]
        is_project = declared.scope.kind is ScopeKind.PROJECT
        new = NewRunner(
            type=TYPES[declared.scope.kind],
            marker=marker(self._policy.cluster.name, name),
            target_id=self._targets.get(str(declared.scope)),
            description=str(name),
            # One that is to stay paused is finished as soon as its token is kept.
            note="" if declared.paused else UNFINISHED,
            tags=declared.tags,
            run_untagged=declared.run_untagged,
            is_locked=is_project and declared.locked is not False,
            access_level=access_level(declared),
            max_timeout_s=declared.maximum_timeout_s,
        )
        async with self._step("create-runner", name, f"{declared.scope}"):
            made = await self._gitlab().runners.create(new)
            # In one step: a token that is not kept is as good as lost.
            await self._keep(home, name, made.token.reveal())
        self._numbers[str(name)] = made.id
        return f"Created as #{made.id}, paused; its token is kept in {home.tokens}."

    async def _renew(self, edit: Edit) -> str:
        name = RunnerName(edit.name)
        assert edit.runner_id is not None  # noqa: S101 - a defect of ours
        async with self._step("renew-token", name, f"#{edit.runner_id}"):
            made = await self._gitlab().runners.renew(edit.runner_id)
            await self._keep(self._home[name], name, made.token.reveal())
        return f"#{edit.runner_id} has another token, which is kept in {self._home[name].tokens}."

    async def _keep(self, home: Installation, name: RunnerName, token: str) -> None:
        assert home.tokens is not None  # noqa: S101 - else no plan creates it
        await self._stores.keep(home.tokens, name, token)

    async def _update(self, edit: Edit) -> str:
        name = RunnerName(edit.name)
        declared = self._policy.runners[name]
        assert edit.runner_id is not None  # noqa: S101 - a defect of ours
        names = {one.name for one in edit.fields}
        change = RunnerChange(
            description=str(name) if "description" in names else None,
            tags=declared.tags if "tag_list" in names else None,
            run_untagged=declared.run_untagged if "run_untagged" in names else None,
            is_locked=declared.locked if "locked" in names else None,
            access_level=access_level(declared) if "access_level" in names else None,
            is_paused=declared.paused if "paused" in names else None,
            max_timeout_s=declared.maximum_timeout_s if "maximum_timeout" in names else None,
        )
        async with self._step("update-runner", name, f"#{edit.runner_id}: {', '.join(sorted(names))}"):
            await self._change(edit.runner_id, change)
        return f"#{edit.runner_id} has {', '.join(sorted(names))} as declared."

    async def _delete(self, edit: Edit) -> tuple[bool, str]:
        if self._failed:
            return False, "Not deleted, because something else has failed."
        assert edit.runner_id is not None  # noqa: S101 - a defect of ours
        async with self._step("delete-runner", edit.name, edit.why):
            await self._gitlab().runners.delete(edit.runner_id)
        return True, "Deleted."

    async def _configure(self, edit: Edit) -> tuple[bool, str]:
        installation = self._policy.installations[edit.name]
        self._standing[edit.name] = State.PUT_BACK  # unless it is written
        standing = await self._configuring(installation).write()
        self._standing[edit.name] = standing.state
        is_left = standing.state is State.UNCONFIRMED and not edit.is_confirmable
        return standing.state is State.LOADED or is_left, f"{standing.state.capitalize()}. {_sentence(standing.text)}"

    async def _serve(self, edit: Edit) -> tuple[bool, str]:
        """Let a runner take jobs, once it is known that its managers have loaded what pins them."""
        name = RunnerName(edit.name)
        number = edit.runner_id or self._numbers.get(edit.name)
        home = self._home.get(name)
        if number is None or home is None:
            return False, "Not put into service: it was not created."
        if why := await self._why_not_loaded(home, number):
            return False, f"Stays paused: {why}"
        found = await self._gitlab().runners.get(number)
        if found is None:
            message = f"runner #{number} is gone. Run plan again."
            raise InvalidError(message, status=404)
        note = finished(found.maintenance_note or marker(self._policy.cluster.name, name))
        stays = self._policy.runners[name].paused is True
        async with self._step("put-into-service", name, f"#{number}"):
            await self._change(number, RunnerChange(maintenance_note=note, is_paused=stays))
        return True, f"#{number} {'is finished, and paused as declared' if stays else 'takes jobs'}."

    async def _why_not_loaded(self, home: Installation, number: int) -> str:
        standing = self._standing.get(home.name)
        if standing is None and self._configuring(home).is_heard:
            # Nothing had to be written: an earlier apply was cut off behind that.
            standing = (await self._configuring(home).confirm()).state
            self._standing[home.name] = standing
        match standing:
            case State.LOADED:
                return ""
            case State.PUT_BACK:
                return "its managers have not loaded its configuration."
            case _:
                return await self._not_heard_of(home, number)

    async def _not_heard_of(self, home: Installation, number: int) -> str:
        """Tell why a runner is not known to be loaded by what GitLab heard: each of its managers signs in once."""
        wanted = max(1, len(home.metrics) + len(home.logs))
        is_heard = self._configuring(home).is_heard
        seen = 0
        for _ in range(max(1, int(self._tools.within_s / POLL_S)) if is_heard else 1):
            seen = len(await self._gitlab().runners.managers(number) or ())
            if seen >= wanted:
                return ""
            if is_heard:
                await self._tools.sleep(POLL_S)
        return f"GitLab has heard of {seen} of {wanted} manager{'s' * (wanted != 1)} of it. Run apply again later."

    async def _pool(self, edit: Edit) -> str:
        declared = self._policy.pools[PoolName(edit.name)]
        cluster = self._neighbours.cluster
        if cluster is None:
            raise UnavailableError(self._neighbours.no_cluster)
        api = await discover_calico(cluster.reader)
        version = api.pools.removeprefix("/apis/").removesuffix("/ippools")
        document = ip_pools.manifest(self._policy, declared, version)
        path = f"{api.pools}/{declared.name}"
        async with self._step(f"{edit.deed}-pool", "", f"{declared.name} {declared.cidr}"):
            if edit.deed is Deed.CREATE:
                await cluster.writer.create(api.pools, msgspec.json.encode(document))
                return f"Created through {version}."
            body = await cluster.reader.get(path) or b"{}"
            found = msgspec.json.decode(body, type=_Object).metadata
            if "operator" in (found.labels or {}).get(_OPERATOR, ""):
                message = f"pool {declared.name}: is an operator's by its label. Set pools_owner in the policy."
                raise InvalidError(message, status=409)
            # What Calico does not let be changed was told and not planned; the rest of the spec stays.
            spec = {key: item for key, item in document["spec"].items() if key not in {"cidr", "blockSize"}}
            patch = {"metadata": {"resourceVersion": found.version}, "spec": spec}
            await cluster.writer.merge(path, msgspec.json.encode(patch))
        return "Changed."

    async def _change(self, number: int, change: RunnerChange) -> None:
        if await self._gitlab().runners.update(number, change) is None:
            message = f"runner #{number} is gone. Run plan again."
            raise InvalidError(message, status=404)

    @asynccontextmanager
    async def _step(self, act: str, runner: str, text: str) -> AsyncIterator[None]:
        declared = self._policy.runners.get(RunnerName(runner))
        tier = str(declared.tier) if declared else ""
        async with self._tools.book.step(act, text, runner=str(runner), tier=tier):
            yield

    def _installation(self, edit: Edit) -> Installation | None:
        if edit.part is Part.CONFIGURATION:
            return self._policy.installations.get(edit.name)
        return self._home.get(RunnerName(edit.name))

    def _configuring(self, installation: Installation) -> Configuring:
        managers = Managers(installation.metrics, installation.logs, sleep=self._tools.sleep)
        return Configuring(self._policy, installation, self._stores, managers, self._tools.book, self._tools.within_s)

    def _gitlab(self) -> GitLab:
        if self._neighbours.gitlab is None:
            raise UnavailableError(self._neighbours.no_gitlab)
        return self._neighbours.gitlab


class _Meta(Struct):
    labels: dict[str, str] | None = None
    version: str = msgspec.field(default="", name="resourceVersion")


class _Object(Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
