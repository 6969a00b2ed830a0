"""The texts of the project hold what they promise: links lead somewhere, nothing of a machine is left in them."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)")


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return tuple(path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file())


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    pages = [path for path in tracked() if path.suffix == ".md"]

    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]

    assert len(pages) > 5
    assert broken == []


def test_requirements_name_hashes_and_no_addresses() -> None:
    for name in ("run.txt", "dev.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        pins = re.findall(r"^[\w.-]+==", text, re.MULTILINE)

        assert "://" not in text
        assert "index-url" not in text
        assert len(pins) > 10
        assert all(
            "--hash=sha256:" in block for block in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE) if block
        )


def test_every_decision_is_in_the_list_and_has_its_four_parts() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    for page in sorted(folder.glob("[0-9]*.md")):
        headings = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)

        assert headings == ["Status", "Context", "Decision", "Consequences"], page.name
        assert page.name in listed


def test_text_files_are_plain() -> None:
    """A byte order mark or carriage return in our own text is an accident; samples of bad input have their folders."""
    odd = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix in {".py", ".md", ".yaml", ".toml", ".txt"}
        and "samples" not in path.parts
        and (path.read_bytes().startswith(b"\xef\xbb\xbf") or b"\r" in path.read_bytes())
    ]

    assert odd == []
