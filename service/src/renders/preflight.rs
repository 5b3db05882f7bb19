//! Checks of a product before it is rendered. Nothing is rendered or kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;

use super::inputs::{self, ReceivedRequest};
use super::{aliases, assets};
use crate::app::{App, AppError, Code};
use crate::objects;
use packshot_contract::preflight::Preflight;
use packshot_contract::problem::Finding;
use packshot_contract::request::Asset;
use packshot_db::TenantScope;
use packshot_domain::hash::ContentAddress;
use packshot_domain::principal::Principal;
use packshot_domain::task::FaultKind;
use packshot_worker::executor::{AssetError, AssetSource};
use packshot_worker::protocol::{self, Failure, RenderInput};

/// Checks a product without rendering it: which part would get which material and why, the findings about the file, and
/// its size.
///
/// # Errors
/// Findings about the request and its files; [`Code::ArtifactExpired`], [`Code::ContentCorrupt`].
pub async fn preflight(app: &App, who: &Principal, received: ReceivedRequest) -> Result<Preflight, AppError> {
    let scope = TenantScope::of(who.tenant);
    let (mut request, _) = received.asked()?;
    assets::find(app, scope, &mut request).await?;
    let (mut request, plan) = received.resolved(request)?;
    let libraries = inputs::find_libraries(app, scope, &request, &received.settings).await?;
    let aliases = aliases::layer(&app.db, scope).await?;
    let turn = app.turn().await?;
    let mut files = InMemory::default();
    for (upload, asset) in [(&received.glb, &mut request.asset), (&received.environment, &mut request.environment)] {
        if let Some(upload) = upload {
            let address = upload.address();
            files.0.insert(address, upload.read().await?.into());
            *asset = Some(Asset::Content(address.into()));
        }
    }
    let [scene, environment] = [request.asset, request.environment].map(|asset| asset?.address());
    let stored = [scene, environment].into_iter().flatten().chain(libraries.iter().map(|library| library.file.address));
    for address in stored {
        if let Entry::Vacant(place) = files.0.entry(address) {
            place.insert(objects::read(&app.db, &app.store, scope, &address).await?);
        }
    }
    let input = RenderInput {
        design: None,
        scene: scene.ok_or_else(inputs::no_asset)?,
        environment,
        libraries: libraries.into_iter().map(|library| library.file).collect(),
        fallback_material: received.settings.fallback_material.clone(),
        aliases,
        plan,
    };
    let report = turn.run(move || packshot_worker::preflight(&input, &files)).await?;
    let product = if received.glb.is_some() { "/glb" } else { "/asset" };
    let report = report.map_err(|failure| refused(failure, product))?;
    Ok(Preflight::from(&report))
}

/// The files of one preflight.
#[derive(Debug, Default)]
struct InMemory(HashMap<ContentAddress, Bytes>);

impl AssetSource for InMemory {
    fn read(&self, address: &ContentAddress) -> Result<Bytes, AssetError> {
        self.0.get(address).cloned().ok_or(AssetError::Missing(*address))
    }
}

/// Why a product could not be checked. Each finding gets the pointer of what it is about; `product` is that of the
/// product.
fn refused(failure: Failure, product: &str) -> AppError {
    let Failure { fault, code, detail, findings } = failure;
    let pointer_of = |code: &str| match code.split('.').next() {
        Some("env") => "/environment",
        Some("map") => "/materials/parts",
        Some("library") => "/library",
        Some("template") => "/template",
        Some("preset") => "/preset",
        Some("encode") => "/formats",
        Some("shot") => "",
        _ => product,
    };
    match fault {
        FaultKind::Input if code == Code::InternalError.as_str() => AppError::internal(std::io::Error::other(detail)),
        FaultKind::Input => {
            let help = findings.first().map(|first| first.help.clone()).unwrap_or_default();
            let finding = |f: protocol::Finding| {
                // A problem has one help, that of its first finding.
                let has_own = !f.help.is_empty() && f.help != help;
                let detail = if has_own { format!("{}; {}", f.detail, f.help) } else { f.detail };
                Finding::new(pointer_of(&f.code), f.code, detail).at(f.at)
            };
            let findings = findings.into_iter().map(finding).collect();
            AppError::of_input(code, detail, findings).with_help(help)
        }
        FaultKind::Infrastructure => {
            let cause = std::io::Error::other(format!("{code}: {detail}"));
            AppError::new(Code::Unavailable, "the check could not be completed; try again").caused_by(cause)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r10_findings_of_work_point_at_the_member_that_they_are_about() {
        for (code, pointer) in [
            ("glb.truncated", "/glb"),
            ("env.format", "/environment"),
            ("template.material", "/template"),
            ("preset.rule_broken", "/preset"),
            ("encode.too_large", "/formats"),
        ] {
            let error = refused(Failure::new(FaultKind::Input, code, "why"), "/glb");
            let pointers: Vec<&str> = error.findings().iter().map(|finding| finding.pointer.as_str()).collect();
            assert_eq!(pointers, [pointer], "{code}");
        }
    }
}
