"""
What a dump that is none gives away, so that it is refused with what to do and not with a parser's words.

Nothing here decides that a dump is good: `documents` does, by reading it. Texts that quote the file are redacted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_bridge.core.errors import WireError
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_BYTES = 4096
"""How much of a dump `refusal` wants to see."""

BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"

COMMANDS: Mapping[str, str] = {
    "pods": "kubectl get pods -A -o json --show-managed-fields",
    "blocks": "kubectl get ipamblocks.crd.projectcalico.org -o json",
    "pools": "kubectl get ippools.crd.projectcalico.org -o json",
    "events": "kubectl get events -A -o json --field-selector reason=FailedCreatePodSandBox",
    "namespaces": "kubectl get namespaces -o json",
    "projects": "glab api --paginate 'projects?per_page=100&archived=false'",
}
"""What to run for each kind of dump; the words are the flags of `check`."""

_COMPRESSED: tuple[tuple[bytes, str], ...] = (
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

# What else ends up in such a file; the second also when standard error is redirected into it.
_SHAPES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile("<"), "a web page", "; often the log-in page of a proxy in front of the server"),
    (
        re.compile(
            r"error:|Error from server|Unable to connect|The connection to the server|No resources found"
            r"|You must be logged in|[EWI]\d{4} \d\d:|.*command not found"
        ),
        "the words of a command that failed",
        "",
    ),
    (re.compile(r"---|%YAML|- |\w[\w.]*:(\s|$)"), "YAML", "; use `-o json` in place of `-o yaml`"),
    (re.compile(r"(NAMESPACE|NAME)\s+[A-Z]"), "a table for people", "; add `-o json`"),
)


def refusal(head: bytes, *, name: str, want: str) -> str:
    """
    Return why a dump that begins with `head` cannot be one, and what to do; empty text when it may be.

    Args:
        head: the first bytes, at most `HEAD_BYTES` are looked at; empty means an empty file.
        name: how the file is called in the message.
        want: the kind that was asked for, a key of `COMMANDS`.

    >>> refusal(b'{"kind": "PodList"}', name="pods.json", want="pods")
    ''
    """
    again = f"Make it with: {COMMANDS[want]}"
    why = _binary(head) or _text(head.removeprefix(BOM)[:HEAD_BYTES].decode("utf-8", "replace").lstrip())
    return f"{name}: {why}. {again}" if why else ""


def _binary(head: bytes) -> str:
    if head.startswith(_UTF16) or head[:4] in (b"{\0\0\0", b"\0\0\0{") or head[:2] in (b"{\0", b"\0{", b"[\0", b"\0["):
        return (
            "UTF-16 or UTF-32 text, expected UTF-8 (an older PowerShell writes UTF-16 with `>`; "
            "pipe into `Out-File -Encoding utf8`)"
        )
    for magic, kind in _COMPRESSED:
        if head.startswith(magic):
            return f"compressed with {kind}, expected JSON, plain or gzip; unpack it first"
    if b"\0" in head:
        return "binary data, expected JSON text"
    return ""


def _text(text: str) -> str:
    if not text:
        return "empty, expected JSON; a command that failed leaves an empty file"
    if text[0] in "{[":
        return ""
    line = _quoted(text)
    for pattern, what, hint in _SHAPES:
        if pattern.match(text):
            return f"{what} ({line}), expected JSON{hint}"
    return f"not JSON: it begins with {line}, expected an opening brace or bracket"


def _quoted(text: str) -> str:
    line = "".join(char if char.isprintable() else "?" for char in text.splitlines()[0].strip())
    return repr(redact(line if len(line) <= 60 else f"{line[:57]}..."))


def opened(data: memoryview | bytes, *, name: str, want: str) -> memoryview:
    """
    Return a dump without its byte order mark.

    Raises:
        WireError: its first bytes show that it is none (`refusal`).
    """
    head = bytes(data[:HEAD_BYTES])
    if why := refusal(head, name=name, want=want):
        raise WireError(why)
    return memoryview(data)[len(BOM) if head.startswith(BOM) else 0 :]


def broken(error: Exception, data: memoryview | bytes, *, name: str, want: str) -> str:
    """
    Return where and why a text is no JSON, and what to do.

    Args:
        error: what the decoder raised for `data` without its byte order mark.
        data: the dump as it is.
        name: how the file is called in the message.
        want: the kind that was asked for, a key of `COMMANDS`.
    """
    again = f"Make it with: {COMMANDS[want]}"
    if isinstance(error, RecursionError):
        return f"{name}: nested deeper than anything that kubectl prints. {again}"
    mark = len(BOM) if bytes(data[:3]) == BOM else 0
    said = re.fullmatch(r"JSON is malformed: (.*) \(byte (\d+)\)", str(error))
    if said is None:
        return (
            f"{name}: cut off: it ends at byte {len(data)} inside a JSON value, expected the brackets that close it. "
            f"{again}"
        )
    at = int(said[2]) + mark
    seen = bytes(data[at : at + 1]).decode("ascii", "replace")
    return f"{name}: not JSON at byte {at}: {said[1]} {seen!r}. {again}"
