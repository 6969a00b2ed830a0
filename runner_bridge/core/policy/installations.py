"""Where runner managers are installed: which runners each serves, and where `apply` writes for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.model.codes import policy as codes
from runner_bridge.core.policy import forms
from runner_bridge.core.policy.model import Installation, RunnerName, Store, StoreKind
from runner_bridge.core.policy.report import listed, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.report import At, Report
    from runner_bridge.core.policy.schema import PolicyShape
    from runner_bridge.core.policy.schema.installations import (
        ConfigurationShape,
        InstallationShape,
        LoadedShape,
        TokensShape,
    )

CONFIG_KEY = "config.toml"
"""Key of a Secret that holds a configuration, where none is named: what the runner's image reads."""


def compile_installations(shape: PolicyShape, report: Report) -> Mapping[str, Installation]:
    """Return the installations by name; of one that cannot be used there is a problem in the report."""
    runners = {one.name: one for tier in shape.tiers.values() for one in tier.runners}
    served = _Served(runners, report)
    served.named(shape.installations)
    found = {}
    for name, one in shape.installations.items():
        at: At = ("installations", name)
        if not forms.is_name(name):
            report.add(codes.INVALID_VALUE, *at, on_key=True, observed=shown(name), expected="a name such as ci-main")
        installation = Installation(
            name=name,
            runners=served.by(name, one),
            configuration=_configuration(one.configuration, (*at, "configuration"), report),
            tokens=_tokens(one.tokens, (*at, "tokens"), report) if one.tokens else None,
            metrics=_metrics(one.loaded, (*at, "loaded", "metrics"), report),
            logs=tuple(one.loaded.logs),
            place=report.place(*at),
        )
        _one_release(installation, at, report)
        found[name] = installation
    return found


class _Served:
    """Which runner is served by which installation: each by at most one, because two would share its token."""

    def __init__(self, runners: Mapping[str, object], report: Report) -> None:
        self._runners = runners
        self._report = report
        self._taken: dict[str, str] = {}
        self._rest = ""

    def named(self, shapes: Mapping[str, InstallationShape]) -> None:
        """Take in what all of them name, so that one can have the rest."""
        for name, shape in shapes.items():
            for number, runner in enumerate(shape.runners or ()):
                self._take(name, number, runner)

    def by(self, name: str, shape: InstallationShape) -> tuple[RunnerName, ...]:
        if shape.runners is not None:
            return tuple(RunnerName(one) for one in dict.fromkeys(shape.runners) if self._taken.get(one) == name)
        if self._rest:
            self._report.add(
                codes.INVALID_VALUE,
                *("installations", name),
                observed=f"no list of runners, like {shown(self._rest)}",
                expected="runners: […] in all installations but one",
                cause="Only one can serve the runners that no other one names.",
            )
        self._rest = name
        return tuple(RunnerName(one) for one in self._runners if one not in self._taken)

    def _take(self, name: str, number: int, runner: str) -> None:
        at = ("installations", name, "runners", number)
        if runner not in self._runners:
            self._report.unknown_name(codes.UNKNOWN_NAME, *at, value=runner, known=self._runners, what="runners")
        elif self._taken.setdefault(runner, name) != name:
            self._report.add(
                codes.INVALID_VALUE,
                *at,
                observed=f"{shown(runner)} here and in {shown(self._taken[runner])}",
                expected="a runner that no other installation names",
                cause="Managers of two installations would share one token.",
            )


def _configuration(shape: ConfigurationShape, at: At, report: Report) -> Store:
    given = {"file": shape.file, "secret": shape.secret, "values": shape.values}
    kind = _only(given, at, report)
    if shape.key and kind != "secret":
        report.add(codes.INVALID_VALUE, *at, "key", observed=shown(shape.key), expected="no key, or a secret beside it")
    if kind == "secret":
        return _secret(shape.secret, shape.key or CONFIG_KEY, (*at, "secret"), report)
    return Store(kind=StoreKind(kind or "file"), path=given.get(kind, ""))


def _tokens(shape: TokensShape, at: At, report: Report) -> Store:
    kind = _only({"secret": shape.secret, "directory": shape.directory}, at, report)
    if kind == "secret":
        return _secret(shape.secret, "", (*at, "secret"), report)
    return Store(kind=StoreKind.DIRECTORY, path=shape.directory)


def _only(given: Mapping[str, str], at: At, report: Report) -> str:
    """Return the one key that is given; empty where there is not exactly one, which is a problem."""
    keys = [key for key, value in given.items() if value.strip()]
    if len(keys) == 1:
        return keys[0]
    report.add(
        codes.INVALID_VALUE,
        *at,
        observed=listed(keys, "and") or "none of them",
        expected=f"exactly one of {listed(given)}",
    )
    return ""


def _secret(text: str, key: str, at: At, report: Report) -> Store:
    namespace, _, name = text.partition("/")
    if not (forms.is_namespace(namespace) and forms.is_object_name(name)):
        report.add(
            codes.INVALID_VALUE,
            *at,
            observed=shown(text),
            expected="NAMESPACE/NAME such as gitlab-runners/runner-config",
        )
    return Store(kind=StoreKind.SECRET, namespace=namespace, name=name, key=key)


def _metrics(shape: LoadedShape, at: At, report: Report) -> tuple[str, ...]:
    for number, text in enumerate(shape.metrics):
        if not forms.is_http_url(text):
            report.add(
                codes.INVALID_VALUE,
                *at,
                number,
                observed=shown(text),
                expected="an address such as http://10.0.0.5:9252/metrics",
            )
    return tuple(shape.metrics)


def _one_release(one: Installation, at: At, report: Report) -> None:
    """See to it that a values file is of one runner: a release of the chart has one token and one name."""
    if one.configuration.kind is StoreKind.VALUES and len(one.runners) != 1 and report.is_whole(*at):
        report.add(
            codes.INVALID_VALUE,
            *at,
            "runners",
            observed=f"{len(one.runners)} runners and one values file",
            expected="one runner",
            cause="One release of the gitlab-runner chart serves one runner.",
            remedy="Name one runner here, and add an installation with its own values file for each other one.",
        )
