//! What is kept of a tenant's artifacts: files and their bytes, the log of what happened to them, how long they are
//! kept, and how much they are.

pub mod files;
pub mod log;

use std::time::Duration;

use crate::app::{App, AppError};
use packshot_contract::artifact::{ArtifactUsage, BytesByClass, RetentionClass, RetentionClassList};
use packshot_db::artifacts::usage::{self as figures, Usage};
use packshot_db::artifacts::{self as rows, KnownClass};
use packshot_db::{AllTenants, TenantScope};
use packshot_domain::artifact::RetentionClass as Class;
use packshot_domain::principal::Principal;

/// How far ahead [`usage`] looks.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The classes that say how long packages are kept, as they are without a tenant's own days, the longest first.
///
/// # Errors
/// Errors of the database.
pub async fn classes(app: &App) -> Result<RetentionClassList, AppError> {
    let known = |class: KnownClass| {
        let KnownClass { name, ttl_s, description } = class;
        RetentionClass { name: name.into(), ttl_s: ttl_s.map(i64::unsigned_abs), description }
    };
    let classes = rows::classes(&app.db, AllTenants::Instance).await?;
    Ok(RetentionClassList { items: classes.into_iter().map(known).collect() })
}

/// How much the caller's tenant keeps, and how much of it is due within 30 days.
///
/// # Errors
/// Errors of the database.
pub async fn usage(app: &App, who: &Principal) -> Result<ArtifactUsage, AppError> {
    let used = figures::of(&app.db, TenantScope::of(who.tenant), SOON).await?;
    let Usage { objects, bytes, by_class: of_classes, expiring_bytes } = used;
    let mut by_class = BytesByClass::default();
    for (class, bytes) in of_classes {
        let own = match class {
            Class::RawEvidence => &mut by_class.raw_evidence,
            Class::RenderOutput => &mut by_class.render_output,
            Class::Preview => &mut by_class.preview,
            Class::Scratch => &mut by_class.scratch,
        };
        *own = bytes.unsigned_abs();
    }
    Ok(ArtifactUsage {
        objects: objects.unsigned_abs(),
        bytes: bytes.unsigned_abs(),
        by_class,
        expiring_30_days_bytes: expiring_bytes.unsigned_abs(),
    })
}
