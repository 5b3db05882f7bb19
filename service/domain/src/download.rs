//! Downloads: sets of media assets that are sent as one ZIP to whoever has the ticket (media.md §7).

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use unicode_normalization::UnicodeNormalization;

use super::secret::{NoRandomness, SecretHash, random_text};

/// Characters of a ticket.
const TICKET_LEN: usize = 43;
/// How long a ticket is good for.
pub const TICKET_LIVES: Duration = Duration::from_secs(600);
/// Most files of a set.
pub const FILES_MAX: usize = 5_000;
/// Most bytes of a set: 20 GiB.
pub const BYTES_MAX: u64 = 20 << 30;
/// Most bytes of a name in an archive, without the number of a double: file systems take 255.
const NAME_BYTES_MAX: usize = 240;
/// Where files lie that belong to neither a product nor an order.
const ELSEWHERE: &str = "media";
/// Names that Windows takes for devices, also with an extension; `COM` and `LPT` are followed by a digit.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// What opens a download: 43 random letters and digits. It is a secret, so it is only shown on demand.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket(String);

/// Text that cannot be a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a ticket")]
pub struct InvalidTicket;

impl Ticket {
    /// A new ticket.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] when the operating system has none.
    pub fn generate() -> Result<Self, NoRandomness> {
        random_text(TICKET_LEN).map(Self)
    }

    /// The ticket with this text.
    ///
    /// # Errors
    ///
    /// [`InvalidTicket`] when it does not have the form of one.
    pub fn parse(text: &str) -> Result<Self, InvalidTicket> {
        let is_formed = text.len() == TICKET_LEN && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_formed { Ok(Self(text.to_owned())) } else { Err(InvalidTicket) }
    }

    /// The text, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Its hash, which is stored.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

/// Gives the files of an archive names that unpack everywhere, no two of them the same.
#[derive(Clone, Debug, Default)]
pub struct EntryNames {
    /// In small letters.
    taken: HashSet<String>,
    /// The number that comes next for a name that is taken: counting from the start each time would take the square of
    /// their number.
    next: HashMap<String, u32>,
}

impl EntryNames {
    /// The name of a file: below its product or its order. What is no letter, digit, space, `.`, `_` or `-` becomes
    /// `_`; a name that is there already, whatever the case of its letters, gets ` (2)` before its extension.
    pub fn name(&mut self, product_or_order: Option<&str>, file_name: &str) -> String {
        let folder = segment(product_or_order.unwrap_or(ELSEWHERE));
        let file = segment(file_name);
        let (stem, extension) = match file.rfind('.') {
            Some(at) if at > 0 => file.split_at(at),
            _ => (file.as_str(), ""),
        };
        let plain = format!("{folder}/{stem}{extension}");
        if self.taken.insert(plain.to_lowercase()) {
            return plain;
        }
        let n = self.next.entry(plain.to_lowercase()).or_insert(2);
        loop {
            let name = format!("{folder}/{stem} ({n}){extension}");
            *n += 1;
            if self.taken.insert(name.to_lowercase()) {
                return name;
            }
        }
    }
}

/// One part of a path that every system can unpack.
fn segment(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.nfc() {
        let is_kept = c.is_alphanumeric() || matches!(c, ' ' | '_' | '-') || c == '.' && !name.ends_with('.');
        name.push(if is_kept { c } else { '_' });
    }
    let mut name = shortened(name.trim_start_matches(' '));
    // Windows drops these from the end of a name.
    while let Some(without) = name.strip_suffix(['.', ' ']) {
        name = format!("{without}_");
    }
    if is_device(&name) {
        name.insert(0, '_');
    }
    if name.is_empty() { "_".to_owned() } else { name }
}

/// A name of few enough bytes, with the extension that it had.
fn shortened(name: &str) -> String {
    if name.len() <= NAME_BYTES_MAX {
        return name.to_owned();
    }
    let (stem, extension) = match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= NAME_BYTES_MAX / 4 => name.split_at(at),
        _ => (name, ""),
    };
    let mut end = NAME_BYTES_MAX - extension.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", &stem[..end])
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let is_numbered = |device: &str| {
        let number = stem.strip_prefix(device).unwrap_or_default();
        let mut digits = number.chars();
        matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    };
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.into_iter().any(is_numbered)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn m47_names_are_harmless_and_no_two_are_the_same() {
        let mut names = EntryNames::default();
        for (folder, file, expected) in [
            (Some("P-1"), "a.png", "P-1/a.png"),
            (Some("P-1"), "a.png", "P-1/a (2).png"),
            (Some("P-1"), "A.PNG", "P-1/A (3).PNG"),
            (Some("P-1"), "a (2).png", "P-1/a _2_.png"),
            (Some("P-2"), "a.png", "P-2/a.png"),
            (None, "a.png", "media/a.png"),
            (Some("../x"), "../x", ".__x/.__x"),
            (Some(".."), "..", "._/._"),
            (Some("/etc"), "C:\\x", "_etc/C__x"),
            (Some("P"), "CON.png", "P/_CON.png"),
            (Some("nul"), "com1.tar.gz", "_nul/_com1.tar.gz"),
            (Some("P"), "console.png", "P/console.png"),
            (Some("P"), "a:b?.png", "P/a_b_.png"),
            (Some("P"), "Geha\u{308}use ß Ω.png", "P/Gehäuse ß Ω.png"),
            (Some("P"), "end. .", "P/end. _"),
            (Some(""), "", "_/_"),
        ] {
            assert_eq!(names.name(folder, file), expected, "{file}");
        }
        let long = names.name(None, &format!("{}.png", "ü".repeat(300)));
        assert!(long.len() <= 255 && long.ends_with(".png"), "{long}");
    }

    #[test]
    fn m48_a_ticket_is_43_letters_and_digits_that_nobody_sees_by_chance() {
        let ticket = Ticket::generate().expect("random");
        assert_eq!(ticket.reveal().len(), 43);
        assert_eq!(Ticket::parse(ticket.reveal()).expect("a ticket"), ticket);
        assert_eq!(format!("{ticket:?}"), "Ticket(…)");
        for other in ["", &ticket.reveal()[1..], &format!("{}_", &ticket.reveal()[1..])] {
            assert_eq!(Ticket::parse(other), Err(InvalidTicket), "{other}");
        }
    }

    proptest! {
        #[test]
        fn m47_whatever_files_are_called(parts in prop::collection::vec((".{0,12}", ".{0,12}"), 1..20)) {
            let mut names = EntryNames::default();
            let mut taken = HashSet::new();
            for (folder, file) in &parts {
                let name = names.name(Some(folder), file);
                let segments: Vec<&str> = name.split('/').collect();
                prop_assert_eq!(segments.len(), 2, "{}", name);
                for segment in segments {
                    prop_assert!(!segment.is_empty() && !segment.contains("..") && !is_device(segment), "{}", name);
                    prop_assert!(!segment.ends_with(['.', ' ']), "{}", name);
                    prop_assert!(!segment.contains(|c: char| c.is_control() || "\\:*?\"<>|".contains(c)), "{}", name);
                }
                prop_assert!(taken.insert(name.to_lowercase()), "{}", name);
            }
        }
    }
}
