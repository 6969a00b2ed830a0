"""Finding codes for what a `gitlab-runner` binary itself says about a config.toml."""

from __future__ import annotations

from runner_bridge.core.model.finding import Code, Family, Severity

REFUSED = Code(
    name="runner-refuses",
    family=Family.RUNNER_CONFIG,
    severity=Severity.ERROR,
    title="gitlab-runner itself refuses the file",
    page="`gitlab-runner lint` (19.3 and newer) decodes the file as the runner does and checks it against the schema "
    "of that very version. A runner that reads such a file keeps the last good configuration, or does not start.",
    remedy="Correct what the runner names.",
)
UNKNOWN_KEY = Code(
    name="runner-does-not-know-key",
    family=Family.RUNNER_CONFIG,
    severity=Severity.WARNING,
    title="gitlab-runner itself does not know the key",
    page="`gitlab-runner lint` (19.3 and newer) lists the keys that its version would silently ignore. One that this "
    "program knows may belong to a newer or an older runner.",
    remedy="Correct the key, or install the version of the runner that has it.",
)
