"""YAML with positions, and every way in which a text can be none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.model import Place
from runner_bridge.core.text import yaml
from runner_bridge.core.text.problem import Malformed


def one(text: str) -> yaml.Node:
    (node,) = yaml.parse(text, "a.yaml")
    return node


def at(text: str, *keys: str) -> yaml.Node:
    node = one(text)
    for key in keys:
        found = node.get(key)
        assert found is not None
        node = found
    return node


# --- what a value means ---


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("off", "off"),
        ("yes", "yes"),
        ("7", 7),
        ("-7", -7),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ("1.2.3", "1.2.3"),
        ("-x", "-x"),
        ("2027-03-31", "2027-03-31"),
        ("1_000", "1_000"),
        ("'7'", "7"),
        ('"a\\tb"', "a\tb"),
        ("!!str 7", "7"),
        ("!!int '7'", 7),
        ("!!int x", "x"),
        ("!!float 7", 7.0),
        ("!!bool 'true'", True),
        ("!!null x", None),
        ("!!python/object/apply:os.system [x]", None),
        ("! 7", "7"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_scalar_means_what_the_core_schema_says(written: str, value: object) -> None:
    got = at(f"a: {written}\n", "a").value
    assert got == value
    assert type(got) is type(value)


def test_not_a_number_is_a_number() -> None:
    value = at("a: .nan", "a").value
    assert value != value  # noqa: PLR0124 - that is what tells it


def test_an_unquoted_selector_is_visible_as_a_tag() -> None:
    node = at("nodeSelector: !all()\n", "nodeSelector")
    assert (node.tag, node.value, node.column) == ("!all()", "", 15)


def test_collections_become_dicts_and_lists_and_the_last_of_repeated_keys_counts() -> None:
    assert yaml.to_python(one("a: [1, {b: c}]\nd: 1\nd: 2\n")) == {"a": [1, {"b": "c"}], "d": 2}


def test_a_key_that_is_a_list_is_refused_with_its_place() -> None:
    with pytest.raises(Malformed, match=r"a\.yaml:1:3: a sequence as a key"):
        yaml.to_python(one("? [a]\n: b\n"))


@pytest.mark.parametrize(("text", "count"), [("", 0), ("# only a comment\n", 0), ("---\n", 1), ("a\n---\nb\n", 2)])
def test_each_document_is_one_node(text: str, count: int) -> None:
    assert len(yaml.parse(text, "a.yaml")) == count


# --- where it stands ---


def test_places_count_from_one_and_end_after_the_last_character() -> None:
    text = "pools:\n  infra: {cidr: 172.16.0.0/16}\n"
    assert at(text, "pools", "infra", "cidr").place == Place(file="a.yaml", line=2, column=17, end_column=30)
    assert at(text, "pools", "infra").place == Place(file="a.yaml", line=2, column=10, end_column=31)
    assert at(text, "pools").end_column == 0


def test_a_scalar_on_two_lines_has_no_end_on_its_first() -> None:
    assert at("a: b\n  c\n", "a").end_column == 0


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_any_kind_count_the_same(end: str) -> None:
    assert at(f"a: 1{end}{end}b: 2{end}", "b").line == 3


def test_a_byte_order_mark_moves_no_column() -> None:
    assert at("\ufeffa: 1", "a").column == 4


def test_columns_count_characters_not_bytes() -> None:
    assert at("a: {é: ü, b: c}", "a", "b").column == 14


@pytest.mark.parametrize(
    ("text", "line", "indent"),
    [
        ("a: |\n  x = 1\n", 2, 2),
        ("a: |-  # comment\n    x = 1\n", 2, 4),
        ("a: |\n\n  x = 1\n", 2, 2),
        ("a: |2\n     x = 1\n", 2, 2),
        ("a: >\n  x = 1\n  y\n", 2, 2),
        ("a: &b |\n  x = 1\n", 2, 2),
        ("a: !t\n  # why\n  |\n  x = 1\n", 4, 2),
        ("a: |\n", 2, 0),
        ("a: |\n  \n", 2, 0),
        ("- - |\n   x = 1\n", 2, 3),
    ],
)
def test_a_block_scalar_knows_where_its_text_starts(text: str, line: int, indent: int) -> None:
    node = one(text)
    while node.kind is not yaml.Kind.SCALAR:
        node = node.elements[0] if node.elements else node.items[0][1]
    assert (node.content_line, node.content_indent) == (line, indent)


def test_a_position_inside_of_a_literal_maps_to_the_file() -> None:
    config = at("runners:\n  config: |\n    [[runners]]\n      tokn = 1\n", "runners", "config")
    assert config.inner_place(2, 3, 7) == Place(file="a.yaml", line=4, column=7, end_column=11)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: key = 1", Place(file="a.yaml", line=1, column=6, end_column=8)),
        ("a: 'key = 1'", Place(file="a.yaml", line=1, column=7, end_column=9)),
        ('a: "k\\u0065y = 1"', Place(file="a.yaml", line=1, column=4, end_column=18)),
        ("a: >\n  key = 1\n", Place(file="a.yaml", line=1, column=4)),
        ("a: !t key = 1", Place(file="a.yaml", line=1, column=4, end_column=14)),
    ],
)
def test_a_position_inside_of_other_scalars_is_exact_or_the_start_of_the_scalar(text: str, place: Place) -> None:
    assert at(text, "a").inner_place(1, 3, 5) == place


def test_a_whole_line_inside_of_a_scalar_stays_a_whole_line() -> None:
    assert at("a: |\n  b\n", "a").inner_place(1, 0) == Place(file="a.yaml", line=2)


def inside(text: str) -> yaml.Node:
    outer = at(text, "a")
    return one(outer.text).inside(outer)


def test_yaml_inside_of_a_literal_has_the_places_of_the_file() -> None:
    (_, pair), (_, config) = inside("a: |\n  b:\n  - {c: 1}\n  d: |\n    k = 1\n").items
    assert pair.elements[0].items[0][1].place == Place(file="a.yaml", line=3, column=9, end_column=10)
    assert config.inner_place(1, 1, 2) == Place(file="a.yaml", line=5, column=5, end_column=6)


@pytest.mark.parametrize(
    ("text", "column"), [('a: "b: |\\n  k = 1\\n"', 4), ("a: >\n  b: k = 1\n", 4), ("a: 'b: k = 1'", 8)]
)
def test_yaml_inside_of_another_scalar_has_no_finer_place_than_is_known(text: str, column: int) -> None:
    (_, config) = inside(text).items[0]
    assert config.inner_place(1, 3, 5) == Place(file="a.yaml", line=1, column=column)


# --- keys, aliases, merges ---


def test_repeated_keys_are_reported_with_both_places_at_any_depth() -> None:
    found = yaml.repeated_keys(one("a: 1\nb: [{c: 1, c: 2}]\na: 3\n? [x]\n: 1\n? [x]\n: 2\n"))
    assert [(first.line, again.line, again.column) for first, again in found] == [(2, 2, 12), (1, 3, 1)]


def test_the_last_of_repeated_keys_is_the_one_that_is_got() -> None:
    node = one("a: 1\na: 2\n")
    assert [value.value for _, value in node.items] == [1, 2]
    assert at("a: 1\na: 2\n", "a").value == 2
    assert node.get("b") is None


def test_an_alias_is_the_node_of_its_anchor() -> None:
    text = "a: &x [1]\nb: *x\n"
    assert at(text, "b") == at(text, "a")


def test_a_merge_brings_what_the_mapping_does_not_say_itself() -> None:
    text = "d: &d {a: 1, b: 2}\ne: &e {b: 3, c: 4}\nx: {a: 0, <<: [*d, *e]}\ny:\n  <<: *d\n"
    assert yaml.to_python(at(text, "x")) == {"a": 0, "b": 2, "c": 4}
    assert yaml.to_python(at(text, "y")) == {"a": 1, "b": 2}
    assert at(text, "x", "c").line == 2


def test_a_colon_without_a_blank_is_part_of_a_value_in_brackets_too() -> None:
    text = "a: {url: https://b/c, d: [group:e, !all()  ]}\nf: &g |\n   h\ni: *g\nj: {<<: {k: l:m}}\n"
    assert yaml.to_python(one(text)) == {
        "a": {"url": "https://b/c", "d": ["group:e", ""]},
        "f": "h\n",
        "i": "h\n",
        "j": {"k": "l:m"},
    }
    assert at(text, "a", "url").place == Place(file="a.yaml", line=1, column=10, end_column=21)
    assert at(text, "f").content_indent == 3


@pytest.mark.parametrize("text", ["{<<: 1}", "{<<: [1]}", "{'<<': {a: 1}}"])
def test_what_is_no_merge_stays_a_key(text: str) -> None:
    assert [key.text for key, _ in one(text).items] == ["<<"]


def test_two_anchors_of_one_name_are_taken_one_after_the_other_and_end_with_their_document() -> None:
    assert yaml.to_python(one("[&a 1, *a, &a 2, *a]")) == [1, 1, 2, 2]
    with pytest.raises(Malformed, match=r"a\.yaml:3:3: the alias \*a has no anchor"):
        yaml.parse("- &a 1\n---\n- *a\n", "a.yaml")


# --- hostile and broken texts ---

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(BOMB, "aliases stand for more than 100,000 values", id="bomb"),
        pytest.param("[" * 10_000, "a.yaml:1:201: nested more than 200 levels", id="deep-flow"),
        pytest.param("- " * 10_000, "a.yaml:1:401: nested more than 200 levels", id="deep-block"),
        pytest.param("&a [*a]", "inside of its own anchor", id="recursive"),
        pytest.param("a: [**]\n", "a.yaml:1:6: a value that begins with * or &", id="stars without quotes"),
        pytest.param("a:\n\tb: 1\n", "a.yaml:2:1: a tab in the indentation, expected spaces", id="tab"),
        pytest.param("a: b: c", "a.yaml:1:5: a second ': '", id="second-colon"),
        pytest.param("a: 1\nb\nc: 1\n", "neither a key nor belongs to one", id="no-colon"),
        pytest.param("a:\n  - b\n c: 1\n", "fits no indentation above it, expected a key", id="dedent"),
        pytest.param("- a\n b: 1\n  - c\n", "second ': '", id="list-dedent"),
        pytest.param("a: 'b", "the text ends inside of quotes", id="quote"),
        pytest.param("a: [b:c", "a list or map in brackets that is not closed", id="colon-in-open-bracket"),
        pytest.param("a: [b:c]\n#" + "x" * 300_000, "a ':' inside of a value in brackets", id="colon-in-long-text"),
        pytest.param("a: @b", "a character that no value can start with", id="at"),
        pytest.param("a: !b!c d", "an unknown tag", id="tag-handle"),
        pytest.param("a: [b", "brackets that is not closed", id="bracket"),
        pytest.param("%YAML 3.0\n---\na", "found incompatible YAML document, expected YAML", id="version"),
        pytest.param("a: b\nc: \x07", "a.yaml:2:4: a control character", id="bell"),
        pytest.param("a: \ud800", "a.yaml:1:4: a control character or half", id="surrogate"),
    ],
)
def test_a_text_that_is_not_yaml_says_where_and_what_to_do(text: str, said: str) -> None:
    with pytest.raises(Malformed) as caught:
        yaml.parse(text, "a.yaml")
    assert said in str(caught.value)
    assert caught.value.remedy.endswith(".")
    assert caught.value.exit_code == 2


def test_two_hundred_levels_are_read() -> None:
    node = one("[" * 200 + "]" * 200)
    assert str(yaml.to_python(node)).count("[") == 200


_PIECES = st.lists(
    st.sampled_from(
        [
            *"abc:-#&*!|>'\"%@`{}[],?<\t \n\r",
            ": ",
            "[a:b, ",
            "{a: b:c, ",
            "- ",
            "\n  ",
            "&a ",
            "*a",
            "<<: ",
            "!!int ",
            "|\n ",
            "---\n",
            "é",
        ]
    )
).map("".join)


@given(st.text() | _PIECES)
def test_any_text_is_read_or_is_malformed(text: str) -> None:
    try:
        documents = yaml.parse(text, "a.yaml")
        for node in documents:
            list(yaml.repeated_keys(node))
            yaml.to_python(node)
    except Malformed:
        return


@given(st.text("ab =\n ", min_size=1), st.integers(1, 6))
def test_every_line_of_a_literal_stands_where_its_place_says(content: str, indent: int) -> None:
    lines = [line for line in content.split("\n") if line.strip()]
    text = "a: |\n" + "".join(f"{' ' * indent}{line.strip()}\n" for line in lines)
    if not lines:
        return
    node = at(text, "a")
    source = text.split("\n")
    for number, line in enumerate(node.text.removesuffix("\n").split("\n"), 1):
        place = node.inner_place(number, 1)
        assert source[place.line - 1][place.column - 1 :] == line


def test_each_of_two_literals_knows_its_own_lines() -> None:
    text = "a: |\n  x\nb: |\n  y\n"
    assert [at(text, key).content_line for key in ("a", "b")] == [2, 4]
