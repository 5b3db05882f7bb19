//! Results of a render: its files and their bytes, and the picture so far while it runs.

use std::sync::Arc;

use crate::app::{App, AppError, Code};
use crate::events::hub::Preview as PictureSoFar;
use crate::objects::{self, Reading};
use packshot_db::TenantScope;
use packshot_db::files as rows;
use packshot_db::renders::{self, Render};
use packshot_db::tasks::OutputFile;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::RenderId;
use packshot_domain::job::JobState;
use packshot_domain::principal::Principal;
use packshot_pipeline::plan::words::FileFormat;
use packshot_words::Word;
use packshot_worker::protocol::PREVIEW_NAME;

/// The file with the report: which part got which material and why, and the findings.
pub const REPORT: &str = "report.json";
/// The file with the shot: camera, film, light and materials as they were in effect.
pub const SHOT: &str = "shot.json";

/// A stored file of a render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultFile {
    /// Its content.
    pub address: ContentAddress,
    /// Its media type.
    pub media_type: String,
}

impl From<OutputFile> for ResultFile {
    fn from(file: OutputFile) -> Self {
        Self { address: file.address, media_type: file.media_type }
    }
}

/// Whether a file is a picture, and not data about it.
fn is_picture(file: &OutputFile) -> bool {
    file.width.is_some() && file.name != PREVIEW_NAME
}

/// Whether a render has ended with pictures: it has completed, or failed for what they show.
fn has_pictures(render: &Render) -> bool {
    render.state == JobState::Completed || render.result.is_some()
}

async fn find(
    app: &App,
    who: &Principal,
    id: RenderId,
    is_wanted: impl Fn(&OutputFile) -> bool,
) -> Result<ResultFile, AppError> {
    let scope = TenantScope::of(who.tenant);
    let render = renders::get(&app.db, scope, id).await?;
    of_ended(app, scope, &render, is_wanted).await
}

/// A file of a render that has ended with pictures.
///
/// # Errors
/// [`Code::RenderNotCompleted`], [`Code::FormatNotAvailable`], [`Code::ArtifactExpired`].
pub(super) async fn of_ended(
    app: &App,
    scope: TenantScope,
    render: &Render,
    is_wanted: impl Fn(&OutputFile) -> bool,
) -> Result<ResultFile, AppError> {
    if !has_pictures(render) {
        return Err(AppError::new(Code::RenderNotCompleted, format!("the render is {}", render.state)));
    }
    let found = rows::of_render(&app.db, scope, render.id).await?.into_iter().find(is_wanted);
    let file = found.ok_or_else(|| AppError::new(Code::FormatNotAvailable, "the render has no such file"))?;
    if is_kept(app, scope, render, &file).await? { Ok(file.into()) } else { Err(expired()) }
}

/// Whether a file of a render is still sent: as long as a package of the render has it. A render that failed for what
/// its pictures show has no package: they are there until they are collected.
async fn is_kept(app: &App, scope: TenantScope, render: &Render, file: &OutputFile) -> Result<bool, AppError> {
    Ok(render.state != JobState::Completed || rows::is_kept(&app.db, scope, render.id, file.address).await?)
}

/// The error for a file that no package of the render has any more.
pub(super) fn expired() -> AppError {
    AppError::new(Code::ArtifactExpired, "the file is no longer stored")
}

/// The file of this name.
///
/// # Errors
/// [`Code::RenderNotFound`], [`Code::RenderNotCompleted`], [`Code::FormatNotAvailable`], [`Code::ArtifactExpired`].
pub async fn named(app: &App, who: &Principal, id: RenderId, name: &str) -> Result<ResultFile, AppError> {
    find(app, who, id, |file| file.name == name).await
}

/// The first picture, movie or archive of a format.
///
/// # Errors
/// As [`named`].
pub async fn first_of(app: &App, who: &Principal, id: RenderId, format: FileFormat) -> Result<ResultFile, AppError> {
    find(app, who, id, |file| is_picture(file) && file.format == format.word()).await
}

/// The picture of a completed render, for a client that waited for it: the first of the first of `formats` that there
/// is.
///
/// # Errors
/// [`Code::FormatNotAvailable`] when it made none of them.
pub async fn picture(app: &App, who: &Principal, id: RenderId, formats: &[FileFormat]) -> Result<ResultFile, AppError> {
    let files = rows::of_render(&app.db, TenantScope::of(who.tenant), id).await?;
    let of_format = |format: &FileFormat| files.iter().find(|file| is_picture(file) && file.format == format.word());
    let file = formats.iter().find_map(of_format).cloned();
    let file = file.ok_or_else(|| AppError::new(Code::FormatNotAvailable, "the render has no such picture"))?;
    Ok(file.into())
}

/// What can be shown of a render.
#[derive(Clone, Debug)]
pub enum Preview {
    /// It runs: the picture so far.
    SoFar(Arc<PictureSoFar>),
    /// It has ended with pictures: the final one, at most 1024 pixels along its longer side for as long as its preview
    /// is kept.
    Final(ContentAddress),
}

/// What can be shown of a render.
///
/// # Errors
/// [`Code::RenderNotFound`], [`Code::PreviewNotReady`], [`Code::ArtifactExpired`].
pub async fn preview(app: &App, who: &Principal, id: RenderId) -> Result<Preview, AppError> {
    let scope = TenantScope::of(who.tenant);
    let render = renders::get(&app.db, scope, id).await?;
    if !has_pictures(&render) {
        let preview = app.hub.preview(id).map(Preview::SoFar);
        let why_not = match render.state.is_terminal() {
            true => format!("the render is {}: it has no preview", render.state),
            false => "there is no preview yet".to_owned(),
        };
        return preview.ok_or_else(|| AppError::new(Code::PreviewNotReady, why_not));
    }
    // The preview that was stored, or the result itself: where it is no larger than one, and when the preview is gone.
    let files = rows::of_render(&app.db, scope, id).await?;
    let own = files.iter().find(|file| file.name == PREVIEW_NAME);
    let png = files.iter().find(|file| is_picture(file) && file.format == "png");
    for file in own.into_iter().chain(png) {
        if is_kept(app, scope, &render, file).await? {
            return Ok(Preview::Final(file.address));
        }
    }
    match own.or(png) {
        Some(_) => Err(expired()),
        None => Err(AppError::new(Code::PreviewNotReady, "the render has no PNG to show")),
    }
}

/// A stored file, to be sent: all of it, or a range of its bytes.
///
/// # Errors
/// [`Code::ArtifactExpired`], [`Code::ContentCorrupt`], [`Code::Unavailable`].
pub async fn open(app: &App, who: &Principal, file: &ContentAddress) -> Result<Reading, AppError> {
    Ok(objects::open(&app.db, &app.store, TenantScope::of(who.tenant), file).await?)
}
