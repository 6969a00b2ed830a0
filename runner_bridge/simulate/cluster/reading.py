"""Lists in pages and watches from a version, as Kubernetes' API concepts describe them."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from runner_bridge.simulate.cluster import representation, status
from runner_bridge.simulate.cluster.events import as_events
from runner_bridge.simulate.cluster.resources import EVENTS, Resource
from runner_bridge.simulate.cluster.selectors import Matcher, everything, field_selector, label_selector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from runner_bridge.simulate.cluster.representation import Form
    from runner_bridge.simulate.cluster.status import Object
    from runner_bridge.simulate.cluster.store import Change, Key, Store

_BOOKMARK_EVERY_S = 60.0
_BOOKMARK_BEFORE_END_S = 2.0
"""A real server sends a bookmark every minute and two seconds before its time-out (apiserver, storage/cacher)."""
_LONGEST_WATCH_S = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What the query of a list or a watch asks for."""

    matches: Matcher
    is_selective: bool
    limit: int
    continue_token: str
    version: str
    version_match: str
    wants_bookmarks: bool
    wants_initial_events: bool
    timeout_s: float


def _integer(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "") or "0"
    try:
        return int(text)
    except ValueError:
        raise status.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _forbidden(what: str) -> status.StatusError:
    message = f'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: {what}'
    details = {"group": "meta.k8s.io", "kind": "ListOptions"}
    return status.StatusError(422, "Invalid", message, details=details)


def read_query(resource: Resource, query: Mapping[str, str]) -> Query:
    """
    Return the query of a list or watch.

    Raises:
        StatusError: 400.
    """
    labels = label_selector(query.get("labelSelector", ""))
    fields = field_selector(query.get("fieldSelector", ""), resource)

    def matches(obj: Object) -> bool:
        return labels(obj) and fields(as_events(obj) if resource is EVENTS else obj)

    is_selective = labels is not everything or fields is not everything
    version = query.get("resourceVersion", "")
    if not (version or "0").isdecimal():
        what = f'resourceVersion: Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid syntax'
        # A real server calls this its own failure when it happens to a watch.
        raise status.StatusError(500, "", what) if query.get("watch") else status.bad_request(what)
    match = query.get("resourceVersionMatch", "")
    wants_initial_events = query.get("sendInitialEvents", "") in {"1", "true"}
    if wants_initial_events and match != "NotOlderThan":
        raise _forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
    if match == "Exact" and version in {"", "0"}:
        raise _forbidden('resourceVersionMatch "Exact" is forbidden for this resourceVersion')
    return Query(
        matches=matches if is_selective else everything,
        is_selective=is_selective,
        limit=_integer(query, "limit"),
        continue_token=query.get("continue", ""),
        version=version,
        version_match=match,
        wants_bookmarks=query.get("allowWatchBookmarks", "") in {"1", "true"},
        wants_initial_events=wants_initial_events,
        timeout_s=float(_integer(query, "timeoutSeconds") or _LONGEST_WATCH_S),
    )


