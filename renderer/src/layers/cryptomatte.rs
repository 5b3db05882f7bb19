//! Cryptomatte 1.2.0 (Psyop, Friedman and Jones 2015): mattes identified by hashes of names.
//!
//! A pixel stores pairs of id and coverage, in descending order of coverage, two pairs in each RGBA layer `NAME00`,
//! `NAME01` and so on. An id is the hash of a name, its bits read as a float. The file's header says which name has
//! which hash, so that other programs let people choose by name.

use std::collections::{BTreeMap, HashSet};

/// Pairs of id and coverage in a pixel; anything with less coverage is left out.
pub const RANKS: usize = 6;

/// One set of mattes of a file: `CryptoObject` and the names in it.
#[derive(Clone, Copy, Debug)]
pub struct Cryptomatte<'a> {
    /// The prefix of its layers' names; ASCII.
    pub name: &'static str,
    /// The names, in any order, possibly repeated.
    pub names: &'a [String],
}

impl Cryptomatte<'_> {
    /// The attributes of the file's header, with their names.
    pub fn attributes(&self) -> Vec<(String, String)> {
        // The key distinguishes several sets of a file: the first 7 digits of the hash of the set's name.
        let key = &format!("{:08x}", murmur3_x86_32(self.name.as_bytes(), 0))[..7];
        let entries = [
            ("name", self.name.to_owned()),
            ("hash", "MurmurHash3_32".to_owned()),
            ("conversion", "uint32_to_float32".to_owned()),
            ("manifest", self.manifest()),
        ];
        entries.into_iter().map(|(entry, value)| (format!("cryptomatte/{key}/{entry}"), value)).collect()
    }

    /// The hash of each name, as JSON: `{"Ring":"0c3f5e1a"}`. Names are sorted and written in ASCII.
    pub fn manifest(&self) -> String {
        let ids: BTreeMap<&str, u32> = self.names.iter().map(|name| (name.as_str(), id(name).to_bits())).collect();
        let entries: Vec<String> = ids.iter().map(|(name, id)| format!("{}:\"{id:08x}\"", json_ascii(name))).collect();
        format!("{{{}}}", entries.join(","))
    }
}

/// The id of a name: its hash as a normal float, so that no processing changes its bits. If the exponent would be all
/// zeros or all ones, its lowest bit is flipped.
pub fn id(name: &str) -> f32 {
    let hash = murmur3_x86_32(name.as_bytes(), 0);
    let exponent = hash >> 23 & 0xff;
    f32::from_bits(if exponent == 0 || exponent == 0xff { hash ^ 1 << 23 } else { hash })
}

