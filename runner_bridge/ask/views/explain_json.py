"""An explanation for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner_bridge.ask.answers.explain import Explanation
    from runner_bridge.core.policy.model import Egress, Rule, Tier


def render(answer: Explanation) -> str:
    """Return the explanation as one JSON object; ends in a newline."""
    project, placement = answer.project, answer.placement
    value = {
        "project": {
            "id": project.id,
            "path": project.path,
            "topics": list(project.topics),
            "attributes": dict(project.attributes),
        },
        "tier": placement.tier,
        "rule": _rule(placement.rule) if placement.rule else None,
        "lost": [{**_rule(rule), "because": why} for rule, why in placement.lost],
        "tied": [_rule(rule) for rule in placement.tied],
        "unsure": list(answer.unsure),
        **(_consequences(answer, answer.tier) if answer.tier else {}),
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _consequences(answer: Explanation, tier: Tier) -> dict[str, Any]:
    return {
        "class": tier.pool_class,
        "pinned": tier.pin,
        "pools": [{"name": pool.name, "cidr": str(pool.cidr), "block_size": pool.block_size} for pool in tier.pools],
        "annotations": dict(answer.annotations),
        "runners": [
            {"name": one.runner.name, "scope": str(one.runner.scope), "offered": one.offered} for one in answer.offers
        ],
        "also_offered": [{"name": one.name, "tier": one.tier} for one in answer.elsewhere],
        "egress": _egress(tier.egress),
        "source_addresses": [
            {"destination": one.destination, "source": one.source, "because": one.because} for one in answer.sights
        ],
        "assumed": list(answer.assumed),
    }


def _egress(egress: Egress) -> dict[str, Any]:
    return {
        "kind": egress.kind,
        "gateway": egress.gateway,
        "addresses": [str(one) for one in egress.addresses],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {"rule": rule.text, "kind": rule.kind, "tier": rule.tier, "place": str(rule.place)}
