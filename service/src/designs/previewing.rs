//! A design on a product before there is a job: where it would lie, and what its texture looks like. Nothing is stored.

use bytes::Bytes;
use serde_json::Value as Json;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::composing::of_area;
use super::starting::{self, Checked, SentDesign};
use crate::app::{App, AppError};
use crate::renders::of_design;
use crate::renders::outputs::TenantAssets;
use crate::settings::InForce;
use packshot_contract::design::DesignWish;
use packshot_db::TenantScope;
use packshot_domain::hash::ContentAddress;
use packshot_domain::principal::Principal;
use packshot_domain::task::FaultKind;
use packshot_renderer::backend::CancelToken;
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::executor::{AssetError, AssetSource};
use packshot_worker::live::CancelOnDrop;
use packshot_worker::protocol::Failure;

/// The longer side of the texture of a preview, at most.
const TEXTURE_PX_MAX: u32 = 1024;

/// What a preview shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewForm {
    /// Where the design lies.
    Report,
    /// Its texture, a PNG.
    Texture,
}

/// A design that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Preview {
    /// Where it lies.
    Report(Json),
    /// Its texture, a PNG.
    Texture(Bytes),
}

/// Looks at a design on a product as a job would, without one. Few are looked at at the same time; the others wait.
///
/// # Errors
/// As a request for a job, and as its third step would fail.
pub async fn preview(
    app: &App,
    who: &Principal,
    wish: DesignWish,
    sent: Option<SentDesign>,
    form: PreviewForm,
) -> Result<Preview, AppError> {
    let Checked { bytes, request, spec, .. } = starting::checked(app, who, wish, sent).await?;
    let input = of_design::input(Some(&spec)).map_err(starting::of_failure)?;
    let scope = TenantScope::of(who.tenant);
    let stored = TenantAssets { db: app.db.clone(), store: app.store.clone(), scope, runtime: Handle::current() };
    let address = input.design.as_ref().map(|design| design.design);
    let assets = WithDesign { address, bytes, stored };
    let options = EngineOptions { resident_bytes_max: 0, scratch: app.settings.scratch(), ..EngineOptions::default() };
    let texture_px_max = (form == PreviewForm::Texture).then_some(TEXTURE_PX_MAX);
    let time_max = InForce::of_instance(&app.db, &app.settings).await?.compose_timeout;
    let cancel = CancelToken::default();
    let _guard = CancelOnDrop(cancel.clone());
    let turn = app.turn().await?;
    let look = turn.run(move || Engine::new(options).look(&input, texture_px_max, &assets, &cancel));
    let looked = match timeout(time_max, look).await {
        Ok(looked) => looked?,
        Err(_) => Err(of_design::late(time_max)),
    };
    let looked = looked.map_err(refused)?;
    Ok(match looked.png {
        Some(png) => Preview::Texture(png),
        None => Preview::Report(of_area(looked.report, &request)),
    })
}

/// What a job would fail with is wrong with the request.
fn refused(failure: Failure) -> AppError {
    match failure.fault {
        FaultKind::Input => AppError::of_input(failure.code, failure.detail, Vec::new()),
        FaultKind::Infrastructure => starting::of_failure(failure),
    }
}

/// The files of a tenant, and a design that is not stored.
struct WithDesign {
    address: Option<ContentAddress>,
    bytes: Bytes,
    stored: TenantAssets,
}

impl AssetSource for WithDesign {
    fn read(&self, address: &ContentAddress) -> Result<Bytes, AssetError> {
        match self.address == Some(*address) {
            true => Ok(self.bytes.clone()),
            false => self.stored.read(address),
        }
    }
}
