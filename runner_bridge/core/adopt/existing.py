"""
What a config.toml (or the template inside Helm values) says of its runners, as frozen values.

Reads only what a policy can say: name, GitLab, namespace, pools, labels and the like. Everything else stays where it
is, because a merge keeps hand-written keys. Nothing is guessed: what a policy cannot say without a decision of the
admin becomes a problem, and all problems are collected before anybody is told. Tokens are read for their short ids
and for twins, and are never kept.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from runner_bridge.core.adopt.metadata import OURS, ask_lint, clean_url, why_not
from runner_bridge.core.errors import WireError
from runner_bridge.core.lint.runner_config.metadata import misspelt
from runner_bridge.core.marks import short_id
from runner_bridge.core.model.annotations import POOL_KEYS
from runner_bridge.core.redact import redact
from runner_bridge.core.text import toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "KUBERNETES",
    "Existing",
    "ExistingRunner",
    "parse",
    "read",
    "read_runners",
    "section_lines",
    "short_id",
]

KUBERNETES = "kubernetes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingRunner:
    """One `[[runners]]` of the Kubernetes executor."""

    number: int
    """Its place among all `[[runners]]` of the file, from 0."""
    line: int
    """Of its `[[runners]]`, from 1; 0 where the section is part of another text."""
    name: str
    url: str
    short_id: str
    """Empty where the file holds no token, or only a reference to one."""
    tags: tuple[str, ...] = ()
    """Only Helm values say them; a config.toml does not."""
    limit: int
    namespace: str
    """Empty where the file says nothing: the runner then uses `default`."""
    namespace_per_job: bool
    service_account: str
    image: str
    poll_timeout_s: int
    """0 where the file says nothing."""
    pools: tuple[str, ...]
    """Names or CIDRs as its annotations list them, IPv4 first; empty where nothing is asked for."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    annotation_overwrites: str
    label_overwrites: str

    def __str__(self) -> str:
        return _title(self.name, self.number, self.line)


def _title(name: str, number: int, line: int) -> str:
    """Return how a runner is called in messages."""
    if name:
        return f"{redact(name)!r} (line {line})" if line else repr(redact(name))
    return f"of line {line}" if line else f"number {number + 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """One file of the runner."""

    runners: tuple[ExistingRunner, ...]
    settings: Mapping[str, int | str]
    """The global keys that a policy knows too, as they are written."""
    notes: tuple[str, ...]
    """What stays in the file and is no part of the policy, one sentence each."""
    problems: tuple[str, ...]
    """What keeps a policy from being written, one sentence each, in the order of the file."""


T = TypeVar("T")
_TYPE_NAMES: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "a number",
    dict: "a table",
    list: "an array",
}

_SETTINGS: Mapping[str, str] = {
    "concurrent": "[1-9][0-9]*",
    "check_interval": "[0-9]+",
    "shutdown_timeout": "[0-9]+",
    "log_level": "debug|info|warn|error|fatal|panic",
    "log_format": "runner|text|json",
    "listen_address": r"\S*:[0-9]{1,5}",
}
"""Global keys that a policy has too, and what it takes; another value stays in the file alone."""
_NUMBERS = frozenset({"concurrent", "check_interval", "shutdown_timeout"})


def _settings(tree: Mapping[str, Any]) -> dict[str, int | str]:
    return {
        key: tree[key]
        for key, pattern in _SETTINGS.items()
        if _is(tree.get(key), int if key in _NUMBERS else str) and re.fullmatch(pattern, str(tree[key]))
    }


def read_runners(text: str, file: str) -> Existing:
    """
    Read the runners of a config.toml, in the order of the file.

    Raises:
        WireError: it is not TOML, or `runners` is not an array of tables.
    """
    return read(parse(text, file), file, lines=section_lines(text, file))


def parse(text: str, file: str) -> dict[str, Any]:
    """
    Parse a config.toml.

    Raises:
        WireError: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{file}: is not TOML: {redact(str(error))}. {ask_lint(file)} shows where."
    except (RecursionError, ValueError):
        message = f"{file}: is not a config.toml: it nests or counts beyond any use. Name the runner's own file."
    raise WireError(message)


def section_lines(text: str, file: str) -> tuple[int, ...]:
    """Return the line of each runner's section, in the order of the file. Never raises."""
    sections = toml.parse(text, file).root.get("runners")
    return tuple(one.place.line for one in sections.items) if isinstance(sections, toml.Array) else ()


def read(
    tree: Mapping[str, Any], file: str, *, lines: Sequence[int] = (), how_to_name: str = "Give it one."
) -> Existing:
    """
    Read the runners of a parsed config.toml, in the order of the file.

    Args:
        tree: what `parse` returned.
        file: what the file is called.
        lines: what `section_lines` returned; nothing where the sections are part of another text.
        how_to_name: what to do about a runner without a name.

    Raises:
        WireError: `runners` is not an array of tables.
    """
    sections = tree.get("runners", [])
    if not isinstance(sections, list) or not all(isinstance(one, dict) for one in sections):
        message = f"{file}: runners is not an array of tables. Write each runner as [[runners]]."
        raise WireError(message)
    reader = _Reader(file)
    runners = [reader.runner(one, at, lines[at] if lines else 0) for at, one in enumerate(sections)]
    kept = tuple(one for one in runners if one is not None)
    reader.find_twins(sections, kept, how_to_name)
    return Existing(
        runners=kept,
        settings=MappingProxyType(_settings(tree)),
        notes=tuple(reader.notes),
        problems=tuple(reader.problems),
    )


