"""
The promises about mapping: fifty thousand projects are mapped in a second, and kept ones are read faster than as JSON.

The peer of reading is the standard library's JSON, which makes dictionaries and not values.
"""

from __future__ import annotations

import json
import sys
from datetime import date

import msgspec
from bench_policy import policy_text
from compare import compare, cpu_seconds

from runner_bridge.core.mapping import Mapper
from runner_bridge.core.model.gitlab import Project
from runner_bridge.core.policy import Source, load

PROJECTS = 10_000
PROMISED_A_SECOND = 50_000


def main() -> None:
    mapper = Mapper(load([Source(name="policy.yaml", text=policy_text())], today=date(2026, 1, 1)))
    projects = [
        Project(
            id=number,
            path=f"group-{number % 1000}/team-{number % 20}/service-{number}",
            topics=("python", "docs"),
            attributes=(("owner", f"{number % 1000}-3"),),
        )
        for number in range(1, PROJECTS + 1)
    ]
    before = cpu_seconds()
    mapper.place_all(projects)
    a_second = PROJECTS / (cpu_seconds() - before)
    print(f"{a_second:,.0f} projects a second are mapped among 20,000 rules (promised ≥ {PROMISED_A_SECOND:,})")
    kept = msgspec.json.Encoder().encode_lines(projects)
    compare(
        f"{PROJECTS:,} kept projects, {len(kept) // 1000} KB",
        {
            "json.loads": lambda: [json.loads(line) for line in kept.splitlines()],
            "as values": lambda: msgspec.json.Decoder(Project).decode_lines(kept),
        },
        peer="json.loads",
        at_most={"as values": 1.0},
    )
    if a_second < PROMISED_A_SECOND:
        sys.exit("slower than promised: mapping")


if __name__ == "__main__":
    main()
