"""
A policy merged into the TOML of an admin: what it governs is made so, every other byte stays.

The text is spliced, not written anew (why not by tomlkit: docs/decisions/0004). The result is parsed, and must be the
parsed input with the governed keys in it. Only what differs is touched, so that a second merge changes nothing.
"""

from __future__ import annotations

import copy
import tomllib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runner_bridge.core.model import Place
from runner_bridge.core.redact import redact
from runner_bridge.core.text import toml
from runner_bridge.core.text.problem import Malformed
from runner_bridge.render import toml_text
from runner_bridge.render.fragment import layout, proof
from runner_bridge.render.fragment.about import about
from runner_bridge.render.fragment.go_template import printed
from runner_bridge.render.fragment.governed import complete, global_keys, governed, template_keys
from runner_bridge.render.fragment.matching import match
from runner_bridge.render.fragment.section import Section
from runner_bridge.render.fragment.splice import Splice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.model import Policy, Runner, RunnerName

ARRAY = "runners"
_NO_TOKENS: Mapping[RunnerName, str] = MappingProxyType({})


def merge(
    text: str, policy: Policy, *, name: str = "config.toml", tokens: Mapping[RunnerName, str] = _NO_TOKENS
) -> str:
    """
    Return a config.toml with everything that the policy governs, and all else as it was.

    A runner that the file does not have is added at the end. Sections of other runners, comments, the order of keys,
    tokens, ids and line ends stay. `merge(merge(text)) == merge(text)`.

    Args:
        text: the existing file; may be empty.
        policy: what is to be in force.
        name: what the file is called in errors.
        tokens: of runners, for sections that have none; a token that is there stays, the runner may have renewed it.

    Raises:
        Malformed: it is no TOML, or a place in it leaves no room for a governed key; says where and what to do.
        RenderError: the result does not parse to what was meant; a defect of ours.
    """
    existing = _Existing(text, name)
    matched = match(existing.sections, policy, existing.refuse_section)
    expected = copy.deepcopy(existing.parsed)
    splice = Splice(existing.data)
    _globals(existing, policy, splice, expected)
    for runner in policy.runners.values():
        at = matched.get(runner.name)
        token = tokens.get(runner.name, "") if at is None or not existing.sections[at].get("token") else ""
        values = governed(policy, runner, token=token)
        if at is None:
            whole = complete({}, values)
            splice.append(f"\n{about(runner, has_token=bool(token))}{toml_text.array_item(ARRAY, whole)}")
            sections = expected.setdefault(ARRAY, [])
            matched[runner.name] = len(sections)
            sections.append(whole)
        else:
            # A section that was matched is at the GitLab of the policy, however its url is written.
            values["url"] = existing.sections[at].get("url", values["url"])
            expected[ARRAY][at] = existing.change(at, values, splice)
    return _proven(splice.result(), expected, policy, matched, name)


def merge_template(text: str, policy: Policy, runner: Runner, *, name: str) -> str:
    """
    Return the template of a Helm release with everything that the policy governs; `{{` in it is escaped.

    Its one `[[runners]]` is the runner's, whatever its name: a template's name never applies.

    Raises:
        Malformed: as `merge`; or it has more than one section.
        RenderError: as `merge`.
    """
    existing = _Existing(text, name)
    if len(existing.sections) > 1:
        raise existing.refuse_section(
            1, "a second section", "one, which is all that a template may have", "Use one release for each runner."
        )
    expected = copy.deepcopy(existing.parsed)
    splice = Splice(existing.data)
    values = template_keys(policy, runner, through_tpl=True)
    if existing.sections:
        expected[ARRAY][0] = existing.change(0, values, splice)
    else:
        whole = complete({}, values)
        splice.append(toml_text.array_item(ARRAY, whole))
        expected[ARRAY] = [whole]
    return _proven(splice.result(), expected, policy, {runner.name: 0}, name)


