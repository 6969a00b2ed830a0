"""No secret leaves, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.redact import MASK, redact

PEM = "-----BEGIN RSA PRIVATE KEY-----"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("glrt-t1_4xYqA7pLwFAKETOKEN00", MASK, id="runner-token"),
        pytest.param("glrtr-FAKETOKEN00FAKETOKEN00", MASK, id="registration"),
        pytest.param("a glcbt-64_FAKETOKEN00FAKE b", f"a {MASK} b", id="job-token-in-a-sentence"),
        pytest.param("GR1348941FAKETOKEN00FAKE", MASK, id="legacy-registration"),
        pytest.param("whsec_FAKETOKEN00FAKE", MASK, id="webhook"),
        pytest.param('  token = "plain-word"', f'  token = "{MASK}"', id="toml-key"),
        pytest.param("runnerToken: plain-word", f"runnerToken: {MASK}", id="helm-key"),
        pytest.param('"bearer_token": "runner-token"', f'"bearer_token": "{MASK}"', id="json-key"),
        pytest.param("password = 'x y z'", f"password = '{MASK}'", id="quoted-with-spaces"),
        pytest.param('AccessKey = "AKFAKE"\nSecretKey = "zzz"', f'AccessKey = "{MASK}"\nSecretKey = "{MASK}"', id="s3"),
        pytest.param("http://gl:pass@host/x", f"http://{MASK}@host/x", id="password-in-a-url"),
        pytest.param("runnerRegistrationToken: plain", f"runnerRegistrationToken: {MASK}", id="old helm-key"),
        pytest.param('AccountKey = "azure=="', f'AccountKey = "{MASK}"', id="azure"),
        pytest.param(
            '["AWS_SECRET_ACCESS_KEY=ab/c", "A=b"]', f'["AWS_SECRET_ACCESS_KEY={MASK}", "A=b"]', id="variable"
        ),
        pytest.param("+ - name: DB_PASSWORD\n+   value: x y", f"+ - name: DB_PASSWORD\n+   value: {MASK}", id="named"),
        pytest.param("{name: API_TOKEN, value: x}", f"{{name: API_TOKEN, value: {MASK}}}", id="named on one line"),
        pytest.param(r"{\"auth\":\"c2VjcmV0\"}", rf"{{\"auth\":\"{MASK}\"}}", id="registry"),
        pytest.param("Authorization: Bearer abc", f"Authorization: Bearer {MASK}", id="header"),
        pytest.param("https://0123456789abcdef@sentry.io/1", f"https://{MASK}@sentry.io/1", id="key-in-a-url"),
        pytest.param(f"{PEM}\nfake\n{PEM.replace('BEGIN', 'END')}", MASK, id="private-key"),
        pytest.param(f"key = '{PEM}", f"key = '{MASK}", id="private-key-cut-off"),
        pytest.param(f"+    {'fake' * 16}\n+  }}", f"+    {MASK}\n+  }}", id="inside-a-private-key"),
        pytest.param('token = "a\\"b"', f'token = "{MASK}"', id="escaped-quote"),
    ],
)
def test_a_secret_is_masked(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'token = "$RUNNER_TOKEN"',
        'token = ""',
        "http://host:8080/a@b",
        "ssh://git@host:22/x",
        "token_obtained_at = 2026-01-01T00:00:00Z",
        "gl-code-quality-report.json",
        "bearer_token_overwrite_allowed = false",
        'cni.projectcalico.org/ipv4pools=["default"]${team=}',
        "automount_service_account_token = false",
        "secretName: gitlab-runner",
        "tokens are secret",
        "- name: CI_TOKEN\n  valueFrom: {secretKeyRef: {name: a}}",
        "- name: CI_TOKEN\n  value: $OTHER",
        "KUBERNETES_POD_ANNOTATIONS_1: 'cni.projectcalico.org/ipv4pools=[\"default\"]'",
        "https://gitlab.example.com/oauth/authors",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@given(st.text(ALPHABET, min_size=16, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_runner_token_survives_in_any_surroundings(body: str, before: str, after: str) -> None:
    secret = f"glrt-{body}"

    shown = redact(f"{before} {secret} {after}")

    assert secret not in shown


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    once = redact(text)

    assert redact(once) == once
