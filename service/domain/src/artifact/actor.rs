//! Who did what an event says.

use std::fmt;
use std::str::FromStr;

use super::label::Label;
use crate::id::UserId;
use crate::key;

const USER: &str = "user:";
const KEY: &str = "key:";
const SYSTEM: &str = "system";
const LOCAL: &str = "local";

/// Who did what an event says. Its text says which of these it is, and is read as the same actor again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EventActor {
    /// A person who signed in: `user:` and the id.
    User(UserId),
    /// A program with an API key: `key:` and what the key begins with.
    Key(KeyPrefix),
    /// The service itself: `system`.
    System,
    /// Someone on the machine of the installation: `local`.
    Local,
    /// Whoever code in this process says it works for, such as `ops`.
    Named(ActorName),
}

/// What an API key begins with, which may be shown: `pk_` and 8 letters or digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyPrefix(String);

/// The name of an actor that is none of the service's own kinds: a [`Label`] that does not read as one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActorName(Label);

/// Text that names no actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `user:` and an id, `key:` and the beginning of a key, `system`, `local`, or another name of 1 to 200 \
     characters"
)]
pub struct InvalidActor;

impl KeyPrefix {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyPrefix {
    type Err = InvalidActor;

    fn from_str(text: &str) -> Result<Self, InvalidActor> {
        if key::is_prefix(text.as_bytes()) { Ok(Self(text.to_owned())) } else { Err(InvalidActor) }
    }
}

impl ActorName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for ActorName {
    type Err = InvalidActor;

    fn from_str(text: &str) -> Result<Self, InvalidActor> {
        let is_taken = matches!(text, SYSTEM | LOCAL) || text.starts_with(USER) || text.starts_with(KEY);
        match text.parse() {
            Ok(label) if !is_taken => Ok(Self(label)),
            _ => Err(InvalidActor),
        }
    }
}

impl fmt::Display for EventActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "{USER}{user}"),
            Self::Key(prefix) => write!(f, "{KEY}{}", prefix.as_str()),
            Self::System => f.write_str(SYSTEM),
            Self::Local => f.write_str(LOCAL),
            Self::Named(name) => f.write_str(name.as_str()),
        }
    }
}

impl FromStr for EventActor {
    type Err = InvalidActor;

    fn from_str(text: &str) -> Result<Self, InvalidActor> {
        if let Some(id) = text.strip_prefix(USER) {
            id.parse().map(Self::User).map_err(|_| InvalidActor)
        } else if let Some(prefix) = text.strip_prefix(KEY) {
            prefix.parse().map(Self::Key)
        } else {
            match text {
                SYSTEM => Ok(Self::System),
                LOCAL => Ok(Self::Local),
                name => name.parse().map(Self::Named),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_are_read_as_they_are_written() {
        let user = UserId::new();
        let prefix: KeyPrefix = "pk_0aB9zZ12".parse().expect("a prefix");
        for (actor, text) in [
            (EventActor::User(user), format!("user:{user}")),
            (EventActor::Key(prefix), "key:pk_0aB9zZ12".to_owned()),
            (EventActor::System, "system".to_owned()),
            (EventActor::Local, "local".to_owned()),
            (EventActor::Named("ops".parse().expect("a name")), "ops".to_owned()),
        ] {
            assert_eq!(actor.to_string(), text);
            assert_eq!(text.parse(), Ok(actor));
        }
    }

    #[test]
    fn a_name_is_never_taken_for_another_actor() {
        for text in ["", "user:", "user:anna", "key:", "key:pk_0aB9zZ1", "key:pk_0aB9zZ123", "key:xx_0aB9zZ12", "a\nb"]
        {
            assert_eq!(text.parse::<EventActor>(), Err(InvalidActor), "{text:?}");
        }
        for text in ["system", "local", "user:anna", "key:pk_0aB9zZ12"] {
            assert_eq!(text.parse::<ActorName>(), Err(InvalidActor), "{text:?}");
        }
    }
}
