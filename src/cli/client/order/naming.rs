//! Names for the pictures of an order: product, output type and the name of the file, so that no two are the same.

use std::collections::{HashMap, HashSet};

/// What stands between the parts of a name. No part has it within itself, nor begins or ends with half of it.
const BETWEEN: &str = "__";
/// Bytes of a part, at most: three of them, with an ending, two numbers and all that is between, are a name on any
/// system, which ends at 255 bytes. A letter may have four of them.
const PART_BYTES_MAX: usize = 70;
/// Bytes of an ending, at most.
const ENDING_BYTES_MAX: usize = 12;

/// A text as a part of a file's name on any system.
pub(super) fn part(text: &str) -> String {
    short(text, PART_BYTES_MAX)
}

/// The same, with at most so many bytes.
fn short(text: &str, bytes_max: usize) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.+,=@ ()".contains(c);
    let plain: String = text.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    let mut part = plain[..plain.floor_char_boundary(bytes_max)].to_owned();
    while part.contains(BETWEEN) {
        part = part.replace(BETWEEN, "_");
    }
    let part = part.trim_matches(['_', '.', ' ']);
    if part.is_empty() { "-".to_owned() } else { part.to_owned() }
}

/// What the names of the files of each line begin with: its product and its output type. Lines that would begin alike,
/// on a system that does not distinguish capital letters either, have their number in the order too.
pub(super) fn beginnings(lines: &[(String, String)]) -> Vec<String> {
    let plain: Vec<String> =
        lines.iter().map(|(product, output_type)| format!("{}{BETWEEN}{}", part(product), part(output_type))).collect();
    let mut n_of: HashMap<String, usize> = HashMap::new();
    for beginning in &plain {
        *n_of.entry(beginning.to_lowercase()).or_default() += 1;
    }
    let numbered = |(i, beginning): (usize, String)| match n_of[&beginning.to_lowercase()] {
        1 => beginning,
        _ => format!("{beginning}{BETWEEN}{}", i + 1),
    };
    plain.into_iter().enumerate().map(numbered).collect()
}

/// The name of a file of a line, below what those of the line begin with. Its ending stays.
pub(super) fn file(beginning: &str, name: &str) -> String {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && !ending.is_empty() => {
            (stem, format!(".{}", short(ending, ENDING_BYTES_MAX)))
        }
        _ => (name, String::new()),
    };
    format!("{beginning}{BETWEEN}{}{ending}", part(stem))
}

/// A name that no file has yet: with a number where files of a line are called alike on some system.
pub(super) fn free(name: String, taken: &mut HashSet<String>) -> String {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
    let numbered = (2..).map(|n| format!("{stem}{BETWEEN}{n}.{ending}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    names.find(|name| taken.insert(name.to_lowercase())).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn line(product: &str, output_type: &str) -> (String, String) {
        (product.to_owned(), output_type.to_owned())
    }

    #[test]
    fn names_say_what_they_are_and_lead_nowhere() {
        let beginnings = beginnings(&[line("6204-2RS", "Front, weiß"), line("../etc", "a/b")]);
        assert_eq!(beginnings, ["6204-2RS__Front, weiß", "-etc__a-b"]);
        assert_eq!(file(&beginnings[0], "result.png"), "6204-2RS__Front, weiß__result.png");
        assert_eq!(file(&beginnings[1], "views/front_0deg.png"), "-etc__a-b__views-front_0deg.png");
        assert_eq!(file("a__b", ".."), "a__b__-");
        assert_eq!(part("  "), "-");
        let mut taken = HashSet::new();
        let names = ["a.png", "A.PNG", "a.png"].map(|name| free(name.to_owned(), &mut taken));
        assert_eq!(names, ["a.png", "A__2.PNG", "a__3.png"]);
    }

    #[test]
    fn no_two_lines_have_a_name_together() {
        let lines = [
            line("a_", "b"),
            line("a", "_b"),
            line("a", "b"),
            line("A", "B"),
            line("a__b", "c"),
            line("a", "b__c"),
            line("a/b", "c"),
            line("a:b", "c"),
            line(&"x".repeat(80), "c"),
            line(&"x".repeat(90), "c"),
        ];
        let names: Vec<String> = beginnings(&lines).iter().map(|beginning| file(beginning, "c__d.png")).collect();
        let distinct: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(distinct.len(), lines.len(), "{names:?}");
        assert!(names.iter().all(|name| name.len() < 255), "{names:?}");
    }

    #[test]
    fn names_fit_into_a_file_system_in_any_script() {
        assert_eq!(part(&"軸受".repeat(20)), "軸受".repeat(20).chars().take(23).collect::<String>());
        assert_eq!(part(&"Ж".repeat(36)), "Ж".repeat(35));
        for text in ["6204-2RS ", "軸受", "Подшипник ", "𠮷"].map(|text| text.repeat(80)) {
            let beginnings = beginnings(&vec![line(&text, &text); 1000]);
            let mut taken = HashSet::new();
            let file = file(&beginnings[999], &format!("views/{text}.{text}"));
            let names = [(); 12].map(|()| free(file.clone(), &mut taken));
            assert!(names.iter().all(|name| name.len() <= 255 && name.contains("__1000__")), "{names:?}");
            assert_eq!(taken.len(), names.len());
        }
    }
}
