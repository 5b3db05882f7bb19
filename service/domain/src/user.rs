//! Users: e-mail addresses, names, and the passwords that are accepted (tenancy.md §1).

use std::fmt;
use std::str::FromStr;

/// Most characters of an e-mail address (RFC 5321, section 4.5.3.1.3).
const EMAIL_CHARS_MAX: usize = 254;
/// Most characters of a name that people see.
const NAME_CHARS_MAX: usize = 200;
/// Fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Most characters of a password.
pub const PASSWORD_CHARS_MAX: usize = 128;
/// Hashes of common passwords, a line each, sorted; lines that begin with `#` say where they are from.
const COMMON_PASSWORDS: &str = include_str!("user/common_passwords.txt");
/// Digits and signs around a common password that do not make it a good one.
const DECORATION_CHARS_MAX: usize = 4;

/// An e-mail address, as it was given. Two that differ in case alone are the same address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

/// Text that is not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an e-mail address, such as anna@example.com")]
pub struct InvalidEmail;

/// A name that people see: 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DisplayName(String);

/// Text that cannot be shown as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {NAME_CHARS_MAX} characters, none of them a control character")]
pub struct InvalidName;

/// A password as somebody typed it. It is never shown, logged or stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Why a password is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// It has too few characters.
    #[error("it has fewer than {PASSWORD_CHARS_MIN} characters")]
    TooShort,
    /// It has too many characters.
    #[error("it has more than {PASSWORD_CHARS_MAX} characters")]
    TooLong,
    /// It is the user's e-mail address.
    #[error("it is the e-mail address")]
    IsEmail,
    /// It is the user's name.
    #[error("it is the name")]
    IsName,
    /// Many people use it.
    #[error("it is one of the most commonly used passwords")]
    IsCommon,
    /// It is the same character again and again.
    #[error("it is the same character again and again")]
    IsOneCharacter,
}