def _globals(existing: _Existing, policy: Policy, splice: Splice, expected: dict[str, Any]) -> None:
    """Write globals where there is nothing at all; else only a `concurrent` that ends the runner is mended."""
    values = global_keys(policy)
    if not existing.parsed:
        splice.append("\n".join((*toml_text.lines((), values, 0), "")))
        expected.update(values)
    for pair in existing.blocks[0].pairs:
        key = pair.path[0]
        if key.lower() == "concurrent" and type(existing.parsed[key]) is int and existing.parsed[key] < 1:
            splice.replace(pair.value, toml_text.value(values["concurrent"]))
            expected[key] = values["concurrent"]


def _proven(text: str, expected: dict[str, Any], policy: Policy, places: Mapping[RunnerName, int], name: str) -> str:
    parsed = proof.parse_back(text, name)
    proof.prove_same(name, parsed, expected)
    for runner, at in places.items():
        proof.prove_section(name, policy, policy.runners[runner], printed(parsed[ARRAY][at]))
    return text


def _explain(text: str, name: str, error: str) -> Malformed:
    """Return the first mistake of a text, with its place; what only our own parser refuses has none."""
    for problem in toml.parse(text, name).problems:
        return Malformed(
            place=problem.place, observed=problem.observed, expected=problem.expected, remedy=problem.remedy
        )
    return Malformed(place=Place(file=name), observed=redact(error), expected="TOML 1.0", remedy="Correct the place.")


class _Existing:
    """A file as it was found: parsed, and where its parts stand."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.data = text.encode()
        self.parsed = self._parse(text)
        self.blocks = layout.blocks(self.data)
        self._check_array()
        self.sections: list[dict[str, Any]] = self.parsed.get(ARRAY, [])
        self._section_blocks = self._split()

    def _parse(self, text: str) -> dict[str, Any]:
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise _explain(text, self.name, str(error)) from error
        except (RecursionError, ValueError) as error:
            observed, remedy = "values nested or numbers long beyond any use", "Check that the right file is named."
            place = Place(file=self.name)
            raise Malformed(place=place, observed=observed, expected="a config.toml", remedy=remedy) from error

    def _check_array(self) -> None:
        for block in self.blocks:
            for pair in block.pairs if not block.path else ():
                if pair.path[0].lower() == ARRAY:
                    raise self.refuse(
                        pair.start, "runners in one value", "[[runners]]", "Write each runner as a table."
                    )
            if block.path and block.path[0].lower() == ARRAY and block.path[0] != ARRAY:
                raise self.refuse(
                    block.start, block.path[0], ARRAY, "The runner reads both as one key; write it in lower case."
                )
            if block.path == (ARRAY,) and not block.is_element:
                raise self.refuse(block.start, "[runners]", "[[runners]]", "Double the brackets.")
            if block.path[:1] == (ARRAY,) and not isinstance(self.parsed[ARRAY], list):
                what = f"[{toml_text.header(block.path)}] that belongs to no runner"
                raise self.refuse(block.start, what, "[[runners]] above it", "Start the runner with [[runners]].")

    def refuse(self, offset: int, observed: str, expected: str, remedy: str) -> Malformed:
        """Return the error for a place in the file."""
        place = Place(file=self.name, line=layout.line_number(self.data, offset), column=1)
        return Malformed(place=place, observed=redact(observed), expected=expected, remedy=remedy)

    def refuse_section(self, at: int, observed: str, expected: str, remedy: str) -> Malformed:
        """Return the error for a whole section."""
        return self.refuse(self._section_blocks[at][0].start, observed, expected, remedy)

    def change(self, at: int, values: dict[str, Any], splice: Splice) -> dict[str, Any]:
        """Make `values` hold in a section; returns what it must parse to then."""
        section = Section(self._section_blocks[at], self.refuse)
        section.check(self.sections[at], values)
        whole = complete(self.sections[at], values)
        section.change(self.sections[at], whole, splice)
        return whole

    def _split(self) -> list[list[layout.Block]]:
        """Return the blocks of each section; a table of another root between them belongs to none."""
        sections: list[list[layout.Block]] = []
        for block in self.blocks:
            if block.path == (ARRAY,):
                sections.append([block])
            elif block.path[:1] == (ARRAY,):
                sections[-1].append(block)
        return sections
