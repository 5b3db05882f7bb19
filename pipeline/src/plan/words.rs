//! The words that options may be, where nothing else in Packshot has them.

use packshot_renderer::shot::view::{NamedView, SIX_VIEW, SIX_YAW, ViewDirection};
use packshot_words::{Word, words};

words! {
    /// Reconstruction filters.
    pub enum Filter {
        /// The Blackman-Harris window, 1.5 px
        BlackmanHarris = "blackman_harris",
        /// The pixel's own square
        Box = "box",
    }
}

words! {
    /// How a product lies.
    #[derive(Default)]
    pub enum Lay {
        /// As it is modelled
        #[default]
        AsModelled = "as_modelled",
        /// On its largest side, the front or the right side up, unless it lies so already
        Flat = "flat",
    }
}

words! {
    /// What lights a product.
    pub enum Light {
        /// Large softboxes all around
        StudioSoft = "studio_soft",
        /// Narrow strips between black flags
        StudioContrast = "studio_contrast",
        /// Key, fill and rim
        ThreePoint = "three_point",
        /// Uniform white light from everywhere
        White = "white",
        /// The lights of the file
        Glb = "glb",
        /// An environment map that comes with the picture
        Environment = "environment",
        /// The light of the template
        Template = "template",
    }
}

words! {
    /// What a product stands on.
    pub enum GroundWord {
        /// Nothing: it floats
        None = "none",
        /// Only its shadows, to be composited over other pictures
        Shadow = "shadow",
        /// Its shadows and its reflection in a polished ground
        Reflection = "reflection",
        /// An endless floor
        Floor = "floor",
        /// A floor that rises to a wall behind it, as a photographer's roll of paper does
        Sweep = "sweep",
    }
}

words! {
    /// Formats of files.
    pub enum FileFormat {
        /// Display-referred, lossless
        Png = "png",
        /// Scene-linear
        Exr = "exr",
        /// Display-referred, lossy, white where nothing is behind the product
        Jpg = "jpg" | "jpeg",
        /// Display-referred; of a turntable a movie
        WebP = "webp",
        /// Display-referred, lossy
        Avif = "avif",
        /// Display-referred, or of 32 bits and scene-linear; lossless
        Tiff = "tiff" | "tif",
        /// A movie, H.264, white where nothing is behind the product
        Mp4 = "mp4",
        /// A movie, lossless
        Apng = "apng",
        /// All pictures as PNG in one file
        Zip = "zip",
    }
}

words! {
    /// A view, or several by one name.
    pub enum ViewChoice {
        /// The sides of a box
        SixView = "six_view",
        /// Once around in steps of 60°, from 20° above
        SixYaw = "six_yaw",
        /// Azimuth 0°
        Front = "front",
        /// Azimuth 90°
        Right = "right",
        /// Azimuth 180°
        Back = "back",
        /// Azimuth 270°
        Left = "left",
        /// From above, +Y
        Top = "top",
        /// From below, −Y
        Bottom = "bottom",
        /// Azimuth 35°, elevation 20°
        ThreeQuarter = "three_quarter",
        /// Azimuth 0°, elevation 20°
        Front0Deg = "front_0deg",
        /// Azimuth 60°, elevation 20°
        Right60Deg = "right_60deg",
        /// Azimuth 120°, elevation 20°
        Right120Deg = "right_120deg",
        /// Azimuth 180°, elevation 20°
        Back180Deg = "back_180deg",
        /// Azimuth 240°, elevation 20°
        Left240Deg = "left_240deg",
        /// Azimuth 300°, elevation 20°
        Left300Deg = "left_300deg",
    }
}

impl ViewChoice {
    /// The views that it stands for.
    pub fn views(self) -> Vec<NamedView> {
        match self {
            Self::SixView => SIX_VIEW.to_vec(),
            Self::SixYaw => SIX_YAW.to_vec(),
            view => NamedView::by_name(view.word()).into_iter().collect(),
        }
    }
}

/// The views by name that one picture may be taken from, with what each means.
pub(super) fn of_one_picture() -> Vec<(&'static str, &'static str)> {
    let entries = ViewChoice::ENTRIES.iter();
    let single = entries.filter(|entry| ViewDirection::by_name(entry.word).is_some());
    single.map(|entry| (entry.word, entry.meaning)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_has_its_direction() {
        let single: Vec<&str> = of_one_picture().into_iter().map(|(word, _)| word).collect();
        assert_eq!(single, ["front", "right", "back", "left", "top", "bottom", "three_quarter"]);
        for entry in ViewChoice::ENTRIES {
            let n = if entry.word.starts_with("six_") { 6 } else { 1 };
            assert_eq!(entry.value.views().len(), n, "{}", entry.word);
        }
        assert_eq!(ViewChoice::ENTRIES.len(), NamedView::all().count() + 2);
    }
}
