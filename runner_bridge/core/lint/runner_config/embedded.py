"""
A runner's TOML inside of a YAML file: a template of the chart or the Operator, or a whole config.toml in a ConfigMap.

Places are those of the YAML file. What the environment of the manager says beside a template is judged here too,
because it wins over the template when the runner registers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner_bridge.core.lint.runner_config import Offset, lint, moved, read
from runner_bridge.core.lint.runner_config.identity import VARIABLE, is_placeholder
from runner_bridge.core.lint.runner_config.kubernetes import OVERWRITES
from runner_bridge.core.lint.runner_config.metadata import pinned
from runner_bridge.core.lint.runner_config.report import Runner, find, join, runners_of, scalar_of, table_of
from runner_bridge.core.lint.runner_keys import KUBERNETES, ROOT
from runner_bridge.core.lint.templates import is_covered
from runner_bridge.core.lint.told import found
from runner_bridge.core.model.codes import helm as codes
from runner_bridge.core.model.codes import runner_config as runner_codes
from runner_bridge.core.overwrites import findings as overwrite_findings
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner_bridge.core.model import Finding, Place
    from runner_bridge.core.text.toml import Document, Scalar, Table

_BEARER = "bearer_token_overwrite_allowed"
_SECRETS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("kubernetes",), ("bearer_token",)),
    (("cache", "s3"), ("SecretKey", "SessionToken")),
    (("cache", "gcs"), ("PrivateKey",)),
    (("cache", "azure"), ("AccountKey",)),
)


_NEVER_APPLIED = {
    "name": "Set RUNNER_NAME in the manager's environment.",
    "token": "Name the Secret that holds the token in the chart's or the Operator's own settings.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable of the manager."""

    name: str
    value: str
    place: Place
    path: str
    """Where it stands, for example `envVars.RUNNER_NAME`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """TOML of a runner that was found in a YAML file."""

    document: Document
    runners: tuple[Runner, ...]
    offset: Offset
    path: str
    """The key that holds it, for example `runners.config`."""
    findings: tuple[Finding, ...]
    """Those of the TOML itself."""

    @property
    def is_pinned(self) -> bool:
        """Some job pods of it ask for a pool."""
        return any(pinned(runner) for runner in self.runners)


def embedded(text: str, name: str, offset: Offset, path: str, *, template: bool) -> Embedded:
    """
    Read and lint TOML inside of another file.

    Args:
        text: the TOML.
        name: of the outer file.
        offset: where it stands there.
        path: the key that holds it.
        template: it is for `gitlab-runner register`.
    """
    document, _ = read(text, name, template=template)
    kept = [
        one for one in lint(text, name, offset=offset, template=template) if one.code is not runner_codes.NO_RUNNERS
    ]
    return Embedded(
        document=document, runners=runners_of(document.root), offset=offset, path=path, findings=tuple(kept)
    )


def template_rules(inner: Embedded) -> Iterator[Finding]:
    """Yield what is wrong with TOML as a template for `gitlab-runner register`."""
    root = inner.document.root
    if len(inner.runners) > 1:
        second = inner.runners[1].table.place
        yield _at(inner, found(codes.TEMPLATE_RUNNERS, inner.path, second, observed=f"{len(inner.runners)} of them"))
    elif find(root, "runners") is None and not inner.document.problems:
        yield found(codes.TEMPLATE_RUNNERS, inner.path, inner.offset.inner_place(1, 1), observed="none")
    for name, written in root.entries.items():
        known = ROOT.find(name)
        if known and known[0] not in {"runners", "machine"}:
            yield _at(
                inner, found(codes.TEMPLATE_KEY_IGNORED, join(inner.path, name), written.key.place, observed=name)
            )
    for runner in inner.runners:
        for key, remedy in _NEVER_APPLIED.items():
            entry = runner.entry(key)
            scalar = scalar_of(runner.table, key)
            if entry is not None and not (key == "token" and scalar and _is_secret(scalar.value)):
                path = join(f"{inner.path}: {runner.path}", key)
                yield _at(inner, found(codes.TEMPLATE_KEY_IGNORED, path, entry.key.place, observed=key, remedy=remedy))


def secrets(inner: Embedded) -> Iterator[Finding]:
    """Yield the secrets that stand in TOML in clear text; never what they are."""
    for runner in inner.runners:
        for path, scalar in _secrets_of(runner):
            yield _at(inner, found(codes.SECRET_IN_CONFIG_MAP, f"{inner.path}: {path}", scalar.place))


def _secrets_of(runner: Runner) -> Iterator[tuple[str, Scalar]]:
    tables: list[tuple[Table, str, tuple[str, ...]]] = [(runner.table, runner.path, ("token",))]
    for steps, keys in _SECRETS:
        table: Table | None = runner.table
        for step in steps:
            table = table_of(table, step) if table else None
        if table:
            tables.append((table, join(runner.path, *steps), keys))
    for table, path, keys in tables:
        for key in keys:
            scalar = scalar_of(table, key)
            if scalar and _is_secret(scalar.value):
                yield join(path, key), scalar


def _is_secret(value: object) -> bool:
    if not isinstance(value, str) or not value or is_covered(value):
        return False
    return not VARIABLE.fullmatch(value) and not is_placeholder(value)


def looks_like_token(value: str) -> bool:
    """Tell whether a text is a token of GitLab by its shape."""
    return bool(value) and not is_covered(value) and redact(value) != value


def environment(variables: Iterable[Variable], inner: Embedded | None) -> Iterator[Finding]:
    """
    Yield what the manager's environment lets a job do, and where it overrides a template.

    Args:
        variables: of the manager.
        inner: the template that it registers with, where that is known.
    """
    tables = [runner.kubernetes for runner in inner.runners if runner.kubernetes] if inner else []
    for variable in variables:
        key = variable.name.removeprefix("KUBERNETES_").lower()
        if key == variable.name.lower() or is_covered(variable.value) or KUBERNETES.find(key) is None:
            continue
        if key in OVERWRITES or key == _BEARER:
            pattern = variable.value.lower() if key == _BEARER else variable.value
            yield from _overwrite(pattern, key, variable)
        for table in tables:
            yield from _wins(variable, key, table)


def _overwrite(pattern: str, key: str, variable: Variable) -> Iterator[Finding]:
    for finding in overwrite_findings(pattern, setting=key, place=variable.place, subject=variable.path):
        yield replace(finding, cause=f"{finding.cause} The variable is {key} of every runner that registers.")


def _wins(variable: Variable, key: str, table: Table) -> Iterator[Finding]:
    scalar = scalar_of(table, key)
    if scalar is None or not variable.value or is_covered(scalar.value):
        return
    written = str(scalar.value).lower() if isinstance(scalar.value, bool) else str(scalar.value)
    if written not in {"", variable.value}:
        yield found(
            codes.ENVIRONMENT_WINS,
            variable.path,
            variable.place,
            observed=f"another value than {key} in the template",
            cause=f"The runner takes {variable.name}.",
        )


def _at(inner: Embedded, finding: Finding) -> Finding:
    return moved(finding, inner.offset)
