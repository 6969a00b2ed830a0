"""Which requests are believed to be GitLab's: right key, right moment, right token, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import SettingsError
from runner_bridge.core.wire.hook_proof import Check, Doubt, Mode, Secrets, begin, secret_tokens, signing_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = b"a key of thirty-two bytes, fake!"
OTHER = b"another key of 32 bytes, a fake!"
NOW = 1_772_366_400.0
TOKEN = b"FAKE-token-of-a-hook"
SIGNED = Secrets(signing=(KEY,))
PLAIN = Secrets(tokens=(TOKEN,))
BOTH = Secrets(signing=(KEY,), tokens=(TOKEN,))
BODY = b'{"object_kind": "build"}'


def line(key: bytes) -> str:
    return f"whsec_{base64.b64encode(key).decode()}"


def signature(key: bytes = KEY, *, at: int = int(NOW), body: bytes = BODY, name: str = "one") -> str:
    digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(value: str = "", *, at: int | str = int(NOW), name: str = "one", **more: str) -> dict[str, str]:
    signed = {"webhook-id": name, "webhook-timestamp": str(at), "webhook-signature": value or signature()}
    return {**signed, "Idempotency-Key": "idempotent", **more}


def doubt(secrets: Secrets, given_headers: Mapping[str, str], body: bytes = BODY) -> Doubt | None:
    check = begin(secrets, given_headers, now=NOW)
    if isinstance(check, Doubt):
        return check
    for index in range(0, len(body), 7):
        check.feed(body[index : index + 7])
    return check.end()


@pytest.mark.parametrize(
    ("given_headers", "expected"),
    [
        (headers(), None),
        (headers(f"v1,AAAA {signature()}"), None),
        (headers(f"v2,AAAA v1,=== v1,\x80 {signature()}"), None),
        (headers(signature(at=int(NOW) - 300), at=int(NOW) - 300), None),
        (headers(signature(at=int(NOW) + 300), at=int(NOW) + 300), None),
        (headers(signature(at=int(NOW) - 301), at=int(NOW) - 301), Doubt.STALE),
        (headers(signature(at=int(NOW) + 301), at=int(NOW) + 301), Doubt.STALE),
        (headers(signature(at=int(NOW) - 30 * 86400), at=int(NOW) - 30 * 86400), Doubt.STALE),
        (headers(signature(OTHER)), Doubt.FORGED),
        (headers(signature(at=1), at=int(NOW)), Doubt.FORGED),
        (headers(signature(name="two")), Doubt.FORGED),
        (headers(signature(body=b"{}")), Doubt.FORGED),
        (headers("v1,"), Doubt.FORGED),
        (headers("v1,="), Doubt.MALFORMED),
        (headers("v2,AAAA"), Doubt.MALFORMED),
        (headers("nonsense"), Doubt.MALFORMED),
        (headers(at="soon"), Doubt.MALFORMED),
        (headers(at="-1"), Doubt.MALFORMED),
        (headers(at="1e9"), Doubt.MALFORMED),
        (headers(at="١٢٣"), Doubt.MALFORMED),
        (headers(at="9" * 13), Doubt.MALFORMED),
        (headers(signature(name="a.b"), name="a.b"), Doubt.MALFORMED),
        (headers(signature(name="x" * 256), name="x" * 256), Doubt.MALFORMED),
        (headers(" ".join(["v1,AAAA"] * 16 + [signature()])), Doubt.FORGED),
        ({}, Doubt.UNSIGNED),
        ({"webhook-id": "one", "webhook-signature": signature()}, Doubt.UNSIGNED),
        ({"X-Gitlab-Token": TOKEN.decode()}, Doubt.UNSIGNED),
    ],
)
def test_a_signature_is_believed_only_for_its_very_request(given_headers: dict[str, str], expected: Doubt) -> None:
    assert doubt(SIGNED, given_headers) is expected


def test_what_the_library_of_standard_webhooks_signs_is_believed() -> None:
    """Its 1.1.0 signed this very request, with this key."""
    assert doubt(SIGNED, headers("v1,gftWmpRPxadBVw8E1iIeoIgCopbJ9pGQLt8PZLVqE5Q=")) is None


@pytest.mark.parametrize(
    ("secrets", "given_headers", "expected"),
    [
        (PLAIN, {"X-Gitlab-Token": TOKEN.decode()}, None),
        (PLAIN, headers(), Doubt.TOKEN),
        (PLAIN, {"X-Gitlab-Token": "\udcff"}, Doubt.TOKEN),
        (PLAIN, {"X-Gitlab-Token": TOKEN.decode() + " "}, Doubt.TOKEN),
        (BOTH, headers(**{"X-Gitlab-Token": TOKEN.decode()}), None),
        (BOTH, headers(), Doubt.TOKEN),
        (BOTH, {"X-Gitlab-Token": TOKEN.decode()}, Doubt.UNSIGNED),
        (BOTH, headers(signature(OTHER), **{"X-Gitlab-Token": TOKEN.decode()}), Doubt.FORGED),
        (Secrets(signing=(OTHER, KEY)), headers(), None),
        (Secrets(tokens=(b"the new one, longer", TOKEN)), {"X-Gitlab-Token": TOKEN.decode()}, None),
    ],
    ids=[
        "token",
        "a signature is no token",
        "bytes that are no text",
        "almost",
        "both",
        "without its token",
        "without its signature",
        "a wrong signature with the right token",
        "a key that is being changed",
        "a token that is being changed",
    ],
)
def test_everything_that_is_set_has_to_be_proved(
    secrets: Secrets, given_headers: dict[str, str], expected: Doubt
) -> None:
    assert doubt(secrets, given_headers) is expected


def test_the_mode_follows_from_the_secrets() -> None:
    assert [one.mode for one in (SIGNED, PLAIN, BOTH)] == [Mode.SIGNATURE, Mode.TOKEN, Mode.BOTH]
    assert "fake" not in repr(BOTH).lower()


def test_a_repeated_delivery_is_known_by_what_is_signed_where_there_is_a_signature() -> None:
    keys = [begin(one, headers(**{"X-Gitlab-Token": TOKEN.decode()}), now=NOW) for one in (SIGNED, PLAIN, BOTH)]
    assert [one.key for one in keys if isinstance(one, Check)] == ["one", "idempotent", "one"]


TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("\udcff\udc80., v1="), max_size=40)


@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "X-Gitlab-Token"]), TEXT, max_size=4
    ),
    st.binary(max_size=40),
)
def test_whatever_is_sent_without_the_secrets_is_doubted_and_never_raises(
    given_headers: dict[str, str], body: bytes
) -> None:
    assert all(doubt(one, given_headers, body) is not None for one in (SIGNED, PLAIN, BOTH))


def test_secrets_are_read_from_lines() -> None:
    assert signing_keys(f"# new\n{line(KEY)}\n\n  {line(OTHER)}  \n", name="f") == (KEY, OTHER)
    assert secret_tokens(f"{TOKEN.decode()}\n", name="f") == (TOKEN,)


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", line(b"short"), line(b"x" * 65), "whsec_&&&&", base64.b64encode(KEY).decode(), "whsec_ä"],
)
def test_what_is_no_signing_key_is_said_without_quoting_it(text: str) -> None:
    with pytest.raises(SettingsError, match=r"signing\.txt") as caught:
        signing_keys(text, name="signing.txt")
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("text", ["", "short", "with a blank in between", "umläute-umläute-umläute"])
def test_what_is_no_secret_token_is_said_without_quoting_it(text: str) -> None:
    with pytest.raises(SettingsError, match=r"token\.txt") as caught:
        secret_tokens(text, name="token.txt")
    assert not text or text not in str(caught.value)
