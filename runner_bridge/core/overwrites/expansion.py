r"""
How GitLab Runner puts CI variables into an overwrite, step by step, without a runner.

The order decides what a job can reach, and is this (GitLab Runner 19.4; common/build.go, common/spec/variables.go,
executors/kubernetes/overwrites.go and kubernetes.go):

1. all variables are expanded with each other, once (`GetAllVariables`), and once more (`createOverwrites`);
   a variable with `expand: false` (raw) is left alone both times;
2. the value of the overwrite variable is matched with `*_overwrite_allowed`, unanchored and as a whole;
3. it is split at the first `=`; the key is final;
4. the value is expanded again, raw or not, with the variables as the job sent them (annotations and labels only).

So step 4 can still take away or put in what the regular expression has seen. A reference to a variable nobody has
defined becomes the empty text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_SPECIAL = "*#$@!?-0123456789"
"""One character after `$` that is a whole name (Go, os/env.go)."""
_ALWAYS_EMPTY = frozenset("*#@!?0123456789")
"""Names that the runner answers with the empty text whatever the job defines (common/spec/variables.go)."""
_NAME = re.compile("[A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A CI variable as GitLab hands it to the runner."""

    key: str
    value: str
    raw: bool = False
    """`expand: false` in .gitlab-ci.yml."""


class JobFailsError(ValueError):
    """The runner would fail the job while it prepares the overwrites."""


def references(text: str) -> Iterator[tuple[int, int, str]]:
    """
    Each place where Go's `os.Expand` acts on `text`: start, end and the variable's name.

    The name is empty where broken syntax (`${}`, or `${` that is never closed) is swallowed. A `$` before anything
    that starts no name, and one at the very end, are ordinary text.
    """
    at = text.find("$")
    while 0 <= at < len(text) - 1:
        start, following = at, text[at + 1]
        at += 1
        if following == "{":
            close = text.find("}", at + 1)
            special = close == at + 2 and text[at + 1] in _SPECIAL
            name = text[at + 1 : close] if close > at + 1 or special else ""
            at = close + 1 if close > 0 else at + 1
            yield start, at, name
        elif following in _SPECIAL:
            at += 1
            yield start, at, following
        else:
            found = _NAME.match(text, at)
            if found and found.end() > at:
                at = found.end()
                yield start, at, found[0]
        at = text.find("$", at)


def expand(text: str, lookup: Callable[[str], str]) -> str:
    """`os.Expand` of Go: each reference in `text` replaced by what `lookup` says of its name."""
    out: list[str] = []
    done = 0
    for start, end, name in references(text):
        out += (text[done:start], lookup(name) if name else "")
        done = end
    return "".join((*out, text[done:]))


def is_fixed(name: str) -> bool:
    """Whether no variable can change what the runner puts for a name (`$1`, `$*`, `$$`, and swallowed syntax)."""
    return not name or name == "$" or name in _ALWAYS_EMPTY


def value_of(name: str, variables: Sequence[Variable]) -> str:
    """Look a name up as the runner does: the last variable of that name, `$` for `$`, else the empty text."""
    if name == "$":
        return name
    if name in _ALWAYS_EMPTY:
        return ""
    return next((one.value for one in reversed(variables) if one.key == name), "")


def expanded(variables: Sequence[Variable]) -> tuple[Variable, ...]:
    """Every variable's value expanded once with the unexpanded others; raw ones stay."""
    return tuple(
        one if one.raw else replace(one, value=expand(one.value, lambda name: value_of(name, variables)))
        for one in variables
    )


def overwritten(
    configured: Mapping[str, str], variables: Sequence[Variable], *, prefix: str, allowed: Callable[[str], bool] | None
) -> dict[str, str]:
    """
    Compute the annotations (or labels, before they are made valid) of a job pod from configuration and job.

    Args:
        configured: the table of config.toml.
        variables: the job's, in the order in which they are sent; a later one wins.
        prefix: of the names of the overwrite variables, `KUBERNETES_POD_ANNOTATIONS_`.
        allowed: whether the regular expression matches a text; None where the setting is empty, which ignores all
            overwrite variables without a word.

    Raises:
        JobFailsError: a value that is not allowed, or one without `=`.
    """
    result = dict(configured)
    for one in expanded(expanded(variables)):
        if allowed is None or not one.key.startswith(prefix):
            continue
        key, equals, value = one.value.partition("=")
        if not allowed(one.value) or not equals:
            raise JobFailsError(one.key)
        result[key] = value
    return {key: expand(value, lambda name: value_of(name, variables)) for key, value in result.items()}
