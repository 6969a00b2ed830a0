"""Finding codes about config.toml of GitLab Runner."""

from __future__ import annotations

from functools import partial

from runner_bridge.core.model.finding import Code, Family, Severity

_error = partial(Code, family=Family.RUNNER_CONFIG, severity=Severity.ERROR)
_warning = partial(Code, family=Family.RUNNER_CONFIG, severity=Severity.WARNING)
_advice = partial(Code, family=Family.RUNNER_CONFIG, severity=Severity.ADVICE)

# What the runner's parser refuses: the whole file counts for nothing.

TOML_SYNTAX = _error(
    name="toml-syntax",
    title="the line is no TOML, so the runner refuses the whole file",
    page=(
        "GitLab Runner reads `config.toml` as a whole. With one line that is no TOML a starting runner ends "
        "at once; a running one logs an error, keeps its old configuration, and does not try the same file "
        "again until it changes."
    ),
    remedy="Correct the line.",
)

UNQUOTED_KEY = _error(
    name="unquoted-key",
    title="a key with dots or slashes is not quoted",
    page=(
        "Annotation and label keys such as `cni.projectcalico.org/ipv4pools` hold dots and a slash. Without "
        "quotes TOML takes each dot for a step into another table and refuses the slash: the runner then "
        "refuses the whole file, either as a syntax error or because it finds a table where it wants a text."
    ),
    remedy="Put the key in double quotes.",
)

TOML_REPEATED = _error(
    name="toml-repeated",
    title="a key or a table is defined twice, so the runner refuses the whole file",
    page=(
        "TOML allows each key and each table once. A second `[runners.kubernetes.pod_annotations]` under the "
        "same runner does not add to the first: the runner's parser stops there, and nothing of the file is "
        "used."
    ),
    remedy="Put both under one header, or remove one.",
)

WRONG_TYPE = _error(
    name="wrong-type",
    title="the value is of another type than the runner reads, so it refuses the whole file",
    page=(
        'GitLab Runner decodes the file into typed fields. A number in quotes (`poll_timeout = "360"`), a '
        "text where a list is wanted, a date where a text is wanted: each makes the runner refuse the whole "
        "file, not only the key."
    ),
    remedy="Write the value as the runner reads it.",
)

TABLE_KIND = _error(
    name="table-kind",
    title="a table is written where the runner wants an array of tables, or the reverse",
    page=(
        "`[[runners]]`, `[[runners.kubernetes.services]]`, `[[runners.kubernetes.volumes.…]]` and "
        "`[[runners.kubernetes.pod_spec]]` may stand several times and have two brackets; "
        "`[runners.kubernetes]`, `[runners.kubernetes.pod_annotations]` and all other tables stand once and "
        "have one. With the wrong number the runner refuses the whole file."
    ),
    remedy="Change the number of brackets.",
)

INVALID_VALUE = _error(
    name="invalid-value",
    title="the value is none of those that the runner accepts",
    page=(
        "For a few keys only certain values exist: `log_level` and the runner's own labels (the file is "
        "refused), shell and `idle_time` (refused by `gitlab-runner lint`), `dns_policy` and `pull_policy` "
        "(every job fails), `patch_type` of a `pod_spec` patch (every job fails while patches are on)."
    ),
    remedy="Use one of the values named.",
)

REQUIRED_KEY = _error(
    name="required-key",
    title="a runner has no url or no token",
    page=(
        "Every `[[runners]]` section needs url and token. Without one of them the runner skips the section: "
        "no job is ever taken, and the only sign is a line in the runner's log. `gitlab-runner lint` refuses "
        "the file."
    ),
    remedy="Write both; the token is the one that GitLab showed when the runner was created.",
)

TOKEN_NOT_IN = _advice(
    name="token-not-in",
    title="the token is not in yet",
    page=(
        "A config.toml that runner-bridge generates never holds a token, so that it can be kept in a repository. Until "
        "the token is put in the runner skips the section, and `gitlab-runner lint` refuses the file. In a file that "
        "was not generated a missing token is an error, `required-key`."
    ),
    remedy="Put it below the name where the file is applied, or merge into the file that has it: render --into.",
)

