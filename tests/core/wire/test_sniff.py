"""A file that is no dump is told by its first bytes, with what it is and what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.wire.sniff import COMMANDS, refusal


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "empty, expected JSON"),
        (b" \r\n ", "empty, expected JSON"),
        ('{"a": 1}'.encode("utf-16"), "UTF-16 or UTF-32 text"),
        ('{"a": 1}'.encode("utf-16-le"), "UTF-16 or UTF-32 text"),
        ('["a"]'.encode("utf-16-be"), "UTF-16 or UTF-32 text"),
        ('{"a": 1}'.encode("utf-32-be"), "UTF-16 or UTF-32 text"),
        (b"\x28\xb5\x2f\xfdxx", "compressed with zstd"),
        (b"PK\x03\x04", "compressed with zip"),
        (b"BZh9", "compressed with bzip2"),
        (b"\xfd7zXZ\x00", "compressed with xz"),
        (b"\x7fELF\x02\x00", "binary data"),
        (b"\xff\xd8\xffjpeg", "not JSON: it begins with"),
        (b"<!DOCTYPE html>\n<html>", "a web page ('<!DOCTYPE html>')"),
        (b"error: You must be logged in to the server (Unauthorized)", "the words of a command that failed"),
        (b"Error from server (Forbidden): pods is forbidden", "the words of a command that failed"),
        (b"Unable to connect to the server: dial tcp", "the words of a command that failed"),
        (b"E1123 17:32:47.1 memcache.go:265] couldn't get", "the words of a command that failed"),
        (b"No resources found", "the words of a command that failed"),
        (b"bash: kubectl: command not found", "the words of a command that failed"),
        (b"apiVersion: v1\nitems:\n- apiVersion: v1", "YAML ('apiVersion: v1'), expected JSON; use `-o json`"),
        (b"---\napiVersion: v1", "YAML"),
        (b"NAMESPACE   NAME   READY   STATUS", "a table for people"),
        (b"NAME   READY", "a table for people"),
        (b"hello\x1b[31m there", "not JSON: it begins with 'hello?[31m there'"),
        (b"x" * 500, "..."),
        (b"token: glrt-FAKETOKEN0000000000", "[secret]"),
    ],
)
def test_a_file_that_is_no_dump_is_named_for_what_it_is(head: bytes, words: str) -> None:
    text = refusal(head, name="pods.json", want="pods")
    assert words in text
    assert text.startswith("pods.json: ")
    assert text.endswith(f". Make it with: {COMMANDS['pods']}")
    assert "glrt-" not in text


@pytest.mark.parametrize("head", [b"{", b"[", b"\n {", b'\xef\xbb\xbf{"kind"', b'{"a": "\xff"}'])
def test_what_begins_like_json_may_be_one(head: bytes) -> None:
    assert refusal(head, name="pods.json", want="pods") == ""


@given(st.binary(max_size=50), st.sampled_from(sorted(COMMANDS)))
def test_any_bytes_get_one_printable_line_or_none(head: bytes, want: str) -> None:
    text = refusal(head, name="x", want=want)
    assert text == "" or (text.isprintable() and COMMANDS[want] in text)
