//! Patterns over names: anchored, token-aware globs and anchored regular expressions, both in linear time.
//!
//! Patterns come from tenants. Length and compiled size are limited, and the engine does not backtrack.

use std::fmt::Write;

use regex::{Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization;

use crate::name::{decode_step, is_separator};

/// Characters of a pattern, at most.
pub const PATTERN_CHARS_MAX: usize = 256;
/// Bytes of a compiled pattern, at most.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// What a pattern is matched against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One name.
    Name,
    /// Names joined by `/`.
    Path,
}

/// A compiled pattern. It always matches a whole name, after STEP escapes are decoded and characters composed (NFC).
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    literal_chars: usize,
}

impl Pattern {
    /// Compiles a glob.
    ///
    /// `*` stands for any text, but not for a part of a word: where it touches a letter or digit, the text it stands
    /// for ends at a separator or another non-word character, or between letters and digits. So `*ring*` matches
    /// `Outer_Ring_2` and not `Spring`, and `Ball*` matches `Ball01` and not `Ballast`. `?` stands for one character,
    /// `[a-c]` and `[!0-9]` for one of a class, `\` takes the next character literally, and a run of separators stands
    /// for any run of them. In a path, only `**` crosses a `/`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the pattern.
    pub fn glob(glob: &str, subject: Subject, case_sensitive: bool) -> Result<Self, String> {
        check_length(glob)?;
        let pieces = parse_glob(&glob.nfc().collect::<String>(), subject)?;
        let literal_chars =
            pieces.iter().filter(|piece| matches!(piece, Piece::Literal(_) | Piece::Separators)).count();
        Self::compile(&glob_regex(&pieces, subject), case_sensitive, literal_chars)
    }

    /// Compiles a regular expression in the syntax of the crate `regex`; it is anchored at both ends.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the expression.
    pub fn regex(expression: &str, case_sensitive: bool) -> Result<Self, String> {
        check_length(expression)?;
        let literal_chars = expression.chars().filter(|c| c.is_alphanumeric()).count();
        // Compiled alone first: `a)(b` would be well-formed inside a group.
        Self::compile(expression, case_sensitive, literal_chars)?;
        Self::compile(&format!("^(?:{expression})$"), case_sensitive, literal_chars)
    }

    fn compile(expression: &str, case_sensitive: bool, literal_chars: usize) -> Result<Self, String> {
        let regex = RegexBuilder::new(expression)
            .case_insensitive(!case_sensitive)
            .dot_matches_new_line(true)
            .size_limit(COMPILED_BYTES_MAX)
            .dfa_size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned())?;
        Ok(Self { regex, literal_chars })
    }

    /// Whether the whole of `name` matches.
    pub fn is_match(&self, name: &str) -> bool {
        self.is_match_subject(&subject(name))
    }

    /// Whether the whole of a text that [`subject`] prepared matches.
    pub(crate) fn is_match_subject(&self, subject: &str) -> bool {
        self.regex.is_match(subject)
    }

    /// How many characters the pattern fixes: of two rules the longer one is the more specific.
    pub(crate) fn literal_chars(&self) -> usize {
        self.literal_chars
    }
}

/// The text of a name that patterns see: without STEP escapes, composed.
pub(crate) fn subject(name: &str) -> String {
    decode_step(name).nfc().collect()
}

fn check_length(pattern: &str) -> Result<(), String> {
    match pattern.chars().count() {
        0 => Err("the pattern is empty".to_owned()),
        n if n > PATTERN_CHARS_MAX => {
            Err(format!("the pattern has {n} characters; at most {PATTERN_CHARS_MAX} are allowed"))
        }
        _ => Ok(()),
    }
}

/// A piece of a glob.
enum Piece {
    Literal(char),
    /// A run of separators.
    Separators,
    /// `?`, or a class already written as one of a regular expression.
    One(String),
    /// `*`; `deep` for `**`.
    Any {
        deep: bool,
    },
}

