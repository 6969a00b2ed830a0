"""One cluster: its session, and the two halves that share it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.ports.kube.reader import Reader
from runner_bridge.ports.kube.session import Session
from runner_bridge.ports.kube.writer import Writer
from runner_bridge.ports.patience import Patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner_bridge.ports.kube.access import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """An API server that can be asked."""

    access: Access
    session: Session
    """Counts what was asked: `reads` and `writes`."""
    reader: Reader
    writer: Writer


@asynccontextmanager
async def open_cluster(
    access: Access | None = None, *, kubeconfig: str = "", context: str = "", patience: Patience | None = None
) -> AsyncIterator[Cluster]:
    """
    Open the session with one cluster, and close it. Nothing is asked yet.

    Args:
        access: where and as whom; without it, `kubeconfig.find_access(kubeconfig, context)`.
        kubeconfig: `--kubeconfig`; empty: as kubectl finds it.
        context: `--context`; empty: the current one.
        patience: how often and how long a neighbour that is not available is asked again.

    Raises:
        SettingsError: there is no kubeconfig, or it cannot be used.
        UnavailableError: its credential plugin or identity provider gives no token.
    """
    if access is None:
        from runner_bridge.ports.kube.kubeconfig import find_access  # noqa: PLC0415 - a third of a second

        access = await find_access(kubeconfig=kubeconfig, context=context)
    async with Session(access, patience=patience or Patience()) as session:
        yield Cluster(access=access, session=session, reader=Reader(session), writer=Writer(session))
