"""A configuration under way: changed by others between reading and writing, put back, and told in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from runner_bridge.core.errors import StaleError, UnavailableError
from runner_bridge.core.model.ledger import Entry, Step
from runner_bridge.core.policy import model as p
from runner_bridge.flow.apply.book import Book
from runner_bridge.flow.apply.configuring import BOM, Configuring, State
from runner_bridge.flow.apply.stores import Stores
from runner_bridge.ports.manager import Managers, Mark, Outcome
from tests import make
from tests.core.edits.base import installation, policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD, NEW = "glrt-oldFAKETOKEN00", "glrt-newFAKETOKEN00"
TEXT = (
    '[[runners]]\n  name = "infra-platform"\n  url = "https://gitlab.example.com"\n'
    f'  executor = "kubernetes"\n  token = "{OLD}"\n'
)


class Heard(Managers):
    """Managers that say what a test has them say; something may happen when they are asked."""

    def __init__(
        self, outcome: Outcome, *, before: Callable[[], object] = int, after: Callable[[], object] = int
    ) -> None:
        super().__init__(["http://127.0.0.1:9/metrics"], [])
        self._outcome, self._before, self._after = outcome, before, after

    async def mark(self) -> Mapping[str, Mark]:
        self._before()
        return {"a": Mark(1, 0)}

    async def outcome(self, marks: Mapping[str, Mark], *, within_s: float) -> Outcome:  # noqa: ARG002 - as the real one
        self._after()
        return self._outcome


LOADED, REFUSED, SILENT = Outcome(loaded=("a",)), Outcome(refused=("a: broken",)), Outcome(silent=("a",))


class Case:
    """A file, and what was recorded about it."""

    def __init__(self, folder: Path, managers: Managers, *, text: str = TEXT) -> None:
        self.file = folder / "config.toml"
        self.file.write_text(text, encoding="utf-8")
        self.entries: list[Entry] = []
        store = p.Store(kind=p.StoreKind.FILE, path=str(self.file))
        self._tokens = folder / "tokens"
        tokens = p.Store(kind=p.StoreKind.DIRECTORY, path=str(self._tokens))
        home = installation(configuration=store, tokens=tokens, runners=(p.RunnerName("infra-platform"),))
        ids = count(1)

        async def record(entries: tuple[Entry, ...]) -> None:
            self.entries += entries

        book = Book(policy(make.runner()), "test", record, clock=lambda: NOON, act_id=lambda: str(next(ids)))
        self.configuring = Configuring(policy(make.runner()), home, Stores(None), managers, book, 1.0)

    def keep(self, token: str) -> None:
        self._tokens.mkdir()
        (self._tokens / "infra-platform").write_text(token, encoding="utf-8")

    @property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    @property
    def others(self) -> list[str]:
        """What lies beside the file."""
        return sorted(one.name for one in self.file.parent.iterdir() if one not in {self.file, self._tokens})

    @property
    def steps(self) -> list[tuple[str, Step | None]]:
        return [(one.act, one.step) for one in self.entries]


async def test_a_token_that_the_runner_renews_between_reading_and_writing_stays(tmp_path: Path) -> None:
    renewals = iter([NEW])

    def renew() -> None:
        for token in renewals:
            case.file.write_text(case.text.replace(OLD, token), encoding="utf-8")

    case = Case(tmp_path, Heard(LOADED, before=renew))
    assert (await case.configuring.write()).state is State.LOADED
    assert NEW in case.text
    assert "ipv4pools" in case.text
    write = "write-configuration"
    assert case.steps == [(write, Step.INTENT), (write, Step.FAILED), (write, Step.INTENT), (write, Step.DONE)]


async def test_a_file_that_is_never_left_alone_is_given_up(tmp_path: Path) -> None:
    case = Case(tmp_path, Heard(LOADED, before=lambda: case.file.write_text(f"{case.text}# again\n", encoding="utf-8")))
    with pytest.raises(StaleError, match="was changed by somebody else meanwhile"):
        await case.configuring.write()
    assert "ipv4pools" not in case.text


@pytest.mark.parametrize("outcome", [REFUSED, SILENT], ids=["refused", "silent"])
async def test_what_is_not_loaded_is_put_back_to_the_byte(tmp_path: Path, outcome: Outcome) -> None:
    case = Case(tmp_path, Heard(outcome))
    case.file.write_bytes(BOM + TEXT.replace("\n", "\r\n").encode())
    before = case.file.read_bytes()
    assert (await case.configuring.write()).state is State.PUT_BACK
    assert case.file.read_bytes() == before
    assert case.steps[-1] == ("put-back-configuration", Step.DONE)


async def test_what_was_not_there_is_not_there_again(tmp_path: Path) -> None:
    case = Case(tmp_path, Heard(REFUSED))
    case.file.unlink()
    case.keep(NEW)
    assert (await case.configuring.write()).state is State.PUT_BACK
    assert not case.file.exists()
    assert case.steps[0] == ("write-configuration", Step.INTENT)


async def test_a_section_without_a_token_is_not_written(tmp_path: Path) -> None:
    case = Case(tmp_path, Heard(LOADED))
    case.file.unlink()
    assert (await case.configuring.write()).state is State.UNCONFIRMED
    assert not case.file.exists()
    case.keep(NEW)
    assert (await case.configuring.write()).state is State.LOADED
    assert f'token = "{NEW}"' in case.text
    assert case.file.stat().st_mode & 0o777 == 0o600


async def test_what_somebody_else_has_written_since_is_not_put_back(tmp_path: Path) -> None:
    case = Case(tmp_path, Heard(REFUSED, after=lambda: case.file.write_text("# mine\n", encoding="utf-8")))
    standing = await case.configuring.write()
    assert (standing.state, case.text) == (State.UNCONFIRMED, "# mine\n")
    assert "Somebody else has written since" in standing.text
    assert case.steps[-1] == ("put-back-configuration", Step.SKIPPED)


async def test_nothing_is_written_that_nobody_would_confirm(tmp_path: Path) -> None:
    def deaf() -> None:
        raise UnavailableError("no manager.")

    case = Case(tmp_path, Heard(LOADED, before=deaf))
    with pytest.raises(UnavailableError):
        await case.configuring.write()
    assert (case.text, case.entries) == (TEXT, [])


async def test_what_is_there_already_is_read_again_by_its_manager_and_not_changed(tmp_path: Path) -> None:
    case = Case(tmp_path, Heard(LOADED))
    await case.configuring.write()
    before, at = case.text, case.file.stat().st_mtime_ns
    assert (await case.configuring.write()).state is State.LOADED
    assert case.text == before
    assert case.file.stat().st_mtime_ns > at
    assert case.steps[-2:] == [("confirm-configuration", Step.INTENT), ("confirm-configuration", Step.DONE)]


class Died(BaseException):
    """The process is gone."""


def die() -> None:
    raise Died


async def test_what_was_cut_off_before_it_was_loaded_is_put_back_and_written_again(tmp_path: Path) -> None:
    case = Case(tmp_path, Heard(LOADED, after=die))
    with pytest.raises(Died):
        await case.configuring.write()
    assert case.others == [f".config.toml.before-{sha256(case.file.read_bytes()).hexdigest()[:16]}"]

    seen: list[str] = []
    again = Case(tmp_path, Heard(LOADED, after=lambda: seen.append(case.text)), text=case.text)
    assert (await again.configuring.write()).state is State.LOADED
    assert (seen[0], seen[1] == again.text, again.others) == (TEXT, True, [])


async def test_what_was_cut_off_and_is_refused_ends_as_it_was_before(tmp_path: Path) -> None:
    case = Case(tmp_path, Heard(LOADED, after=die))
    with pytest.raises(Died):
        await case.configuring.write()
    again = Case(tmp_path, Heard(REFUSED), text=case.text)
    assert (await again.configuring.write()).state is State.PUT_BACK
    assert (again.text, again.others) == (TEXT, [])


async def test_what_was_cut_off_is_left_where_the_runner_has_written_since(tmp_path: Path) -> None:
    case = Case(tmp_path, Heard(LOADED, after=die))
    with pytest.raises(Died):
        await case.configuring.write()
    again = Case(tmp_path, Heard(LOADED), text=case.text.replace(OLD, NEW))
    assert (await again.configuring.write()).state is State.LOADED
    assert NEW in again.text
    assert again.others == []


async def test_what_was_cut_off_is_told_as_unknown(tmp_path: Path) -> None:
    case = Case(tmp_path, Heard(LOADED))
    await case.configuring.write()
    intent = structs.replace(case.entries[0], act_id="of another process")
    await case.configuring._book.settle([intent])
    assert (case.entries[-1].step, case.entries[-1].act_id) == (Step.FAILED, "of another process")
    assert "its process ended before the outcome was known" in case.entries[-1].text
