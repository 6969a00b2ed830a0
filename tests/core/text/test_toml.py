"""TOML is read as tomllib reads it, with places, and past its mistakes."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.text.toml import DEEPEST, Array, Document, Kind, Mistake, Scalar, Table, Value, parse

CONFIG = """\
concurrent = 4
[[runners]]
  name = "é-ü"   # a comment
  limits = { cpu = "1", labels.a = [1, 2] }
  [runners.kubernetes.pod_annotations]
    "cni.projectcalico.org/ipv4pools" = '["infra"]'
[[runners]]
  name = "b"
"""


def at(document: Document, *path: str | int) -> Value:
    value: Value | None = document.root
    for step in path:
        if isinstance(step, int):
            assert isinstance(value, Array)
            value = value.items[step]
        else:
            assert isinstance(value, Table)
            value = value.get(step)
    assert value is not None
    return value


def where(value: Value) -> tuple[int, int, int]:
    return value.place.line, value.place.column, value.place.end_column


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("concurrent",), (1, 14, 15)),
        (("runners",), (2, 1, 12)),
        (("runners", 0), (2, 1, 12)),
        (("runners", 0, "name"), (3, 10, 15)),
        (("runners", 0, "limits"), (4, 12, 44)),
        (("runners", 0, "limits", "labels"), (4, 25, 31)),
        (("runners", 0, "limits", "labels", "a"), (4, 36, 42)),
        (("runners", 0, "limits", "labels", "a", 1), (4, 40, 41)),
        (("runners", 0, "kubernetes"), (5, 12, 22)),
        (("runners", 0, "kubernetes", "pod_annotations"), (5, 3, 39)),
        (("runners", 0, "kubernetes", "pod_annotations", "cni.projectcalico.org/ipv4pools"), (6, 41, 52)),
        (("runners", 1), (7, 1, 12)),
    ],
    ids=str,
)
def test_every_value_knows_its_line_and_columns_in_characters(
    path: tuple[str | int, ...], place: tuple[int, int, int]
) -> None:
    assert where(at(parse(CONFIG, "c.toml"), *path)) == place


def test_keys_know_their_place_and_whether_they_are_quoted() -> None:
    annotations = at(parse(CONFIG, "c.toml"), "runners", 0, "kubernetes", "pod_annotations")
    assert isinstance(annotations, Table)
    key = annotations.entries["cni.projectcalico.org/ipv4pools"].key
    assert (key.quoted, str(key.place), key.place.end_column) == (True, "c.toml:6:5", 38)


@pytest.mark.parametrize(
    ("text", "path", "kind"),
    [
        ("", (), Kind.ROOT),
        ("[a]", ("a",), Kind.TABLE),
        ("[[a]]", ("a", 0), Kind.ITEM),
        ("a = {}", ("a",), Kind.INLINE),
        ("a.b = 1", ("a",), Kind.DOTTED),
        ("[a.b]", ("a",), Kind.IMPLIED),
        ("[a.b]\n[a]", ("a",), Kind.TABLE),
    ],
    ids=repr,
)
def test_a_table_knows_how_it_was_written(text: str, path: tuple[str | int, ...], kind: Kind) -> None:
    table = at(parse(text, "c.toml"), *path)
    assert isinstance(table, Table)
    assert table.kind is kind


def test_a_list_knows_whether_it_is_made_of_sections() -> None:
    document = parse("a = [{}]\n[[b]]", "c.toml")
    lists = [at(document, name) for name in "ab"]
    assert [isinstance(one, Array) and one.of_tables for one in lists] == [False, True]


def test_a_value_over_several_lines_ends_for_a_caret_at_its_first_line() -> None:
    assert where(at(parse("a = [1,\n2]", "c.toml"), "a")) == (1, 5, 8)


@pytest.mark.parametrize(
    ("text", "line", "column", "observed", "kept"),
    [
        ("a/b = 1\nc = 2", 1, 2, "`/` in a key without quotes", {"c": 2}),
        ("a.'x y'/b = 1\nc = 2", 1, 8, "`/` in a key without quotes", {"c": 2}),
        ("ключ = 1\nc = 2", 1, 1, "`к` in a key without quotes", {"c": 2}),
        ("[a\nb = 1", 1, 3, "the end of the line in a table header", {"a": {"b": 1}}),
        ("  [[a]\nb = 1", 1, 6, "`]` in a table header", {"a": [{"b": 1}]}),
        ("[a]]\nb = 1", 1, 4, "text after a table header", {"a": {"b": 1}}),
        ("[a] x\nb = 1", 1, 5, "text after a table header", {"a": {"b": 1}}),
        ("[a.b/c]\nd = 1", 1, 5, "`/` in a key without quotes", {"a": {"b/c": {"d": 1}}}),
        ("[]\nb = 1", 1, 2, "a table header without a name", {"b": 1}),
        ("[a..b]\nc = 1", 1, 4, "an empty name in a table header", {"a": {"b": {"c": 1}}}),
        ("a: 1\nb = 2", 1, 2, "`:` after a key", {"b": 2}),
        ("a b = 1\nc = 2", 1, 2, "` ` in a key without quotes", {"c": 2}),
        ("a\nb = 2", 1, 2, "a key without `=`", {"b": 2}),
        ("= 1\nb = 2", 1, 1, "no key before `=`", {"b": 2}),
        ("a =\nb = 2", 1, 4, "no value after `=`", {"b": 2}),
        ("a = x\nb = 2", 1, 5, "a text without quotes", {"b": 2}),
        ("é = 1\na = 'ü' x\nb = 2", 1, 1, "`é` in a key without quotes", {"b": 2}),
        ("a = 'ü' x\nb = 2", 1, 5, "text after a value", {"b": 2}),
        ("a = True\nb = 2", 1, 5, "`True`", {"b": 2}),
        ("a = 01\nb = 2", 1, 5, "a value that is no TOML", {"b": 2}),
        ("a = 1]\nb = 2", 1, 5, "a value that is no TOML", {"b": 2}),
        ("a = 1979-02-30\nb = 2", 1, 5, "a date, a number or an escape that does not exist", {"b": 2}),
        ('"\\ud800" = 1\nb = 2', 1, 1, "a date, a number or an escape that does not exist", {"b": 2}),
        ('["\\ud800"]\nb = 2', 1, 2, "a date, a number or an escape that does not exist", {}),
        ("a = 'x\nb = 2", 1, 5, "a text that is not closed", {"b": 2}),
        ('a = """x\nb = 2', 1, 5, "a text that is not closed", {"b": 2}),
        ('a = "\\d"\nb = 2', 1, 5, "an escape that TOML does not know", {"b": 2}),
        ("?\nb = 2", 1, 2, "a key without `=`", {"b": 2}),
        ("é\x00\nb = 2", 1, 3, "a key without `=`", {"b": 2}),
        ("\f", 1, 1, "something that is no TOML", {}),
        ("a = [\n 1\nb = 2\nc = 3", 3, 1, "a new line of keys inside of the list that starts in line 1", None),
        ("a = ['x'\n[b]\nc = 3", 2, 1, "a new line of keys inside of the list that starts in line 1", None),
        ("a = [\n 1,\n[b]\nc = 3", 3, 1, "a new line of keys inside of the list that starts in line 1", None),
    ],
    ids=repr,
)
def test_a_mistake_has_its_place_and_the_rest_is_read(
    text: str, line: int, column: int, observed: str, kept: dict[str, object] | None
) -> None:
    document = parse(text, "c.toml")
    found = document.problems[0]
    assert (found.place.line, found.place.column, found.observed) == (line, column, observed)
    assert len(document.problems) == 1
    assert kept is None or document.to_python() == kept