# What the runner ignores without a word.

UNKNOWN_KEY = _error(
    name="unknown-key",
    title="the runner does not know the key and ignores it without a word",
    page=(
        "GitLab Runner drops keys that it does not know when it loads the file; nothing is logged, only "
        "`gitlab-runner lint` (since 19.3) tells. A misspelt `pod_anotations` therefore means: job pods "
        "without the annotation, addresses from the default pool, no error anywhere. Known are the keys of "
        "GitLab Runner 19.4; in the sections of executors other than Kubernetes only keys that look like a "
        "misspelling are reported."
    ),
    remedy="Correct the spelling, or remove the key.",
)

MISPLACED_KEY = _error(
    name="misplaced-key",
    title="the key belongs into another section and is ignored here",
    page=(
        "A key counts only in its own section. `pod_annotations` directly under `[[runners]]`, limit under "
        "`[runners.kubernetes]`, a setting below `[runners.kubernetes.pod_annotations]`: the runner ignores "
        "each, or takes it for an annotation. A global such as concurrent after the first `[[runners]]` "
        "header belongs to that runner, where nobody reads it. Indentation means nothing in TOML: a section "
        "lasts until the next header."
    ),
    remedy="Move the key.",
)

REMOVED_KEY = _error(
    name="removed-key",
    title="the runner has removed the key and ignores it",
    page=(
        "`terminationGracePeriodSeconds` and `pre_clone_script`, `post_clone_script` went in GitLab Runner "
        "17.0; some still stand in its documentation. Today they are unknown keys: ignored without a word."
    ),
    remedy="Use the key that took its place.",
)

UNFAMILIAR_KEY = _advice(
    name="unfamiliar-key",
    title="the key is not in the list of this check",
    page=(
        "The list of keys for this section is that of GitLab Runner 19.4 as far as it was read; a newer "
        "runner may know more. `gitlab-runner lint` (since 19.3) of the runner in use has the last word."
    ),
    remedy="Ask the runner: gitlab-runner lint --config FILE.",
)

DEPRECATED_KEY = _advice(
    name="deprecated-key",
    title="the key is deprecated",
    page=(
        "`log_dir`, `max_backup_files`, `max_rotation_age` and labels directly in "
        "`[experimental.usage_logger]` moved into its sub-tables; the executor docker+machine is planned to "
        "go with GitLab Runner 20.0; a /ci at the end of url is stripped with a warning; AppArmor by "
        "annotation gave way to `app_armor_profile`."
    ),
    remedy="Use what took its place.",
)

# The annotations that choose the pool.

POOL_ANNOTATION_TYPE = _error(
    name="pool-annotation-type",
    title="the pool annotation is not a text, so the runner refuses the whole file",
    page=(
        "An annotation is a text. Calico wants a JSON list, but that list stands inside of one text: "
        "'[\"infraestrutura\"]' in single quotes. A TOML array there breaks the whole file, for all runners in "
        "it."
    ),
    remedy="Put the list into single quotes.",
)

POOL_ANNOTATION_INVALID = _error(
    name="pool-annotation-invalid",
    title="the pool annotation is not a JSON list of pools",
    page=(
        "Calico reads `cni.projectcalico.org/ipv4pools` and `ipv6pools` as a JSON list of pool names or "
        "CIDRs. It refuses to give an address for anything else: the pod stays Pending with "
        "FailedCreatePodSandBox, and the job fails when `poll_timeout` is over. The runner itself never looks "
        "at the value."
    ),
    remedy="Write a JSON list with at least one pool, for example '[\"infraestrutura\"]'.",
)

POOL_ANNOTATION_VARIABLE = _error(
    name="pool-annotation-variable",
    title="the pool annotation holds a variable, so the job decides which pool it gets",
    page=(
        "The runner expands annotation values with the variables of the job (os.Expand: `$NAME` and "
        "`${NAME}`; an unknown one becomes empty, `$$` is no escape). Whoever may set a CI variable, in "
        "`.gitlab-ci.yml` for example, decides that part of the value, predefined variables included. "
        "Variables in other annotations and in labels are normal use."
    ),
    remedy="Write the names of the pools.",
)

