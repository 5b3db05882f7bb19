//! Where a file lies in its package. A path never becomes a path of the store, but archives must unpack everywhere.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

/// Most bytes of a path.
const PATH_BYTES_MAX: usize = 1_024;
/// Most bytes of a segment.
const SEGMENT_BYTES_MAX: usize = 255;
/// The first segment that archives use themselves.
const RESERVED: &str = ".packshot";
/// Names that Windows takes for devices, also with an extension; `COM` and `LPT` are followed by a digit.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// A path inside of a package: segments joined by `/`, in Unicode's form NFC. Paths are ordered by their bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelativePath(String);

/// What makes two paths duplicates: the path without the difference between upper and lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathKey(String);

/// Why text is not a path inside of a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// There is none.
    #[error("the path is empty")]
    Empty,
    /// It is too long.
    #[error("the path has {bytes} bytes: at most {PATH_BYTES_MAX} are possible")]
    TooLong {
        /// How many bytes it has.
        bytes: usize,
    },
    /// It has a control character, such as a line break.
    #[error("the path has the control character U+{code:04X}")]
    Control {
        /// Which one.
        code: u32,
    },
    /// It has a character that separates folders or drives on Windows.
    #[error("the path has the character '{character}': folders are separated by '/'")]
    Separator {
        /// Which one.
        character: char,
    },
    /// It begins or ends with `/`.
    #[error("the path begins or ends with '/': it is one file, below the package")]
    OuterSlash,
    /// Two `/` follow each other.
    #[error("the path has '//': between two '/' is a name")]
    EmptySegment,
    /// A segment is `.` or `..`.
    #[error("the path has the segment '{segment}': it must say each folder by its name")]
    Dots {
        /// Which one.
        segment: String,
    },
    /// A segment is too long.
    #[error("a name in the path has {bytes} bytes: at most {SEGMENT_BYTES_MAX} are possible")]
    LongSegment {
        /// How many bytes it has.
        bytes: usize,
    },
    /// A segment ends in a dot or space, which Windows drops.
    #[error("the name '{segment}' in the path ends in a dot or a space, which some systems drop")]
    Ending {
        /// Which one.
        segment: String,
    },
    /// A segment is the name of a device.
    #[error("the name '{segment}' in the path is that of a device on Windows")]
    Device {
        /// Which one.
        segment: String,
    },
    /// It lies where archives keep their manifest.
    #[error("the path begins with '{RESERVED}', where archives keep the manifest")]
    Reserved,
}

impl RelativePath {
    /// The path in NFC.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes another path a duplicate of this one.
    #[must_use]
    pub fn key(&self) -> PathKey {
        PathKey(folded(&self.0))
    }
}

impl FromStr for RelativePath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let path: String = text.nfc().collect();
        let bytes = path.len();
        if path.is_empty() {
            return Err(InvalidPath::Empty);
        }
        if let Some(control) = path.chars().find(|c| c.is_control()) {
            return Err(InvalidPath::Control { code: control.into() });
        }
        if bytes > PATH_BYTES_MAX {
            return Err(InvalidPath::TooLong { bytes });
        }
        if let Some(character) = path.chars().find(|c| matches!(c, '\\' | ':')) {
            return Err(InvalidPath::Separator { character });
        }
        if path.starts_with('/') || path.ends_with('/') {
            return Err(InvalidPath::OuterSlash);
        }
        path.split('/').try_for_each(check_segment)?;
        if path.split('/').next().is_some_and(|first| folded(first) == RESERVED) {
            return Err(InvalidPath::Reserved);
        }
        Ok(Self(path))
    }
}

fn check_segment(segment: &str) -> Result<(), InvalidPath> {
    let bytes = segment.len();
    let name = || segment.to_owned();
    if segment.is_empty() {
        Err(InvalidPath::EmptySegment)
    } else if matches!(segment, "." | "..") {
        Err(InvalidPath::Dots { segment: name() })
    } else if bytes > SEGMENT_BYTES_MAX {
        Err(InvalidPath::LongSegment { bytes })
    } else if segment.ends_with(['.', ' ']) {
        Err(InvalidPath::Ending { segment: name() })
    } else if is_device(segment) {
        Err(InvalidPath::Device { segment: name() })
    } else {
        Ok(())
    }
}

/// Whether Windows takes a name for a device: it looks at what stands before the first dot, without the spaces there,
/// and reads superscript digits as digits.
fn is_device(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end_matches(' ').to_lowercase();
    let is_digit = |rest: &str| matches!(rest.as_bytes(), [b'0'..=b'9']) || matches!(rest, "¹" | "²" | "³");
    DEVICES.contains(&stem.as_str())
        || NUMBERED_DEVICES.iter().any(|device| stem.strip_prefix(device).is_some_and(is_digit))
}

