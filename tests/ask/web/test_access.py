"""One gate for every route: this machine without tokens, nobody without a token once there are some."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from runner_bridge.ask.web.access import Asker, RefusedError, Role, Token, digest_of, permit, read_tokens, who
from runner_bridge.core.errors import SettingsError

SECRET = "a-long-random-text"
TOKENS = (
    Token(bytes.fromhex(digest_of(SECRET)), Asker("soc", Role.AUDITOR)),
    Token(bytes.fromhex(digest_of("another")), Asker("wallboard", Role.VIEWER)),
)


def asks(peer: str = "127.0.0.1", host: str = "127.0.0.1:8080", tokens: Any = (), **headers: str) -> Asker:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return who(peer=peer, headers=named, host=host, tokens=tokens)


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "[::1]"])
def test_this_machine_may_ask_everything_as_long_as_there_are_no_tokens(peer: str, host: str) -> None:
    assert asks(peer, host).role is Role.AUDITOR


@pytest.mark.parametrize(
    ("peer", "host", "headers"),
    [
        pytest.param("10.0.0.9", "127.0.0.1", {}, id="another machine"),
        pytest.param("127.0.0.6", "localhost", {}, id="the sidecar of a mesh"),
        pytest.param("", "localhost", {}, id="no address"),
        pytest.param("127.0.0.1", "bridge.example.com", {}, id="a page whose name was bent to loopback"),
        pytest.param("127.0.0.1", "localhost.example.com:80", {}, id="a name that begins so"),
        pytest.param("127.0.0.1", "", {}, id="no name"),
        pytest.param("127.0.0.1", "localhost", {"x_forwarded_for": "10.0.0.9"}, id="through a proxy"),
        pytest.param("127.0.0.1", "localhost", {"FORWARDED": "for=10.0.0.9"}, id="through a proxy that says so"),
        pytest.param("127.0.0.1", "localhost", {"Via": "1.1 x"}, id="through a proxy of the old kind"),
        pytest.param("10.0.0.9", "localhost", {"Authorization": f"Bearer {SECRET}"}, id="a token that nobody expects"),
    ],
)
def test_whoever_is_not_surely_on_this_machine_is_refused(peer: str, host: str, headers: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="--api-tokens") as refused:
        asks(peer, host, **headers)
    assert refused.value.known


@pytest.mark.parametrize(("token", "name"), [(SECRET, "soc"), ("another", "wallboard")])
def test_a_token_tells_who_asks_from_anywhere(token: str, name: str) -> None:
    assert asks("203.0.113.9", "x", TOKENS, Authorization=f"bearer  {token}").name == name


@pytest.mark.parametrize(
    "given_header",
    ["", "Bearer", "Bearer wrong", f"Basic {SECRET}", SECRET, f"Bearer {digest_of(SECRET)}", "Bearer \udcff"],
)
def test_once_there_are_tokens_nobody_is_believed_without(given_header: str) -> None:
    with pytest.raises(RefusedError) as refused:
        asks(tokens=TOKENS, Authorization=given_header)
    assert not refused.value.known


def test_a_role_may_what_the_one_before_may() -> None:
    permit(Asker("soc", Role.AUDITOR), Role.VIEWER)
    permit(Asker("wallboard", Role.VIEWER), Role.VIEWER)
    with pytest.raises(RefusedError, match="needs the role auditor, and wallboard has the role viewer"):
        permit(Asker("wallboard", Role.VIEWER), Role.AUDITOR)


def test_a_token_file_holds_hashes_roles_and_names() -> None:
    text = (
        f"# who\n\nsha256:{digest_of(SECRET)} auditor soc\n  sha256:{digest_of('another').upper()}\tviewer wallboard\n"
    )
    assert read_tokens(text, name="tokens") == TOKENS


HASH = digest_of(SECRET)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no token in it"),
        ("# nothing\n", "no token in it"),
        (f"{SECRET}\n", "tokens:1: not of the form"),
        (f"sha256:{SECRET} viewer x", "tokens:1: the hash is not 64"),
        (f"sha256:{HASH[:-2]} viewer x", "the hash is not 64"),
        (f"sha256:{HASH} admin x", "not of the form"),
        (f"sha256:{HASH} viewer", "not of the form"),
        (f"sha256:{HASH} viewer x y", "not of the form"),
        (f"md5:{HASH} viewer x", "not of the form"),
        (f"sha256:{HASH} viewer {'x' * 65}", "longer than 64"),
        (f"\nsha256:{HASH} viewer x\nsha256:{HASH} auditor y", "tokens:3: the hash or the name stands in an earlier"),
        (f"sha256:{HASH} viewer x\nsha256:{digest_of('b')} viewer x", "tokens:2: the hash or the name"),
    ],
)
def test_a_token_file_that_is_wrong_is_refused_without_quoting_it(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        read_tokens(text, name="tokens")
    assert SECRET not in str(refused.value)


@given(st.text(min_size=1), st.text(min_size=1))
def test_only_the_very_token_passes(token: str, other: str) -> None:
    tokens = (Token(bytes.fromhex(digest_of(token.strip())), Asker("a", Role.VIEWER)),)
    if other.strip() == token.strip():
        assert asks(tokens=tokens, Authorization=f"Bearer {other}").name == "a"
    else:
        with pytest.raises(RefusedError):
            asks(tokens=tokens, Authorization=f"Bearer {other}")
