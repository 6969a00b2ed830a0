"""How a story ended: what was said of each job, and the label its pod had, beside what stands in the story."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.simulate.cluster.resources import PODS
from runner_bridge.simulate.runner import pod_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_bridge.simulate.cluster.store import Store
    from runner_bridge.simulate.story.model import Job

VERDICT = "runner-bridge.dev/verdict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The last that was said of a pod."""

    outcome: str
    codes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A job of which something else was said than stands in the story."""

    job: Job
    said: Said | None
    """None: nothing."""
    label: str | None
    """None: there is none."""

    @property
    def expected(self) -> str:
        """What stands in the story."""
        return ": ".join(filter(None, (self.job.expected.outcome, self.job.expected.code)))

    @property
    def happened(self) -> str:
        """What was said instead."""
        if self.said is None:
            return "nothing"
        return ": ".join(filter(None, (self.said.outcome, ", ".join(sorted(self.said.codes)))))


def differences(
    jobs: Iterable[Job], said: Mapping[str, Said], labels: Mapping[str, str | None]
) -> tuple[Difference, ...]:
    """
    Return the jobs of which verdict, finding or label is not as written, in the order of the story.

    Args:
        jobs: those that have to be judged.
        said: by the name of the pod.
        labels: by the name of the pod, as `labels_of`.
    """
    found = []
    for job in jobs:
        expected, one, label = job.expected, said.get(pod_name(job)), labels.get(pod_name(job))
        is_said = one is not None and one.outcome == expected.outcome and {expected.code} <= one.codes | {""}
        if not is_said or label != expected.outcome:
            found.append(Difference(job=job, said=one, label=label))
    return tuple(found)


def labels_of(store: Store) -> dict[str, str | None]:
    """Return the verdict that stood on each pod when its deletion was asked, or stands there now; by its name."""
    found: dict[str, str | None] = {}
    version = store.oldest
    while changes := store.since(PODS.storage, version):
        version = changes[-1].version
        for change in changes:
            meta = change.shown["metadata"]
            if "deletionTimestamp" not in meta:
                found[change.key[1]] = (meta.get("labels") or {}).get(VERDICT)
    return found
