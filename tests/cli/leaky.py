"""A GitLab of 2,000 projects and 40 runners with leaks in it, and the list of them as it was kept while planting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.simulate.gitlab import World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.simulate.gitlab.world import Group, Project, Runner

POLICY = """
version: 1
gitlab: {{url: {url}}}
cluster: {{name: prod-1, namespaces: [ci], pod_cidrs: [10.10.0.0/16, 172.16.0.0/16, 172.20.0.0/16]}}
pools:
  workload: {{cidr: 10.10.0.0/16, class: routable, generate: false}}
  infraestrutura: {{cidr: 172.16.0.0/16, class: nat, nat_outgoing: true, automatic: false}}
  laboratory: {{cidr: 172.20.0.0/16, class: isolated, automatic: false}}
tiers:
  infra:
    pools: [infraestrutura]
    egress: node
    projects: ["platform/**", "id:{vault}"]
    runners:
      - {{name: infra-platform, scope: "group:platform", tags: [infra, terraform]}}
      - {{name: infra-vault, scope: "project:{vault}", tags: [infra, hsm], locked: true}}
      - {{name: infra-release, scope: "group:platform/net", tags: [release], protected: true}}
  lab:
    pools: [laboratory]
    egress: none
    projects: ["research/lab/**"]
    runners:
      - {{name: lab, scope: "group:research/lab", tags: [lab]}}
  default:
    pools: [workload]
    pin: false
    projects: ["**", "platform/legacy/**"]
    runners:
      - {{name: shared, scope: instance, tags: [linux], run_untagged: true}}