/// The text without the difference of case. Upper case and then lower case joins whatever Unicode's full case folding
/// joins (ß and SS, final and other sigma), and the dotless i with the i, which some file systems join as well.
fn folded(text: &str) -> String {
    let lower = text.nfd().flat_map(char::to_lowercase);
    let folded = lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.nfc().collect()
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PathKey {
    /// The text that equal paths share.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The keys of the folders that the path lies in, the outermost first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(move |(end, _)| &self.0[..end])
    }

    /// Whether a package cannot have both paths: they are equal but for case, or one is a folder of the other.
    #[must_use]
    pub fn is_duplicate_of(&self, other: &Self) -> bool {
        self == other
            || self.folders().any(|folder| folder == other.0)
            || other.folders().any(|folder| folder == self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> RelativePath {
        text.parse().unwrap_or_else(|refused| panic!("{text:?}: {refused}"))
    }

    #[test]
    fn usual_paths_are_taken_as_they_are() {
        let long = ["x".repeat(255), "y".repeat(255), "z".repeat(255), "ä".repeat(127), "n".to_owned()].join("/");
        assert_eq!(long.len(), 1_024);
        let others = ["a", "x/y.txt", ".hidden", "a..b", "Lager 6204 ü.glb", "com", "com10", "console.txt", "nullable"];
        for text in others.into_iter().chain(["a/.packshot", ".packshots", "auxiliary/x", &long]) {
            assert_eq!(path(text).as_str(), text);
        }
    }

    #[test]
    fn a25_paths_that_would_not_unpack_are_refused() {
        let segment = |name: &str| name.to_owned();
        let too_long = format!("{}/{}", vec!["x".repeat(204); 5].join("/"), "y");
        let long_segment = "x".repeat(256);
        assert_eq!(too_long.len(), 1_026);
        for (text, refusal) in [
            ("", InvalidPath::Empty),
            (&too_long[..1_025], InvalidPath::TooLong { bytes: 1_025 }),
            ("a\nb", InvalidPath::Control { code: 10 }),
            ("a\0", InvalidPath::Control { code: 0 }),
            ("a\u{7f}", InvalidPath::Control { code: 0x7f }),
            ("a\u{85}", InvalidPath::Control { code: 0x85 }),
            ("C:\\x", InvalidPath::Separator { character: ':' }),
            ("a\\..\\b", InvalidPath::Separator { character: '\\' }),
            ("a:stream", InvalidPath::Separator { character: ':' }),
            ("/etc/passwd", InvalidPath::OuterSlash),
            ("a/", InvalidPath::OuterSlash),
            ("/", InvalidPath::OuterSlash),
            ("a//b", InvalidPath::EmptySegment),
            (".", InvalidPath::Dots { segment: segment(".") }),
            ("../../etc/passwd", InvalidPath::Dots { segment: segment("..") }),
            ("../x", InvalidPath::Dots { segment: segment("..") }),
            ("a/./b", InvalidPath::Dots { segment: segment(".") }),
            (long_segment.as_str(), InvalidPath::LongSegment { bytes: 256 }),
            ("a/b.", InvalidPath::Ending { segment: segment("b.") }),
            ("a /b", InvalidPath::Ending { segment: segment("a ") }),
            ("...", InvalidPath::Ending { segment: segment("...") }),
            ("nul.txt", InvalidPath::Device { segment: segment("nul.txt") }),
            ("a/CON", InvalidPath::Device { segment: segment("CON") }),
            ("Aux .tar.gz", InvalidPath::Device { segment: segment("Aux .tar.gz") }),
            ("com1/x", InvalidPath::Device { segment: segment("com1") }),
            ("LPT9", InvalidPath::Device { segment: segment("LPT9") }),
            ("COM¹.log", InvalidPath::Device { segment: segment("COM¹.log") }),
            (".packshot", InvalidPath::Reserved),
            (".packshot/manifest.cbor", InvalidPath::Reserved),
            (".PackShot/x", InvalidPath::Reserved),
        ] {
            assert_eq!(text.parse::<RelativePath>(), Err(refusal), "{text:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        for (text, told) in [
            ("a\nb", "the path has the control character U+000A"),
            ("a\\b", "the path has the character '\\': folders are separated by '/'"),
            ("a/nul.txt", "the name 'nul.txt' in the path is that of a device on Windows"),
            (".packshot/x", "the path begins with '.packshot', where archives keep the manifest"),
        ] {
            assert_eq!(text.parse::<RelativePath>().expect_err("refused").to_string(), told);
        }
    }

    #[test]
    fn a26_equal_paths_are_duplicates() {
        let nfd = path("A\u{308}.png");
        assert_eq!(nfd.as_str(), "\u{c4}.png", "the form that is kept is NFC");
        for (one, other) in [
            ("\u{c4}.png", "A\u{308}.png"),
            ("\u{c4}.png", "\u{e4}.png"),
            ("a.txt", "A.TXT"),
            ("a", "a/z"),
            ("A/b", "a/B/c/d"),
            ("straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("\u{212a}elvin", "kelvin"),
        ] {
            let (one, other) = (path(one).key(), path(other).key());
            assert!(one.is_duplicate_of(&other) && other.is_duplicate_of(&one), "{one:?} {other:?}");
        }
        for (one, other) in [("a/b", "a/c"), ("a", "ab"), ("a/z", "a.txt"), ("b/a", "a/b"), ("a", "á")] {
            let (one, other) = (path(one).key(), path(other).key());
            assert!(!one.is_duplicate_of(&other) && !other.is_duplicate_of(&one), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_key_names_its_folders() {
        let key = path("A/b/C.txt").key();
        assert_eq!((key.as_str(), key.folders().collect::<Vec<_>>()), ("a/b/c.txt", vec!["a", "a/b"]));
    }

    proptest! {
        #[test]
        fn what_is_taken_stays_as_it_is(text in "[a-zA-ZäÄßİŉΣς./ -]{1,30}|\\PC{1,40}") {
            if let Ok(path) = text.parse::<RelativePath>() {
                prop_assert_eq!(path.as_str().parse::<RelativePath>(), Ok(path.clone()));
                prop_assert!(path.as_str().len() <= PATH_BYTES_MAX);
                prop_assert!(!path.as_str().split('/').any(|segment| segment.is_empty() || segment == ".."));
                let key = path.key();
                prop_assert_eq!(folded(key.as_str()), key.as_str(), "folding twice changes nothing");
            }
        }
    }
}
