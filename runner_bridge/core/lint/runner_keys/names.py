"""Keys that were removed, that never were, or that are called otherwise elsewhere; executors; feature flags."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REMOVED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "terminationgraceperiodseconds": (
            "17.0",
            "Write pod_termination_grace_period_seconds and cleanup_grace_period_seconds.",
        ),
        "pre_clone_script": ("17.0", "Write pre_get_sources_script."),
        "post_clone_script": ("17.0", "Write post_get_sources_script."),
        "metrics_server": ("12.0", "Write listen_address."),
    }
)
"""Keys that the runner once knew: in small letters → since which version it ignores them, and what took their place."""

NEVER: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("tags", "tag_list", "run_untagged", "locked", "access_level", "protected", "paused", "maximum_timeout"),
            "Set it in GitLab, on the runner's page: tags, scope and protection are never read from this file.",
        ),
        **dict.fromkeys(
            ("host_network", "hostnetwork"),
            "Only a pod_spec patch can set hostNetwork; such a pod has its node's address and no pool.",
        ),
    }
)
"""Keys that people expect and that the runner never had: in small letters → what to do."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "annotations": "pod_annotations",
        "pod_annotation": "pod_annotations",
        "labels": "pod_labels",
        "tolerations": "node_tolerations",
        "env": "environment",
        "pull_secrets": "image_pull_secrets",
        "timeout": "poll_timeout",
    }
)
"""What a key is called elsewhere, in Kubernetes or in the chart → what the runner calls it."""

EXECUTORS = (
    "kubernetes",
    "docker",
    "docker-windows",
    "docker+machine",
    "docker-autoscaler",
    "instance",
    "shell",
    "ssh",
    "parallels",
    "virtualbox",
    "custom",
)

FEATURE_FLAGS = frozenset(
    {
        "FF_CLEAN_UP_FAILED_CACHE_EXTRACT",
        "FF_CONCRETE",
        "FF_DISABLE_AUTOMATIC_TOKEN_ROTATION",
        "FF_DISABLE_POWERSHELL_STDIN",
        "FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR",
        "FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR",
        "FF_ENABLE_BASH_EXIT_CODE_CHECK",
        "FF_ENABLE_JOB_CLEANUP",
        "FF_ENABLE_JOB_INPUTS_INTERPOLATION",
        "FF_EXPORT_HIGH_CARDINALITY_METRICS",
        "FF_GIT_URLS_WITHOUT_TOKENS",
        "FF_HASH_CACHE_KEYS",
        "FF_KUBERNETES_HONOR_ENTRYPOINT",
        "FF_LOG_IMAGES_CONFIGURED_FOR_JOB",
        "FF_MASK_ALL_DEFAULT_TOKENS",
        "FF_NETWORK_PER_BUILD",
        "FF_POSIXLY_CORRECT_ESCAPES",
        "FF_PRINT_POD_EVENTS",
        "FF_RESOLVE_FULL_TLS_CHAIN",
        "FF_SCRIPT_SECTIONS",
        "FF_SCRIPT_TO_STEP_MIGRATION",
        "FF_SECRET_RESOLVING_FAILS_IF_MISSING",
        "FF_SUSPENDABLE_ENVIRONMENTS",
        "FF_TEST_FEATURE",
        "FF_TIMESTAMPS",
        "FF_USE_ADAPTIVE_REQUEST_CONCURRENCY",
        "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION",
        "FF_USE_DIRECT_DOWNLOAD",
        "FF_USE_DOCKER_AUTOSCALER_DIAL_STDIO",
        "FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR",
        "FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL",
        "FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY",
        "FF_USE_FASTZIP",
        "FF_USE_FLEETING_ACQUIRE_HEARTBEATS",
        "FF_USE_GITALY_CORRELATION_ID",
        "FF_USE_GIT_BUNDLE_URIS",
        "FF_USE_GIT_NATIVE_CLONE",
        "FF_USE_GIT_PROACTIVE_AUTH",
        "FF_USE_INIT_WITH_DOCKER_EXECUTOR",
        "FF_USE_JOB_ROUTER",
        "FF_USE_LEGACY_BASH_EVAL",
        "FF_USE_LEGACY_GCS_CACHE_ADAPTER",
        "FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY",
        "FF_USE_LEGACY_S3_CACHE_ADAPTER",
        "FF_USE_NATIVE_CONTAINER_STOP",
        "FF_USE_PARALLEL_ARTIFACT_TRANSFER",
        "FF_USE_PARALLEL_CACHE_TRANSFER",
        "FF_USE_POD_ACTIVE_DEADLINE_SECONDS",
        "FF_USE_POWERSHELL_PATH_RESOLVER",
        "FF_USE_WINDOWS_JOB_OBJECT",
        "FF_USE_WINDOWS_LEGACY_PROCESS_STRATEGY",
        "FF_WAIT_FOR_POD_TO_BE_REACHABLE",
    }
)
"""The flags of GitLab Runner 19.4, as its job pods show them; a newer runner may have more."""

REMOVED_FLAGS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("FF_USE_NEW_BASH_EVAL_STRATEGY", "FF_SKIP_NOOP_BUILD_STAGES", "FF_SET_PERMISSIONS_BEFORE_CLEANUP"), "19.3"
        ),
        "FF_RETRIEVE_POD_WARNING_EVENTS": "18.0",
    }
)
