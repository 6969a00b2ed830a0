"""`[runners.kubernetes]`, from KubernetesConfig in common/config.go of GitLab Runner 19.4."""

from __future__ import annotations

from runner_bridge.core.lint.runner_keys.section import SCALING_POLICY, SERVICES, Section, section

_CONTAINERS = ("", "service_", "helper_")
_RESOURCES = ("cpu", "memory", "ephemeral_storage")
_RESOURCE_KEYS = " ".join(
    f"{who}{what}_{kind}{twin}"
    for who, resources in (*((one, _RESOURCES) for one in _CONTAINERS), ("pod_", _RESOURCES[:2]))
    for what in resources
    for kind in ("limit", "request")
    for twin in ("", "_overwrite_max_allowed")
)


_REQUIREMENT = section(text="key operator", texts="values", repeated=True, complete=False)
_SELECTOR = section({"match_expressions": _REQUIREMENT}, text_map="match_labels", complete=False)


def _node_terms(*, repeated: bool) -> Section:
    tables = {"match_expressions": _REQUIREMENT, "match_fields": _REQUIREMENT}
    return section(tables, repeated=repeated, complete=False)


def _pod_terms(*, repeated: bool) -> Section:
    tables = {"label_selector": _SELECTOR, "namespace_selector": _SELECTOR}
    return section(tables, texts="namespaces", text="topology_key", repeated=repeated, complete=False)


_REQUIRED = "required_during_scheduling_ignored_during_execution"
_PREFERRED = "preferred_during_scheduling_ignored_during_execution"
_POD_AFFINITY = section(
    {
        _REQUIRED: _pod_terms(repeated=True),
        _PREFERRED: section({"pod_affinity_term": _pod_terms(repeated=False)}, integer="weight", repeated=True),
    }
)
_AFFINITY = section(
    {
        "node_affinity": section(
            {
                _REQUIRED: section({"node_selector_terms": _node_terms(repeated=True)}),
                _PREFERRED: section({"preference": _node_terms(repeated=False)}, integer="weight", repeated=True),
            }
        ),
        "pod_affinity": _POD_AFFINITY,
        "pod_anti_affinity": _POD_AFFINITY,
    }
)

_CONTAINER_SECURITY = section(
    {"capabilities": section(texts="add drop")},
    integer="run_as_user run_as_group",
    flag="privileged run_as_non_root read_only_root_filesystem allow_privilege_escalation",
    text="selinux_type proc_mount",
    any="seccomp_profile app_armor_profile",
    complete=False,
)
_POD_SECURITY = section(
    integer="fs_group run_as_group run_as_user",
    flag="run_as_non_root",
    integers="supplemental_groups",
    text="selinux_type",
    any="seccomp_profile app_armor_profile",
    complete=False,
)

_HANDLER = section(
    {
        "exec": section(texts="command"),
        "http_get": section(
            {"http_headers": section(text="name value", repeated=True)}, text="host path scheme", integer="port"
        ),
        "tcp_socket": section(text="host", integer="port"),
    },
    complete=False,
)


def _volume(text: str = "", text_map: str = "") -> Section:
    return section(
        text=f"name mount_path sub_path mount_propagation {text}",
        flag="read_only",
        text_map=text_map,
        repeated=True,
        complete=False,
    )


_VOLUMES = section(
    {
        "host_path": _volume("host_path"),
        "pvc": _volume(),
        "config_map": _volume(text_map="items"),
        "secret": _volume(text_map="items"),
        "empty_dir": _volume("medium size_limit"),
        "csi": _volume("driver fs_type", "volume_attributes"),
        "nfs": _volume("server path"),
    }
)


KUBERNETES = section(
    {
        "affinity": _AFFINITY,
        "services": SERVICES,
        "pod_security_context": _POD_SECURITY,
        "init_permissions_container_security_context": _CONTAINER_SECURITY,
        "build_container_security_context": _CONTAINER_SECURITY,
        "helper_container_security_context": _CONTAINER_SECURITY,
        "service_container_security_context": _CONTAINER_SECURITY,
        "volumes": _VOLUMES,
        "dns_config": section(
            {"options": section(text="name value", repeated=True)}, texts="nameservers searches", complete=False
        ),
        "host_aliases": section(text="ip", texts="hostnames", repeated=True),
        "container_lifecycle": section({"post_start": _HANDLER, "pre_stop": _HANDLER}),
        "pod_spec": section(text="name patch patch_path patch_type", repeated=True),
        "autoscaler": section(
            {"policy": SCALING_POLICY},
            integer="max_pause_pods",
            text="pause_pod_image pause_pod_priority_class_name",
            texts="pause_pod_image_pull_secrets",
            complete=False,
        ),
    },
    text="host context cert_file key_file ca_file bearer_token namespace namespace_overwrite_allowed service_account"
    " service_account_overwrite_allowed node_selector_overwrite_allowed node_tolerations_overwrite_allowed"
    " scheduler_name priority_class_name runtime_class_name pod_labels_overwrite_allowed"
    " pod_annotations_overwrite_allowed image helper_image helper_image_flavor dns_policy logs_base_dir"
    f" scripts_base_dir suspend_pvc_size suspend_pvc_storage_class {_RESOURCE_KEYS}",
    flag="bearer_token_overwrite_allowed namespace_per_job automount_service_account_token"
    " helper_image_autoset_arch_and_os use_service_account_image_pull_secrets privileged allow_privilege_escalation"
    " print_pod_warning_events pod_disruption_budget",
    integer="poll_interval poll_timeout resource_availability_check_max_attempts retry_limit retry_backoff_max"
    " pod_termination_grace_period_seconds cleanup_grace_period_seconds",
    duration="cleanup_resources_timeout",
    texts="image_pull_secrets allowed_pull_policies allowed_images allowed_services allowed_users allowed_groups"
    " cap_add cap_drop",
    text_or_texts="pull_policy",
    text_map="node_selector node_tolerations pod_labels pod_annotations",
    integer_map="retry_limits",
)