POOL_ANNOTATION_MISSPELT = _error(
    name="pool-annotation-misspelt",
    title="Calico does not know the annotation and ignores it",
    page=(
        "Calico reads `cni.projectcalico.org/ipv4pools` and `cni.projectcalico.org/ipv6pools`, in small "
        "letters, plural, with that prefix. Under any other key the annotation is on the pod and does "
        "nothing: the address comes from the default pool, and nothing says so."
    ),
    remedy="Correct the key.",
)

FIXED_ADDRESS = _warning(
    name="fixed-address",
    title="all job pods of the runner ask for the same fixed address",
    page=(
        "`cni.projectcalico.org/ipAddrs`, `ipAddrsNoIpam`, `hwAddr` and `floatingIPs` name one address. In "
        "the configuration of a runner every job pod asks for it: a second job at the same time fails, and "
        "with `ipAddrsNoIpam` two pods get one address without Calico's knowing."
    ),
    remedy="Choose a pool with cni.projectcalico.org/ipv4pools.",
)

KUBERNETES_UNUSED = _warning(
    name="kubernetes-unused",
    title="the section chooses a pool, but its executor is not kubernetes",
    page=(
        "`[runners.kubernetes]` is read only by the executor kubernetes. With another executor the "
        "annotations in it reach no pod."
    ),
    remedy='Set executor = "kubernetes", or remove the table.',
)

# Annotations and labels in general.

METADATA_KEY = _error(
    name="metadata-key",
    title="Kubernetes does not accept the key, so no job pod can be created",
    page=(
        "Annotation and label keys are a name of at most 63 letters, digits, -, _ and ., optionally after a "
        "DNS name and a slash. The runner does not check them; the API server refuses the pod, and every job "
        "of the runner fails, for a label key with the unhelpful `not synced: *v1.Pod`."
    ),
    remedy="Correct the key.",
)

LABEL_RESERVED = _warning(
    name="label-reserved",
    title="the runner drops labels under runner.gitlab.com without a word",
    page=(
        "Labels under `runner.gitlab.com` and its sub-domains are the runner's own; one from the "
        "configuration is dropped with a debug message. What looks set here is not on the pod."
    ),
    remedy="Use a domain of your own.",
)

ANNOTATION_REPLACED = _advice(
    name="annotation-replaced",
    title="the configuration replaces an annotation of the runner",
    page=(
        "Annotations under `*.runner.gitlab.com` are not protected, unlike labels: job and project numbers on "
        "the pod can be replaced by the configuration. Whoever reads them, for example to find the job of a "
        "pod, is misled."
    ),
    remedy="Use a key in a domain of your own.",
)

# Identity.

SHARED_TOKEN = _error(
    name="shared-token",
    title="two sections have the same token, so GitLab's jobs go to either of them by chance",
    page=(
        "One token is one runner. Two `[[runners]]` with one token ask GitLab for the same jobs, and which "
        "section gets a job is chance: the jobs of one project get one pool now and another later. "
        "`gitlab-runner lint` and `run` accept it. Counters, health and labels are kept by token too, so they "
        "are mixed."
    ),
    remedy="Create a second runner in GitLab and give this section its token.",
)

SHARED_SHORT_ID = _error(
    name="shared-short-id",
    title="two tokens have the same short form, so their job pods cannot be told apart",
    page=(
        "The label `manager.runner.gitlab.com/id-short` holds the first nine characters of a token after its "
        "prefix. It is how a pod is known to belong to a runner. Two tokens with the same short form make "
        "that impossible."
    ),
    remedy="Have GitLab make a new token for one of them.",
)

TOKEN_VARIABLE = _warning(
    name="token-variable",
    title="the token has a $ in it, which the runner expands from its own environment",
    page=(
        "url and token are expanded with the environment of the runner process when the file is loaded. A "
        'token that is one variable ("$TOKEN") is normal use; a $ in the middle of a literal token eats what '
        "follows it, and the runner then presents another token."
    ),
    remedy="Check the token; GitLab's own hold no $.",
)

