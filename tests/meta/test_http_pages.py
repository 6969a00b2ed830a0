"""The references of metrics and of paths are written from the tables that the program itself uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.ask.hooks import LARGEST
from runner_bridge.ask.metrics import SPECS
from runner_bridge.ask.web import ROUTES
from runner_bridge.ask.web.serving import IDLE_S, LONGEST_FIELD, LONGEST_LINE, MOST_CONNECTIONS, MOST_FIELDS
from tests.meta.test_reference import MARK, REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner_bridge.ask.web import Route

LIMITS = {
    "connections at a time; more are closed at once": MOST_CONNECTIONS,
    "seconds for a whole request, and for an idle connection": f"{IDLE_S:g}",
    "bytes of the request line": LONGEST_LINE,
    "bytes of a header": LONGEST_FIELD,
    "headers": MOST_FIELDS,
    "bytes of a body": 0,
    "bytes of the body of a hook": LARGEST,
}


def metrics() -> str:
    rows = "".join(
        f"| `{one.name}` | {one.type} | {', '.join(f'`{label}`' for label in one.labels) or '–'} | {one.help}. |\n"
        for one in SPECS.values()
    )
    return f"\n| name | type | labels | |\n|---|---|---|---|\n{rows}"


def _asker(route: Route) -> str:
    return "GitLab (`POST`)" if route.method == "POST" else str(route.role or "everybody")


def paths() -> str:
    rows = "".join(
        f"| `{one.path}` | {_asker(one)} | {', '.join(f'`{name}`' for name in one.parameters) or '–'} | {one.help}. |\n"
        for one in ROUTES
    )
    limits = "".join(f"| {what} | {number} |\n" for what, number in LIMITS.items())
    return (
        f"\n## Paths\n\n| path | who may ask | parameters | |\n|---|---|---|---|\n{rows}"
        f"\n## Limits\n\n| of | no more than |\n|---|---|\n{limits}"
    )


def check(path: Path, text: str, golden: Callable[[Path, str], None]) -> None:
    golden(path, path.read_text(encoding="utf-8").partition(MARK)[0] + MARK + text)


def test_every_metric_stands_on_its_page(golden: Callable[[Path, str], None]) -> None:
    check(REFERENCE / "metrics.md", metrics(), golden)


def test_every_path_stands_on_its_page(golden: Callable[[Path, str], None]) -> None:
    check(REFERENCE / "http.md", paths(), golden)
