"""The file itself and `[[runners]]`, from Config and RunnerConfig in common/config.go of GitLab Runner 19.4."""

from __future__ import annotations

from runner_bridge.core.lint.runner_keys.kubernetes import KUBERNETES
from runner_bridge.core.lint.runner_keys.others import CACHE, DOCKER, FLEETING, MACHINE
from runner_bridge.core.lint.runner_keys.section import section

RUNNER = section(
    {
        "kubernetes": KUBERNETES,
        "docker": DOCKER,
        "machine": MACHINE,
        "autoscaler": FLEETING,
        "instance": section(texts="allowed_images", flag="use_common_build_dir", complete=False),
        "ssh": section(
            text="user password host port identity_file known_hosts_file",
            flag="disable_strict_host_key_checking",
            complete=False,
        ),
        "parallels": section(
            text="base_name template_name time_server", flag="disable_snapshots", texts="allowed_images", complete=False
        ),
        "virtualbox": section(
            text="base_name base_snapshot base_folder start_type",
            flag="disable_snapshots",
            texts="allowed_images",
            complete=False,
        ),
        "custom": section(
            text="config_exec prepare_exec run_exec cleanup_exec",
            texts="config_args prepare_args run_args cleanup_args",
            integer="config_exec_timeout prepare_exec_timeout cleanup_exec_timeout graceful_kill_timeout"
            " force_kill_timeout",
            complete=False,
        ),
        "cache": CACHE,
        "custom_build_dir": section(flag="enabled"),
        "referees": section(
            {"metrics": section(text="prometheus_address", integer="query_interval", texts="queries", complete=False)},
            complete=False,
        ),
        "artifact": section(duration="upload_timeout response_header_timeout", complete=False),
        "experimental": section(
            {
                "boot_verify": section(
                    flag="enabled", duration="timeout acquire_min_backoff acquire_max_backoff", complete=False
                )
            },
            complete=False,
        ),
    },
    text="name url token tls-ca-file tls-cert-file tls-key-file executor shell builds_dir cache_dir clone_url"
    " pre_get_sources_script post_get_sources_script pre_build_script post_build_script step_runner_image"
    " slot_cgroup_template",
    integer="id limit request_concurrency output_limit unhealthy_requests_limit job_status_final_update_retry_limit",
    time="token_obtained_at token_expires_at",
    flag="strict_check_interval proxy_exec debug_trace_disabled safe_directory_checkout clean_git_config"
    " use_slot_cgroups",
    duration="unhealthy_interval prepare_timeout get_sources_timeout",
    texts="environment",
    text_map="labels",
    flag_map="feature_flags",
    any="monitoring",
    repeated=True,
)

ROOT = section(
    {
        "runners": RUNNER,
        "session_server": section(text="listen_address advertise_address", integer="session_timeout"),
        "machine": section(any="shutdown_drain", complete=False),
        "experimental": section(
            {
                "usage_logger": section(
                    flag="enabled",
                    text="log_dir",
                    integer="max_backup_files",
                    duration="max_rotation_age",
                    text_map="labels",
                    any="logrotate snowplow_billing",
                    complete=False,
                )
            },
            complete=False,
        ),
    },
    integer="concurrent check_interval shutdown_timeout",
    text="log_level log_format listen_address user sentry_dsn",
    duration="connection_max_age",
    text_map="labels",
)
