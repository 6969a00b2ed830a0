"""What is served: the documents a client discovers groups, versions and resources by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.simulate.cluster.resources import VERBS, Resource

if TYPE_CHECKING:
    from runner_bridge.simulate.cluster.status import Object

VERSION: Object = {"major": "1", "minor": "36", "gitVersion": "v1.36.3", "platform": "linux/amd64"}


def _group(resources: tuple[Resource, ...], group: str) -> Object:
    versions = list(dict.fromkeys(each.api_version for each in resources if each.group == group))
    named = [{"groupVersion": each, "version": each.rpartition("/")[2]} for each in versions]
    return {"name": group, "versions": named, "preferredVersion": named[0]}


def document(resources: tuple[Resource, ...], path: str) -> Object | None:
    """
    Return the document at a path, or None when there is none.

    >>> document((), "/api")["versions"]
    ['v1']
    """
    groups = dict.fromkeys(each.group for each in resources if each.group)
    match path.strip("/").split("/"):
        case ["version"]:
            return VERSION
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            listed = [_group(resources, group) for group in groups]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        case ["apis", group] if group in groups:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(resources, group)}
        case _:
            return _resource_list([each for each in resources if each.root == path.rstrip("/")])


def _resource_list(resources: list[Resource]) -> Object | None:
    if not resources:
        return None
    listed: list[Object] = []
    for each in resources:
        about = {"singularName": each.kind.lower(), "namespaced": each.namespaced, "kind": each.kind}
        listed.append({"name": each.plural, **about, "verbs": list(VERBS)})
        if each.has_status:
            listed.append({"name": f"{each.plural}/status", **about, "verbs": ["get", "patch", "update"]})
    head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": resources[0].api_version}
    return {**head, "resources": listed}