DUPLICATE_NAME = _warning(
    name="duplicate-name",
    title="two sections have the same name",
    page=(
        "The name becomes the label `manager.runner.gitlab.com/name` on every job pod, made valid: characters "
        "other than letters, digits, -, _ and . become _, and it is cut at 63. Two sections whose names end "
        "up the same cannot be told apart by it."
    ),
    remedy="Give each section a name of its own.",
)

NAME_CHANGED = _advice(
    name="name-changed",
    title="the name appears changed on job pods",
    page=(
        "As a label the name is made valid: characters other than letters, digits, -, _ and . become _, -_. "
        "are trimmed at both ends, and it is cut at 63. Selectors and reports see that form."
    ),
    remedy="Use letters, digits, -, _ and . and at most 63 characters.",
)

NAME_MISSING = _advice(
    name="name-missing",
    title="a runner has no name",
    page=(
        "The name becomes the label `manager.runner.gitlab.com/name` on every job pod. Without one pods of "
        "two runners look alike in lists and reports, and only the short form of the token tells them apart."
    ),
    remedy="Give each section a name of its own.",
)

NO_RUNNERS = _advice(
    name="no-runners",
    title="the file declares no runner",
    page=(
        "An empty file, or one without `[[runners]]`, is valid: the runner starts and waits for runners to be "
        "registered. A runner that receives SIGHUP while its file is empty or missing drops all its runners."
    ),
    remedy="Add a [[runners]] section, or check that this is the file that the runner reads.",
)

# Global settings.

CONCURRENT = _error(
    name="concurrent-below-one",
    title="with concurrent below 1 the runner process ends",
    page=(
        "`concurrent = 0` does not mean unlimited and does not pause: GitLab Runner ends with a fatal error, "
        "also when the value arrives by a reload while jobs are running."
    ),
    remedy="Write at least 1. To pause a runner, pause it in GitLab.",
)

# What a job may do.

POD_SPEC_DORMANT = _warning(
    name="pod-spec-dormant",
    title="patches of the pod lie unused, and any job can switch them on",
    page=(
        "`pod_spec` patches work only with `FF_USE_ADVANCED_POD_SPEC_CONFIGURATION`. When the configuration "
        "says nothing about that flag, it is off, and a job switches it on by a variable of that name: "
        "patches that were written for later, or forgotten, take effect. A flag in `[runners.feature_flags]` "
        "cannot be changed by a job."
    ),
    remedy="Pin FF_USE_ADVANCED_POD_SPEC_CONFIGURATION in [runners.feature_flags], or remove the patches.",
)

FLAG_NOT_PINNED = _warning(
    name="flag-not-pinned",
    title="the flag is set by environment, so a job can undo it",
    page=(
        "Variables in environment come before those of the job, and the last one counts: a job that sets "
        "`FF_USE_ADVANCED_POD_SPEC_CONFIGURATION` itself switches the patches of the pod off. What stands in "
        "`[runners.feature_flags]` cannot be changed by a job."
    ),
    remedy="Move the flag to [runners.feature_flags].",
)

POD_SPEC_METADATA = _error(
    name="pod-spec-metadata",
    title="a patch of the pod spec cannot reach metadata",
    page=(
        "`pod_spec` patches are applied to the PodSpec alone. Merge and strategic patches that name metadata, "
        "labels or annotations are dropped without a word, a JSON patch on /metadata fails every job. A pool "
        "chosen in such a patch is not chosen at all."
    ),
    remedy="Use [runners.kubernetes.pod_annotations] and pod_labels.",
)

POD_SPEC_HOST_NETWORK = _warning(
    name="pod-spec-host-network",
    title="a patch puts job pods into the network of their node",
    page=(
        "A pod with `hostNetwork` has its node's address. Calico gives it none, so pools, the pool annotation "
        "and most network policies mean nothing for it, and whatever the node may reach, the job may reach."
    ),
    remedy="Remove hostNetwork from the patch.",
)

POD_SPEC_UNREADABLE = _error(
    name="pod-spec-unreadable",
    title="a patch of the pod spec cannot be used, so every job fails",
    page=(
        "The runner converts a patch from YAML to JSON when it prepares a job. One that is no YAML, that is "
        "not a map (or, for `patch_type` json, not a list), or that has patch and `patch_path` at the same "
        "time fails each job; `gitlab-runner lint` does not look at it."
    ),
    remedy="Correct the patch.",
)

