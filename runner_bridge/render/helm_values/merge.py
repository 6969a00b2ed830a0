"""
A policy merged into the values file of an existing release.

Spliced at the positions of the parsed YAML: a round trip through a YAML library would re-indent lists, re-quote strings
and re-wrap comments of a file that is somebody's code. The result is parsed, and must be the parsed input with the
governed values in it. In an umbrella chart the values stand below `gitlab-runner:`; written beside it they would do
nothing.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from runner_bridge.core.model import Place
from runner_bridge.core.redact import redact
from runner_bridge.core.text import yaml
from runner_bridge.core.text.problem import Malformed
from runner_bridge.core.text.yaml_scalar import scalar
from runner_bridge.render import yaml_text
from runner_bridge.render.fragment import merge_template, same_gitlab
from runner_bridge.render.fragment.splice import Splice

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Policy, Runner

NAME_VARIABLE = "RUNNER_NAME"
SUBCHART = "gitlab-runner"
_OURS = ("gitlabUrl", "envVars", "runners")
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_STEP = "  "


def merge_values(text: str, policy: Policy, runner: Runner, *, name: str = "values.yaml") -> str:
    """
    Return a values file with the template of its runner, its name and its GitLab as the policy says.

    Everything else, tokens and comments among it, stays byte for byte; a second merge changes nothing.

    Args:
        text: the existing file; may be empty.
        policy: what is to be in force.
        runner: whose release it is; a values file does not say.
        name: what the file is called in errors.

    Raises:
        Malformed: it is no YAML, its template is no TOML, or a place leaves no room; says where and what to do.
        RenderError: the template does not parse to what was meant; a defect of ours.
    """
    values = _Values(text, name)
    values.set_gitlab(policy.gitlab.url)
    values.set_name(str(runner.name))
    values.set_template(policy, runner)
    return values.result()


def runner_named_in(text: str, *, name: str = "values.yaml") -> str | None:
    """
    Return the name that the chart gives its runner; None where the file leaves it to the chart.

    Raises:
        Malformed: it is no YAML.
    """
    for root in map(_chart_values, yaml.parse(text, name)):
        for element in variables.elements if (variables := root.get("envVars")) else ():
            said, value = element.get("name"), element.get("value")
            if said is not None and value is not None and said.text == NAME_VARIABLE:
                return value.text
        if (extra := root.get("extraEnv")) and (value := extra.get(NAME_VARIABLE)):
            return value.text
    return None


def token_named_in(text: str, *, name: str = "values.yaml") -> tuple[str, str]:
    """
    Return the token that the release signs in with, and the name of the Secret that has it; empty where not said.

    Raises:
        Malformed: it is no YAML.
    """
    for root in map(_chart_values, yaml.parse(text, name)):
        token, section = root.get("runnerToken"), root.get("runners")
        secret = section.get("secret") if section else None
        return token.text if token else "", secret.text if secret else ""
    return "", ""


def _chart_values(root: yaml.Node) -> yaml.Node:
    """Return the values that the chart gets: in an umbrella chart those below its name."""
    inner = root.get(SUBCHART)
    return root if inner is None or any(root.get(key) for key in _OURS) else inner


class _Values:
    """A values file while it is changed, and what it must parse to."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._splice = Splice(text.encode())
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
        documents = yaml.parse(text, name)
        self._root = documents[0] if documents else None
        if len(documents) > 1:
            raise self._refuse(documents[1], "a second document", "one", "Helm reads only one; remove the other.")
        if self._root is not None and (kind := self._root.get("kind")) and self._root.get("apiVersion"):
            # Argo CD and Flux wrap values in an object of their own, where keys at the top mean something else.
            remedy = "Keep the values in a file of their own and let the object name it."
            raise self._refuse(kind, f"a {redact(kind.text)}", "values of the chart and nothing around them", remedy)
        if self._root is not None and self._root.kind is not yaml.Kind.MAPPING:
            raise self._refuse(self._root, f"a {self._root.kind}", "a mapping", "Check that the right file is named.")
        self._expected: dict[str, Any] = {} if self._root is None else yaml.to_python(self._root)
        self._chart = self._expected
        """Of `_expected` what the chart gets."""
        self._indent = ""
        if self._root is not None and (inner := _chart_values(self._root)) is not self._root:
            if inner.style is not yaml.Style.BLOCK or inner.kind is not yaml.Kind.MAPPING:
                raise self._refuse(inner, f"{SUBCHART} on one line", "a mapping, one key in a line", "Write it out.")
            self._root, self._chart, self._indent = inner, self._expected[SUBCHART], " " * (inner.column - 1)

    def set_gitlab(self, url: str) -> None:
        """Add the GitLab; another one is refused, because the release's token would be sent there."""
        node = self._get("gitlabUrl")
        if node is None or self._is_nothing(node):
            self._put(None, "gitlabUrl", url)
        elif not same_gitlab(node.text, url):
            raise self._refuse(
                node, redact(node.text), f"{url}, as the policy says", "Correct it here, or gitlab.url in the policy."
            )

    def set_name(self, name: str) -> None:
        """Set the variable by which the chart names its runner, where the file has it or else in `envVars`."""
        extra = self._get("extraEnv", NAME_VARIABLE)
        if extra is not None:
            self._set_scalar(extra, name)
            self._chart["extraEnv"][NAME_VARIABLE] = name
            return
        entry = {"name": NAME_VARIABLE, "value": name}
        variables = self._get("envVars")
        if variables is None or self._is_nothing(variables):
            self._put(None, "envVars", [entry])
            return
        for number, element in enumerate(variables.elements):
            if (said := element.get("name")) is not None and said.text == NAME_VARIABLE:
                value = element.get("value")
                if value is None:
                    raise self._refuse(element, f"{NAME_VARIABLE} without a value", "a value", "Write its value here.")
                self._set_scalar(value, name)
                self._chart["envVars"][number]["value"] = name
                return
        if variables.style is not yaml.Style.BLOCK or variables.kind is not yaml.Kind.SEQUENCE:
            raise self._refuse(variables, "envVars on one line", "a list, one item in a line", "Write it out.")
        indent = " " * (variables.column - 1)
        self._insert(variables.line, "".join(f"{indent}{line}\n" for line in yaml_text.dump_list([entry]).splitlines()))
        self._chart["envVars"].insert(0, entry)

    def set_template(self, policy: Policy, runner: Runner) -> None:
        """Merge into `runners.config`, or add it."""
        section, node = self._get("runners"), self._get("runners", "config")
        found = "" if node is None or self._is_nothing(node) else node.text
        template = found.rstrip("\n") + "\n" if found.strip() else ""
        try:
            merged = merge_template(template, policy, runner, name=self._name)
        except Malformed as error:
            assert node is not None  # noqa: S101 - what we add ourselves is well-formed
            place = node.inner_place(error.place.line, error.place.column, error.place.end_column)
            raise Malformed(
                place=place, observed=error.observed, expected=error.expected, remedy=error.remedy
            ) from error
        if merged == template:
            return
        if section is not None and node is not None:
            if section.style is not yaml.Style.BLOCK:
                raise self._refuse(section, "runners on one line", "a mapping, one key in a line", "Write it out.")
            self._set_block(node, merged)
            self._chart["runners"]["config"] = merged
        elif section is None or self._is_nothing(section):
            self._put(None, "runners", {"config": yaml_text.Literal(merged)})
        else:
            self._put(section, "config", yaml_text.Literal(merged))

    def result(self) -> str:
        """Return the text, which parses to what was meant."""
        text = self._splice.result()
        if self._comparable(text) != json.dumps(self._evened(self._expected), sort_keys=True):
            raise Malformed(
                place=Place(file=self._name),
                observed="values that share their text with others (anchors, merge keys), or an end mark (...)",
                expected="gitlabUrl, envVars and runners.config written out",
                remedy="Write these three out in full.",
            )
        return text

    def _comparable(self, text: str) -> str:
        """Return what our text means; empty where it is broken: its lines are none that the admin has seen."""
        try:
            (root,) = yaml.parse(text, self._name)
            return json.dumps(self._evened(yaml.to_python(root)), sort_keys=True)
        except (Malformed, LookupError, TypeError, ValueError):
            return ""

    def _evened(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values without the line ends behind the template: how many there are depends on `|` or `|+`."""
        chart = values if self._chart is self._expected else values[SUBCHART]
        template = chart["runners"]["config"].rstrip("\n")
        evened = {**chart, "runners": {**chart["runners"], "config": template}}
        return evened if chart is values else {**values, SUBCHART: evened}

    def _get(self, *path: str) -> yaml.Node | None:
        node = self._root
        for key in path:
            node = None if node is None else node.get(key)
        return node

    @staticmethod
    def _is_nothing(node: yaml.Node) -> bool:
        """Tell whether a value is null, empty text, or an empty collection."""
        return (not node.text and not node.items and not node.elements) or (
            node.kind is yaml.Kind.SCALAR and node.value is None
        )

    def _put(self, parent: yaml.Node | None, key: str, item: object) -> None:
        """Add a key that is not there, or whose value is nothing, to the chart's values or to a mapping in them."""
        expected: dict[str, Any] = self._chart
        if parent is not None:
            if parent.style is not yaml.Style.BLOCK or parent.kind is not yaml.Kind.MAPPING:
                raise self._refuse(parent, "runners on one line", "a mapping, one key in a line", "Write it out.")
            expected = expected["runners"]
            indent = " " * (parent.column - 1)
            self._insert(parent.line, yaml_text.dump({key: item}, indent))
        elif (there := self._get(key)) is not None:
            # `key:`, `key: null` or `key: {}`: the value goes, what it is to be follows on the next lines.
            head, _, below = yaml_text.dump({key: item}, self._indent).partition("\n")
            self._replace(there, head.removeprefix(f"{self._indent}{key}:").lstrip())
            self._insert(there.line + 1, below)
        elif self._root is not None and self._indent:
            self._insert(self._root.line, yaml_text.dump({key: item}, self._indent))
        else:
            self._splice.append(yaml_text.dump({key: item}))
        expected[key] = item

    def _set_scalar(self, node: yaml.Node, text: str) -> None:
        if node.text != text:
            self._replace(node, scalar(text))

    def _set_block(self, node: yaml.Node, text: str) -> None:
        """Write a text of several lines in the place of a scalar."""
        if node.style is yaml.Style.LITERAL and node.text.strip():
            last = self._last_line(node)
            where = slice(self._offset(node.content_line), self._offset(last + 1))
            self._splice.replace(where, _indented(text, " " * node.content_indent))
            return
        if node.style is yaml.Style.LITERAL:
            self._insert(node.content_line, _indented(text, self._indent_below(node)))
            return
        if not node.end_column:
            raise self._refuse(node, "a text over several lines", "one under |", "Write it as a literal block: |")
        self._replace(node, "|")
        self._insert(node.line + 1, _indented(text, self._indent_below(node)))

    def _indent_below(self, node: yaml.Node) -> str:
        """Return the indent for what stands below the key whose value is on its line."""
        line = self._line(node.line)
        return line[: len(line) - len(line.lstrip(" "))] + _STEP

    def _last_line(self, node: yaml.Node) -> int:
        """Return the number of the last line of a literal that is not blank."""
        last = node.content_line
        for number in range(node.content_line, len(self._starts) + 1):
            line = self._line(number)
            if line.strip():
                if len(line) - len(line.lstrip(" ")) < node.content_indent:
                    break
                last = number
        return last

    def _replace(self, node: yaml.Node, text: str) -> None:
        """Put `text` in the place of a value on one line."""
        if not node.end_column:
            raise self._refuse(node, "a value over several lines", "one on a line", "Write it on one line.")
        start = self._offset(node.line, node.column)
        space = " " if text and self._text_before(start) == ":" else ""
        self._splice.replace(slice(start, self._offset(node.line, node.end_column)), space + text)

    def _insert(self, line: int, text: str) -> None:
        self._splice.insert(self._offset(line), text)

    def _text_before(self, offset: int) -> str:
        return self._text.encode()[offset - 1 : offset].decode("utf-8", "replace")

    def _line(self, number: int) -> str:
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self._text)
        return self._text[start:end]

    def _offset(self, line: int, column: int = 1) -> int:
        """Return the offset in bytes; a line behind the last is the end of the text."""
        start = self._starts[line - 1] if line <= len(self._starts) else len(self._text)
        return len(self._text[: start + column - 1].encode())

    def _refuse(self, node: yaml.Node, observed: str, expected: str, remedy: str) -> Malformed:
        return Malformed(place=node.place, observed=observed, expected=expected, remedy=remedy)


def _indented(text: str, indent: str) -> str:
    return "".join(f"{indent}{line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))
