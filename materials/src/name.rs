//! Names of parts and materials as CAD systems, converters and people write them.
//!
//! Input: a raw name. Output: keys under which equal names meet, or the shorter names that a tool may have added a
//! suffix to. Nothing here guesses: every function is a fixed rewriting (Unicode NFKC: UAX #15; STEP string escapes:
//! ISO 10303-21 section 6.4.3).

use unicode_normalization::UnicodeNormalization;

mod step;
pub(crate) mod suffix;

pub use step::decode_step;

/// The key under which names that differ only in case, composition, separators or STEP escapes are equal.
///
/// STEP escapes are decoded, then NFKC, lower case with ß → ss, and every run of white space, `_`, `-`, `.` and `/`
/// becomes one space; none stays at either end. Idempotent.
pub fn fold(name: &str) -> String {
    let decoded = decode_step(name);
    let mut lower = String::with_capacity(decoded.len());
    for c in decoded.nfkc().flat_map(char::to_lowercase) {
        match c {
            'ß' => lower.push_str("ss"),
            'ς' => lower.push('σ'),
            c => lower.push(c),
        }
    }
    // Lower case can undo composition (İ → i + dot), so compose again.
    let composed: String = lower.nfkc().collect();
    let mut key = String::with_capacity(composed.len());
    for token in composed.split(is_separator).filter(|token| !token.is_empty()) {
        if !key.is_empty() {
            key.push(' ');
        }
        key.push_str(token);
    }
    key
}

/// [`fold`], and ä, ö, ü written as ae, oe, ue: names that differ in nothing but the spelling of umlauts are equal too.
///
/// Two names with equal [`fold`] have equal match keys, so looking up match keys alone covers both.
pub fn match_key(name: &str) -> String {
    let folded = fold(name);
    if !folded.contains(['ä', 'ö', 'ü']) {
        return folded;
    }
    folded.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue")
}

/// Whether `c` separates the tokens of a name.
pub(crate) fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '_' | '-' | '.' | '/')
}

/// Whether a name says nothing: empty, blank, or an automatic label such as `=>[0:1:1:2]` (the entry of an OCAF
/// document that a converter writes for a shape without a name).
pub fn is_unnamed(name: &str) -> bool {
    let name = name.trim();
    let entry = name.strip_prefix("=>[").and_then(|rest| rest.strip_suffix(']'));
    name.is_empty()
        || entry.is_some_and(|entry| {
            entry.split(':').all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
        })
}

/// `text` on one line, for a terminal or a log: without characters that [break](breaks_a_line) it, so that a name in a
/// file cannot forge what is printed.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if breaks_a_line(c) { ' ' } else { c }).collect()
}

/// Whether `c` controls a terminal, breaks a line or turns its direction.
pub fn breaks_a_line(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folding() {
        for (raw, folded) in [
            ("Outer_Ring", "outer ring"),
            ("INNER--RING", "inner ring"),
            (" a _-./\t\u{a0}b ", "a b"),
            ("Gehäusedeckel", "gehäusedeckel"),
            ("Geha\u{308}usedeckel", "gehäusedeckel"),
            ("Ölablaßschraube", "ölablassschraube"),
            ("GROẞ", "gross"),
            ("ΟΔΟΣ", "οδοσ"),
            ("M6×20", "m6×20"),
            ("Ｒｉｎｇ①", "ring1"),
            (r"\X2\00D6\X0\leinf\X2\00FC\X0\llschraube", "öleinfüllschraube"),
            ("6205-2RS", "6205 2rs"),
            ("---", ""),
        ] {
            assert_eq!(fold(raw), folded, "{raw}");
        }
        assert_eq!(match_key("Ölablaßschraube"), match_key("OELABLASSSCHRAUBE"));
        assert_ne!(match_key("Ring"), match_key("Rings"));
    }

    #[test]
    fn automatic_names() {
        for name in ["", "  ", "=>[0:1:1:2]", "=>[0]"] {
            assert!(is_unnamed(name), "{name:?}");
        }
        for name in ["SOLID", "=>[]", "=>[0:a]", "=>[0:1", "0:1:1:2"] {
            assert!(!is_unnamed(name), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(name in r"(\PC|[äöüßẞİſς _\-./\\X]){0,24}") {
            let once = fold(&name);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn match_keys_refine_folding(name in r"\PC{0,24}") {
            prop_assert_eq!(match_key(&fold(&name)), match_key(&name));
        }

        #[test]
        fn logs_stay_on_one_line(name in any::<String>()) {
            prop_assert_eq!(one_line(&name).lines().count(), usize::from(!name.is_empty()));
        }
    }
}