UNKNOWN_EXECUTOR = _error(
    name="unknown-executor",
    title="the runner has no such executor and takes no jobs",
    page=(
        "An executor that does not exist is accepted when the file is loaded, and by `gitlab-runner lint`. "
        "The runner then marks itself as unhealthy and takes no job."
    ),
    remedy="Write the name of an executor, for example kubernetes.",
)

UNKNOWN_FLAG = _advice(
    name="unknown-flag",
    title="the runner does not know the feature flag",
    page=(
        "Names in `[runners.feature_flags]` are not checked: a misspelt or removed flag does nothing. Known "
        "are the flags of GitLab Runner 19.4."
    ),
    remedy="Correct the name, or remove it.",
)

PAUSE_PODS = _warning(
    name="pause-pods-unpinned",
    title="pause pods take addresses from the default pool",
    page=(
        "The pods that `[runners.kubernetes.autoscaler]` keeps in reserve carry none of the configured "
        "annotations, labels and affinities. Where job pods are pinned to a pool, these still take addresses "
        "from the one that Calico chooses by itself."
    ),
    remedy="Put the pool on the namespace as an annotation, or count these pods where addresses are scarce.",
)

BOOT_VERIFY = _warning(
    name="boot-verify-image",
    title="the check at start needs an image",
    page=(
        "`[runners.experimental.boot_verify]` runs one job pod when the runner starts. Without image in "
        "`[runners.kubernetes]` that pod cannot be made, and the runner waits in vain for it."
    ),
    remedy="Set image in [runners.kubernetes].",
)

NAMESPACE_PER_JOB = _advice(
    name="namespace-per-job",
    title="every job has a namespace of its own, so annotations of namespaces do not reach its pods",
    page=(
        "With `namespace_per_job` the runner makes a namespace ci-job-<number> for each job. A pool "
        "annotation on a namespace, the usual second place for it, never applies; only `pod_annotations` do."
    ),
    remedy="Choose the pool in [runners.kubernetes.pod_annotations].",
)

PRIVILEGED = _advice(
    name="privileged-jobs",
    title="privileged jobs own their node, and with it its addresses",
    page=(
        "A privileged container can use the network of its node, so the pool of its pod says little about "
        "where its traffic comes from. Evidence about such pods is called weak."
    ),
    remedy="Use rootless builds, or keep privileged jobs on nodes and in a tier of their own.",
)

TOKEN_MOUNTED = _advice(
    name="token-mounted",
    title="job pods get a token of the cluster",
    page=(
        "Unless `automount_service_account_token = false`, Kubernetes mounts the token of the service account "
        "into each job pod. If that account may create pods, a job can make one in any pool, without the "
        "runner."
    ),
    remedy="Write automount_service_account_token = false.",
)

POLL_TIMEOUT = _advice(
    name="poll-timeout",
    title="a pod that waits for an address is given up early",
    page=(
        "The runner gives up a pod that does not start within `poll_timeout` (180 seconds when nothing is "
        "said), and the job ends with an opaque `timed out waiting for pod to start`. When a pool is full, "
        "Calico's message needs some retries to show up in the pod's events."
    ),
    remedy="Write poll_timeout = 360.",
)

POLL_INTERVAL = _error(
    name="poll-interval",
    title="poll_interval is longer than poll_timeout, so no pod is ever waited for",
    page=(
        "The number of attempts is `poll_timeout` divided by `poll_interval`, rounded down. With an interval "
        "longer than the timeout it is zero."
    ),
    remedy="Make poll_timeout several times poll_interval.",
)

TEMPLATE_UNCHECKED = _advice(
    name="template-unchecked",
    title="parts that a template fills in were not checked",
    page=(
        "`{{ … }}` of Helm, `${ … }` and `%{ … }` of Terraform, `{% … %}` of Jinja stand for text that is not "
        "there yet. The rest of the file is checked as it stands; values that hold such a part, and lines "
        "that consist of it, are not."
    ),
    remedy="Check the rendered file too, for example: helm template … | runner-bridge lint -.",
)
