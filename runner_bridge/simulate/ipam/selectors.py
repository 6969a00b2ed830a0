"""Calico's selectors, evaluated over labels (Calico, libcalico-go/lib/selector)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from runner_bridge.simulate.ipam.errors import IpamError

Labels = Mapping[str, str]
Test = Callable[[Labels], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<all>all\(\))|(?P<has>has\(\s*(?P<key>[\w./-]+)\s*\))|(?P<op>&&|\|\||==|!=|[!(){},])"""
    r"""|(?P<string>"[^"]*"|'[^']*')|(?P<word>[\w./-]+))"""
)
_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, text: text in value,
    "starts": lambda value, text: value.startswith(text),
    "ends": lambda value, text: value.endswith(text),
}


def selects(selector: str, labels: Labels) -> bool:
    """
    Tell whether a selector selects what carries these labels.

    >>> selects("!all() || has(ci) && ci == 'yes'", {"ci": "yes"})
    True

    Raises:
        IpamError: it cannot be parsed; the text names neither the selector nor its pool, as upstream's does not.
    """
    return _Parser(selector).parse()(labels)


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise IpamError(f"unexpected characters after label '{text[at:]}', was expecting an operator")
            kind = found.lastgroup or ""
            self._tokens.append(("has", found["key"]) if found["has"] else (kind, found[kind]))
            at = found.end()

    def parse(self) -> Test:
        test = self._or()
        if self._tokens:
            raise IpamError(f"unexpected content at end of selector {self._tokens}")
        return test

    def _take(self, *texts: str) -> bool:
        if self._tokens and self._tokens[0][0] in {"op", "word"} and self._tokens[0][1] in texts:
            self._tokens.pop(0)
            return True
        return False

    def _or(self) -> Test:
        tests = [self._and()]
        while self._take("||"):
            tests.append(self._and())
        return lambda labels: any(test(labels) for test in tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._take("&&"):
            tests.append(self._not())
        return lambda labels: all(test(labels) for test in tests)

    def _not(self) -> Test:
        if self._take("!"):
            test = self._not()
            return lambda labels: not test(labels)
        if self._take("("):
            test = self._or()
            if not self._take(")"):
                raise IpamError("expected )")
            return test
        if not self._tokens:
            raise IpamError("unexpected token: TokEOF()")
        kind, text = self._tokens.pop(0)
        if kind == "all":
            return lambda _: True
        if kind == "has":
            return lambda labels: text in labels
        if kind == "word":
            return self._comparison(text)
        raise IpamError(f"unexpected token: {text}")

    def _comparison(self, key: str) -> Test:
        if self._take("=="):
            value = self._string()
            return lambda labels: labels.get(key) == value
        if self._take("!="):
            value = self._string()
            return lambda labels: labels.get(key) != value
        for name, compare in _COMPARE.items():
            if self._take(name):
                if name != "contains" and not self._take("with"):
                    raise IpamError("expected with")
                value = self._string()
                return lambda labels: key in labels and compare(labels[key], value)
        is_negated = self._take("not")
        if self._take("in") and self._take("{"):
            values = {self._string()}
            while self._take(","):
                values.add(self._string())
            if not self._take("}"):
                raise IpamError("expected }")
            return lambda labels: (labels.get(key) in values) is not is_negated
        raise IpamError("expected comparison operator")

    def _string(self) -> str:
        if not self._tokens or self._tokens[0][0] != "string":
            raise IpamError("expected string")
        return self._tokens.pop(0)[1][1:-1]
