"""Webhooks to change, as people read them: symbols, what differs, how many."""

from __future__ import annotations

from runner_bridge.ask.views.webhooks_text import render
from runner_bridge.core.model.edit import Deed, FieldEdit
from runner_bridge.core.model.webhooks import Owner, OwnerKind, WebhookEdit

GROUP = Owner(kind=OwnerKind.GROUP, ref="platform")
EDITS = (
    WebhookEdit(
        deed=Deed.CREATE,
        owner=GROUP,
        why="There is none.",
        fields=(FieldEdit(name="token", after="set"), FieldEdit(name="url", after="https://user:FAKE@b/hooks")),
    ),
    WebhookEdit(
        deed=Deed.UPDATE,
        owner=GROUP,
        webhook_id=7,
        why="It is set otherwise.",
        fields=(FieldEdit(name="push_events", before="true", after="false"),),
    ),
    WebhookEdit(deed=Deed.DELETE, owner=GROUP, webhook_id=8, why="It tells the same."),
)


def test_each_edit_has_its_symbol_and_what_differs_below_it() -> None:
    assert list(render(EDITS, owners=2, troubles=["group:a\nb is not there."])) == [
        "+ webhook of group:platform: There is none.\n",
        "    token: set\n",
        "    url: https://[secret]@b/hooks\n",
        "~ webhook #7 of group:platform: It is set otherwise.\n",
        "    push_events: true -> false\n",
        "- webhook #8 of group:platform: It tells the same.\n",
        "! group:a b is not there.\n",
        "1 to create, 1 to change, 1 to delete; groups and projects looked at: 2.\n",
    ]


def test_nothing_to_do_is_said() -> None:
    assert list(render((), owners=1)) == ["Nothing to do; groups and projects looked at: 1.\n"]
