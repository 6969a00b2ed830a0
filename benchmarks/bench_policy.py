"""
The promises about the policy: loading against the C composer alone, and looking a project up.

A policy of 1,000 tiers and 20,000 rules loads in at most 5 times what the C composer takes for the same text (without
any of its meaning); a project is placed in at most 20 µs.
"""

from __future__ import annotations

import random
import sys
from datetime import date

from compare import compare, cpu_seconds
from ruamel.yaml.cyaml import CSafeLoader

from runner_bridge.core.policy import Source, load
from runner_bridge.core.policy.model import Policy, Project, ProjectPath

TIERS, RULES_EACH, LOOKUPS = 1_000, 20, 20_000
PROMISED_LOAD, PROMISED_LOOKUP_US = 5.0, 20.0


def policy_text() -> str:
    """Return a policy of the promised size, with rules of every kind."""
    lines = [
        "version: 1",
        "gitlab: {url: 'https://gitlab.example.com'}",
        "cluster: {name: prod, namespaces: [ci], pod_cidrs: [10.0.0.0/8, 172.16.0.0/16]}",
        "pools:",
        "  workload: {cidr: 172.16.0.0/16, class: routable}",
    ]
    lines += [
        f"  pool-{tier}: {{cidr: 10.{tier // 64}.{tier % 64 * 4}.0/22, class: nat, block_size: 27}}"
        for tier in range(TIERS)
    ]
    lines.append("tiers:")
    for tier in range(TIERS):
        lines += [f"  tier-{tier}:", f"    pools: [pool-{tier}]", "    egress: node", "    projects:"]
        for rule in range(RULES_EACH):
            path = f"group-{tier}/team-{rule}"
            kinds = (f"id:{tier * 100 + rule + 1}", f"{path}/**", f"{path}/*/deploy", f"attribute:owner={tier}-{rule}")
            lines.append(f"      - {kinds[rule % 4]}")
        lines.append("    runners:")
        lines.append(f'      - {{name: runner-{tier}, scope: "group:group-{tier}", tags: [tag-{tier}], limit: 4}}')
        lines.append(f"    labels: {{team: team-{tier}}}")
    lines += [
        "  rest:",
        "    pools: [workload]",
        "    pin: false",
        '    projects: ["**", "*/tools/**"]',
        "    runners:",
    ]
    lines.append("      - {name: shared, scope: instance, run_untagged: true}")
    return "\n".join(lines) + "\n"


def look_up(policy: Policy) -> float:
    """Return the microseconds of CPU for one look-up."""
    draw = random.Random(7)  # noqa: S311 - the same projects in each run
    projects = [
        Project(
            id=draw.randrange(200_000),
            path=ProjectPath(f"group-{draw.randrange(TIERS)}/team-{draw.randrange(RULES_EACH)}/a/deploy"),
            attributes={"owner": f"{draw.randrange(TIERS)}-3"},
        )
        for _ in range(LOOKUPS)
    ]
    before = cpu_seconds()
    for project in projects:
        policy.place(project)
    return (cpu_seconds() - before) / LOOKUPS * 1e6


def main() -> None:
    text = policy_text()
    source = [Source(name="policy.yaml", text=text)]
    today = date(2026, 1, 1)
    policy = load(source, today=today)
    microseconds = look_up(policy)
    print(f"a project is placed among {TIERS * RULES_EACH:,} rules in {microseconds:.1f} µs (promised ≤ 20)")
    del policy
    compare(
        f"a policy of {TIERS:,} tiers and {TIERS * RULES_EACH:,} rules, {len(text) // 1000} KB",
        {
            "C composer alone": lambda: CSafeLoader(text).get_single_node(),
            "the whole policy": lambda: load(source, today=today),
        },
        peer="C composer alone",
        at_most={"the whole policy": PROMISED_LOAD},
    )
    if microseconds > PROMISED_LOOKUP_US:
        sys.exit("slower than promised: look-up")


if __name__ == "__main__":
    main()
