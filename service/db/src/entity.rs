//! Rows, one type for each table. They stay inside `db`, which converts them once, to and from the domain's types.

pub(super) mod api_key;
pub(super) mod audit_entry;
pub(super) mod event;
pub(super) mod idempotency_key;
pub(super) mod installation;
pub(super) mod job;
pub(super) mod lane_turn;
pub(super) mod library;
pub(super) mod object;
pub(super) mod pipeline_event;
pub(super) mod refresh_token;
pub(super) mod render;
pub(super) mod render_file;
pub(super) mod render_input;
pub(super) mod session;
pub(super) mod stream;
pub(super) mod system_setting;
pub(super) mod task;
pub(super) mod task_edge;
pub(super) mod tenant;
pub(super) mod tenant_config;
pub(super) mod tenant_setting;
pub(super) mod user;
pub(super) mod worker_config;
