//! Media assets: the files that orders, designs and people put in front of those who look for pictures (media.md).

pub mod search;

use crate::step::StepName;
use crate::words::words;

words! {
    /// What an asset is.
    pub enum AssetType {
        /// A small picture of a product or a CAD file
        Thumbnail = "thumbnail",
        /// A picture
        Still = "still",
        /// One of a set of pictures from several sides
        View = "view",
        /// A movie of the whole turn, or its frames
        Turntable = "turntable",
        /// A model with the colours of a viewer
        GlbGeometry = "glb_geometry",
        /// A model with the materials of the library
        GlbProduction = "glb_production" | "blend_production",
        /// What a customer wants on a product
        Design = "design",
        /// A design, ready to be laid onto the product
        DesignTexture = "design_texture",
        /// A file that somebody sent
        Upload = "upload",
    }
}

words! {
    /// State of an asset.
    pub enum AssetState {
        /// All who may see its order or product see it
        Published = "published",
        /// Only project managers and admins see it
        Unpublished = "unpublished",
        /// There is a newer version
        Superseded = "superseded",
        /// Its bytes are gone, and its record was kept
        Expired = "expired",
    }
}

words! {
    /// What happens to an asset.
    pub enum AssetEvent {
        /// It is shown to all who may see its order or product
        Publish = "publish",
        /// It is hidden from clients
        Unpublish = "unpublish",
        /// A newer version is saved
        Supersede = "supersede",
        /// Its time is over, and nothing protects it
        Expire = "expire",
    }
}

/// An event that is impossible in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{event}' is not possible for an asset that is {from}")]
pub struct IllegalAssetState {
    /// The state it is in.
    pub from: AssetState,
    /// The event.
    pub event: AssetEvent,
}

impl AssetState {
    /// The state after `event` (media.md §3). An asset can be deleted in every state.
    ///
    /// # Errors
    ///
    /// [`IllegalAssetState`] when the event is impossible in this state.
    pub const fn next(self, event: AssetEvent) -> Result<Self, IllegalAssetState> {
        use AssetEvent as E;
        Ok(match (self, event) {
            (Self::Published | Self::Unpublished, E::Publish) => Self::Published,
            (Self::Published | Self::Unpublished, E::Unpublish) => Self::Unpublished,
            (Self::Published | Self::Unpublished, E::Supersede) => Self::Superseded,
            (Self::Published | Self::Unpublished | Self::Superseded, E::Expire) => Self::Expired,
            _ => return Err(IllegalAssetState { from: self, event }),
        })
    }

    /// Whether it is the newest version, with its bytes.
    #[must_use]
    pub const fn is_current(self) -> bool {
        matches!(self, Self::Published | Self::Unpublished)
    }
}

impl AssetType {
    /// What a step makes; `None` for one that makes nothing to look at.
    #[must_use]
    pub const fn of_step(step: StepName) -> Option<Self> {
        Some(match step {
            StepName::RenderThumbnail => Self::Thumbnail,
            StepName::RenderStill => Self::Still,
            StepName::RenderViews => Self::View,
            StepName::RenderTurntable => Self::Turntable,
            StepName::ComposeDesign => Self::DesignTexture,
            StepName::ExportGlb => Self::GlbGeometry,
            StepName::ExportProductionGlb => Self::GlbProduction,
            _ => return None,
        })
    }

    /// Whether files of this media type are assets of this type, and not about one (media.md §2).
    #[must_use]
    pub fn admits(self, media_type: &str) -> bool {
        const PICTURES: [&str; 6] =
            ["image/png", "image/x-exr", "image/jpeg", "image/webp", "image/avif", "image/tiff"];
        match self {
            Self::Thumbnail | Self::DesignTexture => media_type == "image/png",
            Self::Still => PICTURES.contains(&media_type),
            Self::View => PICTURES.contains(&media_type) || media_type == "application/zip",
            Self::Turntable => {
                PICTURES.contains(&media_type) || ["video/mp4", "image/apng", "application/zip"].contains(&media_type)
            }
            Self::GlbGeometry | Self::GlbProduction => media_type == "model/gltf-binary",
            Self::Design => ["image/png", "image/jpeg", "image/webp", "image/svg+xml"].contains(&media_type),
            Self::Upload => ["image/png", "image/jpeg", "image/webp", "video/mp4"].contains(&media_type),
        }
    }

