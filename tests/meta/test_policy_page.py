"""The reference page of the policy file: its second half is what the schema and the registry of codes say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_bridge.core.model.codes import REGISTRY
from runner_bridge.core.model.finding import Family
from runner_bridge.core.policy import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "policy.md"
MARK = "<!-- what follows is generated: make golden -->\n"


def keys(part: dict[str, Any], definitions: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield a row for each key below a part of the schema."""
    for name, given in part.get("properties", {}).items():
        value = given | definitions.get(given.get("$ref", "").rpartition("/")[2], {}) | given
        inner, below = value, f"{path}{name}"
        if isinstance(free := value.get("additionalProperties"), dict) and "$ref" in free:
            inner, below = definitions[free["$ref"].rpartition("/")[2]], f"{path}{name}.*"
        elif "$ref" in (items := value.get("items", {})):
            inner, below = definitions[items["$ref"].rpartition("/")[2]], f"{path}{name}[]"
        mandatory = " (mandatory)" if name in part.get("required", ()) else ""
        told = value["description"].replace("|", "\\|")
        yield f"| `{path}{name}` | {told}{mandatory} |"
        yield from keys(inner, definitions, f"{below}.")


def test_the_page_describes_every_key_and_every_problem(golden: Callable[[Path, str], None]) -> None:
    schema = json_schema()
    head = PAGE.read_text().partition(MARK)[0]
    rows = "\n".join(keys(schema, schema["$defs"]))
    problems = "\n".join(
        f"### {code.name}\n\n*{code.severity}*: {code.title}.\n\n{code.page}\n\n**What to do:** "
        f"{code.remedy.rstrip('.')}.\n"
        for code in REGISTRY.values()
        if code.family is Family.POLICY
    )
    golden(
        PAGE,
        f"{head}{MARK}\n## Keys\n\n| key | meaning |\n|---|---|\n{rows}\n\n## Problems\n\n"
        f"`runner-bridge lint` names each by its code.\n\n{problems}",
    )
