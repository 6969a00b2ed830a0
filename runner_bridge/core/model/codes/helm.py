"""Finding codes about Helm values of the gitlab-runner chart, and runner configuration inside ConfigMaps."""

from __future__ import annotations

from functools import partial

from runner_bridge.core.model.finding import Code, Family, Severity

_error = partial(Code, family=Family.HELM, severity=Severity.ERROR)
_warning = partial(Code, family=Family.HELM, severity=Severity.WARNING)

VALUES_UNREADABLE = _error(
    name="values-unreadable",
    title="the file is not YAML",
    page=("Helm and kubectl refuse a file that is not YAML; nothing of it was checked."),
    remedy="Correct the syntax at the place that is named.",
)

VALUES_REPEATED = _warning(
    name="values-repeated",
    title="a key stands twice in one map",
    page=(
        "YAML allows each key once. Some readers refuse the file, others take the last value and drop the "
        "first without a word: a second runners: block, for example, replaces the first."
    ),
    remedy="Put both under one key.",
)

MANAGER_ANNOTATION = _warning(
    name="manager-annotation",
    title="the pool is chosen for the manager's pod, and for no job pod",
    page=(
        "`podAnnotations` at the top of the chart's values, and podSpec or metadata of an Operator's Runner, "
        "belong to the pod of the runner manager. Job pods have the annotations of `runners.config`, or of "
        "the template that spec.config names: `[runners.kubernetes.pod_annotations]`. A pool that is chosen "
        "only for the manager leaves every job in the default pool."
    ),
    remedy="Put the annotation into [runners.kubernetes.pod_annotations] of the template.",
)

CHART_RUNNERS_KEY = _warning(
    name="chart-runners-key",
    title="only very old charts read annotations and labels of job pods there",
    page=(
        "runners.`podAnnotations` and runners.podLabels were flags of `gitlab-runner register` in very old "
        "charts. Current charts have no such value and ignore it; job pods get what stands in the TOML text "
        "`runners.config`."
    ),
    remedy="Put them into runners.config, below [runners.kubernetes.pod_annotations] and pod_labels.",
)

CHART_NAME = _warning(
    name="chart-name-changes",
    title="the runner's name changes at every rollout",
    page=(
        "The chart registers its runner under the host name of the manager's pod unless `RUNNER_NAME` is set. "
        "A name in the template is ignored. The label `manager.runner.gitlab.com/name` of job pods then "
        "changes with each rollout, and whatever knows the runner by its name loses it."
    ),
    remedy="Set envVars: [{name: RUNNER_NAME, value: …}].",
)

CHART_KEY = _warning(
    name="chart-key",
    title="the chart has no such value and ignores it",
    page=(
        "Helm ignores values that no template of the chart reads. Only keys that look like a misspelling of a "
        "few well-known ones are reported; charts change, and their other keys are left alone."
    ),
    remedy="Correct the spelling.",
)

CHART_CONFIG_TYPE = _error(
    name="chart-config-type",
    title="runners.config is not a text",
    page=(
        "`runners.config` is one text that holds TOML, usually after `config: |`. Written as a YAML map it is "
        "not what the chart puts into the template: the release fails, or the runner starts without it."
    ),
    remedy="Write `config: |` and the TOML below it, indented.",
)

TOKEN_IN_VALUES = _warning(
    name="token-in-values",
    title="a runner token stands in the values in clear text",
    page=(
        "`runnerToken` and runnerRegistrationToken end up wherever the values file does: in a repository, in "
        "the release history of Helm, in logs of a pipeline. The chart takes the name of a Secret instead "
        "(runners.secret, with the key runner-token)."
    ),
    remedy="Create a Secret with the key runner-token, name it in runners.secret, and have GitLab make a new token.",
)

SECRET_IN_CONFIG_MAP = _error(
    name="secret-in-config-map",
    title="a secret stands in a ConfigMap",
    page=(
        "A ConfigMap is readable for everybody who may view the namespace, is shown by every dashboard, and "
        "is not encrypted at rest. A runner token there lets its reader take the jobs of that runner, with "
        "their variables. The chart too puts `runners.config` into a ConfigMap."
    ),
    remedy="Move it to a Secret, and have a new one made.",
)

TEMPLATE_RUNNERS = _error(
    name="template-runners",
    title="a template must hold exactly one [[runners]]",
    page=(
        "The chart and the Operator give the text to `gitlab-runner register --template-config`, which "
        "refuses a template without `[[runners]]` and one with several. Each runner is a release, or a Runner "
        "resource, of its own."
    ),
    remedy="Keep one [[runners]]; make another release for each further runner.",
)

TEMPLATE_KEY_IGNORED = _warning(
    name="template-key-ignored",
    title="the key is ignored in a template",
    page=(
        "`gitlab-runner register --template-config` takes from a template only the settings of its one "
        "`[[runners]]`, and only where flags and environment say nothing. Global keys (concurrent, "
        "`check_interval`, `log_level` …) and token are dropped; name never applies, because it is already "
        "the host name or `RUNNER_NAME`. With the Operator `request_concurrency`, `output_limit` and "
        "`poll_timeout` do not apply either."
    ),
    remedy="Set it where the chart or the Operator has it.",
)

ENVIRONMENT_WINS = _warning(
    name="environment-wins",
    title="an environment variable of the manager overrides the template",
    page=(
        "`gitlab-runner register` fills in from the template only what flags and environment leave open. "
        "`KUBERNETES_POD_ANNOTATIONS_OVERWRITE_ALLOWED` in `envVars` or `extraEnv` of the chart, or in the "
        "Operator's env, therefore wins over `pod_annotations_overwrite_allowed` in the template."
    ),
    remedy="Keep one of the two.",
)