/// MurmurHash3_x86_32 (Appleby, in the public domain).
pub fn murmur3_x86_32(bytes: &[u8], seed: u32) -> u32 {
    let scramble = |k: u32| k.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = seed;
    for block in blocks {
        hash = (hash ^ scramble(u32::from_le_bytes(*block))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let rest = tail.iter().rev().fold(0, |k, &byte| k << 8 | u32::from(byte));
    hash ^= scramble(rest) ^ bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

/// Names made distinct: a repeated one gets `#2`, `#3` and so on.
pub(super) fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let names: Vec<String> = names.collect();
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let numbered = |name: String| {
        let count = seen.entry(name.clone()).or_insert(0);
        *count += 1;
        if *count == 1 {
            return name;
        }
        // Terminates: each number is tried once for a name, and only finitely many are taken.
        loop {
            let candidate = format!("{name}#{count}");
            if taken.insert(candidate.clone()) {
                return candidate;
            }
            *count += 1;
        }
    };
    names.into_iter().map(numbered).collect()
}

/// A JSON string in ASCII only: many programs treat texts in OpenEXR files as single bytes.
fn json_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => {
                let mut units = [0; 2];
                out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    out.push('"');
    out
}

/// The objects that samples of a pixel hit, for ranking.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// Bits of an id, and how many samples hit it.
    counts: Vec<(u32, u32)>,
}

impl Coverage {
    /// Removes everything.
    pub(crate) fn clear(&mut self) {
        self.counts.clear();
    }

    /// Counts one more sample for an object.
    pub(crate) fn add(&mut self, id: f32) {
        let id = id.to_bits();
        match self.counts.iter_mut().find(|(known, _)| *known == id) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((id, 1)),
        }
    }

    /// Pairs of id and coverage over `n_samples` samples, in descending order of coverage, padded with zeros.
    pub(crate) fn ranks(&mut self, n_samples: u32) -> [[f32; 2]; RANKS] {
        // Ties are broken by id, so that the order of samples does not matter.
        self.counts.sort_unstable_by_key(|&(id, count)| (std::cmp::Reverse(count), id));
        let mut ranks = [[0.0; 2]; RANKS];
        for (rank, &(id, count)) in ranks.iter_mut().zip(&self.counts) {
            *rank = [f32::from_bits(id), count as f32 / n_samples as f32];
        }
        ranks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_are_those_of_the_published_function() {
        // From the reference implementation (SMHasher), for every length of the tail.
        for (text, seed, expected) in [
            ("", 0, 0),
            ("", 1, 0x514e_28b7),
            ("", 0xffff_ffff, 0x81f1_6f39),
            ("a", 0, 0x3c25_69b2),
            ("aa", 0, 0x3710_91a9),
            ("abc", 0, 0xb3dd_93fa),
            ("test", 0, 0xba6b_d213),
            ("hello", 0, 0x248b_fa47),
            ("Hello, world!", 0, 0xc036_3e43),
            ("The quick brown fox jumps over the lazy dog", 0, 0x2e4f_f723),
        ] {
            assert_eq!(murmur3_x86_32(text.as_bytes(), seed), expected, "{text:?} with seed {seed:#x}");
        }
    }

    proptest! {
        #[test]
        fn ids_are_normal_floats_one_bit_from_the_hash_at_most(name in ".{0,40}") {
            let id = id(&name);
            prop_assert!(id.is_normal());
            let difference = id.to_bits() ^ murmur3_x86_32(name.as_bytes(), 0);
            prop_assert!(difference == 0 || difference == 1 << 23);
        }

        #[test]
        fn manifests_are_json_in_ascii_that_says_every_name(names in prop::collection::vec(".{0,12}", 0..20)) {
            let manifest = Cryptomatte { name: "CryptoObject", names: &names }.manifest();
            prop_assert!(manifest.is_ascii() && !manifest.contains(|c: char| c.is_ascii_control()));
            let read: BTreeMap<String, String> = serde_json::from_str(&manifest).expect("JSON");
            let expected: BTreeMap<String, String> =
                names.iter().map(|name| (name.clone(), format!("{:08x}", id(name).to_bits()))).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn no_two_names_stay_equal(names in prop::collection::vec("[ab](#[23])?", 0..30)) {
            let found = distinct(names.iter().cloned());
            let set: HashSet<&String> = found.iter().collect();
            prop_assert_eq!(set.len(), names.len());
            prop_assert!(found.iter().zip(&names).all(|(found, name)| found.starts_with(name.as_str())));
        }

        #[test]
        fn ranks_fall_and_add_up_to_what_was_met(met in prop::collection::vec(0_usize..9, 0..64)) {
            let mut coverage = Coverage::default();
            met.iter().for_each(|thing| coverage.add(id(&format!("thing {thing}"))));
            let ranks = coverage.ranks(64);
            prop_assert!(ranks.windows(2).all(|pair| pair[0][1] >= pair[1][1]));
            let mut counts: Vec<usize> = (0..9).map(|i| met.iter().filter(|&&thing| thing == i).count()).collect();
            counts.sort_unstable_by(|a, b| b.cmp(a));
            for (rank, count) in ranks.iter().zip(counts) {
                prop_assert_eq!(rank[1], count as f32 / 64.0);
                prop_assert_eq!(rank[0] == 0.0, count == 0);
            }
        }
    }

    #[test]
    fn attributes_stand_under_the_first_digits_of_the_set_s_own_hash() {
        let names = ["Ring \"A\"\u{2}".to_owned(), "Größe".to_owned()];
        let attributes = Cryptomatte { name: "CryptoObject", names: &names }.attributes();
        let keys: Vec<&str> = attributes.iter().map(|(name, _)| name.as_str()).collect();
        let expected = ["name", "hash", "conversion", "manifest"].map(|entry| format!("cryptomatte/3ae39a5/{entry}"));
        assert_eq!(keys, expected);
        assert!(attributes[3].1.starts_with(r#"{"Gr\u00f6\u00dfe":""#), "{}", attributes[3].1);
    }
}
