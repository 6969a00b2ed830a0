"""
The half that writes; handed to `flow.act`, to the Lease that decides who may act, and to `flow.apply`.

Each call is one request that may be repeated: merge patches and named objects end the same however often they arrive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner_bridge.core.errors import InvalidError, StaleError
from runner_bridge.ports.kube.session import JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner_bridge.ports.kube.session import Answer, Session

# The answer without the pod's spec, which is 25 KB and holds the job's secrets.
_METADATA_ONLY = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
_MERGE_PATCH = {"Content-Type": "application/merge-patch+json", **_METADATA_ONLY}


class _Meta(msgspec.Struct):
    uid: str = ""


class _Made(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


class Writer:
    """
    Writes to one API server.

    Args of the constructor:
        session: an open one.
        fence: called right before each request is sent, a repeated one too; raises FencedError where it must not be.
    """

    def __init__(self, session: Session, *, fence: Callable[[], None] | None = None) -> None:
        self._session = session
        self._fence = fence

    async def label(self, *, namespace: str, pod: str, uid: str, labels: Mapping[str, str | None]) -> bool:
        """
        Set labels of a pod, remove those that are None, touch nothing else; False when that pod is gone.

        The uid goes along, so that a new pod of the same name is never labelled for an old one.

        Raises:
            UnavailableError, DeniedError, InvalidError: as `Session.ask`.
        """
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
        body = msgspec.json.encode({"metadata": {"uid": uid, "labels": labels}})
        try:
            answer = await self._ask("PATCH", path, headers=_MERGE_PATCH, body=body)
        except StaleError:
            return False
        except InvalidError as error:
            if "metadata.uid" in error.fields:  # how the API server says that the name is another pod's now
                return False
            raise
        return answer.status != 404

    async def create_pod(self, namespace: str, body: bytes) -> str:
        """
        Create a pod and return its uid; empty text where one of that name is there already.

        Raises:
            UnavailableError, DeniedError, InvalidError: as `Session.ask`; InvalidError too where the namespace is not.
        """
        path = f"/api/v1/namespaces/{namespace}/pods"
        try:
            answer = await self._session.ask("POST", path, headers={**JSON, **_METADATA_ONLY}, body=body)
        except StaleError:
            return ""
        made = msgspec.json.decode(self._present(answer, f"namespace {namespace}"), type=_Made)
        return made.metadata.uid

    async def delete_pod(self, *, namespace: str, pod: str, uid: str) -> bool:
        """
        Delete a pod, with the grace it was made with; False when that pod is gone already.

        Raises:
            UnavailableError, DeniedError, InvalidError: as `Session.ask`.
        """
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
        body = msgspec.json.encode({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}})
        try:
            answer = await self._ask("DELETE", path, headers={**JSON, **_METADATA_ONLY}, body=body)
        except StaleError:
            return False
        return answer.status != 404

    async def create_event(self, namespace: str, body: bytes) -> bool:
        """
        Create an Event of `events.k8s.io/v1`; False when one of that name is there already, or the namespace is gone.

        Raises:
            UnavailableError, DeniedError, InvalidError: as `Session.ask`.
        """
        try:
            answer = await self._ask("POST", _events(namespace), headers=JSON, body=body)
        except StaleError:
            return False
        return answer.status != 404

    async def event(self, namespace: str, name: str) -> bytes | None:
        """
        Return an Event, or None.

        Raises:
            UnavailableError, DeniedError, InvalidError: as `Session.ask`.
        """
        answer = await self._session.ask("GET", f"{_events(namespace)}/{name}")
        return None if answer.status == 404 else answer.body

    async def patch_event(self, namespace: str, name: str, body: bytes) -> bool:
        """
        Merge a patch into an Event, which is how a series is counted on; False when it is gone (they live an hour).

        Raises:
            UnavailableError, DeniedError, StaleError, InvalidError: as `Session.ask`.
        """
        answer = await self._ask("PATCH", f"{_events(namespace)}/{name}", headers=_MERGE_PATCH, body=body)
        return answer.status != 404

    async def lease(self, namespace: str, name: str) -> bytes | None:
        """
        Return a Lease of `coordination.k8s.io/v1`, or None.

        Raises:
            UnavailableError, DeniedError, InvalidError: as `Session.ask`.
        """
        answer = await self._ask("GET", f"{_leases(namespace)}/{name}")
        return None if answer.status == 404 else answer.body

    async def create_lease(self, namespace: str, body: bytes) -> bytes:
        """
        Create a Lease and return it as it is now.

        Raises:
            StaleError: somebody else made it first.
            UnavailableError, DeniedError, InvalidError: as `Session.ask`; InvalidError too where the namespace is not.
        """
        answer = await self._ask("POST", _leases(namespace), headers=JSON, body=body)
        return self._present(answer, f"namespace {namespace}")

    async def update_lease(self, namespace: str, name: str, body: bytes) -> bytes:
        """
        Replace a Lease, if it still has the `resourceVersion` in `body`, and return it as it is now.

        Raises:
            StaleError: somebody else wrote it since, or it is gone.
            UnavailableError, DeniedError, InvalidError: as `Session.ask`.
        """
        answer = await self._ask("PUT", f"{_leases(namespace)}/{name}", headers=JSON, body=body)
        if answer.status == 404:
            message = f"{self._session.server}: lease {namespace}/{name} is gone. Read again."
            raise StaleError(message)
        return answer.body

    async def create(self, path: str, body: bytes) -> None:
        """
        Create an object in a collection: a Secret, an IPPool.

        Raises:
            StaleError: one of that name is there already.
            UnavailableError, DeniedError, InvalidError: as `Session.ask`; InvalidError too where the namespace is not.
        """
        self._present(await self._ask("POST", path, headers={**JSON, **_METADATA_ONLY}, body=body), path)

    async def merge(self, path: str, body: bytes) -> None:
        """
        Merge a patch into an object, if it still has the `resourceVersion` in `body`, where there is one.

        Raises:
            StaleError: somebody else wrote it since, or it is gone.
            UnavailableError, DeniedError, InvalidError: as `Session.ask`.
        """
        answer = await self._ask("PATCH", path, headers=_MERGE_PATCH, body=body)
        if answer.status == 404:
            message = f"{self._session.server}: {path} is gone. Read again."
            raise StaleError(message)

    async def _ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        return await self._session.ask(method, path, headers=headers, body=body, fence=self._fence)

    def _present(self, answer: Answer, what: str) -> bytes:
        if answer.status == 404:
            message = f"{self._session.server}: {what} is not there. Create it first."
            raise InvalidError(message, status=404)
        return answer.body


def _events(namespace: str) -> str:
    return f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"


def _leases(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
