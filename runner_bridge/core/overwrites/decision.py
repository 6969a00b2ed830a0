"""
Decide what a job can reach through one `*_overwrite_allowed`: a decision on the language, not a sample of it.

`SAFE` is said only when the walk through all texts has ended without a way out; every `OPENS` carries a witness that
was replayed through the runner's expansions, its match (google-re2) and what Calico does with the result. Whatever
lies between is `UNKNOWN`. Pure. Explained in docs/explanation/overwrites.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import re2

from runner_bridge.core.overwrites import expansion, nfa, syntax
from runner_bridge.core.overwrites.expansion import JobFailsError, Variable
from runner_bridge.core.overwrites.questions import VARIABLES, Question, Setting, question
from runner_bridge.core.overwrites.search import MOST_STEPS, Path, Search, StateLimitError
from runner_bridge.core.overwrites.tree import NotUnderstoodError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_SPLIT: Final = {Setting.ANNOTATIONS, Setting.LABELS, Setting.NODE_SELECTOR}
"""Settings whose variables hold `key=value`."""
_EXPANDED: Final = {Setting.ANNOTATIONS, Setting.LABELS}
"""Settings whose values the runner expands once more after the match."""


_DISAGREE: Final = "google-re2 reads it differently than this check"
_DEFINABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_PREDEFINED = re.compile("[A-Z_][A-Z0-9_]*")
_PLAIN = re.compile("[ -~]*")


class Verdict(StrEnum):
    """What a job can do with the overwrite."""

    SAFE = "safe"
    """Nothing that matters."""
    KEY_ONLY = "key-only"
    """It can set what matters, but to nothing that gives it a way out."""
    OPENS = "opens"
    """It can get out; there is a witness."""
    UNKNOWN = "unknown"
    """Not decided: too large, not understood, or a proof that did not survive its replay."""
    INVALID = "invalid"
    """No regular expression of Go: each job that uses the overwrite fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A CI variable that does it, complete."""

    variable: str
    value: str
    expand_false: bool = False
    """The value holds a `$` that must reach the match as it is."""
    helpers: tuple[tuple[str, str], ...] = ()
    """Further variables that the job defines, name and value."""
    key: str = ""
    """The annotation, label or node label that is set; empty where the setting has none."""
    final: str = ""
    """What arrives on the pod."""

    def as_yaml(self) -> str:
        """Write the complete `variables:` of a .gitlab-ci.yml, ending in a newline."""
        lines = ["variables:"]
        if self.expand_false:
            lines += [f"  {self.variable}:", f"    value: {_scalar(self.value)}", "    expand: false"]
        else:
            lines.append(f"  {self.variable}: {_scalar(self.value)}")
        lines += [f"  {name}: {_scalar(value)}" for name, value in self.helpers]
        return "\n".join(lines) + "\n"

    def variables(self) -> tuple[Variable, ...]:
        """As GitLab hands them to the runner."""
        main = Variable(key=self.variable, value=self.value, raw=self.expand_false)
        return (main, *(Variable(key=name, value=value) for name, value in self.helpers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer for one pattern."""

    pattern: str
    setting: Setting
    verdict: Verdict
    witness: Witness | None = None
    """Always for `OPENS` and `KEY_ONLY`, never otherwise."""
    reason: str = ""
    """For `UNKNOWN` and `INVALID`: why, as half a sentence."""


def decide(
    pattern: str,
    *,
    setting: str = Setting.ANNOTATIONS,
    configured: Collection[str] = (),
    most_steps: int = MOST_STEPS,
) -> Decision:
    """
    Decide what a job can reach through `setting = pattern`. Any pattern gets an answer.

    Args:
        pattern: the value in config.toml; empty means that nothing may be overwritten. For
            `bearer_token_overwrite_allowed`, which is no pattern, `true` or `false`.
        setting: one of `Setting`.
        configured: the keys of the table that may be overwritten (`pod_labels`, `node_selector`), as config.toml sets
            them; the admin wants those to stay.
        most_steps: where the search is cut off.

    Raises:
        ValueError: `setting` is none of `Setting`.

    >>> decide("team=.*").witness.value
    'cni.projectcalico.org/ipv4pools=["default"]${team=}'
    >>> decide("^team=.*").verdict
    <Verdict.SAFE: 'safe'>
    """
    which = Setting(setting)
    if which is Setting.BEARER_TOKEN:
        return _bearer_token(pattern)
    if not pattern:
        return Decision(pattern=pattern, setting=which, verdict=Verdict.SAFE)
    asked = question(which, tuple(sorted(key for key in configured if key and key.isascii() and "=" not in key)))
    verdict, witness, reason = _decided(pattern, which, asked, most_steps)
    return Decision(pattern=pattern, setting=which, verdict=verdict, witness=witness, reason=reason)


def _bearer_token(value: str) -> Decision:
    """Answer for the setting that is no pattern: where it is on, the runner takes any token (`.+`)."""
    allowed = value.strip().lower() == "true"
    name = VARIABLES[Setting.BEARER_TOKEN]
    token = "$TOKEN_OF_ANOTHER_ACCOUNT"  # noqa: S105 - stands for one
    return Decision(
        pattern=value,
        setting=Setting.BEARER_TOKEN,
        verdict=Verdict.OPENS if allowed else Verdict.SAFE,
        witness=Witness(variable=name, value=token, final=token) if allowed else None,
    )


