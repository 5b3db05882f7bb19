//! Accounts and the installation: who signs in, and what can be set.

use super::{AnyHandler, Table, route};
use crate::api::auth::Access::{self, Instance, List, Open, Tenant};
use crate::api::operation::{GUARDED, IDEMPOTENT, JSON, operation};
use crate::api::problem::Code;
use crate::api::{
    account, api_keys, audit, health, help, openapi, settings, sign_in, tenant_config, tenants, users, worker_configs,
};
use packshot_domain::access::Permission as P;

/// Health, people and tenants.
pub(super) fn people(mut table: Table) -> Table {
    let pages: &[Code] = &[Code::ValidationFailed, Code::InvalidCursor];
    let people: &[Code] = &[Code::InvalidCredentials, Code::RateLimited, Code::TenantInactive];
    let last_admin: &[Code] = &[Code::LastGlobalAdmin, Code::LastTenantAdmin];
    let locked: &[Code] = &[Code::TenantNotFound, Code::TenantDeleting];
    let last: &[Code] = &[Code::OperatingTenant, Code::LastGlobalAdmin];
    add!(table, health::healthz, Open);
    add!(table, health::health, Open);
    add!(table, health::readyz, Open);
    add!(table, health::metrics, Open, &GUARDED);
    add!(table, openapi::document, Open);
    add!(table, sign_in::sign_in, Open, &JSON, people);
    add!(table, sign_in::refresh, Open, &JSON, &[Code::InvalidRefreshToken, Code::TenantInactive]);
    add!(table, sign_in::sign_out, Tenant(P::SignOut), &JSON);
    add!(table, sign_in::get_setup, Open);
    add!(table, sign_in::complete_setup, Instance(P::SetUp), &JSON, &[Code::AlreadyConfigured, Code::WeakPassword]);
    add!(table, account::get, Tenant(P::OwnProfile));
    add!(table, account::change, Tenant(P::ChangeOwnProfile), &JSON);
    add!(table, account::change_password, Tenant(P::OwnPassword), &JSON, people, &[Code::WeakPassword]);
    add!(table, account::sessions, Tenant(P::OwnSessions), pages);
    add!(table, account::end_session, Tenant(P::OwnSessions), &[Code::SessionNotFound]);
    add!(table, users::list, List(P::ManageUsers), pages);
    add!(table, users::create, Tenant(P::ManageUsers), &JSON, &IDEMPOTENT, &[Code::EmailExists, Code::WeakPassword]);
    add!(table, users::get, Tenant(P::ManageUsers), &[Code::UserNotFound]);
    add!(
        table,
        users::change,
        Tenant(P::ManageUsers),
        &JSON,
        &[Code::UserNotFound, Code::EmailExists, Code::WeakPassword],
        last_admin
    );
    add!(table, users::delete, Tenant(P::ManageUsers), &[Code::UserNotFound], last_admin);
    add!(table, users::reset_password, Tenant(P::ManageUsers), &[Code::UserNotFound], &IDEMPOTENT);
    add!(table, api_keys::list, List(P::OwnKeys), pages);
    add!(table, api_keys::create, Tenant(P::OwnKeys), &JSON, &IDEMPOTENT, &[Code::UnknownScope, Code::UserNotFound]);
    add!(table, api_keys::change, Tenant(P::OwnKeys), &JSON, &[Code::ApiKeyNotFound]);
    add!(table, api_keys::revoke, Tenant(P::OwnKeys), &[Code::ApiKeyNotFound], &IDEMPOTENT);
    add!(table, audit::list, List(P::ReadAuditLog), pages);
    add!(table, tenants::list, Instance(P::ManageTenants), pages);
    add!(
        table,
        tenants::create,
        Instance(P::ManageTenants),
        &JSON,
        &IDEMPOTENT,
        &[Code::TenantSlugExists, Code::WeakPassword]
    );
    add!(table, tenants::get, Instance(P::ManageTenants), &[Code::TenantNotFound]);
    add!(table, tenants::change, Instance(P::ManageTenants), &JSON, &[Code::TenantNotFound]);
    add!(
        table,
        tenants::delete,
        Instance(P::ManageTenants),
        &[Code::TenantNotFound, Code::TenantNotDeactivated, Code::OperatingTenant, Code::ConfirmationRequired]
    );
    add!(table, tenants::deactivate, Instance(P::ManageTenants), &JSON, locked, last, &IDEMPOTENT);
    add!(table, tenants::activate, Instance(P::ManageTenants), locked, &IDEMPOTENT);
    add!(table, tenants::restore, Instance(P::ManageTenants), locked, &[Code::TenantNotDeleting], &IDEMPOTENT);
    add!(table, tenants::own, Tenant(P::OwnTenant));
    table
}

/// The installation and what can be set.
pub(super) fn installation(mut table: Table) -> Table {
    let configured: &[Code] =
        &[Code::UnknownMaterial, Code::PreconditionFailed, Code::ArtifactExpired, Code::ContentCorrupt];
    add!(table, settings::get, Tenant(P::ReadSettings));
    add!(table, settings::schema, Tenant(P::ReadSettings));
    add!(
        table,
        settings::change,
        Tenant(P::WriteSettings),
        &JSON,
        &[Code::UnknownSetting, Code::InvalidSetting, Code::SettingPinned, Code::PreconditionFailed]
    );
    add!(table, help::get, Instance(P::ReadHelp));
    add!(table, tenant_config::get_own, Tenant(P::ReadTenantConfig));
    add!(table, tenant_config::change_own, Tenant(P::WriteTenantConfig), &JSON, configured);
    add!(table, tenant_config::get, Instance(P::ManageTenants), &[Code::TenantNotFound]);
    add!(table, tenant_config::change, Instance(P::ManageTenants), &JSON, configured, &[Code::TenantNotFound]);
    add!(table, worker_configs::list, Instance(P::ReadWorkerConfigs));
    add!(table, worker_configs::get, Instance(P::ReadWorkerConfigs), &[Code::QueueNotFound]);
    add!(
        table,
        worker_configs::put,
        Instance(P::WriteWorkerConfigs),
        &JSON,
        &[Code::QueueNotFound, Code::PreconditionFailed, Code::InvalidConcurrency]
    );
    table
}
