//! What an administrator has to say to people (notifications.md §9).

use std::str::FromStr;

use super::{Message, Severity};
use crate::access::Role;
use crate::time::Timestamp;

/// Most characters of a title.
pub const TITLE_CHARS_MAX: usize = 120;
/// Most characters of a body.
pub const BODY_CHARS_MAX: usize = 2_000;

/// Why text is no title or no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {0} characters")]
pub struct InvalidLength(usize);

macro_rules! texts {
    ($($(#[doc = $about:literal])+ $name:ident of $max:ident;)+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidLength;

            fn from_str(text: &str) -> Result<Self, InvalidLength> {
                // What people read has no control characters; without them there may be nothing left.
                let text = Message::new(text.trim());
                let is_fit = (1..=$max).contains(&text.as_str().chars().count());
                if is_fit { Ok(Self(text.as_str().to_owned())) } else { Err(InvalidLength($max)) }
            }
        }
    )+};
}

texts! {
    /// What an announcement is about: 1 to 120 characters.
    Title of TITLE_CHARS_MAX;
    /// What it says: 1 to 2,000 characters.
    Body of BODY_CHARS_MAX;
}

/// What somebody has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAnnouncement {
    /// What it is about.
    pub title: Title,
    /// What it says.
    pub body: Body,
    /// How bad it is.
    pub severity: Severity,
    /// To users with one of these roles.
    pub roles: Vec<Role>,
    /// When people are told; `None`: at once.
    pub starts_at: Option<Timestamp>,
    /// When whoever has not read it need not any more; `None`: never.
    pub ends_at: Option<Timestamp>,
    /// Whether the users of every tenant are told.
    pub all_tenants: bool,
}

/// What people read.
#[must_use]
pub fn message(title: &str, body: &str) -> Message {
    Message::new(&format!("{title}: {body}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n76_an_announcement_has_a_title_and_a_body() {
        assert_eq!("  Wartung\u{1b} \n".parse::<Title>().map(|title| title.0), Ok("Wartung".to_owned()));
        for text in ["", " \u{7} ", &"ä".repeat(TITLE_CHARS_MAX + 1)] {
            assert_eq!(text.parse::<Title>(), Err(InvalidLength(TITLE_CHARS_MAX)), "{text}");
        }
        assert!("ä".repeat(BODY_CHARS_MAX).parse::<Body>().is_ok());
        assert!("ä".repeat(BODY_CHARS_MAX + 1).parse::<Body>().is_err());
        assert_eq!(message("Wartung", "Montag").as_str(), "Wartung: Montag");
    }
}