fn parse_glob(glob: &str, subject: Subject) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        let piece = match c {
            '*' => {
                let mut stars = 1;
                while chars.next_if_eq(&'*').is_some() {
                    stars += 1;
                }
                Piece::Any { deep: stars > 1 || subject == Subject::Name }
            }
            '?' if subject == Subject::Path => Piece::One("[^/]".to_owned()),
            '?' => Piece::One(".".to_owned()),
            '[' => Piece::One(parse_class(&mut chars)?),
            '{' | '}' => {
                return Err(format!("`{c}` has no meaning in a glob; write one rule per alternative, or `\\{c}`"));
            }
            '\\' => Piece::Literal(chars.next().ok_or("a `\\` at the end has nothing after it to match literally")?),
            c if is_fold(c, subject) => {
                while chars.next_if(|&next| is_fold(next, subject)).is_some() {}
                Piece::Separators
            }
            c => Piece::Literal(c),
        };
        pieces.push(piece);
    }
    Ok(pieces)
}

/// Whether a glob folds `c` with its neighbours: separators, but `/` is structure in a path.
fn is_fold(c: char, subject: Subject) -> bool {
    is_separator(c) && !(c == '/' && subject == Subject::Path)
}

/// The rest of a class after its `[`, as a class of a regular expression.
fn parse_class(chars: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut class = "[".to_owned();
    let mut members: Vec<char> = Vec::new();
    for c in chars.by_ref() {
        match c {
            '!' | '^' if members.is_empty() && class == "[" => class.push('^'),
            ']' if !members.is_empty() => {
                for (at, &c) in members.iter().enumerate() {
                    if c == '-' && at > 0 && at + 1 < members.len() {
                        class.push('-');
                    } else {
                        // Every character a class could read as syntax is written as a code point.
                        let _ = write!(class, "\\x{{{:X}}}", u32::from(c));
                    }
                }
                class.push(']');
                return Ok(class);
            }
            c => members.push(c),
        }
    }
    Err("a `[` has no `]`".to_owned())
}

/// What a star touches on one side, as far as word boundaries go.
#[derive(Clone, Copy)]
enum Edge {
    Letter,
    Digit,
    /// An end of the pattern, a separator, punctuation, another wildcard.
    Free,
}

fn edge(piece: Option<&Piece>) -> Edge {
    match piece {
        Some(Piece::Literal(c)) if c.is_numeric() => Edge::Digit,
        Some(Piece::Literal(c)) if c.is_alphanumeric() => Edge::Letter,
        _ => Edge::Free,
    }
}

fn glob_regex(pieces: &[Piece], subject: Subject) -> String {
    let mut expression = "^(?:".to_owned();
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(c) => expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            Piece::Separators if subject == Subject::Path => expression.push_str(r"[\s_.\-]+"),
            Piece::Separators => expression.push_str(r"[\s_./\-]+"),
            Piece::One(class) => expression.push_str(class),
            Piece::Any { deep } => {
                let before = at.checked_sub(1).and_then(|before| pieces.get(before));
                expression.push_str(&star_regex(edge(before), edge(pieces.get(at + 1)), *deep));
            }
        }
    }
    expression.push_str(")$");
    expression
}

