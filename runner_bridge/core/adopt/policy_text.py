"""
Writes the adopted policy: YAML for a person to complete, with a comment wherever the files did not say.

What the runner's file holds is written as it is; what it cannot hold (scopes, tags, which projects) is marked.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from runner_bridge.core.text.yaml_scalar import scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner_bridge.core.adopt.draft import PolicyDraft
    from runner_bridge.core.adopt.tiers import TierDraft

SCHEMA_LINE = "# yaml-language-server: $schema=policy.schema.json"
WIDTH = 80
COMPLETE = "  # complete"


def write(draft: PolicyDraft, heading: Sequence[str] = ()) -> str:
    """Return the policy as YAML; `heading` becomes the comment below the line that names the schema."""
    lines = [SCHEMA_LINE, *comments(heading), "version: 1", "", "gitlab:", f"  url: {scalar(draft.url)}"]
    if draft.root_groups:
        lines.append(f"  root_groups: {_list(draft.root_groups)}")
    lines += ["", *_cluster(draft), *_manager(draft.settings), "", *_pools(draft), ""]
    lines += [*_remark(_TO_COMPLETE, ""), "tiers:"]
    for at, tier in enumerate(draft.tiers):
        lines += ([""] if at else []) + list(_tier(tier, draft))
    return "\n".join(lines) + "\n"


_TO_COMPLETE = (
    "Complete what GitLab knows and the runner's file does not: scope (instance, group:PATH, project:PATH) and tags of "
    'each runner, and which projects belong to a tier, for example "platform/**", "group:platform" or "id:19241".'
)


def comments(lines: Iterable[str], indent: str = "") -> Iterator[str]:
    """Write lines as comments; what could end a line early, wherever it came from, cannot."""
    for line in lines:
        text = "".join(character if character.isprintable() else "?" for character in line)
        yield f"{indent}# {text}".rstrip()


def _remark(text: str, indent: str) -> Iterator[str]:
    yield from comments(textwrap.wrap(text, WIDTH - len(indent) - 2), indent)


def _cluster(draft: PolicyDraft) -> Iterator[str]:
    yield "cluster:"
    yield f"  name: {scalar(draft.cluster)}" if draft.cluster else f"  name: cluster-1{COMPLETE}"
    yield f"  namespaces: {_list(draft.namespaces)}"
    yield from _remark(
        "The ranges of the pools below. Complete them, if pods of this cluster may get addresses from others.", "  "
    )
    yield f"  pod_cidrs: {_list(str(one.cidr) for one in draft.pools)}"


def _manager(settings: Mapping[str, int | str]) -> Iterator[str]:
    if settings:
        yield ""
        yield from _remark("Global keys, for a new config.toml; an existing file keeps its own.", "")
        yield "manager:"
        yield from (f"  {key}: {scalar(value)}" for key, value in settings.items())


def _pools(draft: PolicyDraft) -> Iterator[str]:
    yield from _remark(
        "These exist already and are only recognised. With block_size, nat_outgoing, automatic or encapsulation a "
        "pool is rendered, too.",
        "",
    )
    yield "pools:"
    for one in draft.pools:
        yield f"  {scalar(one.name)}: {{cidr: {scalar(str(one.cidr))}, class: {one.pool_class}}}"


def _tier(tier: TierDraft, draft: PolicyDraft) -> Iterator[str]:
    like = tier.like
    yield f"  {scalar(tier.name)}:"
    yield f"    pools: {_list(one.name for one in tier.pools)}"
    if not tier.pin:
        yield "    pin: false  # no annotation: the cluster's own choice stands"
    families = sorted({f"IPv{one.cidr.version}" for one in tier.pools})
    if draft.dual_stack and len(families) == 1:
        yield f"    families: {_list(families)}"
    rules = draft.rules.get(tier.name, ())
    yield f"    projects: {_list(rules)}{'' if rules else COMPLETE}"
    yield "    runners:"
    for one in tier.runners:
        yield f"      - name: {scalar(one.name)}"
        yield f"        scope: {scalar(draft.scope)}{COMPLETE}"
        yield f"        tags: {_list(one.tags)}{'' if one.tags else COMPLETE}"
        if one.limit:
            yield f"        limit: {one.limit}"
        if one.short_id:
            yield f"        short_ids: [{scalar(one.short_id)}]"
    yield from _map("labels", like.labels)
    yield from _map("annotations", like.annotations)
    yield from _map("job", draft.job(tier))


def _map(key: str, values: Mapping[str, int | str]) -> Iterator[str]:
    if values:
        yield f"    {key}:"
        yield from (f"      {scalar(name)}: {scalar(value)}" for name, value in values.items())


def _list(items: Iterable[str]) -> str:
    return f"[{', '.join(scalar(one) for one in items)}]"
