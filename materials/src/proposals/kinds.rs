//! What a part is, by the words that engineers use for it in German and English, and what parts of its kind are usually
//! made of.
//!
//! A word is a whole word of the name or, of five letters and more, the end of one: a `Zylinderschraube` is a screw. Of
//! several words the last says what the part is (`bearing cover`); but a seal or a fastener may be named with the body
//! that it belongs to on either side (`cover gasket`, `Dichtung Deckel`). What comes after `for`, `mit` and the like is
//! another part.

mod fixings;
mod materials;
mod parts;

use std::sync::LazyLock;

use materials::Material;

use crate::library::{Library, LibraryMaterialIdx};
use crate::name::match_key;

/// Words of fewer letters are no ends of longer ones.
const END_LETTERS_MIN: usize = 5;
/// Words after which another part is named.
const RELATIONS: [&str; 19] = [
    "fuer", "mit", "von", "zu", "zum", "zur", "an", "am", "auf", "aus", "in", "im", "zwischen", "for", "with",
    "between", "on", "to", "from",
];
/// What makes several of one.
const PLURALS: [&str; 5] = ["", "s", "n", "en", "e"];
/// How usual the first, the second and the third material of a kind are.
const USUAL: [(f64, &str); 3] = [(1.0, "usually"), (0.75, "often"), (0.6, "sometimes")];
/// Words of a name that are looked at, at most.
const WORDS_MAX: usize = 32;

/// What a part is beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It seals or holds something, and is often named with that.
    Tied,
    /// Others seal or hold it.
    Body,
    /// Neither.
    Other,
}

/// A kind of parts.
#[derive(Debug)]
pub(super) struct PartKind {
    /// It in a sentence: `a retaining ring`.
    name: &'static str,
    role: Role,
    /// Words for it, as match keys have them.
    words: &'static [&'static str],
    /// What it is made of, the most usual first.
    materials: &'static [Material],
}

const fn kind(
    name: &'static str,
    role: Role,
    words: &'static [&'static str],
    materials: &'static [Material],
) -> PartKind {
    PartKind { name, role, words, materials }
}

/// All kinds.
fn kinds() -> impl Iterator<Item = &'static PartKind> {
    fixings::KINDS.iter().chain(parts::KINDS)
}

/// A word of a kind.
struct Entry {
    words: Vec<&'static str>,
    /// All of it in one.
    joined: String,
    kind: &'static PartKind,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let entry = |kind: &'static PartKind, text: &'static str| Entry {
        words: text.split(' ').collect(),
        joined: text.replace(' ', ""),
        kind,
    };
    kinds().flat_map(|kind| kind.words.iter().map(move |text| entry(kind, text))).collect()
});

/// What a part of this name is; `None` where no word says it.
pub(super) fn kind_of(name: &str) -> Option<&'static PartKind> {
    let key = match_key(name);
    let words = key.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(WORDS_MAX);
    let own = words.enumerate().take_while(|(i, word)| *i == 0 || !RELATIONS.contains(word));
    let words: Vec<&str> = own.map(|(_, word)| word).collect();
    let ending_at = |end: usize| {
        let fitting = ENTRIES.iter().filter(|entry| entry.ends(&words[..=end]));
        fitting.max_by_key(|entry| entry.joined.len()).map(|entry| entry.kind)
    };
    let kinds: Vec<&PartKind> = (0..words.len()).filter_map(ending_at).collect();
    let last = *kinds.last()?;
    let tied = kinds.iter().rev().find(|kind| kind.role == Role::Tied).copied();
    Some(tied.filter(|_| last.role == Role::Body).unwrap_or(last))
}

impl Entry {
    /// Whether these words end with it.
    fn ends(&self, words: &[&str]) -> bool {
        let Some((last, before)) = words.split_last() else { return false };
        let [own_before @ .., own] = &self.words[..] else { return false };
        if before.ends_with(own_before) && is_word(last, own) {
            return true;
        }
        let is_end = self.words.len() == 1 && own.chars().count() >= END_LETTERS_MIN;
        let stem = numberless(last);
        is_word(last, &self.joined) || is_end && PLURALS.iter().any(|plural| is_ended(stem, own, plural))
    }
}

/// Whether a word is this one, or several of it, whatever number is put to it.
fn is_word(word: &str, own: &str) -> bool {
    let is_it = |word: &str| PLURALS.iter().any(|plural| word.strip_prefix(own) == Some(plural));
    word == own || is_it(numberless(word))
}

/// Whether a word ends with this one.
fn is_ended(word: &str, own: &str, plural: &str) -> bool {
    word.strip_suffix(plural).is_some_and(|word| word.ends_with(own))
}

/// A word without the digits at its end; one that is a number stays.
fn numberless(word: &str) -> &str {
    let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.is_empty() { word } else { stem }
}

impl PartKind {
    /// The materials of a library that it is usually made of, each with how usual that is, and the reason in words.
    pub(super) fn materials(&self, library: &Library) -> Vec<(LibraryMaterialIdx, f64, String)> {
        let of = |((known, said), (score, often)): (&Material, (f64, &str))| {
            let (idx, _) = library.find(known)?;
            Some((idx, score, format!("{} is {often} {said}", self.name)))
        };
        self.materials.iter().zip(USUAL).filter_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(name: &str) -> Option<&'static str> {
        kind_of(name).map(|kind| kind.name)
    }

    #[test]
    fn f59_the_last_word_says_what_a_part_is() {
        for (name, kind) in [
            ("Zylinderschraube M6x20", Some("a cap screw")),
            ("Schrauben", Some("a screw")),
            ("bearing", Some("a rolling bearing")),
            ("bearing cover", Some("a cover")),
            ("Lagerdeckel links", Some("a cover")),
            ("cover gasket", Some("a gasket")),
            ("Dichtung Deckel 2", Some("a gasket")),
            ("Deckel für Dichtung", Some("a cover")),
            ("Passfeder", Some("a key")),
            ("Feder", Some("a spring")),
            ("Keilriemenscheibe", Some("a belt pulley")),
            ("O-Ring 20x2", Some("an O-ring")),
            ("ORing3", Some("an O-ring")),
            ("DIN 471 - 30", Some("a retaining ring")),
            ("DIN472_52", Some("a retaining ring")),
            ("Part1", None),
            ("", None),
            ("4711", None),
            ("Spring", Some("a spring")),
            ("Springfield", None),
            ("Monkey", None),
        ] {
            assert_eq!(name_of(name), kind, "{name}");
        }
    }

    #[test]
    fn f59_every_word_is_a_match_key_of_one_kind_and_every_material_is_in_the_library() {
        let mut seen = std::collections::BTreeMap::new();
        for kind in kinds() {
            assert!(kind.name.starts_with("a ") || kind.name.starts_with("an "), "{}", kind.name);
            assert!(kind.materials.len() <= USUAL.len() && !kind.words.is_empty(), "{}", kind.name);
            for word in kind.words {
                assert_eq!(match_key(word), **word, "{}", kind.name);
                assert_eq!(seen.insert(*word, kind.name), None, "{word} is a word of two kinds");
            }
            assert_eq!(kind.materials(Library::builtin()).len(), kind.materials.len(), "{}", kind.name);
        }
    }
}
