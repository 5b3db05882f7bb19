//! Which of the known names may have been meant by one that is not known: for messages to ask, never to act on.
//!
//! Input: what was written, and the names that there are. Output: the likest of them, or the question about them.

use std::collections::BTreeSet;

/// Longer names are not compared: they are neither like others nor easy to read in a message.
const NAME_BYTES_MAX: usize = 128;
/// The least likeness (Jaro and Winkler, 0 to 1) at which a name may have been meant by another.
const LIKENESS_MIN: f64 = 0.8;
/// Most names in one question.
const ASKED_MAX: usize = 3;
/// A shorter beginning says nothing of which name was meant.
const BEGINNING_MIN: usize = 3;
/// A name is mistyped by one character for so many that it has: `csh` is not `zsh`.
const CHARACTERS_PER_SLIP: usize = 4;
/// Pairs of characters that are compared with one list of names, a fraction of a second's work: a file may have any
/// number of names, and a request any number of wrong ones.
const CHARACTER_PAIRS_MAX: usize = 50_000_000;

/// The names that there are, each once.
#[derive(Clone, Debug)]
pub struct KnownNames<S> {
    /// In lower case, and as they are; in the order of the latter.
    names: Vec<(String, S)>,
    /// Pairs of characters that may still be compared.
    pairs_left: usize,
}

impl<S: AsRef<str> + Ord + Clone> KnownNames<S> {
    /// Takes the names in, in any order.
    pub fn new(names: impl IntoIterator<Item = S>) -> Self {
        let is_compared = |name: &S| (1..=NAME_BYTES_MAX).contains(&name.as_ref().len());
        let distinct: BTreeSet<S> = names.into_iter().filter(is_compared).collect();
        let names = distinct.into_iter().map(|name| (name.as_ref().to_lowercase(), name)).collect();
        Self { names, pairs_left: CHARACTER_PAIRS_MAX }
    }

    /// The names that were most likely meant by `wanted`, three at most, the likest first.
    pub fn near(&mut self, wanted: &str) -> Vec<S> {
        if !(1..=NAME_BYTES_MAX).contains(&wanted.len()) {
            return Vec::new();
        }
        let folded = wanted.to_lowercase();
        let mut near: Vec<(f64, &S)> = Vec::new();
        // A name is not the answer to the question about itself.
        for (known, name) in self.names.iter().filter(|(_, name)| name.as_ref() != wanted) {
            // A comparison has a cost of its own, however short the names are.
            let Some(left) = self.pairs_left.checked_sub((folded.len() + 16) * (known.len() + 16)) else { break };
            self.pairs_left = left;
            let likeness = strsim::jaro_winkler(&folded, known);
            if likeness >= LIKENESS_MIN {
                near.push((likeness, name));
            }
        }
        near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        near.into_iter().take(ASKED_MAX).map(|(_, name)| name.clone()).collect()
    }
}

/// The one of `known` that was most likely meant by `word`; `None` where none is like it.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    KnownNames::new(known).near(word).first().copied()
}

/// The one of `known` that `word` shortens, lengthens, separates in another way or mistypes; `None` where none is so
/// close. For the names of commands and options: they are short and alike, so that a likeness says little of them.
pub fn mistyped<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = without_separators(word);
    if !(1..=NAME_BYTES_MAX).contains(&word.len()) {
        return None;
    }
    let close = known.into_iter().filter_map(|name| Some((distance(&word, &without_separators(name))?, name)));
    close.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// Those of `known` that a word is the beginning of, in their order; none where the word says too little.
pub fn begun<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
    let word = without_separators(word);
    let begins = |name: &&str| without_separators(name).starts_with(&word);
    if word.chars().count() < BEGINNING_MIN { Vec::new() } else { known.into_iter().filter(begins).collect() }
}

/// In lower case, without `-` and `_`.
fn without_separators(name: &str) -> String {
    name.to_lowercase().replace(['-', '_'], "")
}