impl Email {
    /// The address as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What addresses are compared by: the address in lower case.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    /// The form alone is checked; whether mail arrives is not asked.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let (name, host) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let is_whole = !name.is_empty() && !host.is_empty() && text.chars().count() <= EMAIL_CHARS_MAX;
        let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control()) && !name.contains('@');
        if is_whole && is_plain { Ok(Self(text.to_owned())) } else { Err(InvalidEmail) }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl DisplayName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DisplayName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        let is_fit = (1..=NAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if is_fit { Ok(Self(text.to_owned())) } else { Err(InvalidName) }
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Password {
    /// The password with this text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// What was typed, to be hashed.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Why it is not accepted for a user with this address and name; `None` when it is.
    #[must_use]
    pub fn weakness(&self, email: Option<&str>, name: &str) -> Option<Weakness> {
        let folded = self.0.to_lowercase();
        match self.0.chars().count() {
            0..PASSWORD_CHARS_MIN => Some(Weakness::TooShort),
            chars if chars > PASSWORD_CHARS_MAX => Some(Weakness::TooLong),
            _ if email.is_some_and(|email| email.to_lowercase() == folded) => Some(Weakness::IsEmail),
            _ if name.to_lowercase() == folded => Some(Weakness::IsName),
            _ if is_common(&folded) => Some(Weakness::IsCommon),
            _ if repeated_unit(&folded).is_some_and(|unit| unit.chars().count() == 1) => Some(Weakness::IsOneCharacter),
            _ => None,
        }
    }
}

/// Whether a password in lower case is a common one, one with a few digits or signs around it, or one repeated.
fn is_common(folded: &str) -> bool {
    let core = folded.trim_matches(|c: char| !c.is_alphabetic());
    let is_decorated = folded.chars().count() - core.chars().count() <= DECORATION_CHARS_MAX;
    is_listed(folded) || is_decorated && is_listed(core) || repeated_unit(folded).is_some_and(is_listed)
}

/// The text that a text is made of by repeating it.
fn repeated_unit(text: &str) -> Option<&str> {
    let ends = (1..=text.len() / 2).filter(|end| text.len().is_multiple_of(*end) && text.is_char_boundary(*end));
    ends.map(|end| &text[..end]).find(|unit| unit.repeat(text.len() / unit.len()) == text)
}

fn is_listed(folded: &str) -> bool {
    let hash = blake3::hash(folded.as_bytes()).to_hex();
    COMMON_PASSWORDS.lines().any(|line| line == &hash[..16])
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weakness(password: &str) -> Option<Weakness> {
        Password::new(password.to_owned()).weakness(Some("Anna.Long@example.com"), "Anna Longname")
    }

    #[test]
    fn t25_weak_passwords_are_told_apart() {
        assert_eq!(weakness("short"), Some(Weakness::TooShort));
        assert_eq!(weakness("eleven char"), Some(Weakness::TooShort));
        assert_eq!(weakness(&"é".repeat(129)), Some(Weakness::TooLong));
        assert_eq!(weakness("anna.long@EXAMPLE.com"), Some(Weakness::IsEmail));
        assert_eq!(weakness("anna longname"), Some(Weakness::IsName));
        let common = [
            "password1234",
            "Password1234",
            "PASSWORD!!!!",
            "123456789012",
            "qwertyqwerty",
            "abc123abc123",
            "1q2w3e4r5t6y",
        ];
        for common in common {
            assert_eq!(weakness(common), Some(Weakness::IsCommon), "{common}");
        }
        for repeated in [" ".repeat(12), "é".repeat(13), "aA".repeat(8)] {
            assert_eq!(weakness(&repeated), Some(Weakness::IsOneCharacter), "{repeated}");
        }
        let good = ["twelve chars", "password12345x", "monkey-8273-1129", "correct horse battery staple"];
        for good in good.map(str::to_owned).into_iter().chain(["éa".repeat(6), "ab".repeat(64)]) {
            assert_eq!(weakness(&good), None, "{good}");
        }
    }

    #[test]
    fn common_passwords_are_listed_by_sorted_hashes() {
        let lines: Vec<&str> = COMMON_PASSWORDS.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() >= 1000 && lines.is_sorted(), "{}", lines.len());
        assert!(lines.iter().all(|line| line.len() == 16 && line.bytes().all(|byte| byte.is_ascii_hexdigit())));
        assert!(is_listed("123456") && is_listed("password") && !is_listed("correct horse"));
        assert_eq!(repeated_unit("abab"), Some("ab"));
        assert_eq!((repeated_unit("aba"), repeated_unit("é"), repeated_unit("")), (None, None, None));
    }

    #[test]
    fn addresses_have_a_name_and_a_host() {
        for text in ["a@b", "Anna@Example.COM", " a.b+c@d.e ", "\"a\"@b"] {
            assert_eq!(text.parse().map(|email: Email| email.0), Ok(text.trim().to_owned()));
        }
        let long = format!("{}@b", "a".repeat(253));
        for text in ["", "a", "@", "a@", "@b", "a b@c", "a@b c", "a@b@c", "a\n@b", &long] {
            assert_eq!(text.parse::<Email>(), Err(InvalidEmail), "{text}");
        }
        let [upper, lower]: [Email; 2] =
            ["Anna@Example.COM", "anna@example.com"].map(|text| text.parse().expect("valid"));
        assert_eq!(upper.folded(), lower.folded());
    }

    #[test]
    fn names_are_short_and_can_be_shown() {
        assert_eq!(" Anna ".parse().map(|name: DisplayName| name.0), Ok("Anna".to_owned()));
        for text in ["", "  ", "a\u{7}b", &"a".repeat(201)] {
            assert_eq!(text.parse::<DisplayName>(), Err(InvalidName), "{text}");
        }
    }

    #[test]
    fn passwords_do_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", Password::new("hunter2".to_owned())), "Password(…)");
    }
}
