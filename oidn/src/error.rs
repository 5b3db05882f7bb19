//! Why the library cannot be used, or has not denoised a picture.

use packshot_denoiser::DenoiseError;

use crate::Version;

/// Why the library cannot be used, or has not denoised a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OidnError {
    /// There is no such file, or the system's loader finds none.
    #[error("Open Image Denoise was not found: {}", tried.join("; "))]
    Missing {
        /// The file that was named; empty where the system was asked.
        place: String,
        /// What was tried, and what came of it.
        tried: Vec<String>,
    },
    /// The file is there and is no library that can be loaded, or another one.
    #[error("{place} cannot be loaded as Open Image Denoise 2: {reason}")]
    Invalid {
        /// The file.
        place: String,
        /// What the loader says, or what the library lacks.
        reason: String,
    },
    /// The library is one of another generation.
    #[error("this is Open Image Denoise {version}, and version 2 is needed")]
    Version {
        /// What it says of itself.
        version: Version,
    },
    /// The library says so.
    #[error("Open Image Denoise failed: {kind}: {message}")]
    Failed {
        /// The name of its error.
        kind: &'static str,
        /// Its words.
        message: String,
    },
    /// The picture or its guides do not fit, or it was cancelled.
    #[error(transparent)]
    Picture(#[from] DenoiseError),
}

impl OidnError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "denoise.oidn_missing",
            Self::Invalid { .. } => "denoise.oidn_invalid",
            Self::Version { .. } => "denoise.oidn_version",
            Self::Failed { .. } => "denoise.oidn_failed",
            Self::Picture(error) => error.code(),
        }
    }

    /// Where: the file or the picture that is meant, or nothing.
    pub fn at(&self) -> &str {
        match self {
            Self::Missing { place, .. } | Self::Invalid { place, .. } => place,
            Self::Version { .. } | Self::Failed { .. } => "",
            Self::Picture(error) => error.at(),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::Invalid { .. } | Self::Version { .. } => {
                "install Open Image Denoise 2, name its library's file in PACKSHOT_OIDN, \
                 or use Packshot's own denoiser (--denoise-with packshot)"
            }
            Self::Failed { .. } => "use Packshot's own denoiser (--denoise-with packshot)",
            Self::Picture(error) => error.help(),
        }
    }
}
