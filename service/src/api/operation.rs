//! What the OpenAPI document says of a route besides its shapes: who may use it and which errors it has.

use serde_json::json;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa_axum::router::UtoipaMethodRouter;

use super::auth::Access;
use super::openapi::{self, Needed};
use super::problem::{Code, status};
use super::state::AppState;

/// Errors that every route can have.
const EVERYWHERE: [Code; 3] = [Code::MethodNotAllowed, Code::InternalError, Code::Unavailable];
/// Errors that every guarded route can have.
pub(crate) const GUARDED: [Code; 12] = [
    Code::Unauthenticated,
    Code::TokenExpired,
    Code::PasswordChangeRequired,
    Code::Forbidden,
    Code::InsufficientScope,
    Code::TenantMismatch,
    Code::TenantInactive,
    Code::BypassNotAllowed,
    Code::SetupRequired,
    Code::HostNotAllowed,
    Code::OriginNotAllowed,
    Code::RateLimited,
];
/// Errors of every route that takes an `Idempotency-Key`.
pub(crate) const IDEMPOTENT: [Code; 3] =
    [Code::ValidationFailed, Code::IdempotencyInFlight, Code::IdempotencyKeyReused];
/// Errors of every route that takes a JSON body.
pub(crate) const JSON: [Code; 4] =
    [Code::MalformedBody, Code::UnsupportedMediaType, Code::BodyTooLarge, Code::ValidationFailed];
/// Errors of every route that takes files.
pub(crate) const UPLOAD: [Code; 2] = [Code::StorageFull, Code::StorageQuotaExceeded];
/// Errors of every route that sends stored files.
pub(crate) const FILE: [Code; 5] = [
    Code::RenderNotFound,
    Code::RenderNotCompleted,
    Code::FormatNotAvailable,
    Code::ArtifactExpired,
    Code::ContentCorrupt,
];
/// Errors of every route that sends the bytes of artifacts.
pub(crate) const CONTENT: [Code; 3] = [Code::ArtifactExpired, Code::ContentCorrupt, Code::RangeNotSatisfiable];
/// Errors of every route that takes a render request.
pub(crate) const RENDER_REQUEST: [Code; 4] =
    [Code::OptionNotAvailable, Code::ImageTooLarge, Code::ConflictingMembers, Code::UnknownRetentionClass];

/// Says in the document who may use a route, and which errors it has.
pub(crate) fn operation(
    (schemas, mut paths, router): UtoipaMethodRouter<AppState>,
    access: Access,
    codes: &[&[Code]],
) -> UtoipaMethodRouter<AppState> {
    let mut all: Vec<Code> = EVERYWHERE.to_vec();
    match access {
        Access::Open => all.push(Code::RateLimited),
        Access::Tenant(_) | Access::List(_) | Access::Instance(_) => all.extend(GUARDED),
    }
    all.extend(codes.iter().copied().flatten());
    all.sort_by_key(|code| (status::of_code(*code), code.as_str()));
    all.dedup();
    for item in paths.paths.values_mut() {
        for (is_get, operation) in operations(item) {
            describe(operation, access, is_get, &all);
        }
    }
    (schemas, paths, router)
}

/// The operations of a path, and whether each is GET.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, head, .. } = item;
    let others = [put, post, delete, patch, head].into_iter().flatten();
    get.iter_mut().map(|operation| (true, operation)).chain(others.map(|operation| (false, operation)))
}

fn describe(operation: &mut Operation, access: Access, is_get: bool, codes: &[Code]) {
    let (permission, tenancy) = match access {
        Access::Open => (None, "open"),
        Access::Tenant(permission) | Access::List(permission) => (Some(permission), "tenant"),
        Access::Instance(permission) => (Some(permission), "instance"),
    };
    let words: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let additions = ExtensionsBuilder::new()
        .add("x-permission", json!(permission.map(|permission| permission.as_str())))
        .add("x-scope", json!(permission.and_then(|permission| permission.scope()).map(|scope| scope.as_str())))
        .add("x-tenancy", json!(tenancy))
        // Whether `X-Tenant-ID: *` is possible.
        .add("x-all-tenants", json!(is_get && matches!(access, Access::List(_) | Access::Instance(_))))
        .add("x-error-codes", json!(words))
        .build();
    match &mut operation.extensions {
        Some(extensions) => extensions.merge(additions),
        none => *none = Some(additions),
    }
    let key = match permission {
        Some(_) => Needed::Always,
        None if codes.contains(&Code::Unauthenticated) => Needed::Elsewhere,
        None => Needed::Never,
    };
    openapi::complete(operation, key);
    for codes in codes.chunk_by(|a, b| status::of_code(*a) == status::of_code(*b)) {
        let words: Vec<String> = codes.iter().map(|code| format!("`{}`", code.as_str())).collect();
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let status = status::of_code(codes[0]).as_u16().to_string();
        let response =
            ResponseBuilder::new().description(words.join(", ")).content("application/problem+json", content);
        operation.responses.responses.entry(status).or_insert_with(|| response.build().into());
    }
}
