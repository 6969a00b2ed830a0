"""
Pages: by keyset, whose next one only its `Link` knows, and by number.

https://docs.gitlab.com/api/rest/#pagination. Links name the external address, whatever address was asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from runner_bridge.simulate.gitlab.access import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Item = TypeVar("Item")
_MOST = 100
_DEFAULT = 20
_DEEPEST = 50_000
_COUNTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a list is answered, and the headers that say how to go on."""

    start: int
    stop: int
    headers: Mapping[str, str]


def size_of(query: Mapping[str, str]) -> int:
    """Return how many entries a page has."""
    return min(int(query.get("per_page", _DEFAULT)), _MOST)


def by_keyset(numbers: Sequence[int], query: Mapping[str, str], url: str) -> Window:
    """Return the page after `id_after`; `numbers` are the sorted ids of the list."""
    if query.get("order_by", "created_at") != "id":
        raise RefusedError(405, {"error": "Keyset pagination is not yet available for this type of request"})
    after = int(query.get("id_after", 0))
    start = next((index for index, number in enumerate(numbers) if number > after), len(numbers))
    stop = start + size_of(query)
    headers: dict[str, str] = {}
    if stop < len(numbers):
        follow = {**query, "id_after": str(numbers[stop - 1])}
        headers["Link"] = f'<{url}?{urlencode(follow)}>; rel="next"'
    return Window(start=start, stop=stop, headers=headers)


def by_number(count: int, query: Mapping[str, str], url: str) -> Window:
    """Return the page that is asked for; there are no totals above ten thousand entries, and no pages far below."""
    page, size = int(query.get("page", 1)), size_of(query)
    if (page - 1) * size > _DEEPEST:
        raise RefusedError(405, {"error": "Offset pagination has a maximum allowed offset of 50000 for requests"})
    last = max(1, -(-count // size))

    def link(number: int, rel: str) -> str:
        return f'<{url}?{urlencode({**query, "page": str(number), "per_page": str(size)})}>; rel="{rel}"'

    headers = {
        "X-Page": str(page),
        "X-Per-Page": str(size),
        "X-Next-Page": str(page + 1) if page < last else "",
        "Link": ", ".join(
            [
                *([link(page - 1, "prev")] if page > 1 else []),
                *([link(page + 1, "next")] if page < last else []),
                link(1, "first"),
                *([link(last, "last")] if count <= _COUNTED else []),
            ]
        ),
    }
    if count <= _COUNTED:
        headers |= {"X-Total": str(count), "X-Total-Pages": str(last)}
    return Window(start=(page - 1) * size, stop=page * size, headers=headers)
