//! How alike two names are, 0 to 1. Alike is not the same: nothing is mapped by it, it is for people to choose from.

use crate::name::match_key;

/// The least likeness of names that may well mean the same.
pub(crate) const SCORE_MIN: f64 = 0.82;
/// The most likeness between names whose runs of digits differ: 6205 is not 6206.
pub(crate) const SCORE_MAX_OTHER_DIGITS: f64 = 0.5;
const _: () = assert!(SCORE_MAX_OTHER_DIGITS < SCORE_MIN);
/// The least likeness of a name to one whose words it contains all.
pub(crate) const SCORE_CONTAINED: f64 = 0.9;
/// Digits of a number that says which material is meant.
const GRADE_DIGITS_MIN: usize = 3;
/// A word may be another one mistyped if one character in so many differs.
const CHARACTERS_PER_SLIP: usize = 3;
/// A shorter beginning may be that of any word.
const BEGINNING_MIN: usize = 4;
/// Characters of a name that are compared, at most.
const COMPARED_CHARS_MAX: usize = 128;

/// A name prepared for comparison.
#[derive(Clone, Debug)]
pub(crate) struct Likeness {
    pub(crate) key: String,
    tokens: Vec<String>,
    pub(crate) digits: Vec<String>,
}

impl Likeness {
    pub(crate) fn new(name: &str) -> Self {
        let key: String = match_key(name).chars().take(COMPARED_CHARS_MAX).collect();
        let mut tokens: Vec<String> = key.split(' ').filter(|token| !token.is_empty()).map(str::to_owned).collect();
        tokens.sort_unstable();
        tokens.dedup();
        let digits =
            key.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).map(str::to_owned).collect();
        Self { key, tokens, digits }
    }

    /// The larger of Jaro-Winkler similarity of the keys and the share of characters in common tokens, capped where
    /// the runs of digits differ.
    pub(crate) fn score(&self, other: &Self) -> f64 {
        self.capped(self.uncapped(other), other)
    }

    /// The same, but at least [`SCORE_CONTAINED`] where this name has every word of the other, and the more the more of
    /// this name they are.
    pub(crate) fn score_of_words(&self, other: &Self) -> f64 {
        let contained = || SCORE_CONTAINED + (1.0 - SCORE_CONTAINED) * self.common_tokens(other);
        let contained = if self.contains(other) { contained() } else { 0.0 };
        self.score(other).max(self.capped(contained, other))
    }

    /// The larger of the two likenesses, whatever the digits.
    pub(crate) fn uncapped(&self, other: &Self) -> f64 {
        strsim::jaro_winkler(&self.key, &other.key).max(self.common_tokens(other))
    }

    /// A score, capped where the runs of digits differ.
    pub(crate) fn capped(&self, score: f64, other: &Self) -> f64 {
        if self.digits == other.digits { score } else { score.min(SCORE_MAX_OTHER_DIGITS) }
    }

    /// Whether every word of the other name is one of this, and they say something.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        other.tokens.iter().any(|token| says_something(token))
            && other.tokens.iter().all(|token| self.tokens.contains(token))
    }

    /// Whether both have the same number of a standard, such as 304 of a steel, whatever else they say.
    pub(crate) fn has_grade_of(&self, other: &Self) -> bool {
        let is_grade = |run: &String| run.len() >= GRADE_DIGITS_MIN;
        self.digits == other.digits && self.digits.iter().any(is_grade)
    }

    /// Whether two words may be the same: one mistyped, or the other with more behind it, as German has it. By their
    /// beginning alone, words that have little in common are alike: `Weißblech` and `Weißmetall`. Names of several
    /// words are compared by those, and may.
    pub(crate) fn may_mean(&self, other: &Self) -> bool {
        let (n, n_other) = (self.key.chars().count(), other.key.chars().count());
        let goes_on = self.key.starts_with(&other.key) || other.key.starts_with(&self.key);
        let are_words = self.tokens.len() == 1 && other.tokens.len() == 1;
        !are_words
            || goes_on && n.min(n_other) >= BEGINNING_MIN
            || strsim::osa_distance(&self.key, &other.key) * CHARACTERS_PER_SLIP <= n.max(n_other)
    }

    /// The words that say something.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(String::as_str).filter(|token| says_something(token))
    }

    /// Dice coefficient of the token sets, tokens weighing as much as they have bytes. The order of tokens is free.
    fn common_tokens(&self, other: &Self) -> f64 {
        let weight = |tokens: &[String]| tokens.iter().map(String::len).sum::<usize>();
        let total = weight(&self.tokens) + weight(&other.tokens);
        let common: usize = self.tokens.iter().filter(|token| other.tokens.contains(token)).map(String::len).sum();
        if total == 0 { 0.0 } else { 2.0 * common as f64 / total as f64 }
    }
}

fn says_something(token: &str) -> bool {
    token.chars().filter(|c| c.is_alphabetic()).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f54_likeness() {
        for (a, b, low, high) in [
            ("Steel_Bar", "Steel-Bare", 0.95, 1.0),
            ("Ring Outer", "outer-ring", 1.0, 1.0),
            ("Ring_6205", "Ring 6206", 0.0, 0.5),
            ("Steel", "Steel 304", 0.0, 0.5),
            ("Ring", "Outer_Ring", 0.0, 0.81),
            ("", "Steel", 0.0, 0.0),
        ] {
            let score = Likeness::new(a).score(&Likeness::new(b));
            assert!((low..=high).contains(&score), "{a} and {b}: {score}");
        }
    }

    #[test]
    fn a_grade_says_which_material_and_a_common_beginning_does_not() {
        let of = Likeness::new;
        assert!(of("Steel 304").has_grade_of(&of("AISI 304")) && of("Lack 9005").has_grade_of(&of("RAL 9005")));
        assert!(!of("Steel 304").has_grade_of(&of("AISI 316")) && !of("M8").has_grade_of(&of("Zn8")));
        assert!(!of("Steel").has_grade_of(&of("Stahl")), "without a number");
        for (a, b) in [("Steal", "Steel"), ("Kopper", "Copper"), ("Titan", "Titanium"), ("Messingblech", "Messing")] {
            assert!(of(a).may_mean(&of(b)), "{a} and {b}");
        }
        assert!(!of("Weißblech").may_mean(&of("Weißmetall")));
        assert!(of("Weißes Blech").may_mean(&of("Weißmetall")), "several words are compared by their words");
    }

    #[test]
    fn a_name_contains_the_words_of_another() {
        for (name, word, contains) in [
            ("Deckel Alu gefräst", "Alu", true),
            ("Stahl blank gedreht", "blank Stahl", true),
            ("Stahlwelle", "Stahl", false),
            ("Alu", "Deckel Alu", false),
            ("Ring 6205", "6205", false),
            ("Ring", "", false),
        ] {
            assert_eq!(Likeness::new(name).contains(&Likeness::new(word)), contains, "{name}: {word}");
        }
    }
}
