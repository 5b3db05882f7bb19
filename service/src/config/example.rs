//! An example value of every setting, for the help of errors.

use super::source::Origin;

/// Each setting with a valid value, as TOML.
pub(super) const EXAMPLES: [(&str, &str); 57] = [
    ("listen", "\"127.0.0.1:8080\""),
    ("data", "\"/var/lib/packshot\""),
    ("workers", "\"process\""),
    ("database_url", "\"postgres://packshot_app@localhost/packshot\""),
    ("database_bypass_url", "\"postgres://packshot_bypass@localhost/packshot\""),
    ("database_owner_url", "\"postgres://packshot_owner@localhost/packshot\""),
    ("store.path", "\"/srv/packshot\""),
    ("store.bucket", "\"pictures\""),
    ("store.endpoint", "\"https://s3.example.com\""),
    ("store.region", "\"eu-central-1\""),
    ("store.prefix", "\"packshot/\""),
    ("store.access_key_id", "\"KEY_ID\""),
    ("store.secret_access_key", "\"SECRET_KEY\""),
    ("render_device", "\"auto\""),
    ("render_samples", "256"),
    ("render_stall_timeout_minutes", "120"),
    ("threads", "4"),
    ("max_upload_bytes", "\"512MiB\""),
    ("max_pixels", "64000000"),
    ("max_output_bytes", "\"16GiB\""),
    ("max_design_bytes", "\"50MiB\""),
    ("compose_timeout_s", "120"),
    ("render_timeout_s", "1800"),
    ("max_memory_bytes", "\"8GiB\""),
    ("max_event_streams_per_user", "20"),
    ("max_event_streams_per_tenant", "200"),
    ("resident_bytes", "\"2GiB\""),
    ("allowed_hosts", "[\"render.example.com\"]"),
    ("cors_origins", "[\"https://shop.example.com\"]"),
    ("metrics_token", "\"LONG_RANDOM_TEXT\""),
    ("admin_email", "\"anna@example.com\""),
    ("admin_password_file", "\"/etc/packshot/admin-password\""),
    ("audit_retention_days", "730"),
    ("digest_hour_utc", "6"),
    ("activity_retention_days", "90"),
    ("notification_retention_days", "180"),
    ("alert_retention_days", "365"),
    ("scrub_interval_days", "30"),
    ("scrub_rate_mb_s", "50"),
    ("jwt_secret_file", "\"/etc/packshot/jwt.json\""),
    ("access_token_ttl_s", "900"),
    ("refresh_token_ttl_s", "1209600"),
    ("rate_limit_per_s", "10"),
    ("rate_limit_burst", "20"),
    ("trusted_proxies", "[\"127.0.0.1\", \"10.0.0.0/8\"]"),
    ("max_connections", "2048"),
    ("max_connections_per_address", "256"),
    ("header_timeout_s", "30"),
    ("drain_timeout_s", "20"),
    ("log_format", "\"json\""),
    ("webhook_allowed_networks", "[\"10.20.0.7\"]"),
    ("webhook_allow_http", "false"),
    ("delivery_retention_days", "30"),
    ("disabled_steps", "[\"render_turntable\"]"),
    ("legacy_executor", "\"builtin\""),
    (
        "legacy_executors",
        "{ blender = { kind = \"command\", command = [\"/srv/blender/render\"] }, farm = { kind = \"http\", url = \"http://127.0.0.1:9000/renders\" } }",
    ),
    ("cad_converter", "[\"/usr/local/bin/step-to-glb\"]"),
];

/// A setting with an example value, as it is written where `origin` is.
pub(super) fn of(key: &str, origin: &Origin) -> String {
    let value = EXAMPLES.iter().find(|(known, _)| *known == key).map_or("…", |(_, value)| *value);
    let plain = || value.trim_matches(['[', ']']).replace('"', "");
    match origin {
        Origin::Flag(flag) => format!("{flag} {}", plain()),
        Origin::Variable(name) => format!("{name}={}", plain()),
        Origin::File { .. } | Origin::Default => format!("{key} = {value}"),
    }
}
