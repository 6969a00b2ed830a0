"""Finding codes about what a job may overwrite."""

from runner_bridge.core.model.finding import Code, Family, Severity

_LIST = r"'^(team\.example/owner)='"  # in single quotes, or TOML reads the backslash itself
_EMPTY = "Leave it empty"

OPENS_POOL = Code(
    name="overwrite-opens-pool",
    family=Family.OVERWRITES,
    severity=Severity.ERROR,
    title="a job can choose its own pool",
    page=(
        "GitLab Runner compares `pod_annotations_overwrite_allowed` with the whole text `key=value` of a variable "
        "`KUBERNETES_POD_ANNOTATIONS_…`, without anchoring it, and expands the value once more afterwards. "
        "Whoever can set a CI variable (in .gitlab-ci.yml, in a trigger, in the form that starts a pipeline) can "
        "therefore use every text that the pattern matches anywhere, and whatever that text becomes. This pattern "
        "lets one of Calico's annotations through with a value that Calico takes: the job leaves through a pool, "
        "an address or a family of its own choice. The finding carries the complete variable; it was replayed "
        "through the runner's expansions and through the pattern before it was printed (GitLab Runner, "
        "executors/kubernetes/overwrites.go)."
    ),
    remedy=f"{_EMPTY}; where a team needs its own annotation, allow it by an anchored list: {_LIST}",
)

REACHES_POOL_KEY = Code(
    name="overwrite-reaches-pool-key",
    family=Family.OVERWRITES,
    severity=Severity.WARNING,
    title="a job can break the pool annotation, but not choose a pool",
    page=(
        "The pattern lets a job set one of Calico's annotations, but no text that it allows becomes a list that "
        "Calico takes. With most such values Calico fails to set up the pod, and the job hangs until the runner's "
        "`poll_timeout`. A job can only hurt itself, so this is milder than `overwrite-opens-pool`; but such a "
        "pattern is never meant, and one character more in it may open the pool."
    ),
    remedy=f"{_EMPTY}; where a team needs its own annotation, allow it by an anchored list: {_LIST}",
)

UNDECIDED = Code(
    name="overwrite-undecided",
    family=Family.OVERWRITES,
    severity=Severity.WARNING,
    title="what a job can reach through the pattern is not known",
    page=(
        "The pattern was followed through every text that it allows until a limit of states was reached, or it "
        "holds something that this check does not read, or a way out was found that did not stand up when it was "
        "replayed. None of these is a proof of anything, so the pattern is not called safe."
    ),
    remedy=f"{_EMPTY}, or write a short anchored list of the keys that are needed: {_LIST}",
)

NO_PATTERN = Code(
    name="overwrite-pattern-refused",
    family=Family.OVERWRITES,
    severity=Severity.WARNING,
    title="the pattern is no regular expression, so each job that uses the overwrite fails",
    page=(
        "The runner compiles the pattern with Go's regexp package only when a job sets an overwrite variable. One "
        "that does not compile passes `gitlab-runner lint`, does nothing while nobody uses the overwrite, and "
        "fails each job that does before its pod exists, reported as a script failure. Look-ahead, look-behind "
        "and back-references exist in other dialects but not here."
    ),
    remedy=f"Correct the pattern, or leave it empty. An anchored list looks like this: {_LIST}",
)

CHANGES_LABELS = Code(
    name="overwrite-changes-labels",
    family=Family.OVERWRITES,
    severity=Severity.WARNING,
    title="a job can change a label that others rely on",
    page=(
        "The pattern lets a job replace a label that config.toml sets, the label `pod` by which the runner's own "
        "Services find the pod, or one of `runner-bridge.dev/…`. Network policies and reports that select by such "
        "a label then follow the job's word. Labels under `*.runner.gitlab.com` are protected by the runner and "
        "cannot be reached."
    ),
    remedy=f"{_EMPTY}; where a team needs its own label, allow it by an anchored list: {_LIST}",
)

ANY_NAMESPACE = Code(
    name="overwrite-any-namespace",
    family=Family.OVERWRITES,
    severity=Severity.WARNING,
    title="a job can move to a namespace whose name only contains what the pattern asks for",
    page=(
        "`namespace_overwrite_allowed` is searched anywhere in the name: `ci-team-.*` also lets `prod-ci-team-x` "
        "through. In another namespace a job pod meets other default pools (where it carries no annotation of its "
        "own), other service accounts, secrets, quotas and network policies, wherever the runner's role reaches."
    ),
    remedy="Leave it empty, or anchor it at both ends: '^ci-team-[a-z0-9]+$'",
)

ANY_SERVICE_ACCOUNT = Code(
    name="overwrite-any-service-account",
    family=Family.OVERWRITES,
    severity=Severity.WARNING,
    title="a job can take a service account whose name only contains what the pattern asks for",
    page=(
        "`service_account_overwrite_allowed` is searched anywhere in the name. With the token of an account that "
        "may create pods, a job makes a second pod with any annotation it likes, and the runner's configuration "
        "no longer matters."
    ),
    remedy="Leave it empty, or anchor it at both ends: '^ci-builder$'",
)

CHOOSES_NAME = Code(
    name="overwrite-chooses-name",
    family=Family.OVERWRITES,
    severity=Severity.ADVICE,
    title="a job chooses among the names that the pattern allows",
    page=(
        "The pattern binds how the name of the namespace or service account begins, so a job cannot leave that "
        "group. Within it the job chooses: each name that begins so needs the same care as the one in "
        "config.toml, also those that somebody creates later."
    ),
    remedy="Leave it empty, or list the names and anchor both ends: '^(ci-team-a|ci-team-b)$'",
)

CHOOSES_NODE = Code(
    name="overwrite-chooses-node",
    family=Family.OVERWRITES,
    severity=Severity.WARNING,
    title="a job can choose the node it runs on",
    page=(
        "The pattern lets a job select a node by its host name, or replace a label by which config.toml selects "
        "nodes. A job pod without an annotation gets its pool by the node; and with NAT the address that a "
        "firewall sees is the node's."
    ),
    remedy=r"Leave it empty; where jobs need one kind of node, allow its values: '^kubernetes\.io/arch=(amd64|arm64)$'",
)

TOLERATES_CONTROL_PLANE = Code(
    name="overwrite-tolerates-control-plane",
    family=Family.OVERWRITES,
    severity=Severity.WARNING,
    title="a job can run on the control plane",
    page=(
        "The pattern lets a job tolerate the taint `node-role.kubernetes.io/control-plane`, or every taint at "
        "once (an empty value). Nodes that were set apart from jobs, with addresses of their own, are then open "
        "to it."
    ),
    remedy=r"Leave it empty; where jobs need set-apart machines, allow that taint alone: '^ci-only=true:NoSchedule$'",
)

CHOOSES_TOKEN = Code(
    name="overwrite-chooses-token",
    family=Family.OVERWRITES,
    severity=Severity.WARNING,
    title="a job can make its pod with a token of its own",
    page=(
        "With `bearer_token_overwrite_allowed = true` the runner talks to Kubernetes with the token from the "
        "variable `KUBERNETES_BEARER_TOKEN`. Admission rules that know the runner by its account then judge "
        "somebody else, and a log of the API server names that account."
    ),
    remedy="Set bearer_token_overwrite_allowed = false",
)
