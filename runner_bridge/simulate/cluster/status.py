"""
Status bodies: every refusal of the API server as one exception that knows its JSON.

Texts follow k8s.io/apimachinery, api/errors; clients branch on `reason` and `code`, people read `message`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner_bridge.simulate.cluster.resources import Resource

Object = dict[str, Any]


class StatusError(Exception):
    """A request was refused; `body` is the Status object that says so."""

    def __init__(
        self, code: int, reason: str, message: str, *, details: Object | None = None, metadata: Object | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.body: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": metadata or {},
            "status": "Failure",
            "message": message,
            **({"reason": reason} if reason else {}),
            **({"details": details} if details else {}),
            "code": code,
        }

    @property
    def retry_after_s(self) -> int | None:
        """Return what the header `Retry-After` says, when the body says it."""
        value: int | None = self.body.get("details", {}).get("retryAfterSeconds")
        return value


def _details(resource: Resource, name: str, **more: object) -> Object:
    named = {"name": name} if name else {}
    group = {"group": resource.group} if resource.group else {}
    return {**named, **group, "kind": resource.plural, **more}


def not_found(resource: Resource, name: str) -> StatusError:
    """Return 404 for an object that does not exist."""
    return StatusError(404, "NotFound", f'{resource.qualified} "{name}" not found', details=_details(resource, name))


def already_exists(resource: Resource, name: str) -> StatusError:
    """Return 409 for a create of a name that is taken."""
    return StatusError(
        409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', details=_details(resource, name)
    )


def conflict(resource: Resource, name: str, why: str = "", *, of: str = "") -> StatusError:
    """Return 409 for a write that was based on an older version, or whose precondition does not hold."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    what = f'{of or resource.qualified} "{name}"'
    details = {**_details(resource, name), **({"kind": of} if of else {})}
    return StatusError(409, "Conflict", f"Operation cannot be fulfilled on {what}: {why}", details=details)


def invalid(resource: Resource, name: str, field: str, what: str, *, cause: str = "FieldValueInvalid") -> StatusError:
    """Return 422 for one field that may not have its value."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details = {
        **_details(resource, name),
        "kind": resource.kind,
        "causes": [{"reason": cause, "message": what, "field": field}],
    }
    return StatusError(422, "Invalid", f'{kind} "{name}" is invalid: {field}: {what}', details=details)


def bad_request(message: str) -> StatusError:
    """Return 400."""
    return StatusError(400, "BadRequest", message)


def expired(message: str, *, continue_token: str = "") -> StatusError:
    """Return 410; a list that expired between two pages offers a token that goes on inconsistently."""
    return StatusError(410, "Expired", message, metadata={"continue": continue_token} if continue_token else None)


def too_old(asked: int, oldest: int) -> StatusError:
    """Return 410 for a watch from a version whose successors were compacted away."""
    return expired(f"too old resource version: {asked} ({oldest})")


def unauthorized() -> StatusError:
    """Return 401: no token, or one that is not accepted (any longer)."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def forbidden(resource: Resource, name: str, *, user: str, verb: str, namespace: str, subresource: str) -> StatusError:
    """Return 403 with the sentence RBAC writes."""
    what = f"{resource.qualified} " + (f'"{name}" ' if name else "")
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    asked = f"{resource.plural}/{subresource}" if subresource else resource.plural
    return StatusError(
        403,
        "Forbidden",
        f'{what}is forbidden: User "{user}" cannot {verb} resource "{asked}" in API group "{resource.group}" {where}',
        details=_details(resource, name),
    )


def too_many_requests(retry_after_s: int) -> StatusError:
    """Return 429, as priority and fairness sends it."""
    return StatusError(
        429,
        "TooManyRequests",
        "Too many requests, please try again later.",
        details={"retryAfterSeconds": retry_after_s},
    )


def internal_error(message: str) -> StatusError:
    """Return 500."""
    text = f"Internal error occurred: {message}"
    return StatusError(500, "InternalError", text, details={"causes": [{"message": message}]})


def unsupported_media_type(supported: tuple[str, ...]) -> StatusError:
    """Return 415 for a patch of another kind."""
    accepted = ", ".join(supported)
    return StatusError(
        415,
        "UnsupportedMediaType",
        f"the body of the request was in an unknown format - accepted media types include: {accepted}",
    )


def not_acceptable(message: str) -> StatusError:
    """Return 406 for a representation that cannot be given."""
    return StatusError(406, "NotAcceptable", message)


def method_not_allowed() -> StatusError:
    """Return 405."""
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
