//! What a package says about itself, in whatever form its producer chose.

use super::tree::{Map, Tree};

/// Most bytes of metadata, as canonical JSON.
pub const METADATA_BYTES_MAX: usize = 64 << 10;

/// Most levels of metadata; the object itself is the first.
pub const METADATA_LEVELS_MAX: usize = 16;

/// The metadata of a package: named values, at most 64 KiB of canonical JSON and 16 levels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Map);

/// Why something is not the metadata of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// It has too many bytes.
    #[error("metadata of {bytes} bytes, as JSON without white space: at most {METADATA_BYTES_MAX} are kept")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// It has too many levels.
    #[error("metadata of {levels} levels of objects and lists: at most {METADATA_LEVELS_MAX} are kept")]
    TooDeep {
        /// How many it has.
        levels: usize,
    },
}

impl Metadata {
    /// The metadata with these members.
    ///
    /// # Errors
    ///
    /// [`InvalidMetadata`] when it has too many bytes or levels.
    pub fn new(members: Map) -> Result<Self, InvalidMetadata> {
        let tree = Tree::Map(members);
        let (levels, bytes) = (tree.levels(), tree.to_json().len());
        match tree {
            _ if levels > METADATA_LEVELS_MAX => Err(InvalidMetadata::TooDeep { levels }),
            _ if bytes > METADATA_BYTES_MAX => Err(InvalidMetadata::TooLarge { bytes }),
            Tree::Map(members) => Ok(Self(members)),
            _ => unreachable!("a map was made of them"),
        }
    }

    /// Its members.
    #[must_use]
    pub const fn members(&self) -> &Map {
        &self.0
    }

    /// Itself as a tree.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        Tree::Map(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::InvalidNumber;

    fn of(name: &str, value: Tree) -> Result<Metadata, InvalidMetadata> {
        Metadata::new(Map::from([(name.to_owned(), value)]))
    }

    #[test]
    fn a56_metadata_has_64_kib_and_16_levels_and_exact_integers() {
        // {"a":"…"} has 8 bytes around the text.
        let text = |bytes: usize| of("a", Tree::from("x".repeat(bytes - 8)));
        assert!(text(65_536).is_ok());
        assert_eq!(text(65_537), Err(InvalidMetadata::TooLarge { bytes: 65_537 }));
        let nested = |levels: usize| (1..levels).fold(Tree::from(true), |inner, _| Tree::from(vec![inner]));
        assert!(of("a", nested(16)).is_ok());
        assert_eq!(of("a", nested(17)), Err(InvalidMetadata::TooDeep { levels: 17 }));
        assert!(Tree::integer((1_i64 << 53) - 1).is_ok() && Tree::integer(1 - (1_i64 << 53)).is_ok());
        for number in [1_i64 << 53, -(1_i64 << 53), i64::MIN] {
            assert_eq!(Tree::integer(number), Err(InvalidNumber::TooLarge), "{number}");
        }
        assert_eq!(Tree::number(1e300), Err(InvalidNumber::TooLarge));
        assert_eq!(Tree::number(f64::NAN), Err(InvalidNumber::NotFinite));
    }
}