/// Text that begins and ends at a boundary of words where the pieces beside it are words.
fn star_regex(before: Edge, after: Edge, deep: bool) -> String {
    let any = if deep { "." } else { "[^/]" };
    let boundary = |edge| match edge {
        Edge::Letter => Some(r"[\W_\d]"),
        Edge::Digit => Some(r"\D"),
        Edge::Free => None,
    };
    let within = |class: &str| if deep { class.to_owned() } else { format!("[{class}&&[^/]]") };
    match (boundary(before), boundary(after)) {
        (None, None) => format!("{any}*"),
        (Some(first), None) => format!("(?:{}{any}*)?", within(first)),
        (None, Some(last)) => format!("(?:{any}*{})?", within(last)),
        (Some(first), Some(last)) => {
            let both = format!("[{first}&&{last}]");
            format!("(?:{}|{}{any}*{})", within(&both), within(first), within(last))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(glob: &str, subject: Subject, name: &str) -> bool {
        Pattern::glob(glob, subject, false).expect(glob).is_match(name)
    }

    #[test]
    fn globs_over_names() {
        for (glob, hits, misses) in [
            ("ring", &["Ring", "RING"][..], &["Outer Ring", "Rings", "ring "][..]),
            (
                "*ring*",
                &["Ring", "Outer_Ring_2", "outer-ring", "Ring01", "(ring)"],
                &["Spring", "Ringfeder", "O_Springs"],
            ),
            ("Ball*", &["Ball", "Ball_01", "Ball01", "Ball.001"], &["Ballast", "Balls", "xBall"]),
            ("6205*", &["6205", "6205-2RS", "6205RS"], &["62051", "16205"]),
            (
                "Outer*Ring",
                &["Outer_Ring", "Outer 3 Ring", "Outer/big/Ring"],
                &["OuterRing", "Outer Spring", "Outers Ring"],
            ),
            ("Ball*01", &["Ball_01", "Ball_x_01"], &["Ball01", "Ball_101"]),
            ("outer ring", &["Outer_Ring", "outer--ring", "OUTER.RING"], &["outerring"]),
            ("Outer_*", &["Outer_Ring", "Outer_"], &["Outer"]),
            ("Ball_0?", &["Ball_01", "ball 0x"], &["Ball_0", "Ball_012"]),
            ("M[68]x20", &["M6x20", "m8X20"], &["M10x20", "M7x20"]),
            ("Cap[!0-9]", &["Capa", "Cap-"], &["Cap1"]),
            ("Cap[]^-]", &["Cap]", "Cap^", "Cap-"], &["Capx"]),
            (r"a\*b", &["a*b"], &["a_b", "ab"]),
            ("Geha\u{308}use*", &["Gehäuse", r"Geh\X2\00E4\X0\use 2"], &["Gehäusedeckel"]),
            ("*", &["", "anything at all"], &[]),
        ] {
            for name in hits {
                assert!(matches(glob, Subject::Name, name), "{glob} should match {name}");
            }
            for name in misses {
                assert!(!matches(glob, Subject::Name, name), "{glob} should not match {name}");
            }
        }
        assert!(!Pattern::glob("Ring", Subject::Name, true).expect("valid").is_match("ring"));
    }

    #[test]
    fn globs_over_paths() {
        for (glob, path, expected) in [
            ("Asm/*", "Asm/Seal", true),
            ("Asm/*", "Asm/Sub/Seal", false),
            ("Asm/**", "Asm/Sub/Seal", true),
            ("**/Seal", "Asm/Sub/Seal", true),
            ("**/Seal", "Asm/Sub/Weal", false),
            ("Asm*/Seal", "Asm_1/Seal", true),
            ("Asm*/Seal", "Asm/Sub/Seal", false),
            ("Asm/Outer ?ing", "Asm/Outer_Ring", true),
            ("Asm?Seal", "Asm/Seal", false),
        ] {
            assert_eq!(matches(glob, Subject::Path, path), expected, "{glob} on {path}");
        }
    }

    #[test]
    fn regular_expressions_are_anchored() {
        let pattern = Pattern::regex("ring|seal_[0-9]+", false).expect("valid");
        assert!(pattern.is_match("Ring") && pattern.is_match("SEAL_12"));
        assert!(!pattern.is_match("Spring") && !pattern.is_match("seal_1x"));
    }

    #[test]
    fn refused_patterns() {
        for glob in ["", "[a", "[]", "a\\", "{a,b}", &"a".repeat(PATTERN_CHARS_MAX + 1)] {
            assert!(Pattern::glob(glob, Subject::Name, false).is_err(), "{glob}");
        }
        for expression in ["(", "a)(b", "[z-a]", r"\w{1000}{1000}", ""] {
            assert!(Pattern::regex(expression, false).is_err(), "{expression}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_glob_or_an_error(glob in r"([*?\[\]!\\a-c1_/ -]|\PC){0,16}", name in r"\PC{0,16}") {
            for subject in [Subject::Name, Subject::Path] {
                if let Ok(pattern) = Pattern::glob(&glob, subject, false) {
                    pattern.is_match(&name);
                }
            }
        }

        #[test]
        fn a_name_without_syntax_matches_itself(name in r"[A-Za-z0-9äöü _.:<>()-]{1,16}") {
            prop_assert!(matches(&name, Subject::Name, &name));
        }
    }
}