def _is(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)


class _Reader:
    """Reads runner after runner and collects what is to be said about them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.who = ""
        self.notes: list[str] = []
        self.problems: list[str] = []

    def runner(self, section: Mapping[str, Any], number: int, line: int) -> ExistingRunner | None:
        name = section.get("name", "")
        self.who = f"runner {_title(name if isinstance(name, str) else '', number, line)}"
        name = self._value(section, "name", str, "")
        executor = self._value(section, "executor", str, "")
        if executor != KUBERNETES:
            kind = f"the executor {redact(executor)!r}" if executor else "no executor"
            self.notes.append(f"{self.who}: left alone, because it names {kind}; a policy is about {KUBERNETES}.")
            return None
        table = self._value(section, KUBERNETES, dict, {})
        token = self._value(section, "token", str, "")
        annotations = self._strings(table, "pod_annotations")
        return ExistingRunner(
            number=number,
            line=line,
            name=name,
            url=self._value(section, "url", str, ""),
            short_id=short_id(token),
            limit=max(0, self._value(section, "limit", int, 0)),
            namespace=self._value(table, "namespace", str, ""),
            namespace_per_job=self._value(table, "namespace_per_job", bool, default=False),
            service_account=self._value(table, "service_account", str, ""),
            image=self._value(table, "image", str, ""),
            poll_timeout_s=self._value(table, "poll_timeout", int, 0),
            pools=tuple(name for each in POOL_KEYS for name in self._pools(annotations.get(each), each)),
            labels=self._plain(self._strings(table, "pod_labels"), "label"),
            annotations=self._plain(annotations, "annotation"),
            annotation_overwrites=self._value(table, "pod_annotations_overwrite_allowed", str, ""),
            label_overwrites=self._value(table, "pod_labels_overwrite_allowed", str, ""),
        )

    def find_twins(
        self, sections: Sequence[Mapping[str, Any]], kept: Sequence[ExistingRunner], how_to_name: str
    ) -> None:
        """Say which runners a policy could not tell apart: GitLab knows them by token, a policy by name."""
        tokens: dict[str, ExistingRunner] = {}
        names: dict[tuple[str, str], ExistingRunner] = {}
        for one in kept:
            name = (one.name.lower(), clean_url(one.url))
            token = str(sections[one.number].get("token", ""))
            if not one.name:
                self.problems.append(
                    f"runner {one} has no name, and a policy tells runners apart by name. {how_to_name}"
                )
            elif name in names:
                self.problems.append(
                    f"runners {names[name]} and {one} have one name, and a policy tells runners apart by name. Rename "
                    "one of them."
                )
            if token and token in tokens:
                self.problems.append(
                    f"runners {tokens[token]} and {one} share a token: GitLab deals their jobs to either by chance. "
                    "Register a runner of its own for one of them, or remove it."
                )
            names.setdefault(name, one)
            tokens.setdefault(token, one)

    def _value(self, table: Mapping[str, Any], key: str, kind: type[T], default: T) -> T:
        value = table.get(key, default)
        if _is(value, kind):
            return cast("T", value)
        self._wrong_type(key, value, _TYPE_NAMES[kind])
        return default

    def _strings(self, table: Mapping[str, Any], key: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in self._value(table, key, dict, {}).items():
            if isinstance(value, str):
                found[name] = value
            else:
                self._wrong_type(f'{key}."{redact(name)}"', value, "a string")
        return found

    def _wrong_type(self, key: str, value: object, expected: str) -> None:
        kind = next((name for kind, name in _TYPE_NAMES.items() if _is(value, kind)), "another type")
        self.problems.append(
            f"{self.who}: {key} is {kind}, expected {expected}: the runner refuses the whole file. {self._ask_lint()}"
        )

    def _ask_lint(self) -> str:
        return f"{ask_lint(self.file)} shows the place and the remedy."

    def _pools(self, text: str | None, key: str) -> tuple[str, ...]:
        """Read one pool annotation as Calico does; null, an empty list and empty text ask for nothing."""
        if not text:
            return ()
        if "$" in text or "{{" in text:
            self.problems.append(
                f"{self.who}: {key} holds a variable, so a job decides its own pool. Write the names of pools there. "
                f"{self._ask_lint()}"
            )
            return ()
        try:
            names = json.loads(text)
        except (ValueError, RecursionError):
            names = text
        if names is None:
            return ()
        if isinstance(names, list) and all(isinstance(one, str) and one for one in names):
            return tuple(names)
        self.problems.append(
            f"{self.who}: {key} is {redact(text)!r}, expected one string that holds a JSON list of pool names, such as "
            f"'[\"infra\"]': its pods never start. {self._ask_lint()}"
        )
        return ()

    def _plain(self, values: Mapping[str, str], word: str) -> Mapping[str, str]:
        """Return what a policy can say, too; the rest stays in the file, and that is said."""
        plain = {key: value for key, value in values.items() if not why_not(key, value, word)}
        for key, value in values.items():
            why = why_not(key, value, word)
            if word == "annotation" and (meant := misspelt(key)) in POOL_KEYS and meant != key:
                why = f"Calico ignores the key and knows {meant!r}. Correct it first, if the runner is to ask for pools"
            if why and key not in POOL_KEYS and why != OURS:
                self.notes.append(f"{self.who}: the {word} {redact(key)!r} is not for a policy: {why}.")
        return MappingProxyType(plain)
