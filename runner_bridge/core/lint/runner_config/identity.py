"""Who a runner is: url, token, name. Tokens are compared, never shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_bridge.core.lint.runner_config.report import Runner, join, scalar_of, text_of
from runner_bridge.core.lint.told import found
from runner_bridge.core.marks import has_token_prefix, label_value, short_id
from runner_bridge.core.model.codes import runner_config as codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner_bridge.core.model import Code, Finding, Place

VARIABLE = re.compile(r"\$(?:\w+|\{\w+\})")
_PLACEHOLDER = re.compile(r"(?i)redact|token|secret|change|replace|example|your|xxx|\*\*|\.\.\.|[<>\[\]{}…]")
_BLANKED = re.compile(r"(?i)redact|x{6}|\*{3}|\.{3}|…|[<>]")
"""What stands behind the prefix of a token where its rest was taken out; no real one holds it but by a freak."""


def check(runners: Sequence[Runner], *, partial: bool, generated: bool) -> Iterator[Finding]:
    """
    Yield what is wrong with the identities of the runners of a file.

    Args:
        runners: all of one file.
        partial: url, token and name may come from elsewhere, or from a line that could not be read.
        generated: the file is ours, and no file of ours holds a token.
    """
    if not partial:
        for runner in runners:
            yield from _required(runner, generated=generated)
            yield from _name(runner)
        yield from _names(runners)
    for runner in runners:
        yield from _url(runner)
        yield from _token(runner)
    yield from _tokens(runners)


def _required(runner: Runner, *, generated: bool) -> Iterator[Finding]:
    for key in ("url", "token"):
        entry = runner.entry(key)
        if entry is None and key == "token" and generated:
            yield found(codes.TOKEN_NOT_IN, join(runner.path, key), runner.table.place, observed="no token")
        elif entry is None:
            yield found(codes.REQUIRED_KEY, join(runner.path, key), runner.table.place, observed=f"no {key}")
        elif (scalar := scalar_of(runner.table, key)) and scalar.value == "":
            yield found(codes.REQUIRED_KEY, join(runner.path, key), scalar.place, observed=f"an empty {key}")


def _name(runner: Runner) -> Iterator[Finding]:
    if runner.entry("name") is None:
        yield found(codes.NAME_MISSING, join(runner.path, "name"), runner.table.place, observed="no name")


def _url(runner: Runner) -> Iterator[Finding]:
    scalar = scalar_of(runner.table, "url")
    url = text_of(runner.table, "url")
    if scalar and url.rstrip("/").endswith("/ci"):
        yield found(
            codes.DEPRECATED_KEY,
            join(runner.path, "url"),
            scalar.place,
            observed="/ci at the end",
            cause="The runner strips it and warns.",
            remedy="Write the address of GitLab itself.",
        )


def _token(runner: Runner) -> Iterator[Finding]:
    scalar = scalar_of(runner.table, "token")
    token = text_of(runner.table, "token")
    if scalar and "$" in token and not VARIABLE.fullmatch(token):
        yield found(codes.TOKEN_VARIABLE, join(runner.path, "token"), scalar.place, observed="a $ in a literal token")


def _tokens(runners: Sequence[Runner]) -> Iterator[Finding]:
    tokens: dict[str, tuple[Runner, Place]] = {}
    shorts: dict[str, tuple[Runner, Place]] = {}
    for runner in runners:
        scalar = scalar_of(runner.table, "token")
        token = text_of(runner.table, "token")
        if scalar is None or not token or is_placeholder(token):
            continue
        path = join(runner.path, "token")
        if token in tokens:
            yield _twin(codes.SHARED_TOKEN, path, scalar.place, tokens[token], "the token of")
            continue
        tokens[token] = (runner, scalar.place)
        short = short_id(token)
        if short and short in shorts:
            yield _twin(codes.SHARED_SHORT_ID, path, scalar.place, shorts[short], "the short form of the token of")
        shorts.setdefault(short, (runner, scalar.place))


def is_placeholder(token: str) -> bool:
    """Tell whether somebody put a word for the token, to show the file around: nothing can be compared then."""
    blank = _BLANKED if has_token_prefix(token) else _PLACEHOLDER
    return "$" not in token and blank.search(token) is not None


def _twin(code: Code, path: str, place: Place, first: tuple[Runner, Place], what: str) -> Finding:
    runner, where = first
    return found(code, path, place, observed=f"{what} {runner.path} (line {where.line})")


def _names(runners: Sequence[Runner]) -> Iterator[Finding]:
    seen: dict[str, tuple[Runner, Place]] = {}
    for runner in runners:
        scalar = scalar_of(runner.table, "name")
        name = text_of(runner.table, "name")
        if scalar is None or not name:
            continue
        label = label_value(name)
        path = join(runner.path, "name")
        if label in seen:
            yield _twin(codes.DUPLICATE_NAME, path, scalar.place, seen[label], "the name of")
        elif label != name:
            yield found(codes.NAME_CHANGED, path, scalar.place, expected=f"it to appear as {label!r}")
        seen.setdefault(label, (runner, scalar.place))
