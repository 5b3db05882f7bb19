//! Media assets that people send (media.md §10): recognised, decoded once, kept in a package of their own.

use super::inspect::{self, Facts, Refused};
use super::shown;
use crate::app::{App, AppError, Code, Upload};
use crate::objects;
use crate::packages::caller;
use crate::tenancy::RenderSettings;
use packshot_contract::media::MediaAsset;
use packshot_contract::media_upload::UploadWish;
use packshot_contract::problem::Invalid;
use packshot_db::artifacts::{NewFile, NewPackage, WholePackage};
use packshot_db::media::uploading::{self as rows, NewUpload};
use packshot_db::tasks::{Movie, OutputFile};
use packshot_db::{DbError, TenantScope, orders, products};
use packshot_domain::artifact::{
    ArtifactFile, ByteSize, Label, MediaType, Metadata, Receipt, RelativePath, RetentionClass,
};
use packshot_domain::cad_file::OriginalName;
use packshot_domain::hash::Digests;
use packshot_domain::id::{AssetId, FileId, PackageId};
use packshot_domain::principal::Principal;

/// What makes the packages of files that were sent.
const UPLOAD: &str = "upload";
/// Most characters of a package's name.
const NAME_CHARS_MAX: usize = 200;

/// Keeps a file as a media asset.
///
/// # Errors
/// [`Code::UnsupportedMediaFormat`], [`Code::ImageTooLarge`]; findings about the product and the line;
/// [`Code::StorageFull`], [`Code::StorageQuotaExceeded`].
pub async fn add(
    app: &App,
    who: &Principal,
    sent_name: &str,
    upload: Upload,
    wish: UploadWish,
) -> Result<MediaAsset, AppError> {
    let scope = TenantScope::of(who.tenant);
    check_places(app, scope, &wish).await?;
    let settings = RenderSettings::in_force(app, who).await?;
    let (path, pixels_max) = (upload.path().to_owned(), settings.limits.pixels_max);
    let turn = app.turn().await?;
    let facts = turn.run(move || inspect::inspect(&path, pixels_max)).await?.map_err(refused)?;
    let name = wish.file_name.clone().unwrap_or_else(|| OriginalName::of(sent_name));
    let digests = upload.digests().clone();
    objects::keep(&app.db, &app.store, scope, upload, facts.media_type).await?;
    let id = AssetId::new();
    let package = package(app, who, id, (&name, &facts, &digests)).await?;
    let new = NewUpload {
        id,
        file: output(&name, &facts, &digests),
        package,
        product: wish.product,
        line: wish.line,
        view_name: wish.view_name,
        metadata: wish.metadata,
        is_published: wish.is_published,
        by: who.actor(),
    };
    Ok(shown(rows::create(&app.db, scope, new).await?))
}

/// Checks that product and line are there, and that the line is one of the product.
async fn check_places(app: &App, scope: TenantScope, wish: &UploadWish) -> Result<(), AppError> {
    let missing = |pointer: &str, code: Code, what: &str| {
        AppError::from(Invalid::one(pointer, code.as_str(), format!("there is no such {what}")))
    };
    if let Some(product) = wish.product {
        match products::get(&app.db, scope, product).await {
            Err(DbError::NotFound(_)) => return Err(missing("/product_id", Code::ProductNotFound, "product")),
            found => drop(found?),
        }
    }
    if let Some(id) = wish.line {
        let line = match orders::line(&app.db, scope, None, id).await {
            Err(DbError::NotFound(_)) => return Err(missing("/order_line_id", Code::OrderLineNotFound, "order line")),
            found => found?,
        };
        if wish.product.is_some_and(|product| product != line.product) {
            let detail = "the order line is of another product";
            return Err(Invalid::one("/product_id", Code::ConflictingMembers.as_str(), detail).into());
        }
    }
    Ok(())
}

fn refused(reason: Refused) -> AppError {
    let code = match reason {
        Refused::Unknown | Refused::Damaged(_) => Code::UnsupportedMediaFormat,
        Refused::TooLarge { .. } => Code::ImageTooLarge,
        Refused::Unread => return AppError::internal(reason),
    };
    AppError::new(code, reason.to_string()).at("/file")
}

fn output(name: &OriginalName, facts: &Facts, digests: &Digests) -> OutputFile {
    let side = |px: u32| Some(i32::try_from(px).unwrap_or(i32::MAX));
    OutputFile {
        name: name.as_str().to_owned(),
        format: UPLOAD.to_owned(),
        media_type: facts.media_type.to_owned(),
        address: digests.address,
        size_bytes: i64::try_from(digests.size_bytes).unwrap_or(i64::MAX),
        width: side(facts.width_px),
        height: side(facts.height_px),
        movie: facts.movie.map(|(n_frames, duration_s)| Movie {
            frames: i32::try_from(n_frames).unwrap_or(i32::MAX),
            duration_ms: (duration_s * 1_000.0).round() as i64,
        }),
    }
}

/// The package of the file.
async fn package(
    app: &App,
    who: &Principal,
    id: AssetId,
    (name, facts, digests): (&OriginalName, &Facts, &Digests),
) -> Result<WholePackage, AppError> {
    let label = |text: &str| text.parse::<Label>().map_err(AppError::internal);
    let size = ByteSize::new(digests.size_bytes).map_err(AppError::internal)?;
    let path = name.as_str().parse::<RelativePath>().or_else(|_| "file".parse()).map_err(AppError::internal)?;
    let file = ArtifactFile {
        id: FileId::new(),
        path,
        media_type: facts.media_type.parse::<MediaType>().map_err(AppError::internal)?,
        size,
        address: digests.address,
        sha256: digests.sha256,
    };
    let receipt = Receipt { backend: app.store.backend(), size, stored_at: app.db.now().await? };
    let package = NewPackage {
        id: PackageId::new(),
        name: label(&name.as_str().chars().take(NAME_CHARS_MAX).collect::<String>())?,
        producer: label(UPLOAD)?,
        subject: label(&format!("media_asset:{id}"))?,
        retention_class: RetentionClass::RenderOutput,
        metadata: Metadata::default(),
    };
    Ok(WholePackage { by: caller::actor(app, who).await?, package, files: vec![NewFile { file, receipt }] })
}
