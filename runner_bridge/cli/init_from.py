"""`init --from FILE`: the policy that describes a config.toml or Helm values which exist already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runner_bridge.cli.output import note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner_bridge.core.adopt import Adoption, Options
    from runner_bridge.core.policy.model import Policy

CLUSTER = "cluster"
STDIN = "-"

_OPTIONS = (
    click.option("--from", "source", metavar="FILE", help="Adopt a config.toml or Helm values that exist."),
    click.option(
        "--pool",
        "pools",
        metavar="NAME=CIDR,CLASS",
        multiple=True,
        help="With --from: a pool and its class (routable, nat, isolated); with `,automatic` behind it one that pods "
        "get which ask for none.",
    ),
    click.option(
        "--pools", "dump", metavar="FILE", help="With --from: all pools, as `kubectl get ippools… -o yaml` prints them."
    ),
    click.option(
        "--project-rule",
        "project_rules",
        metavar="TIER=RULE",
        multiple=True,
        help="With --from: which projects belong to a tier.",
    ),
    click.option("--cluster-name", metavar="NAME", help="With --from: what reports call the cluster."),
    click.option(
        "--runner-name", metavar="NAME", help="With --from values.yaml: a name where the chart makes up its own."
    ),
)
_ONLY_FROM = {
    "pools": "--pool",
    "dump": "--pools",
    "project_rules": "--project-rule",
    "cluster_name": "--cluster-name",
    "runner_name": "--runner-name",
}
_NEVER_FROM = {"workload_cidr": "--workload-cidr", "infra_cidr": "--infra-cidr"}


def from_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the options of an adoption; hand their values to `adopt`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_options(source: str | None) -> None:
    """
    Refuse options that have nothing to say here.

    Raises:
        click.UsageError: an option of an adoption without `--from`, or one of a new policy with it.
    """
    wrong = [flag for name, flag in (_NEVER_FROM if source else _ONLY_FROM).items() if is_given(name)]
    if wrong and source:
        message = f"{', '.join(wrong)}: not with --from, which takes pools by name. Give --pool NAME=CIDR,CLASS."
        raise click.UsageError(message)
    if wrong:
        message = f"{', '.join(wrong)}: only with --from. Name the file to adopt with --from FILE."
        raise click.UsageError(message)


def is_given(name: str) -> bool:
    """Tell whether an option was written on the command line, and is not its default."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def adopt(source: str, said: Mapping[str, Any]) -> str:
    """
    Return the policy that describes a file, after what it would change there was told on standard error.

    Args:
        source: the file; `-` for standard input.
        said: the values of all other options of `init`.

    Raises:
        SettingsError: a file cannot be read, or something must be known first.
        WireError: a file is not what it is taken for.
        click.UsageError: an option is not written as it has to be.
    """
    from runner_bridge.core.adopt import Options
    from runner_bridge.core.adopt.pools import parse_pool, read_pools
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.ports import files

    if source == CLUSTER:
        message = (
            "--from cluster: adopting what runs in a cluster belongs to a later release. Give the runner's config.toml "
            "or the release's values (helm get values RELEASE), and the pools with --pools. A file: ./cluster"
        )
        raise SettingsError(message)
    dump = said["dump"]
    if source == dump == STDIN:
        raise click.UsageError("--from and --pools cannot both be standard input. Name a file for one of them.")
    options = Options(
        pools=tuple(map(parse_pool, said["pools"])),
        dumped_pools=read_pools(files.read_text(dump), files.display_name(dump)) if dump else (),
        project_rules=tuple(map(_project_rule, said["project_rules"])),
        gitlab_url=said["gitlab_url"] if is_given("gitlab_url") else "",
        root_groups=said["root_groups"],
        cluster_name=said["cluster_name"] or "",
        namespace=said["namespace"] if is_given("namespace") else "",
        runner_name=said["runner_name"] or "",
    )
    adoption = _adopt(files.read_text(source), files.display_name(source), options)
    note("\n".join(adoption.report) + "\n")
    return adoption.policy


def tell_next(source: str, output: str) -> None:
    """Say how to see in the file itself what was told, and how to make it so."""
    if STDIN not in {source, output}:
        note(f"Compare (--write makes it so):\n  runner-bridge render --policy {output} --into {source}")


def _project_rule(text: str) -> tuple[str, str]:
    tier, equals, rule = text.partition("=")
    if not (tier and equals and rule):
        message = f"--project-rule {text!r}: expected TIER=RULE, for example infra=platform/**."
        raise click.UsageError(message)
    return tier, rule


def _adopt(text: str, file: str, options: Options) -> Adoption:
    from runner_bridge.core.adopt import adopt_helm_values, adopt_runner_config
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.core.lint.kinds import Kind, kinds_of, only_wraps_values
    from runner_bridge.render.fragment import merge
    from runner_bridge.render.helm_values import merge_values

    def merge_release(text: str, policy: Policy) -> str:
        (runner,) = policy.runners.values()
        return merge_values(text, policy, runner, name=file)

    if only_wraps_values(text, file):
        message = f"{file}: wraps values of the chart gitlab-runner. Name the values file that it hands to Helm."
        raise SettingsError(message)
    match kinds_of(text, file):
        case (Kind.RUNNER_CONFIG,):
            return adopt_runner_config(
                text, file, options=options, merge=lambda text, policy: merge(text, policy, name=file)
            )
        case (Kind.HELM_VALUES,):
            return adopt_helm_values(text, file, options=options, merge=merge_release)
        case kinds:
            seen = f" It looks like {' and '.join(kinds)}." if kinds else ""
            message = (
                f"{file}: is neither a config.toml nor values of the chart gitlab-runner.{seen} Name one of the two; "
                "they may be taken out of a ConfigMap, a Secret or `helm get values RELEASE`."
            )
            raise SettingsError(message)
