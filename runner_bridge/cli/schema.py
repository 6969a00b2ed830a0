"""`runner-bridge schema`: the JSON Schema of the policy file, for editors."""

from __future__ import annotations

import click

from runner_bridge.cli.output import emit


@click.command()
def command() -> None:
    """
    Print the JSON Schema of the policy file.

    Save it beside your policy and name it in the policy's first line; editors then complete and explain every key:

    \b
      runner-bridge schema > policy.schema.json
      # yaml-language-server: $schema=policy.schema.json
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    emit(schema_text())


def schema_text() -> str:
    """Return the schema as it is published."""
    import json

    from runner_bridge.core.policy import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
