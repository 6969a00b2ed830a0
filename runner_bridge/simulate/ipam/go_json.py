"""
A list of strings out of JSON, with the words Go's decoder has for everything else.

The texts reach people through `FailedCreatePodSandBox` events, so they have to be right to the letter (Go,
encoding/json, scanner.go and decode.go).
"""

from __future__ import annotations

import json
import re

from runner_bridge.simulate.ipam.errors import IpamError

_SPACE = " \t\r\n"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_WORDS = {"null": None, "true": True, "false": False}
_KINDS: dict[type, str] = {str: "string", float: "number", bool: "bool", dict: "object", list: "array"}


def strings(text: str) -> list[str]:
    r"""
    Return the strings of a JSON list; `null` is an empty list, and an empty string as an element.

    >>> strings(r'["infr\u0061"]')
    ['infra']

    Raises:
        IpamError: it is no JSON, or no list of strings.
    """
    parser = _Parser(text)
    value = parser.document()
    if value is None:
        return []
    if not isinstance(value, list):
        raise IpamError(f"json: cannot unmarshal {_KINDS[type(value)]} into Go value of type []string")
    for each in value:
        if each is not None and not isinstance(each, str):
            raise IpamError(f"json: cannot unmarshal {_KINDS[type(each)]} into Go value of type string")
    return [each or "" for each in value]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def document(self) -> object:
        value = self._value()
        if self._peek() is not None:
            raise self._wrong("after top-level value")
        return value

    def _peek(self) -> str | None:
        while self._at < len(self._text) and self._text[self._at] in _SPACE:
            self._at += 1
        return self._text[self._at] if self._at < len(self._text) else None

    def _wrong(self, where: str) -> IpamError:
        if self._peek() is None:
            return IpamError("unexpected end of JSON input")
        character = self._text[self._at]
        shown = {"'": "\\'", '"': '"'}.get(character, character)
        return IpamError(f"invalid character '{shown}' {where}")

    def _value(self) -> object:
        start = self._peek()
        if start == "[":
            return self._list()
        if start == "{":
            return self._object()
        if start == '"':
            return self._string()
        if found := _NUMBER.match(self._text, self._at):
            self._at = found.end()
            return float(found[0])
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        raise self._wrong("looking for beginning of value")

    def _string(self) -> str:
        found = _STRING.match(self._text, self._at)
        if found is None:
            raise IpamError("unexpected end of JSON input")
        self._at = found.end()
        return _unescape(found[0])

    def _list(self) -> list[object]:
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return []
        items = [self._value()]
        while self._peek() == ",":
            self._at += 1
            items.append(self._value())
        if self._peek() != "]":
            raise self._wrong("after array element")
        self._at += 1
        return items

    def _object(self) -> dict[str, object]:
        self._at += 1
        members: dict[str, object] = {}
        if self._peek() == "}":
            self._at += 1
            return members
        while True:
            if self._peek() != '"':
                raise self._wrong("looking for beginning of object key string")
            key = self._string()
            if self._peek() != ":":
                raise self._wrong("after object key")
            self._at += 1
            members[key] = self._value()
            if self._peek() != ",":
                break
            self._at += 1
        if self._peek() != "}":
            raise self._wrong("after object key:value pair")
        self._at += 1
        return members


def _unescape(quoted: str) -> str:

    value: str = json.loads(quoted)
    return value
