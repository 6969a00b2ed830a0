"""Values that the runner refuses, or that end it: globals, executors, words of which only some exist, flags."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from runner_bridge.core.lint.runner_config.report import Runner, find, join, scalar_of, table_of, tables_of
from runner_bridge.core.lint.runner_keys import EXECUTORS, FEATURE_FLAGS, REMOVED_FLAGS
from runner_bridge.core.lint.templates import FILLER, is_covered
from runner_bridge.core.lint.told import found
from runner_bridge.core.model.codes import runner_config as codes
from runner_bridge.core.text.toml import Array, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model import Finding
    from runner_bridge.core.text.toml import Table

_LOG_LEVELS = ("panic", "fatal", "error", "warn", "warning", "info", "debug", "trace")
_SHELLS = ("", "bash", "sh", "cmd", "pwsh", "powershell")
_DNS_POLICIES = ("", "none", "default", "cluster-first", "cluster-first-with-host-net")
_PULL_POLICIES = ("", "always", "if-not-present", "never")
# common/labels.go of GitLab Runner
_LABEL_KEY = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{2,64}")
_LABEL_VALUE = re.compile(r"[a-zA-Z0-9._-]{1,256}")
_USAGE_LOGGER_OLD = ("log_dir", "max_backup_files", "max_rotation_age", "labels")


def check_globals(root: Table) -> Iterator[Finding]:
    """Yield what is wrong with the settings above the first runner."""
    concurrent = scalar_of(root, "concurrent")
    if concurrent and isinstance(concurrent.value, int) and concurrent.value < 1 and concurrent.value is not False:
        yield found(
            codes.CONCURRENT, "concurrent", concurrent.place, observed=str(concurrent.value), expected="1 or more"
        )
    yield from _word(root, "log_level", "log_level", _LOG_LEVELS, fold=True)
    yield from _labels(root, "labels")
    experimental = table_of(root, "experimental")
    logger = table_of(experimental, "usage_logger") if experimental else None
    for name in _USAGE_LOGGER_OLD:
        entry = find(logger, name) if logger else None
        if entry:
            path = join("experimental.usage_logger", name)
            yield found(codes.DEPRECATED_KEY, path, entry.key.place, observed=name)


def check(runner: Runner, *, partial: bool) -> Iterator[Finding]:
    """
    Yield what is wrong with the values of one runner.

    Args:
        runner: the section.
        partial: the executor may come from elsewhere, or from a line that could not be read.
    """
    yield from _executor(runner, partial=partial)
    yield from _word(runner.table, "shell", join(runner.path, "shell"), _SHELLS)
    yield from _labels(runner.table, join(runner.path, "labels"))
    yield from _flags(runner)
    table = runner.kubernetes
    if table is not None:
        path = join(runner.path, "kubernetes")
        yield from _word(table, "dns_policy", join(path, "dns_policy"), _DNS_POLICIES)
        for name in ("pull_policy", "allowed_pull_policies"):
            yield from _words(table, name, join(path, name), _PULL_POLICIES)
        yield from _idle_times(table_of(table, "autoscaler"), join(path, "autoscaler", "policy"))


def _executor(runner: Runner, *, partial: bool) -> Iterator[Finding]:
    path = join(runner.path, "executor")
    entry = runner.entry("executor")
    if entry is None:
        if not partial:
            yield found(codes.UNKNOWN_EXECUTOR, path, runner.table.place, observed="no executor")
        return
    name = runner.executor
    if name == "docker+machine":
        cause = "It is planned to go with GitLab Runner 20.0."
        yield found(
            codes.DEPRECATED_KEY, path, entry.value.place, observed=name, cause=cause, remedy="Use docker-autoscaler."
        )
    elif name and name not in EXECUTORS:
        close = get_close_matches(name.casefold(), EXECUTORS, n=1)
        remedy = f'Did you mean "{close[0]}"?' if close else ""
        yield found(codes.UNKNOWN_EXECUTOR, path, entry.value.place, observed=repr(name), remedy=remedy)


def _word(table: Table, name: str, path: str, words: tuple[str, ...], *, fold: bool = False) -> Iterator[Finding]:
    scalar = scalar_of(table, name)
    if scalar:
        yield from _one_word(scalar, path, words, fold=fold)


def _words(table: Table, name: str, path: str, words: tuple[str, ...]) -> Iterator[Finding]:
    entry = find(table, name)
    values = (entry.value.items if isinstance(entry.value, Array) else (entry.value,)) if entry else ()
    for value in values:
        if isinstance(value, Scalar):
            yield from _one_word(value, path, words, fold=False)


def _one_word(scalar: Scalar, path: str, words: tuple[str, ...], *, fold: bool) -> Iterator[Finding]:
    value = scalar.value
    if not isinstance(value, str) or is_covered(value) or (value.casefold() if fold else value) in words:
        return
    expected = ", ".join(word for word in words if word)
    yield found(codes.INVALID_VALUE, path, scalar.place, observed=repr(value), expected=expected)


def _labels(table: Table, path: str) -> Iterator[Finding]:
    labels = table_of(table, "labels")
    for name, entry in labels.entries.items() if labels else ():
        value = entry.value.value if isinstance(entry.value, Scalar) else None
        if FILLER in name or not isinstance(value, str) or is_covered(value):
            continue
        if not _LABEL_KEY.fullmatch(name):
            expected = "3 to 65 letters, digits, ., _ and -"
            yield found(codes.INVALID_VALUE, join(path, name), entry.key.place, observed=repr(name), expected=expected)
        elif not _LABEL_VALUE.fullmatch(value):
            expected = "1 to 256 letters, digits, ., _ and -"
            yield found(
                codes.INVALID_VALUE, join(path, name), entry.value.place, observed=repr(value), expected=expected
            )


def _flags(runner: Runner) -> Iterator[Finding]:
    flags = table_of(runner.table, "feature_flags")
    for name, entry in flags.entries.items() if flags else ():
        if name in FEATURE_FLAGS or FILLER in name:
            continue
        path = join(runner.path, "feature_flags", name)
        close = get_close_matches(name.upper(), FEATURE_FLAGS, n=1, cutoff=0.85)
        remedy = f"Did you mean {close[0]}?" if close else ""
        cause = f"GitLab Runner {REMOVED_FLAGS[name]} removed it." if name in REMOVED_FLAGS else ""
        yield found(codes.UNKNOWN_FLAG, path, entry.key.place, observed=name, cause=cause, remedy=remedy)


def _idle_times(autoscaler: Table | None, path: str) -> Iterator[Finding]:
    for number, policy in enumerate(tables_of(autoscaler, "policy") if autoscaler else ()):
        scalar = scalar_of(policy, "idle_time")
        if scalar and _nanoseconds(scalar.value) is not None and (_nanoseconds(scalar.value) or 0) < 1_000_000_000:
            where = join(f"{path}[{number}]", "idle_time")
            yield found(
                codes.INVALID_VALUE, where, scalar.place, observed="less than a second", expected='at least "1s"'
            )


_UNITS = {"ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}


def _nanoseconds(value: object) -> float | None:
    """Return a duration as Go's time.ParseDuration reads it; None for what it refuses."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    if value == "0":
        return 0
    parts = re.findall(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", value)
    if "".join(number + unit for number, unit in parts) != value.lstrip("+") or not parts:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
