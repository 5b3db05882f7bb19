//! Small pictures of media assets (media.md §6): made when they are first asked for, kept as long as there is room, and
//! the same bytes when they are made again.

use bytes::Bytes;
use packshot_renderer::color::DisplayImage;
use packshot_renderer::encode::{Metadata, PngDepth, Quality, WebPCompression, png, webp};
use packshot_renderer::shot::ViewTransform;
use packshot_words::Word;
use tokio::runtime::Handle;

use super::pictures::{self, NoPicture, Shown};
use super::source::ObjectFile;
use super::{expired, owner};
use crate::app::{App, AppError, Code};
use crate::objects;
use packshot_db::media::{self as rows, Asset, beside};
use packshot_db::{DbError, TenantScope, artifacts, products};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::AssetId;
use packshot_domain::media::AssetState;
use packshot_domain::principal::Principal;

/// What the bytes depend on besides file, size and form. Whoever changes how pictures are made counts it up: caches of
/// clients must not keep the old ones.
const VERSION: u8 = 1;
/// How scene-linear pictures are shown whose render does not say it.
const SHOWN: Shown = Shown { transform: ViewTransform::Agx, exposure_ev: 0.0 };

/// A format that has no decoder here: the same picture in another one is shown, as renders often make several.
const UNDECODABLE: &str = "image/avif";
/// Files that may be scene-linear, or have such files in them.
const SCENE_LINEAR: [&str; 3] = ["image/x-exr", "image/tiff", "application/zip"];

/// The lengths that the longer side may have, in pixels.
pub const SIZES_PX: [u32; 4] = [64, 128, 256, 512];

/// The form of a small picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lossless.
    Png,
    /// Lossy, and much smaller.
    WebP,
}

impl Form {
    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }
}

/// A small picture that can be made.
#[derive(Clone, Debug)]
pub struct Thumbnail {
    scope: TenantScope,
    source: ContentAddress,
    size_px: u32,
    form: Form,
    shown: Shown,
    tag: ContentAddress,
}

/// Finds what a small picture of an asset is made of.
///
/// # Errors
/// [`Code::AssetNotFound`], [`Code::AssetExpired`], [`Code::ThumbnailNotAvailable`].
pub async fn find(app: &App, who: &Principal, id: AssetId, size_px: u32, form: Form) -> Result<Thumbnail, AppError> {
    let scope = TenantScope::of(who.tenant);
    let asset = rows::get(&app.db, scope, owner(who), id).await?;
    if asset.state == AssetState::Expired || !rows::has_bytes(&app.db, scope, &asset).await? {
        return Err(expired());
    }
    let mut asset = if asset.asset_type.is_model() { picture_of_product(app, who, &asset).await? } else { asset };
    if asset.media_type == UNDECODABLE {
        let same = beside::in_another_format(&app.db, scope, &asset).await?;
        let none = || not_available("the picture is there as AVIF alone, which is not decoded");
        (asset.address, asset.media_type) = same.ok_or_else(none)?;
    }
    let shown = match SCENE_LINEAR.contains(&asset.media_type.as_str()) {
        true => shown(app, scope, &asset).await?,
        false => SHOWN,
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"packshot thumbnail").update(&[VERSION]).update(asset.address.hash());
    hasher.update(&size_px.to_le_bytes()).update(form.media_type().as_bytes());
    hasher.update(shown.transform.word().as_bytes()).update(&shown.exposure_ev.to_le_bytes());
    let tag = ContentAddress::from_hash(*hasher.finalize().as_bytes());
    Ok(Thumbnail { scope, source: asset.address, size_px, form, shown, tag })
}

/// The picture that stands for the product of a model.
async fn picture_of_product(app: &App, who: &Principal, model: &Asset) -> Result<Asset, AppError> {
    let scope = TenantScope::of(who.tenant);
    let Some(product) = &model.product else { return Err(not_available("the model belongs to no product")) };
    let product = products::get(&app.db, scope, product.id).await?;
    let none = || not_available("the product of the model has no thumbnail");
    let thumbnail = product.fields.thumbnail.ok_or_else(none)?;
    match rows::get(&app.db, scope, owner(who), thumbnail.asset).await {
        Ok(asset) if rows::has_bytes(&app.db, scope, &asset).await? => Ok(asset),
        Ok(_) | Err(DbError::NotFound(_)) => Err(none()),
        Err(error) => Err(error.into()),
    }
}

/// How the render of a scene-linear picture shows it.
async fn shown(app: &App, scope: TenantScope, asset: &Asset) -> Result<Shown, AppError> {
    let package = match artifacts::get(&app.db, scope, asset.package).await {
        Ok(package) => package,
        Err(DbError::NotFound(_)) => return Ok(SHOWN),
        Err(error) => return Err(error.into()),
    };
    let metadata = artifacts::json_of(&package.metadata.to_tree());
    let request = &metadata["provenance"]["request"];
    let transform = request["view_transform"].as_str().and_then(ViewTransform::by_word);
    let exposure_ev = request["exposure_ev"].as_f64().unwrap_or(0.0) as f32;
    Ok(transform.map_or(SHOWN, |transform| Shown { transform, exposure_ev }))
}

fn not_available(why: impl std::fmt::Display) -> AppError {
    AppError::new(Code::ThumbnailNotAvailable, format!("there is no thumbnail: {why}"))
}

impl Thumbnail {
    /// Names its bytes.
    pub fn tag(&self) -> &ContentAddress {
        &self.tag
    }

    /// Its form.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Its bytes: those that were kept, or made now.
    ///
    /// # Errors
    /// [`Code::ThumbnailNotAvailable`], [`Code::ContentCorrupt`], [`Code::AssetExpired`].
    pub async fn bytes(&self, app: &App) -> Result<Bytes, AppError> {
        let Self { scope, source, size_px, form, shown, tag } = self.clone();
        if let Some(kept) = app.store.cached(scope.tenant, &tag).await {
            return Ok(kept);
        }
        let reading = objects::open(&app.db, &app.store, scope, &source).await?;
        let (file, failed) = ObjectFile::new(reading, Handle::current());
        let made = app.turn().await?.run(move || encoded(pictures::small(file, size_px, shown)?, form)).await?;
        let bytes = match (made, failed.take()) {
            (_, Some(unread)) => return Err(unread.into()),
            (Err(reason), None) => return Err(not_available(reason)),
            (Ok(bytes), None) => Bytes::from(bytes),
        };
        app.store.cache(scope.tenant, &tag, bytes.clone()).await;
        Ok(bytes)
    }
}

fn encoded(picture: DisplayImage, form: Form) -> Result<Vec<u8>, NoPicture> {
    let metadata = Metadata::default();
    let encoded = match form {
        Form::Png => png(&picture, PngDepth::Eight, &metadata),
        Form::WebP => webp(&picture, WebPCompression::Lossy(Quality::DEFAULT), &metadata),
    };
    encoded.map_err(|reason| NoPicture::Damaged(reason.to_string()))
}
