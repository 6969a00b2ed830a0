"""
Finding codes for `probe`: what a pod of a tier met besides its address, which is judged as a job pod's is.

Error: seen, and not as declared. Warning: it could not be seen, so nothing is proven. Advice: seen, and maybe meant.
"""

from __future__ import annotations

from runner_bridge.core.model.finding import Code, Family, Severity


def _code(name: str, severity: Severity, *, title: str, page: str, remedy: str) -> Code:
    return Code(name=name, family=Family.PROBE, severity=severity, title=title, page=page, remedy=remedy)


EGRESS_DIFFERS = _code(
    "egress-differs",
    Severity.ERROR,
    title="a destination saw another source address than the tier declares",
    page="`egress` of a tier says where the traffic of its jobs appears to come from. With `natOutgoing` Calico hides "
    "a pod behind its node, but only for destinations outside every pool, disabled ones included "
    "(felix/rules/nat.go); without it the pod's own address arrives. Behind a node there may be another "
    "translation, a cloud's NAT gateway for example, which no object in the cluster shows: then firewalls and "
    "auditors see a third address.",
    remedy="Correct `egress` in the policy if what was seen is meant; else find who translates, pool by pool.",
)
NAME_UNRESOLVED = _code(
    "probe-name-unresolved",
    Severity.ERROR,
    title="the name of GitLab cannot be resolved from the pod",
    page="A job fetches its sources from GitLab's address in the policy. The pod asked the resolver that it was given, "
    "as a job would. A network policy that names pools or namespaces easily forgets the cluster's DNS for pods of "
    "a new pool.",
    remedy="Let pods of this pool reach the cluster's DNS, on UDP and TCP port 53.",
)
GITLAB_UNREACHABLE = _code(
    "probe-gitlab-unreachable",
    Severity.ERROR,
    title="GitLab cannot be reached from the pod",
    page="No TCP connection to GitLab's address in the policy. The helper container of every job clones from there and "
    "sends artifacts to it, so every job of the tier would fail. The manager is no witness: it runs in another "
    "pod, often of another pool.",
    remedy="Look for a network policy, or a firewall that does not know the source address of this tier yet.",
)
API_SERVER_UNREACHABLE = _code(
    "probe-api-server-unreachable",
    Severity.ADVICE,
    title="the API server cannot be reached from the pod",
    page="Jobs that call kubectl need it, most do not, and a network policy may close it on purpose. kube-proxy treats "
    "a source outside its clusterCIDR as foreign, which is how a new pool is forgotten by accident.",
    remedy="Nothing, where it is meant; else see `doctor` about kube-proxy's range.",
)
TOOL_MISSING = _code(
    "probe-tool-missing",
    Severity.WARNING,
    title="the image has no program to ask with, so this was not tested",
    page="The pod asks with what its image has: `nslookup` or `getent` for names, `nc` or `wget` for connections, "
    "`wget` or `curl` for what a destination saw. Nothing is installed, and nothing is guessed.",
    remedy="Name another image with --image; any BusyBox has them all.",
)
NOT_STARTED = _code(
    "probe-not-started",
    Severity.WARNING,
    title="the container of the probe did not start, so nothing was asked from inside",
    page="Its address is judged all the same: Calico gives it before an image is pulled. Clusters without a way out "
    "pull images from a registry of their own, and some refuse images that are not on a list.",
    remedy="Name an image that the nodes can pull with --image.",
)
REPORT_MISSING = _code(
    "probe-report-missing",
    Severity.WARNING,
    title="the pod's report could not be read, so nothing is known of what it met",
    page="The pod writes one line of JSON to its log, which the API server fetches from the kubelet. It takes the "
    "right to get `pods/log`, and a way from the API server to port 10250 of the node.",
    remedy="Grant it with deploy/rbac-probe.yaml, or give the pod more time with --timeout.",
)
ECHO_UNANSWERED = _code(
    "probe-echo-unanswered",
    Severity.WARNING,
    title="the echo end point was not reached, so no source address was seen",
    page="What a destination sees is only known from a destination. It has to lie outside of every Calico pool, or "
    "nothing is translated on the way to it.",
    remedy="Open the way for this tier's source address, or name another end point with --echo.",
)
ECHO_UNREADABLE = _code(
    "probe-echo-unreadable",
    Severity.WARNING,
    title="the echo end point answered without one address",
    page="It is to answer with the source address that it saw, as plain text or somewhere in JSON. With several "
    "different addresses, as of a proxy's `X-Forwarded-For`, nobody can tell which was seen.",
    remedy="Name an end point that answers with nothing but the address of its peer.",
)
POD_LEFT = _code(
    "probe-pod-left",
    Severity.ERROR,
    title="the pod of the probe could not be deleted",
    page="It ends by itself when its `activeDeadlineSeconds` are over, and then holds no address any more. The next "
    "probe of the tier removes what is left of it.",
    remedy="Delete it by hand, or run the probe again.",
)
