"""
Regular expressions for properties, drawn from the grammar of RE2 and steered towards what could break out.

Uniform noise would nearly always be safe or open for dull reasons. So the literals are pieces of Calico's keys, of
JSON lists and of references to variables, and half of the patterns begin with an anchor.
"""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = (
    "team=",
    "^team=",
    "cni",
    r"cni\.projectcalico\.org/",
    r"^cni\.projectcalico\.org/ipv4pools=",
    "ipv4pools",
    "ipAddrs=",
    "ipFamilies",
    r"\[\"",
    '"]',
    "infra",
    "default",
    r"\$",
    r"\$\{",
    r"\}",
    "null",
    "[a-z]",
    "[^=]",
    "[^$]",
    r"[a-z\"\[\],]",
    "[[:alpha:]]",
    ".",
    r"\n",
    r"\w",
    r"\W",
    r"\d",
    "=",
    "$",
    "^",
    r"\b",
    r"\B",
    r"\A",
    r"\z",
    r"\Q[.\E",
    r"\x{212A}",
    "a",
    "K",
)
REPEATS = ("*", "+", "?", "*?", "{2}", "{0,3}", "{1,}", "{0}")
FLAGS = ("(?i)", "(?m)", "(?s)", "(?im)", "(?U)", "(?-i)")


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    groups = st.sampled_from(("(%s)", "(?:%s)", "(?i:%s)", "(?m:%s)", "(?s:%s)", "(?:%s|)"))
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join).map(lambda text: f"(?:{text})"),
        st.tuples(groups, inner).map(lambda pair: pair[0].replace("%s", pair[1])),
        st.tuples(inner, st.sampled_from(REPEATS)).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


_BODIES = st.recursive(st.sampled_from(PIECES), _wider, max_leaves=8)
_BEGINNINGS = st.sampled_from(("", "", "^", r"\A", "(?m)^", "^team=", r"^cni\.projectcalico\.org/ipv4pools="))
_ENDINGS = st.sampled_from(("", "", "$", r"\z", "(?m)$"))

PATTERNS = st.one_of(
    st.tuples(st.sampled_from(("", *FLAGS)), _BEGINNINGS, _BODIES, _ENDINGS).map("".join),
    st.lists(_BODIES, min_size=2, max_size=3).map("|".join),
)
"""Patterns that google-re2 mostly accepts."""

NOISE = st.one_of(
    st.text(max_size=20),
    st.text(alphabet="()[]{}|*+?.^$\\abQEpPxiIs-:=<>,0123456789\n", max_size=20),
    st.lists(st.sampled_from((*PIECES, *REPEATS, *FLAGS, "(", ")", "[", "|", "\\")), max_size=8).map("".join),
)
"""Anything at all, mostly not a pattern."""
