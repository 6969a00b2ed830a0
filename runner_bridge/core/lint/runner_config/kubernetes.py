"""Settings of `[runners.kubernetes]` that decide who chooses the pool, and how long a pod may wait for an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.lint.runner_config.metadata import pinned
from runner_bridge.core.lint.runner_config.report import (
    Runner,
    find,
    join,
    scalar_of,
    table_of,
    tables_of,
    text_of,
)
from runner_bridge.core.lint.told import found
from runner_bridge.core.model.codes import runner_config as codes
from runner_bridge.core.overwrites import findings as overwrite_findings
from runner_bridge.core.text.toml import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model import Finding, Place
    from runner_bridge.core.text.toml import Table

OVERWRITES = {
    "pod_annotations_overwrite_allowed": "",
    "pod_labels_overwrite_allowed": "pod_labels",
    "namespace_overwrite_allowed": "",
    "service_account_overwrite_allowed": "",
    "node_selector_overwrite_allowed": "node_selector",
    "node_tolerations_overwrite_allowed": "",
}
"""The settings by which a job may overwrite something, and the table whose own keys it should not."""

POLL_INTERVAL_S = 3
POLL_TIMEOUT_S = 180
"""common/consts.go of GitLab Runner."""


def check(runner: Runner, *, others_pinned: bool) -> Iterator[Finding]:
    """
    Yield what the settings of one runner make possible.

    Args:
        runner: the section.
        others_pinned: another runner of the file asks for a pool, so pools matter to whoever wrote it.
    """
    table = runner.kubernetes
    if table is None or runner.executor not in {"", "kubernetes"}:
        return
    path = join(runner.path, "kubernetes")
    yield from _overwrites(table, path)
    yield from _polling(table, path, pinned=pinned(runner))
    yield from _boot_verify(runner, table)
    if pinned(runner):
        yield from _pinned(table, path)
    elif others_pinned and _is_on(table, "namespace_per_job"):
        place = _place(table, "namespace_per_job")
        yield found(codes.NAMESPACE_PER_JOB, join(path, "namespace_per_job"), place, observed="true")


def _overwrites(table: Table, path: str) -> Iterator[Finding]:
    for name, own in OVERWRITES.items():
        scalar, pattern = scalar_of(table, name), text_of(table, name)
        kept = table_of(table, own) if own else None
        if scalar and pattern:
            yield from overwrite_findings(
                pattern,
                setting=name,
                place=scalar.place,
                subject=join(path, name),
                configured=tuple(kept.entries) if kept else (),
            )
    name = "bearer_token_overwrite_allowed"
    if _is_on(table, name):
        yield from overwrite_findings("true", setting=name, place=_place(table, name), subject=join(path, name))


def _polling(table: Table, path: str, *, pinned: bool) -> Iterator[Finding]:
    timeout, interval = _number(table, "poll_timeout"), _number(table, "poll_interval")
    # A value below 1 means the default.
    timeout_s = timeout if timeout and timeout > 0 else POLL_TIMEOUT_S
    interval_s = interval if interval and interval > 0 else POLL_INTERVAL_S
    if interval_s > timeout_s:
        name = "poll_interval" if interval else "poll_timeout"
        seen = f"poll_interval {interval_s} s and poll_timeout {timeout_s} s"
        yield found(codes.POLL_INTERVAL, join(path, name), _place(table, name), observed=seen)
    elif pinned and timeout_s <= POLL_TIMEOUT_S and (timeout is not None or find(table, "poll_timeout") is None):
        seen = f"{timeout_s} s" if timeout else f"nothing, so {POLL_TIMEOUT_S} s"
        yield found(codes.POLL_TIMEOUT, join(path, "poll_timeout"), _place(table, "poll_timeout"), observed=seen)


def _boot_verify(runner: Runner, table: Table) -> Iterator[Finding]:
    experimental = table_of(runner.table, "experimental")
    verify = table_of(experimental, "boot_verify") if experimental else None
    if verify and _is_on(verify, "enabled") and find(table, "image") is None:
        path = join(runner.path, "experimental", "boot_verify", "enabled")
        yield found(codes.BOOT_VERIFY, path, _place(verify, "enabled"), observed="enabled, and no image")


def _pinned(table: Table, path: str) -> Iterator[Finding]:
    """Yield what weakens the pool of a runner that asks for one."""
    if _is_on(table, "privileged"):
        yield found(codes.PRIVILEGED, join(path, "privileged"), _place(table, "privileged"), observed="true")
    name = "automount_service_account_token"
    mounted = scalar_of(table, name)
    if mounted is None or mounted.value is True:
        seen = "true" if mounted else "nothing, so Kubernetes decides"
        yield found(codes.TOKEN_MOUNTED, join(path, name), _place(table, name), observed=seen)
    autoscaler = table_of(table, "autoscaler")
    if autoscaler and tables_of(autoscaler, "policy"):
        yield found(codes.PAUSE_PODS, join(path, "autoscaler"), autoscaler.place)


def _is_on(table: Table, name: str) -> bool:
    scalar = scalar_of(table, name)
    return scalar is not None and scalar.value is True


def _number(table: Table, name: str) -> int | None:
    scalar = scalar_of(table, name)
    return scalar.value if scalar and isinstance(scalar.value, int) else None


def _place(table: Table, name: str) -> Place:
    """Return the place of a value; of the header of its section where it is not set."""
    entry = find(table, name)
    if entry is None:
        return table.place
    return entry.value.place if isinstance(entry.value, Scalar) else entry.key.place
