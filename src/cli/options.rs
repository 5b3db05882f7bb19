//! Values of options: parsed, and checked for their range, while the arguments are read.

use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use packshot::denoise::{Denoise, DenoiseWith};
use packshot::oidn::Quality;
use packshot_materials::mapping::OnUnmapped;
use packshot_renderer::import::UpAxis;
use packshot_renderer::look::Look;
use packshot_renderer::shot::rig::RigName;
use packshot_renderer::shot::{AgxLook, ViewTransform};
use serde::Serialize;

/// A parser for finite numbers from `min` to `max`.
pub(crate) fn number(min: f64, max: f64) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync {
    move |text| match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= min && value <= max => Ok(value),
        _ if max == f64::MAX => Err(format!("expected a number from {min} on")),
        _ => Err(format!("expected a number from {min} to {max}")),
    }
}

/// A parser for finite numbers above 0 up to `max`.
pub(crate) fn positive(max: f64) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync {
    move |text| match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 && value <= max => Ok(value),
        _ if max == f64::MAX => Err("expected a number above 0".to_owned()),
        _ => Err(format!("expected a number above 0 up to {max}")),
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident -> $target:ty { $($(#[$doc:meta])* $variant:ident = $word:literal => $value:expr,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        pub(crate) enum $name { $($(#[$doc])* #[value(name = $word)] $variant,)* }

        impl From<$name> for $target {
            fn from(word: $name) -> Self {
                match word { $($name::$variant => $value,)* }
            }
        }
    };
}

words! {
    /// `--up-axis`.
    UpAxisWord -> UpAxis {
        /// As glTF defines it
        Y = "y" => UpAxis::Y,
        /// As many CAD systems have it
        Z = "z" => UpAxis::Z,
    }
}

words! {
    /// `--look`.
    LookWord -> Look {
        /// As the specifications say
        Gltf = "gltf" => Look::Gltf,
        /// As Blender 5.0 shows it
        Blender50 = "blender-5.0" => Look::Blender50,
    }
}

words! {
    /// `--view-transform`.
    ViewTransformWord -> ViewTransform {
        /// Filmic: highlights bleach gently
        Agx = "agx" => ViewTransform::Agx,
        /// AgX with contrast 1.57
        AgxVeryHighContrast = "agx_very_high_contrast" => ViewTransform::AgxLook(AgxLook::VeryHighContrast),
        /// AgX with contrast 1.4
        AgxHighContrast = "agx_high_contrast" => ViewTransform::AgxLook(AgxLook::HighContrast),
        /// AgX with contrast 1.2
        AgxMediumHighContrast = "agx_medium_high_contrast" => ViewTransform::AgxLook(AgxLook::MediumHighContrast),
        /// AgX with contrast 1: the plain one but for rounding
        AgxBaseContrast = "agx_base_contrast" => ViewTransform::AgxLook(AgxLook::BaseContrast),
        /// AgX with contrast 0.9
        AgxMediumLowContrast = "agx_medium_low_contrast" => ViewTransform::AgxLook(AgxLook::MediumLowContrast),
        /// AgX with contrast 0.8
        AgxLowContrast = "agx_low_contrast" => ViewTransform::AgxLook(AgxLook::LowContrast),
        /// AgX with contrast 0.7
        AgxVeryLowContrast = "agx_very_low_contrast" => ViewTransform::AgxLook(AgxLook::VeryLowContrast),
        /// AgX with deeper, more colourful shadows
        AgxPunchy = "agx_punchy" => ViewTransform::AgxLook(AgxLook::Punchy),
        /// AgX without colour
        AgxGreyscale = "agx_greyscale" => ViewTransform::AgxLook(AgxLook::Greyscale),
        /// Keeps base colours
        KhronosNeutral = "khronos_neutral" => ViewTransform::KhronosNeutral,
        /// The sRGB curve, clipped
        Standard = "standard" => ViewTransform::Standard,
        /// The linear numbers, clipped
        Raw = "raw" => ViewTransform::Raw,
    }
}

words! {
    /// `--denoise`.
    DenoiseWord -> Denoise {
        /// Pictures for eyes are, EXR and raw numbers are not; a shot file says so itself
        Auto = "auto" => Denoise::Auto,
        /// All are
        On = "on" => Denoise::On,
        /// None is
        Off = "off" => Denoise::Off,
    }
}

words! {
    /// `--denoise-with`.
    DenoiseWithWord -> DenoiseWith {
        /// The denoiser that every Packshot has
        Packshot = "packshot" => DenoiseWith::Packshot,
        /// An installed Open Image Denoise 2, on the processor
        Oidn = "oidn" => DenoiseWith::Oidn,
    }
}

words! {
    /// `--oidn-quality`.
    OidnQualityWord -> Quality {
        /// For previews
        Fast = "fast" => Quality::Fast,
        /// The networks that Packshot has, too
        Balanced = "balanced" => Quality::Balanced,
        /// Its largest networks
        High = "high" => Quality::High,
    }
}

words! {
    /// `--on-unmapped`.
    OnUnmappedWord -> OnUnmapped {
        /// The fallback material
        Magenta = "magenta" => OnUnmapped::Magenta,
        /// The file's own material
        Keep = "keep" => OnUnmapped::Keep,
        /// No picture: exit code 4
        Fail = "fail" => OnUnmapped::Fail,
    }
}

/// `--filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FilterWord {
    /// The Blackman-Harris window, 1.5 px
    #[value(name = "blackman_harris")]
    BlackmanHarris,
    /// The pixel's own square
    Box,
}

/// `--exr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
pub(crate) enum ExrWord {
    /// 16 bits
    Half,
    /// 32 bits
    Float,
}

/// `--light`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LightOption {
    /// The lights of the file itself.
    Glb,
    /// A rig of this name.
    Rig(RigName),
    /// An equirectangular map.
    File(PathBuf),
}

impl FromStr for LightOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "glb" {
            return Ok(Self::Glb);
        }
        if let Some(rig) = RigName::by_name(text) {
            return Ok(Self::Rig(rig));
        }
        let lower = text.to_ascii_lowercase();
        if lower.ends_with(".hdr") || lower.ends_with(".exr") {
            return Ok(Self::File(text.into()));
        }
        let names: Vec<&str> = RigName::NAMES.iter().map(|(name, _)| *name).collect();
        Err(format!("expected {}, glb, or a .hdr or .exr file", names.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_range() {
        let fill = positive(1.0);
        assert_eq!(fill("0.85"), Ok(0.85));
        for text in ["0", "1.5", "-1", "nan", "inf", "", "a"] {
            assert!(fill(text).is_err(), "{text}");
        }
        let exposure = number(-32.0, 32.0);
        assert_eq!(exposure("-2.5"), Ok(-2.5));
        assert!(exposure("33").is_err());
        assert!(number(0.0, f64::MAX)("1e400").is_err());
    }

    #[test]
    fn lights() {
        assert_eq!("glb".parse(), Ok(LightOption::Glb));
        assert_eq!("studio/sky.HDR".parse(), Ok(LightOption::File("studio/sky.HDR".into())));
        assert!(matches!("white".parse(), Ok(LightOption::Rig(_))));
        assert!("sky.png".parse::<LightOption>().is_err());
    }
}
