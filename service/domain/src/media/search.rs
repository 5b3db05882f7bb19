//! The words by which media assets are found (media.md §5): made here, so that every database finds the same; a
//! database only stores them, and finds those that begin with what is asked for.

use std::collections::BTreeSet;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Most characters of a query.
pub const QUERY_CHARS_MAX: usize = 200;
/// Most tokens of a query.
pub const TOKENS_MAX: usize = 10;
/// Most characters of a word: a query is no longer, and an index of PostgreSQL takes no more than some kilobytes.
const WORD_CHARS_MAX: usize = 200;
/// Most characters of what a list is ordered by.
const ORDER_CHARS_MAX: usize = 400;

/// Latin letters that Unicode does not decompose, as people type them who do not have them.
const LETTERS: [(char, &str); 10] = [
    ('æ', "ae"),
    ('ð', "d"),
    ('ø', "o"),
    ('þ', "th"),
    ('đ', "d"),
    ('ħ', "h"),
    ('ı', "i"),
    ('ł', "l"),
    ('œ', "oe"),
    ('ŧ', "t"),
];

/// NFKC in one case, with all marks.
fn cased(text: &str) -> String {
    // The capitals of ß are SS, and its own capital ẞ is first made small: so every way to write a letter becomes the
    // same.
    let small = text.nfkc().flat_map(char::to_lowercase);
    small.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

/// Without combining marks, and without those that are a part of a letter.
fn unmarked(cased: &str) -> String {
    let mut plain = String::with_capacity(cased.len());
    for c in cased.nfd().filter(|c| !is_combining_mark(*c)) {
        match LETTERS.iter().find(|(letter, _)| *letter == c) {
            Some((_, usual)) => plain.push_str(usual),
            None => plain.push(c),
        }
    }
    plain.nfc().collect()
}

/// Text as it is compared: NFKC, in one case, without combining marks.
#[must_use]
pub fn folded(text: &str) -> String {
    unmarked(&cased(text))
}

/// The longest runs of letters and digits.
fn runs(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty())
}

/// The beginning of a word that is kept.
fn kept(word: &str) -> &str {
    word.char_indices().nth(WORD_CHARS_MAX).map_or(word, |(end, _)| &word[..end])
}

/// The pieces of a word at each change between letters and digits.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let is_digit = rest.chars().next()?.is_numeric();
        let end = rest.find(|c: char| c.is_numeric() != is_digit).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// The words by which what has these texts is found, in order, each once.
pub fn words<'t>(texts: impl IntoIterator<Item = &'t str>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for text in texts {
        let cased = cased(text);
        let mut forms = vec![unmarked(&cased)];
        // How somebody without umlauts on the keyboard writes them.
        if cased.contains(['ä', 'ö', 'ü']) {
            forms.push(unmarked(&cased.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue")));
        }
        for run in forms.iter().flat_map(|form| runs(form)) {
            words.extend([run].into_iter().chain(pieces(run)).map(|word| kept(word).to_owned()));
        }
    }
    words
}

/// What lists are ordered by that are ordered by name: what the texts are without differences of case and marks.
#[must_use]
pub fn order_key(texts: [&str; 2]) -> Vec<u8> {
    let [first, second] = texts.map(folded);
    let key: String = format!("{first}\u{1f}{second}").chars().take(ORDER_CHARS_MAX).collect();
    key.into_bytes()
}

/// What is searched for: each token is to be the beginning of some word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    tokens: Vec<String>,
}

/// Text that is no query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected at most {QUERY_CHARS_MAX} characters with at most {TOKENS_MAX} words")]
pub struct InvalidQuery;

impl Query {
    /// What the words that are looked for begin with: letters and digits alone, in order. There may be none: then
    /// nothing is found.
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }
}

impl FromStr for Query {
    type Err = InvalidQuery;

