//! The values that a setting may have, and what is stored of a value that somebody gives.

use serde_json::Value as Json;

use crate::config::executor::BUILTIN;
use crate::config::report::HIDDEN;
use crate::config::{Settings as Config, is_origin};
use packshot_domain::network::Network;
use packshot_domain::step::StepName;
use packshot_words::Word;

/// Entries of a list, at most.
const LIST_MAX: usize = 100;
/// Bytes of a host name with its port, at most (RFC 1035).
const HOST_BYTES_MAX: usize = 260;
/// Bytes of a token, at most.
const TOKEN_BYTES_MAX: usize = 256;

/// The values that are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of one byte at least.
    Text {
        /// And so many at most.
        bytes_max: usize,
    },
    /// A whole number in a range.
    Whole {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// Yes or no.
    Flag,
    /// A list of host names, each with or without a port.
    Hosts,
    /// A list of addresses and networks.
    Networks,
    /// A list of origins: scheme and host, without a path.
    Origins,
    /// Text that gives access to something. Only its hash is kept, and clients see only whether there is one.
    Token,
    /// An executor: Packshot's own, or one of the settings file.
    Executor,
    /// A list of steps of workflows.
    Steps,
    /// Something that only the settings file has, of this type in JSON.
    OfFile {
        /// The type.
        type_name: &'static str,
    },
}

impl Kind {
    /// What is stored of a value that somebody gives.
    ///
    /// # Errors
    /// What was expected.
    pub fn read(self, given: &Json, config: &Config) -> Result<Json, String> {
        match (self, given) {
            // What is shown instead of a token is not a new token.
            (Self::Token, Json::String(text)) if is_token(text) && text != HIDDEN => Ok(kept_of(text).into()),
            (Self::Token, _) => Err(format!(
                "expected text of 1 to {TOKEN_BYTES_MAX} visible characters without spaces, other than {HIDDEN}"
            )),
            (kind, given) if kind.holds(given, config) => Ok(given.clone()),
            (kind, _) => Err(kind.expected(config)),
        }
    }

    /// Whether a kept value is one of these. What an older version kept, or what named something that the settings file
    /// no longer has, may not be.
    pub fn holds(self, kept: &Json, config: &Config) -> bool {
        match (self, kept) {
            (Self::Text { bytes_max }, Json::String(text)) => {
                (1..=bytes_max).contains(&text.len()) && !text.chars().any(char::is_control)
            }
            (Self::Whole { min, max }, number) => number.as_u64().is_some_and(|number| (min..=max).contains(&number)),
            (Self::Flag, Json::Bool(_)) => true,
            (Self::Hosts, Json::Array(names)) => are_all(names, is_host),
            (Self::Networks, Json::Array(networks)) => are_all(networks, |text| text.parse::<Network>().is_ok()),
            (Self::Origins, Json::Array(origins)) => are_all(origins, |text| !has_gaps(text) && is_origin(text)),
            (Self::Token, Json::String(hash)) => blake3::Hash::from_hex(hash).is_ok(),
            (Self::Steps, Json::Array(names)) => are_all(names, |text| StepName::by_word(text).is_some()),
            (Self::Executor, Json::String(name)) => name == BUILTIN || config.legacy_executors.contains_key(name),
            _ => false,
        }
    }

    fn expected(self, config: &Config) -> String {
        match self {
            Self::Text { bytes_max } => format!("expected text of 1 to {bytes_max} bytes"),
            Self::Whole { min, max } => format!("expected a whole number from {min} to {max}"),
            Self::Flag => "expected true or false".to_owned(),
            Self::Hosts => format!("expected a list of at most {LIST_MAX} host names, such as render.example.com"),
            Self::Networks => {
                format!("expected a list of at most {LIST_MAX} addresses and networks, such as 192.0.2.7 or 10.0.0.0/8")
            }
            Self::Origins => format!("expected a list of at most {LIST_MAX} origins, such as https://shop.example"),
            Self::Token => "expected text".to_owned(),
            Self::Executor => {
                let names = config.legacy_executors.keys().map(String::as_str);
                let names: Vec<&str> = [BUILTIN].into_iter().chain(names).collect();
                format!("expected an executor from the settings file: {}", names.join(" or "))
            }
            Self::Steps => format!("expected a list of steps: {}", StepName::list()),
            Self::OfFile { .. } => "expected in the settings file only".to_owned(),
        }
    }

