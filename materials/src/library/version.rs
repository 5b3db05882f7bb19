//! Versions of libraries: semantic versioning 2.0.0 without pre-release and build parts.

use std::fmt;
use std::str::FromStr;

/// `MAJOR.MINOR.PATCH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Grows when a picture of the same input may change in a way that maps or orders notice.
    pub major: u32,
    /// Grows when materials are added.
    pub minor: u32,
    /// Grows with corrections.
    pub patch: u32,
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let complaint = || format!("`{text}` is not a version of the form MAJOR.MINOR.PATCH");
        let [major, minor, patch] = *text.split('.').map(number).collect::<Option<Vec<_>>>().ok_or_else(complaint)?
        else {
            return Err(complaint());
        };
        Ok(Self { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A library that another one builds on: `STD@^1`, `STD@^1.2`, `STD@^1.2.3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The library's id.
    pub library: String,
    /// The oldest version that will do; newer ones do up to the next incompatible one.
    pub at_least: Version,
    /// How many numbers of the version were written.
    written: usize,
}

impl Requirement {
    /// Whether `version` is at least the one asked for and compatible with it: the same up to the first non-zero
    /// number.
    pub fn allows(&self, version: Version) -> bool {
        let least = self.at_least;
        let compatible = if least.major > 0 || self.written == 1 {
            version.major == least.major
        } else if least.minor > 0 || self.written == 2 {
            (version.major, version.minor) == (0, least.minor)
        } else {
            version == least
        };
        compatible && version >= least
    }
}

impl FromStr for Requirement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let complaint = || format!("`{text}` is not of the form LIBRARY@^MAJOR[.MINOR[.PATCH]]");
        let (library, version) = text.split_once("@^").ok_or_else(complaint)?;
        let numbers = version.split('.').map(number).collect::<Option<Vec<_>>>().ok_or_else(complaint)?;
        if library.is_empty() || numbers.len() > 3 {
            return Err(complaint());
        }
        let part = |at: usize| numbers.get(at).copied().unwrap_or(0);
        let at_least = Version { major: part(0), minor: part(1), patch: part(2) };
        Ok(Self { library: library.to_owned(), at_least, written: numbers.len() })
    }
}

/// A number without sign and without leading zeros.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!("1.20.3".parse(), Ok(Version { major: 1, minor: 20, patch: 3 }));
        assert_eq!(Version { major: 1, minor: 20, patch: 3 }.to_string(), "1.20.3");
        assert!("1.9.0".parse::<Version>() < "1.10.0".parse::<Version>());
        for bad in ["", "1", "1.2", "1.2.3.4", "01.2.3", "+1.2.3", "1.2.x", "1.2.3-rc1", "1.2.99999999999"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }

    #[test]
    fn requirements() {
        for (requirement, allowed, refused) in [
            ("STD@^1", &["1.0.0", "1.9.9"][..], &["0.9.0", "2.0.0"][..]),
            ("STD@^1.2", &["1.2.0", "1.3.0"], &["1.1.9", "2.2.0"]),
            ("STD@^1.2.3", &["1.2.3", "1.3.0"], &["1.2.2"]),
            ("STD@^0", &["0.0.1", "0.9.0"], &["1.0.0"]),
            ("STD@^0.2", &["0.2.0", "0.2.7"], &["0.3.0", "0.1.0"]),
            ("STD@^0.0.3", &["0.0.3"], &["0.0.4"]),
        ] {
            let requirement: Requirement = requirement.parse().expect(requirement);
            for version in allowed {
                assert!(requirement.allows(version.parse().expect(version)), "{requirement:?} {version}");
            }
            for version in refused {
                assert!(!requirement.allows(version.parse().expect(version)), "{requirement:?} {version}");
            }
        }
        for bad in ["STD", "STD@1", "@^1", "STD@^", "STD@^1.2.3.4", "STD@^x"] {
            assert!(bad.parse::<Requirement>().is_err(), "{bad}");
        }
    }
}
