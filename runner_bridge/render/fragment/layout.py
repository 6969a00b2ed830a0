"""
Where each header and each key stands in a TOML text, so that a merge can touch these bytes and no others.

For texts that a TOML parser has accepted; positions come from tree-sitter's grammar. All offsets are in bytes of UTF-8.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import tree_sitter
import tree_sitter_toml

if TYPE_CHECKING:
    from tree_sitter import Node

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One `key = value`."""

    path: Path
    """From the top of the file, dotted keys taken apart; inside of an array of tables its number is left out."""
    start: int
    """Start of its line."""
    indent: str
    value: slice
    end: int
    """Start of the next line, so that a comment behind the value belongs to the pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A header and the pairs up to the next one; the first block of a file has no header."""

    path: Path
    is_element: bool
    """`[[…]]`: the header starts a new element of an array of tables."""
    start: int
    """Start of the header's line."""
    head_end: int
    """Start of the line after the header."""
    indent: str
    pairs: list[Pair] = field(default_factory=list)

    @property
    def end(self) -> int:
        """Start of the line after its last pair."""
        return self.pairs[-1].end if self.pairs else self.head_end


def blocks(data: bytes) -> list[Block]:
    """Return the blocks of a valid TOML text in order; the first one is the top of the file, even if it is empty."""
    found = [Block(path=(), is_element=False, start=0, head_end=0, indent="")]
    for node in _parser().parse(data).root_node.children:
        match node.type:
            case "pair":
                found[0].pairs.append(_pair(data, node, ()))
            case "table" | "table_array_element":
                found.append(_block(data, node))
    return found


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))


def _block(data: bytes, node: Node) -> Block:
    opening, name, *rest = node.children
    closing = next(each for each in rest if each.type in {"]", "]]"})
    path = _keys(name)
    start = _line_start(data, opening.start_byte)
    block = Block(
        path=path,
        is_element=node.type == "table_array_element",
        start=start,
        head_end=_line_end(data, closing.end_byte),
        indent=data[start : opening.start_byte].decode(),
    )
    block.pairs.extend(_pair(data, each, path) for each in rest if each.type == "pair")
    return block


def _pair(data: bytes, node: Node, path: Path) -> Pair:
    name, item = node.children[0], node.children[2]
    start = _line_start(data, name.start_byte)
    return Pair(
        path=path + _keys(name),
        start=start,
        indent=data[start : name.start_byte].decode(),
        value=slice(item.start_byte, item.end_byte),
        end=_line_end(data, item.end_byte),
    )


def _keys(node: Node) -> Path:
    if node.type == "dotted_key":
        return tuple(key for each in node.children if each.type != "." for key in _keys(each))
    text = (node.text or b"").decode()
    if node.type == "bare_key":
        return (text,)
    return (str(tomllib.loads(f"key = {text}")["key"]),)


def _line_start(data: bytes, offset: int) -> int:
    return data.rfind(b"\n", 0, offset) + 1


def _line_end(data: bytes, offset: int) -> int:
    return data.find(b"\n", offset) + 1 or len(data)


def line_number(data: bytes, offset: int) -> int:
    """Return the line, from 1, on which an offset lies."""
    return data.count(b"\n", 0, offset) + 1
