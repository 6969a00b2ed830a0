"""Where runner managers are installed: what they read, and how they say that they have read it."""

from __future__ import annotations

from pydantic import Field

from runner_bridge.core.policy.schema.base import OBJECT, URL, Shape


class ConfigurationShape(Shape):
    """`installations.*.configuration`: exactly one of file, secret and values."""

    file: str = Field(default="", description="Path of the config.toml that the managers read.")
    secret: str = Field(
        default="", description="`NAMESPACE/NAME` of the Secret that holds it.", json_schema_extra={"pattern": OBJECT}
    )
    key: str = Field(default="", description="Its key in the Secret; by default `config.toml`. Only with `secret`.")
    values: str = Field(
        default="",
        description="Path of a values file of the gitlab-runner chart, in a checkout that Argo CD, Flux or a pipeline "
        "rolls out. One chart release serves one runner.",
    )


class TokensShape(Shape):
    """`installations.*.tokens`: exactly one of secret and directory."""

    secret: str = Field(
        default="",
        description="`NAMESPACE/NAME` of a Secret with one key for each runner.",
        json_schema_extra={"pattern": OBJECT},
    )
    directory: str = Field(default="", description="A folder with one file, mode 0600, for each runner.")


class LoadedShape(Shape):
    """`installations.*.loaded`."""

    metrics: list[str] = Field(
        default=[],
        description="Where each manager process serves its metrics, e.g. `http://10.0.0.5:9252/metrics`: all of them "
        "have to confirm.",
        json_schema_extra={"items": {"type": "string", "pattern": URL}},
    )
    logs: list[str] = Field(default=[], description="Log files of manager processes that serve no metrics.")


class InstallationShape(Shape):
    """One of `installations`."""

    runners: list[str] | None = Field(
        default=None, description="Names of the runners that it serves; by default those that no other one names."
    )
    configuration: ConfigurationShape = Field(description="What its managers read.")
    tokens: TokensShape | None = Field(
        default=None,
        description="Where tokens of new runners are kept before anything else happens: GitLab shows each once. "
        "Without it no runner is created for this installation.",
    )
    loaded: LoadedShape = Field(
        default_factory=LoadedShape,
        description="How each manager says that it has loaded its configuration; without it what is applied ends as "
        "`written, not confirmed`.",
    )