/// How far a word is from a name: first of all whether one begins with the other, then by how many characters they
/// differ. `None` where the name was not meant.
fn distance(word: &str, name: &str) -> Option<(bool, usize)> {
    let (n_word, n_name) = (word.chars().count(), name.chars().count());
    let begins = word.starts_with(name) || name.starts_with(word);
    if word == name || (begins && n_word.min(n_name) >= BEGINNING_MIN) {
        return Some((false, n_word.abs_diff(n_name)));
    }
    let n_wrong = strsim::osa_distance(word, name);
    (n_wrong <= n_word.max(n_name) / CHARACTERS_PER_SLIP).then_some((true, n_wrong))
}

/// The question whether one of these names is meant: ``did you mean `a`, `b` or `c`?``. `None` where there are none.
pub fn did_you_mean<S: AsRef<str>>(near: &[S]) -> Option<String> {
    let (last, others) = near.split_last()?;
    let last = last.as_ref();
    if others.is_empty() {
        return Some(format!("did you mean `{last}`?"));
    }
    let others: Vec<String> = others.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    Some(format!("did you mean {} or `{last}`?", others.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_the_one_that_was_meant() {
        let known = ["hero_dark", "three_point", "front"];
        assert_eq!(nearest("hero_drak", known), Some("hero_dark"));
        assert_eq!(nearest("Three-Point", known), Some("three_point"));
        assert_eq!(nearest("frnt", known), Some("front"));
        assert_eq!(nearest("glass", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"front".repeat(100), known), None);
    }

    #[test]
    fn a_mistyped_name_is_one_that_begins_alike_or_has_few_other_characters() {
        let commands = ["render", "devices", "serve", "template", "sample", "create-key", "revoke-key", "restore"];
        for (word, meant) in [
            ("device", Some("devices")),
            ("templates", Some("template")),
            ("createkey", Some("create-key")),
            ("create_key", Some("create-key")),
            ("Create", Some("create-key")),
            ("revoke", Some("revoke-key")),
            ("rendr", Some("render")),
            ("rednre", None),
            ("list", None),
            ("re", None),
            ("", None),
            ("--", None),
        ] {
            assert_eq!(mistyped(word, commands), meant, "{word}");
        }
        assert_eq!(mistyped("csh", ["bash", "fish", "zsh"]), None);
        assert_eq!(mistyped("list", ["kit"]), None);
        assert_eq!(mistyped("--prot", ["--port", "--print"]), Some("--port"));
        assert_eq!(mistyped("--samples-x", ["--sample", "--samples"]), Some("--samples"), "the nearer beginning");
        assert_eq!(mistyped(&"render".repeat(100), commands), None);
    }

    #[test]
    fn a_beginning_means_every_name_that_goes_on_so() {
        let known = ["amazon_main", "amazon_360", "google", "Amazon-Alt"];
        assert_eq!(begun("amazon", known), ["amazon_main", "amazon_360", "Amazon-Alt"]);
        assert_eq!(begun("goo", known), ["google"]);
        for none in ["", "am", "amazing", "main"] {
            assert_eq!(begun(none, known), [""; 0], "{none}");
        }
    }

    #[test]
    fn names_are_asked_for_once_each_and_three_at_most() {
        let mut known = KnownNames::new(["Ball_04", "Ball_03", "Ball_03", "Ball_02", "Ball_01", "Cage", ""]);
        assert_eq!(known.near("Bal_01"), ["Ball_01", "Ball_02", "Ball_03"]);
        assert_eq!(known.near("Cage"), [""; 0], "a name is not the answer to itself");
        assert_eq!(known.near("cage"), ["Cage"]);
        for (near, question) in [
            (&[][..], None),
            (&["a"], Some("did you mean `a`?")),
            (&["a", "b"], Some("did you mean `a` or `b`?")),
            (&["a", "b", "c"], Some("did you mean `a`, `b` or `c`?")),
        ] {
            assert_eq!(did_you_mean(near).as_deref(), question);
        }
    }

    #[test]
    fn any_number_of_names_costs_bounded_work() {
        let name = |i: usize| format!("{i:0100}");
        let mut known = KnownNames::new((0..100_000).map(name));
        for i in 0..100 {
            known.near(&format!("{i:x>100}"));
        }
        assert!(known.pairs_left < 116 * 116, "{}", known.pairs_left);
    }
}
