//! What a product is called: the name of the file that it was sent as. People know a job by it; no picture depends on
//! it.

use packshot_materials::name::breaks_a_line;

/// Most bytes of a name.
pub const BYTES_MAX: usize = 255;

/// The name that a job shows of a file: the last part of its path, of either kind of slash, without characters that
/// break a line or control a terminal, at most [`BYTES_MAX`] bytes long. `None` when nothing is left.
///
/// ```
/// use packshot_contract::input_name;
///
/// assert_eq!(input_name::of_file("C:\\exports\\bearing.glb").as_deref(), Some("bearing.glb"));
/// assert_eq!(input_name::of_file("exports/"), None);
/// ```
#[must_use]
pub fn of_file(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let readable: String = last.chars().filter(|c| !breaks_a_line(*c)).collect();
    let whole = readable.trim();
    let name = whole[..whole.floor_char_boundary(BYTES_MAX)].trim_end();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_those_of_files() {
        for (sent, shown) in [
            ("bearing.glb", Some("bearing.glb")),
            ("/home/anna/exports/bearing.glb", Some("bearing.glb")),
            ("C:\\fakepath\\Lager 6204 ü.glb", Some("Lager 6204 ü.glb")),
            ("../../etc/passwd", Some("passwd")),
            ("bear\r\ning\u{1b}[31m\u{202e}.glb\0", Some("bearing[31m.glb")),
            ("  bearing.glb ", Some("bearing.glb")),
            ("exports/", None),
            ("\u{7}\n", None),
            ("", None),
        ] {
            assert_eq!(of_file(sent).as_deref(), shown, "{sent:?}");
        }
    }

    #[test]
    fn long_names_end_between_characters() {
        let name = of_file(&"ü".repeat(200)).expect("a name");
        assert_eq!(name, "ü".repeat(127), "254 bytes: the next character would be the 255th and 256th");
    }

    proptest! {
        #[test]
        fn a_name_is_one_line_of_few_bytes_and_stays_what_it_is(sent in any::<String>()) {
            if let Some(name) = of_file(&sent) {
                prop_assert!(!name.is_empty() && name.len() <= BYTES_MAX && !name.contains(['/', '\\']));
                prop_assert!(!name.contains(breaks_a_line), "{name:?}");
                prop_assert_eq!(of_file(&name), Some(name));
            }
        }
    }
}
