//! Uploads of libraries: checked as a whole; if anything is wrong, nothing is stored.

use packshot_materials::finding::{Rejected, Severity};

use super::convert;
use super::materials::over_builtin;
use crate::app::{App, AppError, Upload};
use crate::objects;
use packshot_contract::library::MaterialLibrary;
use packshot_contract::preflight::Diagnostic;
use packshot_contract::problem::Finding;
use packshot_db::TenantScope;
use packshot_db::libraries::{self as rows, NewLibrary};
use packshot_domain::principal::Principal;
use packshot_worker::library::package;

/// Stores a library: a zip of TOML files and textures, or one TOML file. Uploading the same again changes nothing.
///
/// # Errors
/// Every `library.…` finding; [`Code::LibraryVersionExists`](crate::app::Code::LibraryVersionExists) when this version
/// is there with other content; [`Code::StorageFull`](crate::app::Code::StorageFull),
/// [`Code::StorageQuotaExceeded`](crate::app::Code::StorageQuotaExceeded).
pub async fn add(app: &App, who: &Principal, upload: Upload) -> Result<MaterialLibrary, AppError> {
    let scope = TenantScope::of(who.tenant);
    let turn = app.turn().await?;
    let file = upload.read().await?;
    let media_type = if file.starts_with(b"PK") { "application/zip" } else { "application/toml" };
    let checked = turn.run(move || {
        let (package, findings) = package(&file)?;
        let (name, version, n_materials) = (package.id.clone(), package.version.to_string(), package.materials.len());
        let digest = over_builtin(package)?.digest().to_owned();
        Ok::<_, Rejected>((name, version, n_materials, digest, findings))
    });
    let (name, version, n_materials, digest, findings) = checked.await?.map_err(refused)?;
    let diagnostics: Vec<Diagnostic> = findings.into_iter().map(Diagnostic::from).collect();
    let address = objects::keep(&app.db, &app.store, scope, upload, media_type).await?;
    let new = NewLibrary {
        name,
        version,
        digest,
        address,
        media_type: media_type.to_owned(),
        materials: i32::try_from(n_materials).unwrap_or(i32::MAX),
        diagnostics: serde_json::to_value(&diagnostics).map_err(AppError::internal)?,
    };
    Ok(convert(rows::create(&app.db, scope, who.actor(), new).await?)?)
}

/// Everything that is wrong with a library, with file and line of each finding.
pub(super) fn refused(rejected: Rejected) -> AppError {
    let errors: Vec<_> = rejected.findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    let help = errors.first().and_then(|first| first.help.clone()).unwrap_or_default();
    let findings: Vec<Finding> = errors
        .into_iter()
        .map(|f| {
            // A problem has one help, that of its first finding.
            let own_help = f.help.filter(|own| *own != help);
            let detail = own_help.map_or(f.message.clone(), |own| format!("{}; {own}", f.message));
            Finding::new("/library", f.code, detail).at(f.at)
        })
        .collect();
    let (code, detail) = match &findings[..] {
        [] => ("library.invalid".to_owned(), "the library is not valid".to_owned()),
        [one] => (one.code.clone(), one.detail.clone()),
        [first, ..] => (first.code.clone(), format!("the library has {} faults", findings.len())),
    };
    AppError::of_input(code, detail, findings).with_help(help)
}
