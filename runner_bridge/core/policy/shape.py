"""
Does the text have the shape of a policy: pydantic's errors, in our words and with places.

What does not fit is reported and left out, and the rest is looked at again, so that one wrong type does not hide what
is wrong elsewhere.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from runner_bridge.core.model.codes import policy as codes
from runner_bridge.core.policy.report import did_you_mean, listed, shown
from runner_bridge.core.policy.schema import PolicyShape, json_schema

if TYPE_CHECKING:
    from runner_bridge.core.model import Code
    from runner_bridge.core.policy.report import At, Report

_TYPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
}


_schema = cache(json_schema)


def fit(data: dict[str, Any], report: Report) -> PolicyShape:
    """
    Return the data in the shape of a policy; report what does not fit, without it. Never raises.

    Args:
        data: is changed: what does not fit is taken out.
        report: where problems go.
    """
    while True:
        try:
            return PolicyShape.model_validate(data)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        for one in errors:
            _report(one, report)
        for one in errors:
            _take_out(tuple(one["loc"]), data, report, missing=one["type"] == "missing")


def _report(error: Any, report: Report) -> None:  # noqa: ANN401 - pydantic's TypedDict
    at: At = tuple(error["loc"])
    match error["type"]:
        case "extra_forbidden":
            _unknown_key(at, report)
        case "missing":
            _missing(at, report)
        case "enum" | "literal_error":
            _not_a_word(at, error["input"], report)
        case "greater_than_equal":
            least = error["ctx"]["ge"]
            _tell(codes.INVALID_VALUE, at, error["input"], f"{least} or more", report)
        case "less_than_equal":
            most = error["ctx"]["le"]
            _tell(codes.INVALID_VALUE, at, error["input"], f"{most} or less", report)
        case kind:
            _tell(codes.WRONG_TYPE, at, error["input"], _TYPES.get(kind, "another type"), report, _about(kind, error))


def _unknown_key(at: At, report: Report) -> None:
    known = list(_described(at[:-1]).get("properties", {}))
    elsewhere = "" if (near := did_you_mean(at[-1], known)) else _lives_at(str(at[-1]))
    report.add(
        codes.UNKNOWN_KEY,
        *at,
        on_key=True,
        observed=shown(at[-1]),
        expected=f"one of {', '.join(known)}",
        remedy=near or elsewhere,
    )


def _lives_at(key: str) -> str:
    """Say where a key that is unknown here is known."""
    schema = _schema()
    homes = {
        "GitLabShape": "gitlab",
        "ClusterShape": "cluster",
        "CalicoShape": "cluster.calico",
        "ManagerShape": "manager",
        "PoolShape": "a pool",
        "TierShape": "a tier",
        "RunnerShape": "a runner",
        "JobShape": "a tier's job",
        "TierEnforceShape": "a tier's enforce",
        "EnforceShape": "enforce",
        "InstallationShape": "an installation",
        "ConfigurationShape": "an installation's configuration",
        "TokensShape": "an installation's tokens",
        "LoadedShape": "an installation's loaded",
    }
    found = [words for name, words in homes.items() if key in schema["$defs"][name]["properties"]]
    if key in schema["properties"]:
        found.append("the top of the file")
    return f"{key!r} belongs to {listed(found)}." if found else ""


def _missing(at: At, report: Report) -> None:
    about = _described(at).get("description", "")
    report.add(codes.MISSING_KEY, *at, expected=f"the key {shown(at[-1])}", cause=about)


def _not_a_word(at: At, value: object, report: Report) -> None:
    words = [str(word) for word in _described(at).get("enum", [])]
    if isinstance(value, str):
        _tell(codes.INVALID_VALUE, at, value, listed(words), report, did_you_mean(value, words))
    else:
        _tell(codes.WRONG_TYPE, at, value, listed(words), report)


def _tell(code: Code, at: At, value: object, expected: str, report: Report, remedy: str = "") -> None:
    report.add(code, *at, observed=_kind_of(value), expected=expected, remedy=remedy)


def _about(kind: str, error: Any) -> str:  # noqa: ANN401 - pydantic's TypedDict
    """Return a remedy for the slips that are usual."""
    value = error["input"]
    if kind == "string_type" and isinstance(value, int | float):
        return 'Put quotes around it: YAML reads it as a number or truth value, and "3.30" would become 3.3.'
    if kind == "int_type" and isinstance(value, str) and value.isdecimal():
        return "Remove the quotes: in them it is a text."
    if kind == "list_type" and isinstance(value, str):
        return f"Put it in brackets: [{shown(value).strip(chr(39))}]."
    if kind == "bool_type" and str(value).lower() in {"yes", "no", "on", "off"}:
        return "Write true or false; in YAML 1.2 yes, no, on and off are texts."
    return ""


def _kind_of(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return f"the number {shown(value)}" if isinstance(value, int | float) else shown(value)


def _take_out(at: At, data: Any, report: Report, *, missing: bool) -> None:  # noqa: ANN401 - YAML holds anything
    """Remove what does not fit, or let something stand in for it where there has to be something."""
    report.drop(*at)
    for key in at[:-1]:
        data = data[key]
    key = at[-1]
    around = _described(at[:-1])
    mandatory = missing or isinstance(key, int) or key in around.get("required", ())
    if mandatory or around.get("additionalProperties"):
        data[key] = _stand_in(_described(at))
    else:
        data.pop(key, None)


def _stand_in(described: dict[str, Any]) -> Any:  # noqa: ANN401 - YAML holds anything
    """Return a value of the right type; it never reaches a policy, because the problem before it is an error."""
    if "enum" in described:
        return described["enum"][0]
    return {"string": "", "integer": 1, "array": [], "object": {}}[described["type"]]


def _described(at: At) -> dict[str, Any]:
    """Return the part of the JSON Schema that describes a value."""
    schema = _schema()
    definitions = schema["$defs"]
    part: dict[str, Any] = schema
    for key in at:
        if isinstance(key, int):
            part = part.get("items", {})
        else:
            part = part.get("properties", {}).get(key) or part.get("additionalProperties") or {}
        if "$ref" in part:
            part = {**definitions[part["$ref"].rpartition("/")[2]], **part}
    return part