    fn from_str(text: &str) -> Result<Self, InvalidQuery> {
        if text.chars().count() > QUERY_CHARS_MAX {
            return Err(InvalidQuery);
        }
        let folded = folded(text);
        let mut tokens: Vec<String> = runs(&folded).map(|run| kept(run).to_owned()).collect();
        if tokens.len() > TOKENS_MAX {
            return Err(InvalidQuery);
        }
        tokens.sort_unstable();
        tokens.dedup();
        // A word that begins with `811` also begins with `81`.
        let all = tokens.clone();
        tokens.retain(|token| !all.iter().any(|other| other != token && other.starts_with(token.as_str())));
        Ok(Self { tokens })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(query: &str, texts: &[&str]) -> bool {
        let (words, query) = (words(texts.iter().copied()), query.parse::<Query>().expect("a query"));
        let is_there = |token: &String| words.iter().any(|word| word.starts_with(token.as_str()));
        !query.tokens().is_empty() && query.tokens().iter().all(is_there)
    }

    #[test]
    fn m06_m07_m21_m22_queries_find_what_they_should() {
        let bearing = ["Axial-Zylinderrollenlager 81113-TV", "PIM-0a1b2c3d"];
        for query in
            ["axial", "zylinder", "81113", "811", "81113-TV", "tv 81113", "PIM-0a1b2c3d", "pim 0a1b2c3d", "0a1b"]
        {
            assert!(finds(query, &bearing), "{query}");
        }
        for query in ["rollenlager", "81113 rs", "-", "", "1113", "\"", "*", "\0"] {
            assert!(!finds(query, &bearing), "{query}");
        }
        for (query, name) in [
            ("81113", "F-81113"),
            ("81113", "81113.2"),
            ("81113", "81113-TV"),
            ("205", "NU205"),
            ("6205 2rsr", "6205-2RSR"),
            ("Gehäuse", "Gehäuse"),
            ("gehause", "Gehäuse"),
            ("GEHAEUSE", "Gehäuse"),
            ("geha\u{308}use", "Gehäuse"),
            ("gehäuse", "Geha\u{308}use"),
            ("gehaeuse", "GEHA\u{308}USE"),
            ("strasse", "Straße"),
            ("STRASSE", "straße"),
            ("straße", "STRASSE"),
            ("strasse", "STRAẞE"),
            ("straẞe", "Strasse"),
            ("Ⅻ", "xii"),
            ("ﬁlter", "Filter"),
            ("Σίσυφος", "ΣΙΣΥΦΟΣ"),
            ("подшипник", "Подшипник 7"),
            ("轴承", "轴承座"),
            ("が", "か"),
            ("istanbul", "İstanbul"),
        ] {
            assert!(finds(query, &[name]), "{query} finds {name}");
        }
        for name in ["F-81113", "81113.2", "NU205", "6205-2RSR"] {
            assert!(!finds("1113", &[name]), "{name}");
        }
    }

    #[test]
    fn m17_m23_words_are_letters_and_digits() {
        for text in ["a\"b*c:d", "'; DROP TABLE products;--", "\\ x OR y NEAR(a b)", "NU205 ½ ² 🅐 é", "\0"] {
            let all = words([text]);
            assert!(all.iter().all(|word| !word.is_empty() && word.chars().all(char::is_alphanumeric)), "{all:?}");
        }
        assert_eq!(words(["NU205"]).into_iter().collect::<Vec<_>>(), ["205", "nu", "nu205"]);
        assert_eq!("a ab abc b".parse::<Query>().expect("a query").tokens(), ["abc", "b"]);
        assert_eq!("a b c d e f g h i j k".parse::<Query>(), Err(InvalidQuery));
        assert!("a b c d e f g h i j".parse::<Query>().is_ok());
        assert_eq!("ä".repeat(201).parse::<Query>(), Err(InvalidQuery));
        assert!("ä".repeat(200).parse::<Query>().is_ok());
        // One character may become eighteen: a word has its limit all the same, and so has what is looked for.
        let long = "\u{fdfa}".repeat(200);
        assert!(words([long.as_str()]).iter().all(|word| word.chars().count() <= WORD_CHARS_MAX));
        assert!(finds(&"x".repeat(200), &["x".repeat(255).as_str()]));
    }

    #[test]
    fn names_are_ordered_without_case_and_marks() {
        let mut names = ["b", "Äa", "ab", "B"].map(|name| (order_key([name, "x"]), name));
        names.sort();
        assert_eq!(names.map(|(_, name)| name), ["Äa", "ab", "B", "b"]);
        assert!(order_key(["\u{fdfa}".repeat(200).as_str(), ""]).len() <= 4 * ORDER_CHARS_MAX);
    }
}
