"""`runner-bridge render`: artefacts of a policy into a folder, to standard output, or into a file that exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner_bridge.cli import CLEAN, FINDINGS
from runner_bridge.cli.load import policy_option, read_policy
from runner_bridge.cli.output import emit, note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.model import Policy, Runner

CONFIG = "config.toml"
VALUES = "helm-values"
NAMES = (CONFIG, VALUES, "operator", "ip-pools", "workloads", "quarantine")
"""As `render.ARTEFACTS` has them; here again so that `--help` imports no renderer."""


@click.command()
@click.argument("artefact", required=False)
@policy_option
@click.option(
    "-o", "--output", metavar="DIR", help="Write all artefacts into a folder; stale ones of ours are removed."
)
@click.option(
    "--check", metavar="DIR", help="Compare a folder with the policy; exit 1 and show a diff where it differs."
)
@click.option("--into", metavar="FILE", help="Merge into an existing config.toml or values.yaml; shows the diff.")
@click.option("--write", is_flag=True, help="With --into: replace the file, atomically.")
@click.option("--runner", metavar="NAME", help="With --into values.yaml: whose release it is.")
def command(**options: str | bool | None) -> int:
    """
    Write what GitLab Runner, its chart or Operator, and Calico need, as the policy says.

    ARTEFACT is one of config.toml, helm-values, operator, ip-pools, workloads, quarantine, or one of their files; it
    is printed.
    Every artefact is parsed back and compared with the policy before anything is written.
    """
    return _Call(options).run()


class _Call:
    """One call: the options, checked against each other."""

    def __init__(self, options: Mapping[str, str | bool | None]) -> None:
        self.artefact = _text(options["artefact"])
        self.source = _text(options["policy"])
        self.output, self.check, self.into = (_text(options[key]) for key in ("output", "check", "into"))
        self.write, self.runner = bool(options["write"]), _text(options["runner"])
        chosen = [f"--{key}" for key in ("output", "check", "into") if options[key] is not None]
        if empty := [name for name in chosen if not options[name.removeprefix("--")]]:
            raise click.UsageError(f"{empty[0]} names nothing. Write the folder or the file behind it.")
        if len(chosen) > 1:
            raise click.UsageError(f"{' and '.join(chosen)} exclude each other. Choose one.")
        if (self.write or self.runner) and not self.into:
            raise click.UsageError("--write and --runner belong to --into. Name the file with --into FILE.")
        if self.write and self.into == "-":
            raise click.UsageError(
                "Standard input cannot be replaced. Name a file with --into FILE, or leave out --write."
            )
        if self.artefact and (self.output or self.check):
            raise click.UsageError("A folder holds all artefacts. Leave the name out, or leave out the folder.")
        if not chosen and not self.artefact:
            raise click.UsageError(f"Name a folder with -o DIR, or what to print: {', '.join(NAMES)}.")

    def run(self) -> int:
        policy = read_policy(self.source)
        if self.into:
            return self._merge(policy)
        if self.output:
            return _write(policy, self.output)
        if self.check:
            return _check(policy, self.check)
        emit(_one(policy, self.artefact))
        return CLEAN

    def _merge(self, policy: Policy) -> int:
        from runner_bridge.core.text.difference import difference
        from runner_bridge.ports import files

        text = files.read_text(self.into)
        shown = files.display_name(self.into)
        merged = self._merged(policy, text, shown)
        if not self.write:
            emit(difference(shown, text, merged))
            return CLEAN if merged == text else FINDINGS
        if merged == text:
            note(f"{shown}: nothing to change.")
            return CLEAN
        if files.read_text(self.into) != text:
            from runner_bridge.core.errors import SettingsError

            message = f"{shown}: was changed by somebody else meanwhile; nothing was written. Run it again."
            raise SettingsError(message)
        files.write_text(self.into, merged)
        note(f"{shown}: written.")
        return CLEAN

    def _merged(self, policy: Policy, text: str, shown: str) -> str:
        from runner_bridge.render import fragment, helm_values

        suffix = Path(self.into).suffix.lower()
        kind = self.artefact or {".toml": CONFIG, ".yaml": VALUES, ".yml": VALUES}.get(suffix, "")
        if kind == CONFIG:
            return fragment.merge(text, policy, name=shown)
        if kind == VALUES:
            _refuse_no_values(text, shown)
            return helm_values.merge_values(text, policy, self._runner(policy, text, shown), name=shown)
        message = (
            f"{shown} is not known as a config.toml or as Helm values. Say so: render {CONFIG} or render {VALUES}."
        )
        raise click.UsageError(message)

    def _runner(self, policy: Policy, text: str, shown: str) -> Runner:
        """Return the runner of a release: the one named, the one that the file names, or the only one."""
        from runner_bridge.render.helm_values import runner_named_in

        only = next(iter(policy.runners)) if len(policy.runners) == 1 else None
        name = self.runner or runner_named_in(text, name=shown) or only
        found = next((runner for runner in policy.runners.values() if runner.name == name), None)
        if found is None:
            seen = f"No runner is called {name!r}" if name else f"{shown} does not say whose release it is"
            raise click.UsageError(f"{seen}. Name one with --runner: {_some(list(policy.runners))}.")
        return found


def _refuse_no_values(text: str, shown: str) -> None:
    """Refuse a policy or a manifest: `runners.config` at its end would be read by nobody, and break the file."""
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.core.lint.kinds import Kind, kinds_of, only_wraps_values

    if only_wraps_values(text, shown):
        message = f"{shown}: wraps values of the chart gitlab-runner. Name the values file that it hands to Helm."
        raise SettingsError(message)
    kinds = kinds_of(text, shown)
    if re.search(r"(?m)^apiVersion:", text) or (kinds and Kind.HELM_VALUES not in kinds):
        message = (
            f"{shown}: is a {kinds[0] if kinds else 'manifest'}, not values of the chart gitlab-runner. "
            "Name the values file."
        )
        raise SettingsError(message)


def _text(option: str | bool | None) -> str:  # noqa: FBT001 - an option of click
    return option if isinstance(option, str) else ""


def _one(policy: Policy, name: str) -> str:
    """Return the one file that an artefact has, or that is named."""
    from runner_bridge.render import ARTEFACTS, render_all

    if name not in ARTEFACTS:
        everything = render_all(policy)
        if name in everything:
            return everything[name]
        message = f"{name!r} is neither an artefact nor a file of one. Artefacts are {', '.join(NAMES)}."
        raise click.UsageError(message)
    found = ARTEFACTS[name](policy)
    if not found:
        note(f"{name}: the policy calls for none.")
    if len(found) > 1:
        raise click.UsageError(f"{name} is {len(found)} files. Name one of them: {_some(list(found))}.")
    return "".join(found.values())


def _some(names: list[str]) -> str:
    return ", ".join([*names[:6], "…"] if len(names) > 6 else names)


def _write(policy: Policy, folder: str) -> int:
    from runner_bridge.ports import files
    from runner_bridge.render import render_all

    wanted = render_all(policy)
    for name, text in wanted.items():
        path = Path(folder) / name
        if _found(path) == text:
            emit(f"unchanged  {name}\n")
            continue
        files.make_folder(str(path.parent))
        files.write_text(str(path), text, mode=0o600 if name == CONFIG else None)
        emit(f"written    {name}\n")
    for name in _stale(folder, wanted):
        _remove(Path(folder) / name)
        emit(f"removed    {name}\n")
    return CLEAN


def _check(policy: Policy, folder: str) -> int:
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.core.text.difference import difference
    from runner_bridge.render import render_all

    if not Path(folder).is_dir():
        message = f"{folder}: no such folder. Write it first: runner-bridge render -o {folder}"
        raise SettingsError(message)
    wanted = render_all(policy)
    out_of_date = {name: text for name, text in wanted.items() if _found(Path(folder) / name) != text}
    out_of_date |= dict.fromkeys(_stale(folder, wanted), "")
    for name, text in out_of_date.items():
        path = Path(folder) / name
        emit(difference(str(path), _found(path) or "", text))
    for name in out_of_date:
        note(f"{name}: {_state(Path(folder) / name, wanted=name in wanted)}.")
    count, plural = len(out_of_date), "s" * (len(out_of_date) > 1)
    note(f"{folder}: {f'{count} file{plural} out of date' if count else 'up to date'}.")
    return FINDINGS if out_of_date else CLEAN


def _state(path: Path, *, wanted: bool) -> str:
    if not wanted:
        return "the policy calls for it no longer"
    if not path.exists():
        return "missing"
    return "out of date" if _found(path) is not None else "holds bytes that are no text of ours"


def _found(path: Path) -> str | None:
    """Return the text of a file; None where there is none, and where not every byte of it is text."""
    from runner_bridge.core.errors import WireError
    from runner_bridge.ports import files

    if not path.exists():
        return None
    try:
        text = files.read_text(str(path))
    except WireError:
        return None
    # A byte order mark is dropped by the reader, and is a difference all the same.
    return text if path.stat().st_size == len(text.encode()) else None


def _stale(folder: str, wanted: Mapping[str, str]) -> list[str]:
    """Return the files that we generated once and that the policy calls for no longer."""
    from runner_bridge.core.text.origin import is_generated
    from runner_bridge.ports import files
    from runner_bridge.render import FOLDERS

    ours = [Path(folder) / name for name in FOLDERS]
    paths = [Path(path) for each in ours if each.is_dir() for path in files.walk(str(each), (".yaml",))]
    return [
        name
        for path in paths
        if (name := path.relative_to(folder).as_posix()) not in wanted and is_generated(_found(path) or "")
    ]


def _remove(path: Path) -> None:
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.ports.files import explain_os_error

    try:
        path.unlink()
    except OSError as error:
        raise SettingsError(explain_os_error(str(path), error)) from error