def test_a_list_that_is_not_closed_does_not_swallow_the_file() -> None:
    document = parse("a = [\n  1 # one\nb = 2\n[c]\nd = 3", "c.toml")
    assert document.to_python() == {"a": [1], "b": 2, "c": {"d": 3}}


@pytest.mark.parametrize(
    ("text", "line", "column", "observed"),
    [
        ("a = 1\na = 2", 2, 1, "a a second time, after line 1"),
        ('"a b" = 1\n"a b" = 2', 2, 1, '"a b" a second time, after line 1'),
        ("a = {b = 1, b = 2}", 1, 13, "b a second time, after line 1"),
        ("[a]\n[a]\nb = 1", 2, 2, "[a] a second time, after line 1"),
        ("[[a]]\n[a]\nb = 1", 2, 2, "[a] after [[a]] in line 1"),
        ("[a]\n[[a]]", 2, 3, "[[a]] after a was something else in line 1"),
        ("[a.b]\n[[a]]", 2, 3, "[[a]] after a was something else in line 1"),
        ("a = 1\n[a]", 2, 2, "a as a section, after it got a value in line 1"),
        ("a = {}\n[a.b]", 2, 2, "a as a section, after it got a value in line 1"),
        ("a = 1\na.b = 2", 2, 1, "a as a section, after it got a value in line 1"),
        ("[a]\n[b]\n[a.c]\n[b.d]\n[[a.c]]", 5, 5, "[[a.c]] after a.c was something else in line 3"),
        ("[a.b]\n[a]\nb.c = 1\n[a.b]", 3, 1, "a dotted key that adds to b, a section of its own in line 1"),
        ("[a]\nb.c = 1\n[a.b]", 3, 4, "[a.b] a second time, after line 2"),
        ("[[a.b]]\n[a]\nb.c = 1", 3, 1, "a dotted key that adds to b, a section of its own in line 1"),
    ],
    ids=repr,
)
def test_what_is_defined_twice_is_refused_at_the_second_place(text: str, line: int, column: int, observed: str) -> None:
    found = parse(text, "c.toml").problems[0]
    assert (found.place.line, found.place.column, found.observed) == (line, column, observed)
    assert found.mistake is Mistake.REPEATED


