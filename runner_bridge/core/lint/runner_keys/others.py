"""Executors other than Kubernetes, and the cache: from common/config.go and cache/cacheconfig of GitLab Runner."""

from __future__ import annotations

from runner_bridge.core.lint.runner_keys.section import SCALING_POLICY, SERVICES, section

DOCKER = section(
    {"services": SERVICES},
    text="host tls_cert_path hostname image runtime memory memory_swap memory_reservation cgroup_parent"
    " slot_cgroup_template cpuset_cpus cpuset_mems cpus user userns_mode gpus volume_driver cache_dir network_mode"
    " ipcmode"
    " mac_address service_memory service_memory_swap service_memory_reservation service_cgroup_parent"
    " service_slot_cgroup_template service_cpuset_cpus service_cpus service_gpus isolation helper_image"
    " helper_image_flavor",
    integer="cpu_shares oom_score_adjust services_limit service_cpu_shares wait_for_services_timeout"
    " shm_size network_mtu",
    flag="tls_verify privileged services_privileged disable_entrypoint_overwrite oom_kill_disable disable_cache"
    " enable_ipv6 volume_keep",
    texts="dns dns_search allowed_users group_add cap_add cap_drop security_opt services_security_opt devices"
    " device_cgroup_rules volumes extra_hosts volumes_from links allowed_images allowed_privileged_images"
    " allowed_privileged_services allowed_pull_policies allowed_services",
    text_or_texts="pull_policy",
    text_map="volume_driver_ops tmpfs services_tmpfs sysctls container_labels ulimit log_options",
    texts_map="services_devices",
    complete=False,
)

_CONNECTOR = section(
    text="os arch protocol username password key_path",
    integer="protocol_port",
    flag="use_static_credentials use_external_addr",
    duration="keepalive timeout",
    complete=False,
)

FLEETING = section(
    {
        "connector_config": _CONNECTOR,
        "policy": SCALING_POLICY,
        "scale_throttle": section(integer="limit burst", complete=False),
        "vm_isolation": section(
            {"connector_config": _CONNECTOR},
            flag="enabled",
            text="nesting_host image",
            any="nesting_config",
            complete=False,
        ),
        "state_storage": section(flag="enabled keep_instance_with_acquisitions", text="dir", complete=False),
    },
    integer="capacity_per_instance max_use_count max_instances shutdown_deletion_retries failure_threshold",
    text="plugin instance_ready_command",
    any="plugin_config",
    duration="instance_acquire_timeout update_interval update_interval_when_expecting deletion_retry_interval"
    " shutdown_deletion_interval",
    flag="reservation_throttling log_internal_ip log_external_ip delete_instances_on_shutdown",
    numbers="instance_operation_time_buckets instance_creation_time_buckets instance_is_running_time_buckets"
    " instance_deletion_time_buckets instance_readiness_time_buckets instance_life_duration_buckets",
    complete=False,
)

MACHINE = section(
    {
        "autoscaling": section(
            texts="Periods",
            text="Timezone",
            integer="IdleCount IdleCountMin IdleTime",
            number="IdleScaleFactor",
            repeated=True,
            complete=False,
        )
    },
    integer="MaxGrowthRate IdleCount IdleCountMin IdleTime MaxBuilds OffPeakIdleCount OffPeakIdleTime",
    number="IdleScaleFactor",
    text="MachineDriver MachineName OffPeakTimezone",
    texts="MachineOptions MachineOptionsWithName OffPeakPeriods",
    complete=False,
)

CACHE = section(
    {
        "s3": section(
            text="ServerAddress AccessKey SecretKey SessionToken BucketName BucketLocation AuthenticationType"
            " ServerSideEncryption ServerSideEncryptionKeyID RoleARN UploadRoleARN",
            flag="Insecure DualStack PathStyle Accelerate DisableAssumeRoleCredentialsCaching",
            integer="AssumeRoleMaxConcurrency",
            complete=False,
        ),
        "gcs": section(text="AccessID PrivateKey CredentialsFile BucketName UniverseDomain", complete=False),
        "azure": section(text="AccountName AccountKey ContainerName StorageDomain", complete=False),
    },
    text="Type Path",
    flag="Shared RedactURL",
    integer="MaxUploadedArchiveSize",
    complete=False,
)
