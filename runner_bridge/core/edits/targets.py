"""A part of a policy: what `--target` names, and everything that it needs to be whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from runner_bridge.core.errors import SettingsError
from runner_bridge.core.model.edit import Deed, Part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from runner_bridge.core.model.edit import Edit, Plan
    from runner_bridge.core.policy.model import Policy

_OF_RUNNERS = (Part.RUNNER, Part.TOKEN, Part.SERVICE)


class Targets:
    """
    What a plan is about: everything, or what some addresses name.

    `runner.NAME` is a runner with its token, its part of the configuration, and its service; `configuration.NAME` a
    whole configuration; `pool.NAME` a pool.

    Args of the constructor:
        policy: what is declared.
        addresses: as of `Edit.address`; none for everything.

    Raises:
        SettingsError: an address names nothing of the policy.
    """

    def __init__(self, policy: Policy, addresses: Collection[str] = ()) -> None:
        self._named = frozenset(addresses)
        runners = {f"{part}.{name}": name for part in _OF_RUNNERS for name in policy.runners}
        configurations = {f"{Part.CONFIGURATION}.{name}": name for name in policy.installations}
        pools = {f"{Part.POOL}.{name}" for name, one in policy.pools.items() if one.generated}
        for one in addresses:
            if one not in {*runners, *configurations, *pools} and not one.startswith(f"{Part.RUNNER}.#"):
                known = ", ".join((*map("runner.{}".format, policy.runners), *configurations, *sorted(pools)))
                message = f"--target {one!r}: names nothing of the policy, expected one of {known}."
                raise SettingsError(message)
        self._runners = {name for address, name in runners.items() if address in self._named}
        self._whole = {name for address, name in configurations.items() if address in self._named}
        self.policy = self._narrowed(policy) if addresses else policy
        """The policy as far as it is meant."""

    @property
    def asks_gitlab(self) -> bool:
        """Runners in GitLab are among what is meant."""
        return not self._named or any(one.partition(".")[0] in _OF_RUNNERS for one in self._named)

    @property
    def names_pools(self) -> bool:
        """A pool is named, so pools are to be changed."""
        return any(one.startswith(f"{Part.POOL}.") for one in self._named)

    def of(self, plan: Plan) -> Plan:
        """Return what is meant of a plan for `policy`."""
        return structs.replace(plan, edits=tuple(self._kept(plan.edits))) if self._named else plan

    def _kept(self, edits: Iterable[Edit]) -> Iterable[Edit]:
        for one in edits:
            is_runners = one.part in _OF_RUNNERS and one.deed is not Deed.DELETE and one.name in self._runners
            if is_runners or one.part is Part.CONFIGURATION or one.address in self._named:
                yield one

    def _narrowed(self, policy: Policy) -> Policy:
        installations = {}
        for name, one in policy.installations.items():
            served = one.runners if name in self._whole else tuple(of for of in one.runners if of in self._runners)
            if served or name in self._whole:
                installations[name] = replace(one, runners=served)
        wanted = self._runners.union(*(one.runners for one in installations.values()))
        runners = {name: one for name, one in policy.runners.items() if name in wanted}
        return replace(policy, runners=runners, installations=installations)