_Answer = tuple[Verdict, Witness | None, str]


def _decided(pattern: str, setting: Setting, asked: Question, most_steps: int) -> _Answer:
    try:
        machine = nfa.build(syntax.parse(pattern))
        matches = _google_re2(pattern)
    except RefusedError as error:
        return Verdict.INVALID, None, str(error)
    except NotUnderstoodError as error:
        return Verdict.UNKNOWN, None, f"it has {error}"
    except re2.error:
        return Verdict.UNKNOWN, None, "google-re2 does not load it"
    return answer(Search(machine, most_steps=most_steps), matches, setting, asked)


def answer(search: Search, matches: Callable[[str], bool], setting: Setting, asked: Question) -> _Answer:
    """
    Decide from two independent readings of one pattern: the automaton that searches, google-re2 that replays.

    Args:
        search: over the automaton of the pattern.
        matches: google-re2's opinion on one text.
        setting: which setting it is about.
        asked: what is asked of it.
    """
    try:
        reached = _within(search.shortest(asked.reach), asked)
        if reached is None:
            doubted = any(map(matches, asked.samples))
            return (Verdict.UNKNOWN, None, _DISAGREE) if doubted else (Verdict.SAFE, None, "")
        witness, reason = _way_out(search, matches, setting, asked)
    except StateLimitError:
        return Verdict.UNKNOWN, None, "it has more states than are followed"
    if witness is not None:
        return Verdict.OPENS, witness, ""
    harmless = _witness(reached, setting)
    if not reason and not matches(harmless.value):
        reason = _DISAGREE
    return (Verdict.UNKNOWN, None, reason) if reason else (Verdict.KEY_ONLY, harmless, "")


def _way_out(
    search: Search, matches: Callable[[str], bool], setting: Setting, asked: Question
) -> tuple[Witness | None, str]:
    """Find a way out that stands up when it is replayed; else None, and why that proves nothing (empty: it does)."""
    reason = ""
    for way in asked.ways_out:
        paths = [_within(search.shortest(goal), asked) for goal in way()]
        if paths[0] is None or None in paths:
            continue
        witness = _witness(paths[0], setting)
        if not all(_DEFINABLE.fullmatch(name) for name, _ in witness.helpers):
            reason = "a way out needs a variable whose name GitLab may refuse"
        elif replays(witness, setting, matches, asked.is_way_out):
            return witness, ""
        else:
            reason = "a way out was found that did not stand up when it was replayed"
    return None, reason


def _within(path: Path | None, asked: Question) -> Path | None:
    """Nothing, where even the shortest text is longer than Kubernetes takes."""
    too_long = path is not None and asked.longest is not None and len(path.text) > asked.longest
    return None if too_long else path


def replays(
    witness: Witness, setting: Setting, matches: Callable[[str], bool], is_way_out: Callable[[str, str], bool]
) -> bool:
    """Tell whether the runner, given these variables, puts on the pod what the witness says, and it is a way out."""
    if setting in _EXPANDED:
        prefix = VARIABLES[setting].removesuffix("1")
        try:
            result = expansion.overwritten({}, witness.variables(), prefix=prefix, allowed=matches)
        except JobFailsError:
            return False
        return result == {witness.key: witness.final} and is_way_out(witness.key, witness.final)
    seen = expansion.expanded(expansion.expanded(witness.variables()))[0].value
    key, _, value = seen.partition("=") if setting in _SPLIT else ("", "", seen)
    return matches(seen) and (key, value) == (witness.key, witness.final) and is_way_out(key, value)


def _witness(path: Path, setting: Setting) -> Witness:
    """Write the variable for a path; what a reference in it must become is the value of a helper."""
    key, _, value = path.text.partition("=") if setting in _SPLIT else ("", "", path.text)
    helpers: dict[str, str] = {}
    if setting in _EXPANDED:
        names = [name for _, _, name in expansion.references(value) if not expansion.is_fixed(name)]
        for name, text in zip(names, path.replaced, strict=False):
            # A name in capitals may be one that GitLab or an admin has defined: say that it is empty.
            if text or _PREDEFINED.fullmatch(name):
                helpers.setdefault(name, text)
    witness = Witness(
        variable=VARIABLES[setting],
        value=path.text,
        expand_false="$" in path.text,
        helpers=tuple(helpers.items()),
        key=key,
        final=value,
    )
    if setting not in _EXPANDED:
        return witness
    variables = witness.variables()
    return replace(witness, final=expansion.expand(value, lambda name: expansion.value_of(name, variables)))


def _google_re2(pattern: str) -> Callable[[str], bool]:
    """
    Compile the pattern with google-re2, for a search anywhere in a text.

    Raises:
        re2.error: it cannot be compiled.
        RefusedError: it is no text that UTF-8 can hold.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except UnicodeEncodeError:
        raise RefusedError("a character that is no Unicode text") from None
    return lambda text: compiled.search(text) is not None


def _scalar(text: str) -> str:
    """`text` as a quoted YAML scalar on one line."""
    if _PLAIN.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if " " <= char <= "~":
        return char
    known = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return known.get(char) or (f"\\x{ord(char):02X}" if ord(char) < 0x100 else f"\\U{ord(char):08X}")
