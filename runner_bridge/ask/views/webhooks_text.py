"""Webhooks that are to be changed, for people: a line for each, with what differs below it, and how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.ask.views import well_formed
from runner_bridge.core.model.edit import Deed
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner_bridge.core.model.webhooks import WebhookEdit

_DONE = {Deed.CREATE: "to create", Deed.UPDATE: "to change", Deed.DELETE: "to delete"}


def render(edits: Sequence[WebhookEdit], *, owners: int, troubles: Iterable[str] = ()) -> Iterator[str]:
    """
    Yield the edits line by line, each with its end.

    Args:
        edits: in the order in which they are done.
        owners: how many groups and projects were looked at.
        troubles: what could not be looked at, one sentence each.
    """
    for one in edits:
        number = "" if one.webhook_id is None else f" #{one.webhook_id}"
        yield _line(f"{one.deed.symbol} webhook{number} of {one.owner}: {one.why}")
        for field in one.fields:
            before, after = redact(field.before), redact(field.after)
            yield f"    {field.name}: {f'{before} -> {after}' if before else after}\n"
    for text in troubles:
        yield _line(f"! {text}")
    counts = [f"{sum(one.deed is deed for one in edits)} {words}" for deed, words in _DONE.items()]
    what = ", ".join(counts) if edits else "nothing to do"
    yield f"{what[:1].upper()}{what[1:]}; groups and projects looked at: {owners}.\n"


def _line(text: str) -> str:
    return well_formed(redact(text)).replace("\n", " ") + "\n"
