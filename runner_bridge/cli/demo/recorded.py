"""
`demo --recorded`: the verbs that need no cluster, run for real on recorded job pods.

It writes the recorded files into a folder and runs there the commands that it shows, so that every line of its output
can be had again by hand. Nothing here knows what the answers are.
"""

from __future__ import annotations

from textwrap import wrap

import click

from runner_bridge.cli import CLEAN, FINDINGS, run

FOLDER = "runner-bridge-demo"
FILES = ("config.toml", "policy.yaml", "pods.json", "projects.json")


def show_recorded(folder: str) -> int:
    """
    Write the recorded files into a folder, and run there the commands that are shown; return the exit code.

    Raises:
        click.UsageError: the folder has no name.
    """
    from contextlib import chdir

    from runner_bridge.cli.output import emit
    from runner_bridge.ports.files import make_folder, write_text
    from runner_bridge.simulate import recorded

    if not folder:
        raise click.UsageError("--output names nothing. Write the folder behind it, or leave it out.")
    make_folder(folder)
    for name in FILES:
        write_text(f"{folder}/{name}", recorded.text(name))
    check = [
        "check",
        "--pods",
        "pods.json",
        "--projects",
        "projects.json",
        "--now",
        f"{recorded.RECORDED_AT:%Y-%m-%dT%H:%MZ}",
    ]
    emit(f"$ cd {folder}\n")
    with chdir(folder):
        for what, args, expected in (
            ("RECORDED: a config.toml that GitLab Runner accepts. Is it safe?", ["lint", "config.toml"], FINDINGS),
            ("RECORDED: pods that this runner made. Did each get an address of its tier?", check, FINDINGS),
            ("Why a project belongs where it does.", ["explain", "infra/redes/firewall"], CLEAN),
            ("The files that close the hole, for each way to run GitLab Runner.", ["render", "-o", "out"], CLEAN),
        ):
            emit(f"\n# {what}\n{_shown(args)}\n\n")
            code = run(args)
            if code != expected:
                return code
    emit(_NEXT)
    return CLEAN


def _shown(args: list[str]) -> str:
    return " \\\n    ".join(wrap(f"$ runner-bridge {' '.join(args)}", 76, break_on_hyphens=False))


_NEXT = """
# Your own cluster: it only reads, and this is all it needs to be granted.
rules:
- apiGroups: [""]
  resources: [pods, namespaces, events]
  verbs: [get, list]
- apiGroups: [crd.projectcalico.org, projectcalico.org]
  resources: [ippools, ipamblocks]
  verbs: [get, list]
$ kubectl get ippools.crd.projectcalico.org -o yaml > ippools.yaml
$ runner-bridge init --from config.toml --pools ippools.yaml
$ runner-bridge check                            # asks the cluster, only reads
"""