class Reader:
    """Answers lists and watches of one store."""

    def __init__(self, store: Store, *, bookmark_every_s: float = _BOOKMARK_EVERY_S) -> None:
        self._store = store
        self._bookmark_every_s = bookmark_every_s
        self._pages: dict[tuple[str, str, int], list[tuple[Key, Object]]] = {}

    def page(self, resource: Resource, namespace: str, query: Query, form: Form) -> bytes:
        """
        Return a list, or a page of it; all pages of one list show the version of the first.

        Raises:
            StatusError: 400, 406, 410 for a continued or an exact list whose version has expired.
        """
        version, after = self._store.version, None
        if query.continue_token:
            if query.version not in {"", "0"}:
                raise status.bad_request("specifying resource version is not allowed when using continue")
            version, after = representation.read_continue(query.continue_token)
            version = self._store.version if version < 0 else version
            if version < self._store.oldest:
                what = (
                    "The provided continue parameter is too old to display a consistent list result. You can start a"
                    " new list without the continue parameter, or use the continue token in this response to retrieve"
                    " the remainder of the results."
                )
                raise status.expired(what, continue_token=representation.continue_token(-1, after))
        elif query.version_match == "Exact":
            version = int(query.version or 0)
            if version < self._store.oldest:
                raise status.too_old(version, self._store.oldest)
        items = self._at(resource, namespace, version)
        start = 0 if after is None else bisect_right(items, after, key=lambda each: each[0])
        matching = ((at, each) for at, each in enumerate(islice(items, start, None), start) if query.matches(each[1]))
        # One more than the page holds tells whether there is another page.
        found = list(islice(matching, query.limit + 1 if query.limit else None))
        meta: Object = {"resourceVersion": str(version)}
        if query.limit and len(found) > query.limit:
            first_left_out = found.pop()[0]
            meta["continue"] = representation.continue_token(version, found[-1][1][0])
            if not query.is_selective:
                meta["remainingItemCount"] = len(items) - first_left_out
        return representation.page(resource, [obj for _, (_, obj) in found], form, meta)

    def _at(self, resource: Resource, namespace: str, version: int) -> list[tuple[Key, Object]]:
        """Return a list as of a version; the last few are kept for the pages to come."""
        wanted = resource.storage, namespace, version
        if wanted not in self._pages:
            if len(self._pages) >= 4:
                self._pages.pop(next(iter(self._pages)))
            self._pages[wanted] = self._store.at(resource.storage, namespace, version)
        return self._pages[wanted]

    async def watch(self, resource: Resource, namespace: str, query: Query, form: Form) -> AsyncIterator[bytes]:
        """
        Yield the lines of a watch, several together where they are there, until its time is over.

        Never raises.
        """
        loop = asyncio.get_running_loop()
        ends_at, bookmark_at = loop.time() + query.timeout_s, loop.time() + self._bookmark_every_s
        bookmark_at = min(bookmark_at, ends_at - _BOOKMARK_BEFORE_END_S)
        version = int(query.version or 0)
        if version == 0 or query.wants_initial_events:
            version = self._store.version
            lines = [
                representation.line("ADDED", resource, obj, form)
                for _, obj in self._at(resource, namespace, version)
                if query.matches(obj)
            ]
            if query.wants_initial_events and query.wants_bookmarks:
                lines.append(representation.bookmark(resource, version, form, ends_initial_events=True))
            yield b"".join(lines)
        elif version < self._store.oldest:
            yield representation.error_line(status.too_old(version, self._store.oldest))
            return
        with self._store.sleeper(resource.storage) as sleep:
            while (now := loop.time()) < ends_at:
                if self._store.has_lost(resource.storage, version):
                    missed = status.too_old(version, self._store.oldest)
                    yield representation.error_line(missed)
                    return
                changes = self._store.since(resource.storage, version)
                if changes:
                    version = changes[-1].version
                    lines = [_line(each, resource, namespace, query.matches, form) for each in changes]
                    yield b"".join(lines)
                elif now >= bookmark_at:
                    bookmark_at = now + self._bookmark_every_s
                    version = max(version, self._store.version)
                    if query.wants_bookmarks:
                        yield representation.bookmark(resource, version, form)
                else:
                    await sleep(min(ends_at, bookmark_at) - now)


def _line(change: Change, resource: Resource, namespace: str, matches: Matcher, form: Form) -> bytes:
    """Return the line for a change; one that moves an object into or out of the selection is a creation or deletion."""
    if namespace and change.key[0] != namespace:
        return b""
    was = change.old is not None and matches(change.old)
    is_now = change.new is not None and matches(change.new)
    if not was and not is_now:
        return b""
    kind = "DELETED" if not is_now else "MODIFIED" if was else "ADDED"
    return representation.line(kind, resource, change.shown, form)