    /// The name of the type in JSON.
    #[must_use]
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Text { .. } | Self::Token | Self::Executor => "string",
            Self::Whole { .. } => "integer",
            Self::Flag => "boolean",
            Self::Hosts | Self::Networks | Self::Origins | Self::Steps => "array",
            Self::OfFile { type_name } => type_name,
        }
    }

    /// Whether nobody may see the value.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Token)
    }
}

/// What is kept of a token: enough to recognise it, and nothing that opens anything.
pub(super) fn kept_of(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_hex().to_string()
}

fn is_token(text: &str) -> bool {
    (1..=TOKEN_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn are_all(items: &[Json], is_one: impl Fn(&str) -> bool) -> bool {
    items.len() <= LIST_MAX && items.iter().all(|item| item.as_str().is_some_and(&is_one))
}

fn is_host(text: &str) -> bool {
    (1..=HOST_BYTES_MAX).contains(&text.len()) && !has_gaps(text) && !text.contains(['/', '@', '?', '#', ',', '*'])
}

fn has_gaps(text: &str) -> bool {
    text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Sources;

    #[test]
    fn each_kind_takes_its_values_alone() {
        let variables = [("HOME".to_owned(), "/home/u".to_owned())].into();
        let config = Config::from_sources(&Sources { variables, ..Sources::default() }).expect("valid");
        let whole = Kind::Whole { min: 1, max: 4096 };
        for (kind, good, bad) in [
            (whole, json!(1), vec![json!(0), json!(4097), json!(1.5), json!("many"), json!(-1)]),
            (Kind::Text { bytes_max: 3 }, json!("gpu"), vec![json!(""), json!("long"), json!("a\n"), json!(1)]),
            (
                Kind::Hosts,
                json!(["a.example", "b:80", "[::1]"]),
                vec![json!("a"), json!([""]), json!(["a/b"]), json!([1])],
            ),
            (
                Kind::Networks,
                json!(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]),
                vec![json!("127.0.0.1"), json!(["proxy.example"]), json!(["10.0.0.1/8"]), json!(["10.0.0.0/33"])],
            ),
            (Kind::Origins, json!(["https://a.example"]), vec![json!(["a.example"]), json!(["https://a.example/b"])]),
            (Kind::Flag, json!(true), vec![json!("true"), json!(1), json!(null)]),
            (Kind::Steps, json!(["render_turntable", "blender_still"]), vec![json!("notify"), json!(["make_coffee"])]),
            (Kind::Executor, json!("builtin"), vec![json!("maya"), json!(null)]),
        ] {
            assert_eq!(kind.read(&good, &config), Ok(good));
            for value in bad {
                assert!(kind.read(&value, &config).is_err_and(|text| text.starts_with("expected")), "{kind:?} {value}");
            }
        }
        assert!(Kind::OfFile { type_name: "object" }.read(&json!({}), &config).is_err());
    }

    #[test]
    fn t77_a_token_is_kept_as_its_hash() {
        let variables = [("HOME".to_owned(), "/home/u".to_owned())].into();
        let config = Config::from_sources(&Sources { variables, ..Sources::default() }).expect("valid");
        let kept = Kind::Token.read(&json!("long-random-text"), &config).expect("a token");
        assert!(Kind::Token.holds(&kept, &config) && !kept.to_string().contains("random"));
        for value in [json!("***"), json!(""), json!("two words"), json!(7)] {
            assert!(Kind::Token.read(&value, &config).is_err(), "{value}");
        }
    }
}