@pytest.mark.parametrize(
    ("text", "value"),
    [("a.b = 1\na.c = 2", {"b": 1, "c": 2}), ("[a.b.c]\n[a]\nb.d = 1", {"b": {"c": {}, "d": 1}})],
    ids=repr,
)
def test_dotted_keys_add_to_a_table_that_has_no_header_of_its_own(text: str, value: object) -> None:
    document = parse(text, "c.toml")
    assert (document.problems, document.to_python()) == ((), {"a": value})


def test_keys_below_a_refused_header_are_not_taken_for_keys_of_the_section_above() -> None:
    assert parse("[a]\n[b]\n[a]\nc = 1", "c.toml").to_python() == {"a": {}, "b": {}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a = "\\e\\x41"', "\x1bA"),
        ("a = {b = 1,}", {"b": 1}),
        ("a = {\n b = 1,\n c = 2,\n}", {"b": 1, "c": 2}),
    ],
    ids=repr,
)
def test_what_the_runner_takes_from_toml_1_1_is_no_mistake(text: str, value: object) -> None:
    document = parse(text, "c.toml")
    assert (document.problems, document.to_python()) == ((), {"a": value})


@pytest.mark.parametrize("text", ["\ufeffa = 1\r\nb = 'x'\r\n", "\ufeff"], ids=repr)
def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(text: str) -> None:
    assert not parse(text, "c.toml").problems


@pytest.mark.parametrize("text", ["{} = 1", "[{}]", "[[{}]]", "a = {{ {} = 1 }}"])
def test_a_key_of_endless_parts_is_a_problem_and_not_a_crash(text: str) -> None:
    document = parse(text.format(".".join("a" * 20_000)), "c.toml")
    assert [found.expected for found in document.problems] == [f"at most {DEEPEST}"]
    assert document.to_python() in ({}, {"a": {}})


@pytest.mark.parametrize("nest", ["[{}]", "{{a = {}}}"], ids=repr)
def test_nesting_without_end_is_a_problem_and_not_a_crash(nest: str) -> None:
    value = "1"
    for _ in range(DEEPEST + 50):
        value = nest.format(value)
    assert [found.expected for found in parse(f"a = {value}", "c.toml").problems] == [f"at most {DEEPEST}"]


def test_a_hundred_thousand_open_brackets_are_one_problem() -> None:
    assert len(parse(f"a = {'[' * 100_000}\nb = 1", "c.toml").problems) == 1


def test_a_text_that_is_no_toml_ends_after_some_problems() -> None:
    assert len(parse("a:\n\nb = 1\n" * 500 + "[c]\nd =", "c.toml").problems) == 25


key = st.sampled_from(["a", "b", "c", '"d e"', "'f.g'"])
keys = st.lists(key, min_size=1, max_size=3).map(".".join)
scalars = st.one_of(
    st.integers(-9, 99).map(str),
    st.sampled_from(
        ["true", "1.5", "inf", "0xff", "1_000", "1979-05-27T07:32:00Z", "07:32:00", "1979-05-27", "'''z'''"]
    ),
    st.sampled_from(['"x"', "'y\\'", '"\\u00e9\\n"', '"é"', '"""\n a\nb"""']),
)


def lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    tables = st.lists(st.tuples(keys, values), max_size=3)
    return st.one_of(
        st.lists(values, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(values, min_size=1, max_size=3).map(lambda items: "[\n " + ",\n ".join(items) + " # c\n]"),
        tables.map(lambda pairs: "{" + ", ".join(f"{name} = {value}" for name, value in pairs) + "}"),
    )


lines = st.one_of(
    st.tuples(keys, st.recursive(scalars, lists, max_leaves=4)).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    keys.map("[{}]".format),
    keys.map("[[{}]]".format),
    st.sampled_from(["# c", ""]),
)


def means_what_tomllib_says(text: str) -> None:
    document = parse(text, "c.toml")
    try:
        wanted = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        assert document.problems
    else:
        assert not document.problems
        assert document.to_python() == wanted


@given(st.lists(lines, max_size=7).map("\n".join))
def test_valid_means_the_same_as_in_tomllib_and_invalid_is_never_passed(text: str) -> None:
    means_what_tomllib_says(text)


@given(st.text(alphabet="ab.=[]{\"'\n# 1\\\r-:/é", max_size=40))
def test_any_text_is_read_or_refused_as_tomllib_does(text: str) -> None:
    means_what_tomllib_says(text)


@given(st.text(max_size=80))
def test_no_text_raises(text: str) -> None:
    for problem in parse(text, "c.toml").problems:
        assert problem.place.line >= 1
        assert problem.place.end_column >= problem.place.column >= 1


def test_a_place_on_a_scalar_is_where_its_text_stands() -> None:
    lines_ = CONFIG.splitlines()
    for index in (0, 1):
        name = at(parse(CONFIG, "c.toml"), "runners", index, "name")
        assert isinstance(name, Scalar)
        line = lines_[name.place.line - 1]
        assert line[name.place.column - 1 : name.place.end_column - 1] == f'"{name.value}"'