"""
Expected = tuple[str, int, str, frozenset[str]]


class Leaky:
    """
    Builds a world that is in order, then plants leaks, each with what has to be said of it.

    Args of the constructor:
        seed: of where the leaks lie.
    """

    def __init__(self, seed: int) -> None:
        self.world = World(seed=seed)
        self.chance = self.world.random
        self.expected: set[Expected] = set()
        top = {name: self.world.group(name) for name in ("platform", "product", "research", "tools")}
        self.net, self.data, self.legacy = (self.world.group(one, top["platform"]) for one in ("net", "data", "legacy"))
        self.lab_group = self.world.group("lab", top["research"])
        self.top = top
        self.infra = [
            self._project(self.chance.choice((top["platform"], self.net, self.data)), inside=True) for _ in range(300)
        ]
        self.lab = [self._project(self.lab_group, inside=True) for _ in range(60)]
        self.old = [self._project(self.legacy, group_runners=False) for _ in range(40)]
        self.vault = self.world.project("vault", top["tools"], instance_runners=False)
        self.others = [
            self._project(self.chance.choice((top["product"], top["research"], top["tools"]))) for _ in range(1599)
        ]
        self._gone = [*self._archive(self.infra, 20), *self._archive(self.others, 100)]
        self._good_runners()

    def _project(self, group: Group, *, inside: bool = False, group_runners: bool = True) -> Project:
        """A project; those inside of a tier with pools of its own keep instance runners out."""
        return self.world.project(
            f"service-{len(self.world.projects)}",
            group,
            instance_runners=not inside and self.chance.random() < 0.9,
            group_runners=group_runners,
        )

    def _archive(self, projects: list[Project], count: int) -> list[Project]:
        """Archived projects let everybody in, which is no leak."""
        gone = self.chance.sample(projects, count)
        for one in gone:
            one.archived = one.instance_runners = one.group_runners = True
            projects.remove(one)
        return gone

    def _runner(self, kind: str, tags: str, *, name: str = "", **more: object) -> Runner:
        group, projects = more.pop("group", None), more.pop("projects", ())
        runner = self.world.runner(kind, group=group, projects=tuple(projects))  # type: ignore[arg-type]
        runner.tags = tags.split()
        runner.run_untagged = False
        runner.locked = kind == "project"
        runner.description = name or f"docker-{runner.id}"
        runner.note = f"runner-bridge.dev/runner: prod-1/{name}" if name else "by hand"
        for field, value in more.items():
            setattr(runner, field, value)
        return runner

    def _good_runners(self) -> None:
        self.platform = self._runner("group", "infra terraform", name="infra-platform", group=self.top["platform"])
        self.vaults = self._runner("project", "infra hsm", name="infra-vault", projects=[self.vault])
        self.release = self._runner(
            "group", "release", name="infra-release", group=self.net, access_level="ref_protected"
        )
        self.labs = self._runner("group", "lab", name="lab", group=self.lab_group)
        self.shared = self._runner("instance", "linux", name="shared", run_untagged=True)
        product = [one for one in self.others if one.group is self.top["product"]]
        # None of these can be used by a project of infra or lab, or is asked for by one.
        self._runner("group", "infra terraform", group=self.top["product"], run_untagged=True)
        self._runner("group", "infra terraform linux", group=self.top["platform"], run_untagged=True, paused=True)
        self._runner("instance", "hsm release")
        self._runner("group", "lab", group=self.legacy, run_untagged=True)
        self._runner("project", "infra", projects=self._gone[:3], locked=False, run_untagged=True)
        for number in range(27):
            if number % 2:
                self._runner("instance", f"arm64 gpu-{number}", run_untagged=number % 3 == 0)
            else:
                self._runner("project", "infra", projects=self.chance.sample(product, 3), locked=False)

    # --- leaks ---

    def plant(self) -> None:
        """Plant one of each kind, in random places."""
        self._open_instance()
        self._open_group()
        self._spread_project_runner()
        self._runner_for_everybody()
        self._unprotected()
        self._strangers()

    def expect(self, code: str, runner: Runner, tier: str, projects: Iterable[Project] = ()) -> None:
        self.expected.add((code, runner.id, tier, frozenset(one.path for one in projects)))

    def _open_instance(self) -> None:
        """Some projects of the tiers let instance runners in, as GitLab does unless told otherwise."""
        opened = {"infra": self.chance.sample(self.infra, 5), "lab": self.chance.sample(self.lab, 2)}
        for tier, projects in opened.items():
            for one in projects:
                one.instance_runners = True
            for runner in self.world.runners.values():
                if runner.type == "instance_type" and runner.run_untagged:
                    self.expect("untagged-taken-elsewhere", runner, tier, projects)
        in_net = [one for one in opened["infra"] if one.group is self.net]
        release = next(one for one in self.world.runners.values() if one.tags == ["hsm", "release"])
        if in_net:
            self.expect("jobs-taken-elsewhere", release, "infra", in_net)
        self.opened = opened

    def _open_group(self) -> None:
        """Some projects that the policy puts elsewhere let the group's runners in."""
        opened = self.chance.sample(self.old, 3)
        for one in opened:
            one.group_runners = True
        self.expect("runner-open-to-others", self.platform, "infra", opened)

    def _spread_project_runner(self) -> None:
        """A project runner is unlocked, and was given to others."""
        found = self.chance.sample(self.others, 2)
        self.vaults.projects += found
        self.vaults.locked = False
        self.expect("runner-open-to-others", self.vaults, "infra", found)
        self.expect("runner-unlocked", self.vaults, "infra")

    def _runner_for_everybody(self) -> None:
        """Somebody made the lab's runner one of the instance, and left untagged jobs on."""
        self.labs.type, self.labs.group = "instance_type", None
        self.labs.run_untagged = True
        everybody = [*self.others, *self.old, *self.opened["infra"]]
        reached = [one for one in everybody if one.instance_runners]
        self.expect("runner-open-to-others", self.labs, "lab", reached)
        self.expect("runner-takes-untagged", self.labs, "lab", reached)

    def _unprotected(self) -> None:
        self.release.access_level = "not_protected"
        self.expect("runner-unprotected", self.release, "infra")

    def _strangers(self) -> None:
        """Other runners have the tags of infra, some of them or all."""
        in_net = [one for one in self.infra if one.group is self.net]
        all_tags = self._runner("group", "terraform infra docker", group=self.net)
        self.expect("jobs-taken-elsewhere", all_tags, "infra", in_net)
        some_tags = self._runner("instance", "terraform docker")
        self.expect("tags-shared", some_tags, "infra", self.opened["infra"])
        one = self.chance.choice([each for each in self.infra if each not in self.opened["infra"]])
        untagged = self._runner("project", "gpu", projects=[one], run_untagged=True)
        self.expect("untagged-taken-elsewhere", untagged, "infra", [one])
        self.shared.tags = ["linux", "lab"]
        self.expect("jobs-taken-elsewhere", self.shared, "lab", self.opened["lab"])