    /// Whether it is a model: that has no width and no height.
    #[must_use]
    pub const fn is_model(self) -> bool {
        matches!(self, Self::GlbGeometry | Self::GlbProduction)
    }

    /// Whether a product may have assets of this type as its thumbnail.
    #[must_use]
    pub const fn is_picture(self) -> bool {
        matches!(self, Self::Thumbnail | Self::Still | Self::View | Self::Upload)
    }
}

/// The view from the front, which is the first choice for the thumbnail of a product.
pub const FRONT: &str = "front_0deg";

words! {
    /// Who chose the thumbnail of a product.
    pub enum ThumbnailSource {
        /// The service took the first picture that there was
        Automatic = "automatic",
        /// A person did
        Person = "person",
    }
}

words! {
    /// How an asset came into the gallery of a product.
    pub enum GallerySource {
        /// It was made for a line of an order
        OrderLine = "order_line",
        /// A design job made it
        DesignJob = "design_job",
        /// Somebody put it there
        Upload = "upload",
    }
}

words! {
    /// The order of a list of assets.
    pub enum AssetOrder {
        /// The newest first
        Newest = "-created_at",
        /// The oldest first
        Oldest = "created_at",
        /// By the product's name, then the file's
        Name = "name",
        /// By the product's name, then the file's, from the end
        NameDescending = "-name",
        /// The largest first
        Largest = "-size_bytes",
    }
}

words! {
    /// What a list of assets is counted by.
    pub enum Facet {
        /// What the assets are
        AssetType = "asset_type",
        /// The category of their product
        CategoryKey = "category_key",
        /// The `lagertyp` of their product
        Lagertyp = "lagertyp",
        /// The state of their order line
        RenderStatus = "render_status",
    }
}

/// Whether a new picture becomes the thumbnail of its product (orders.md §5): a product without one takes the first;
/// the view from the front takes the place of one that the service took, never of one that a person chose.
#[must_use]
pub fn is_thumbnail(present: Option<(ThumbnailSource, Option<&str>)>, view_name: Option<&str>) -> bool {
    match present {
        None => true,
        Some((ThumbnailSource::Automatic, present_view)) => view_name == Some(FRONT) && present_view != Some(FRONT),
        Some((ThumbnailSource::Person, _)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{AssetEvent as E, AssetState as S, *};

    /// The table of media.md §3, line by line; `None` where it has 409 or a dash.
    #[test]
    fn m40_assets_follow_the_table() {
        let events = [E::Publish, E::Unpublish, E::Supersede, E::Expire];
        assert_eq!(events, E::ALL, "the table is complete");
        let row = |from: S| -> [Option<S>; 4] {
            let [published, unpublished, superseded, expired] =
                [S::Published, S::Unpublished, S::Superseded, S::Expired].map(Some);
            match from {
                S::Published | S::Unpublished => [published, unpublished, superseded, expired],
                S::Superseded => [None, None, None, expired],
                S::Expired => [None; 4],
            }
        };
        for from in S::ALL {
            for (event, expected) in events.into_iter().zip(row(*from)) {
                assert_eq!(
                    from.next(event),
                    expected.ok_or(IllegalAssetState { from: *from, event }),
                    "{from} {event}"
                );
            }
        }
    }

    #[test]
    fn o49_the_first_picture_is_the_thumbnail_until_there_is_a_front() {
        use ThumbnailSource::{Automatic, Person};
        assert!(is_thumbnail(None, None));
        assert!(!is_thumbnail(Some((Automatic, None)), None));
        assert!(!is_thumbnail(Some((Automatic, None)), Some("left_90deg")));
        assert!(is_thumbnail(Some((Automatic, None)), Some(FRONT)));
        assert!(!is_thumbnail(Some((Automatic, Some(FRONT))), Some(FRONT)));
        assert!(!is_thumbnail(Some((Person, None)), Some(FRONT)));
    }

    #[test]
    fn every_step_that_makes_something_admits_it() {
        for step in StepName::ALL {
            let Some(made) = AssetType::of_step(*step) else { continue };
            assert!(made.admits("image/png") || made.admits("model/gltf-binary"), "{step}");
            assert!(!made.admits("application/json"), "{step}");
        }
    }
}
