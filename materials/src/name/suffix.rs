//! Suffixes that tools add to the name of a copy.
//!
//! | Origin | Suffix |
//! |---|---|
//! | Blender, CATIA | `.001`, `.1` |
//! | Inventor, Fusion | `:3`, `:3:1` |
//! | SOLIDWORKS | `<2>`, `-2` |
//! | three.js | `_2` |
//! | assembly instances | `_AF0` |
//! | Onshape | `_configuration_Standard`, `__configuration_Standard_2` |
//!
//! A suffix may as well be part of the name (`6205-2`), so these are candidates: who strips one must know the rest as a
//! key.

/// Names longer than this were cut by Blender before 5.0, which stored at most this many bytes.
pub(crate) const BLENDER_NAME_BYTES: usize = 63;

/// Suffixes in a row that are taken off at most.
pub(crate) const DEPTH_MAX: usize = 6;

const CONFIGURATION: &str = "_configuration_";

/// `name` without one suffix, for every suffix that it may be read to have; each result is a non-empty prefix of
/// `name`.
pub(crate) fn strip_one(name: &str) -> Vec<&str> {
    let mut shorter: Vec<&str> = Vec::new();
    let mut offer = |rest: &'_ str| {
        let rest = &name[..rest.len()];
        if !rest.trim().is_empty() && !shorter.contains(&rest) {
            shorter.push(rest);
        }
    };
    if let Some(rest) = without_digits(name) {
        if let Some(rest) = rest.strip_suffix(['.', '-', '_']) {
            offer(rest);
        } else if let Some(rest) = rest.strip_suffix("_AF") {
            offer(rest);
        } else if let Some(rest) = rest.strip_suffix(':') {
            offer(rest);
            if let Some(rest) = without_digits(rest).and_then(|rest| rest.strip_suffix(':')) {
                offer(rest);
            }
        }
    }
    if let Some(rest) = name.strip_suffix('>').and_then(without_digits).and_then(|rest| rest.strip_suffix('<')) {
        offer(rest);
    }
    // A configuration's own name may contain the word: offer the readings with the longest and the shortest name.
    for at in [name.find(CONFIGURATION), name.rfind(CONFIGURATION)].into_iter().flatten() {
        if at + CONFIGURATION.len() < name.len() {
            let rest = &name[..at];
            offer(rest.strip_suffix('_').unwrap_or(rest));
        }
    }
    shorter
}

/// `name` without every suffix that it may be read to have.
pub(crate) fn strip_all(name: &str) -> &str {
    let mut rest = name;
    for _ in 0..DEPTH_MAX {
        match strip_one(rest).into_iter().min_by_key(|shorter| shorter.len()) {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    rest
}

/// `text` without the decimal digits at its end; `None` if it ends in none.
fn without_digits(text: &str) -> Option<&str> {
    let rest = text.trim_end_matches(|c: char| c.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern() {
        let none: [&str; 0] = [];
        for (name, shorter) in [
            ("Zahnrad z49.001", &["Zahnrad z49"][..]),
            ("DIN 933 M10x16.1", &["DIN 933 M10x16"]),
            ("Lager 6205:2", &["Lager 6205"]),
            ("ISO 4762 M6x20:3:1", &["ISO 4762 M6x20:3", "ISO 4762 M6x20"]),
            ("Verschlusskappe<1>", &["Verschlusskappe"]),
            ("Verschlusskappe-2", &["Verschlusskappe"]),
            ("Welle_2", &["Welle"]),
            ("Cage_AF1", &["Cage"]),
            ("Bolt_configuration_Long", &["Bolt"]),
            ("Bolt__configuration_Standard_2", &["Bolt__configuration_Standard", "Bolt"]),
            ("A_configuration_B_configuration_C", &["A", "A_configuration_B"]),
            ("DIN 933 M10x16_AF", &none),
            ("WDR 25x52x7", &none),
            ("Cap<>", &none),
            ("Cap<a>", &none),
            ("Bolt_configuration_", &none),
            ("_configuration_x", &none),
            ("42", &none),
            ("-1", &none),
            ("", &none),
        ] {
            assert_eq!(strip_one(name), shorter, "{name}");
        }
    }

    #[test]
    fn several_in_a_row() {
        assert_eq!(strip_all("ISO 4762 M6x20_1.002"), "ISO 4762 M6x20");
        assert_eq!(strip_all("Bolt__configuration_Standard_2"), "Bolt");
        assert_eq!(strip_all("Ring"), "Ring");
    }
}
