//! Digests of everything that determines a picture.
//!
//! A value enters a digest as JSON: every member and every variant by name, every number without loss. Text for people
//! is not part of it, so that changing a message or a `Debug` does not change a digest.

use packshot_shaders::sources::EMBEDDED;
use serde::{Serialize, Serializer};

/// A digest of named values, in the order in which they are mixed in.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    hasher: blake3::Hasher,
}

impl Digest {
    /// Adds a value under a name. Values that differ in any member give different digests, as do equal values under
    /// different names.
    ///
    /// # Panics
    /// For a value that cannot be JSON: a map whose keys are not text. Non-finite numbers are not distinguished.
    pub fn mix(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        // An array of name and value is self-delimiting, so that a sequence of them is unambiguous. Hashing does not
        // fail.
        serde_json::to_writer(&mut self.hasher, &(name, value)).expect("a value that is JSON");
    }

    /// 64 lower-case hexadecimal digits.
    pub fn finish(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }
}

/// The BLAKE3 of all shaders with their paths: of the light transport, which is the same on every backend.
pub fn of_shaders() -> [u8; 32] {
    let mut digest = Digest::default();
    EMBEDDED.iter().for_each(|source| digest.mix(source.path, source.text));
    *digest.hasher.finalize().as_bytes()
}

/// Many numbers as the digest of their bytes, little-endian as on every supported machine: for members that are too
/// large to write out.
///
/// # Errors
/// Those of the serializer.
pub fn of_numbers<S: Serializer>(numbers: &[[f32; 3]], serializer: S) -> Result<S::Ok, S::Error> {
    const { assert!(cfg!(target_endian = "little")) };
    blake3::hash(bytemuck::cast_slice(numbers)).to_hex().serialize(serializer)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn of(values: &[(&str, &str)]) -> String {
        let mut digest = Digest::default();
        values.iter().for_each(|(name, value)| digest.mix(name, value));
        digest.finish()
    }

    #[test]
    fn where_a_value_ends_counts() {
        let all = [
            of(&[]),
            of(&[("a", "bc")]),
            of(&[("ab", "c")]),
            of(&[("a", "b"), ("c", "")]),
            of(&[("a", ""), ("b", "c")]),
            of(&[("a", "\"]"), ("b", "c")]),
            of(&[("b", "c"), ("a", "")]),
        ];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert!(all.iter().all(|digest| digest.len() == 64));
    }

    #[test]
    fn the_next_number_is_another_one() {
        let of_number = |number: f64| {
            let mut digest = Digest::default();
            digest.mix("x", &number);
            digest.mix("y", &(number as f32));
            digest.finish()
        };
        for number in [0.1, 1.0, 1e-30, -7.25, f64::from(f32::MAX)] {
            assert_ne!(of_number(number), of_number(number.next_up()));
        }
        assert_ne!(of_number(0.0), of_number(-0.0));
    }
}
