//! An installed library of Intel's Open Image Denoise 2, loaded while the program runs, for who wants it in place of
//! Packshot's own denoiser.
//!
//! [`Library::open`] finds and loads it, a [`Device`] of it computes on the processor, and [`Device::denoise`] takes
//! the same [`Picture`] as [`packshot_denoiser::Denoiser`]. Nothing of it is linked: without the library everything
//! else works.

mod api;
pub mod error;

use std::fmt;
use std::path::Path;

pub use error::OidnError;
use packshot_denoiser::{Control, Picture};
use packshot_words::words;

use api::{Functions, Handle};

/// What a system's loader calls the library, the best first.
const NAMES: &[&str] = match () {
    () if cfg!(windows) => &["OpenImageDenoise.dll"],
    () if cfg!(target_os = "macos") => &["libOpenImageDenoise.2.dylib", "libOpenImageDenoise.dylib"],
    () => &["libOpenImageDenoise.so.2", "libOpenImageDenoise.so"],
};

words! {
    /// How much work is spent on a picture, as the library counts it.
    #[derive(Default)]
    pub enum Quality {
        /// For previews
        Fast = "fast",
        /// The networks that Packshot also has
        Balanced = "balanced",
        /// The library's largest networks, and its default
        #[default]
        High = "high",
    }
}

/// A version of the library, printed as `2.5.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// 2 for all that can be used.
    pub major: u32,
    /// Counts what was added.
    pub minor: u32,
    /// Counts what was mended.
    pub patch: u32,
}

impl Version {
    /// From the library's own number, two decimal digits each: 20501.
    fn from_number(number: i32) -> Self {
        let number = number.unsigned_abs();
        Self { major: number / 10_000, minor: number / 100 % 100, patch: number % 100 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// How pictures are denoised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Whether the guides have no noise of their own, so that their edges can be kept.
    pub has_clean_guides: bool,
    /// How much work is spent.
    pub quality: Quality,
}

/// The library, loaded. It stays loaded until the program ends: its threads may still be running when its last device
/// is gone.
#[derive(Clone, Copy)]
pub struct Library(&'static Functions);

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").finish_non_exhaustive()
    }
}

impl Library {
    /// Loads the library: the file `path`, or without one what the system's loader finds by the library's own name.
    ///
    /// # Errors
    /// [`OidnError::Missing`], [`OidnError::Invalid`].
    pub fn open(path: Option<&Path>) -> Result<Self, OidnError> {
        let Some(path) = path else {
            let mut tried = Vec::new();
            for name in NAMES {
                match api::load(name.as_ref()) {
                    Ok(library) => return Self::of(name, library),
                    Err(reason) => tried.push(reason),
                }
            }
            return Err(OidnError::Missing { tried, place: String::new() });
        };
        let place = path.display().to_string();
        // A name without a folder would be looked for elsewhere, too.
        let file = std::path::absolute(path).and_then(|path| std::fs::metadata(&path).map(|_| path));
        let file =
            file.map_err(|reason| OidnError::Missing { tried: vec![reason.to_string()], place: place.clone() })?;
        match api::load(file.as_os_str()) {
            Ok(library) => Self::of(&place, library),
            Err(reason) => Err(OidnError::Invalid { place, reason }),
        }
    }

    fn of(place: &str, library: libloading::Library) -> Result<Self, OidnError> {
        let invalid = |symbol| OidnError::Invalid { place: place.to_owned(), reason: format!("it has no {symbol}") };
        Functions::of(library).map(Self).map_err(invalid)
    }
}

/// A processor as the library sees it. It can be shared by threads; pictures are denoised one after the other.
#[derive(Debug)]
pub struct Device {
    handle: Handle,
    version: Version,
}

impl Device {
    /// With at most so many threads; 0: as many as the library thinks best.
    ///
    /// # Errors
    /// [`OidnError::Version`] when the library is no version 2, [`OidnError::Failed`] when it cannot work on this
    /// processor.
    pub fn new(library: Library, n_threads: usize) -> Result<Self, OidnError> {
        let handle = Handle::new(library.0, i32::try_from(n_threads).unwrap_or(i32::MAX))?;
        let version = Version::from_number(handle.version_number());
        match version.major {
            2 => Ok(Self { handle, version }),
            _ => Err(OidnError::Version { version }),
        }
    }

    /// The version of the library.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The denoised picture, with the alpha of the noisy one. The library treats `control`'s memory limit as a hint.
    ///
    /// # Errors
    /// [`OidnError::Picture`] when the pictures' sizes differ or it was cancelled, [`OidnError::Failed`].
    pub fn denoise(
        &self,
        picture: &Picture<'_>,
        settings: Settings,
        control: Control<'_>,
    ) -> Result<Vec<[f32; 4]>, OidnError> {
        self.handle.denoise(picture, settings, control)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_as_people_write_them() {
        assert_eq!(Version::from_number(20_501).to_string(), "2.5.1");
        assert_eq!(Version::from_number(10_403), Version { major: 1, minor: 4, patch: 3 });
        assert!(Version::from_number(20_309) < Version::from_number(20_400));
    }
}
