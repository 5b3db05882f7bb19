//! Signatures of deliveries, as Standard Webhooks 1.0.0 has them: made by the service, verified by receivers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::HeaderMap;
use sha2::Sha256;
use uuid::Uuid;

pub use packshot_domain::webhook::WebhookSecret;

/// The header with the id of a message, which is the same in every attempt.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the time of the attempt, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";
/// How far the time of an attempt may be from the receiver's own, where that says nothing else.
pub const TOLERANCE: Duration = Duration::from_secs(300);
/// What signatures of this version begin with.
const VERSION: &str = "v1,";

/// The id of a message: that of its delivery.
#[must_use]
pub fn message_id(delivery: Uuid) -> String {
    format!("msg_{}", delivery.simple())
}

/// The signatures of a message by these secrets, in their order, as the header has them.
#[must_use]
pub fn sign(id: &str, timestamp: u64, body: &[u8], secrets: &[WebhookSecret]) -> String {
    let signature = |secret: &WebhookSecret| {
        let code = mac(secret, id, &timestamp.to_string(), body).finalize().into_bytes();
        format!("{VERSION}{}", STANDARD.encode(code))
    };
    secrets.iter().map(signature).collect::<Vec<_>>().join(" ")
}

/// Why a message is not to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnverifiedWebhook {
    /// It lacks one of the three headers, or it cannot be read.
    #[error("the header '{0}' is missing")]
    MissingHeader(&'static str),
    /// Its time is no number.
    #[error("the time of the attempt is no whole number of seconds")]
    InvalidTimestamp,
    /// It is too old, or from the future: somebody may repeat it.
    #[error("the time of the attempt is too far from now")]
    TimestampOutOfTolerance,
    /// None of its signatures is by one of the secrets.
    #[error("no signature is by one of the secrets")]
    NoMatchingSignature,
}

impl UnverifiedWebhook {
    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MissingHeader(_) => "missing_header",
            Self::InvalidTimestamp => "invalid_timestamp",
            Self::TimestampOutOfTolerance => "timestamp_out_of_tolerance",
            Self::NoMatchingSignature => "no_matching_signature",
        }
    }
}

/// Verifies that a message is from whoever has one of the secrets, and was sent within `tolerance` of `now`; usually
/// [`TOLERANCE`]. `body` is the body to the byte, before it is parsed.
///
/// Keep the ids ([`ID_HEADER`]) of the messages that were seen for at least the tolerance, and drop those that come
/// again: an attempt whose answer was lost is repeated, and somebody who overheard a message may repeat it too.
///
/// # Errors
/// [`UnverifiedWebhook`].
pub fn verify_webhook(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[WebhookSecret],
    now: SystemTime,
    tolerance: Duration,
) -> Result<(), UnverifiedWebhook> {
    let header = |name: &'static str| {
        let text = headers.get(name).and_then(|value| value.to_str().ok());
        text.ok_or(UnverifiedWebhook::MissingHeader(name))
    };
    let (id, timestamp) = (header(ID_HEADER)?, header(TIMESTAMP_HEADER)?);
    let signatures = header(SIGNATURE_HEADER)?;
    let sent_s: u64 = timestamp.parse().map_err(|_| UnverifiedWebhook::InvalidTimestamp)?;
    // In whole seconds, as the header has them.
    let now_s = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if now_s.abs_diff(sent_s) > tolerance.as_secs() {
        return Err(UnverifiedWebhook::TimestampOutOfTolerance);
    }
    let signatures = signatures.split(' ').filter_map(|entry| STANDARD.decode(entry.strip_prefix(VERSION)?).ok());
    // The comparison takes as long wherever the two differ.
    let is_good = |signature: Vec<u8>| {
        secrets.iter().any(|secret| mac(secret, id, timestamp, body).verify_slice(&signature).is_ok())
    };
    match signatures.into_iter().any(is_good) {
        true => Ok(()),
        false => Err(UnverifiedWebhook::NoMatchingSignature),
    }
}

fn mac(secret: &WebhookSecret, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.key());
    let mut mac = mac.unwrap_or_else(|_| unreachable!("HMAC takes any length"));
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_0193f2c04a7b7c1e9f00aa55cc33ee11";
    const TIMESTAMP: u64 = 1_795_168_800;
    const BODY: &str = "{\"type\":\"order.rendering_complete\",\"timestamp\":\"2026-11-20T10:00:00.000Z\",\
                        \"data\":{\"order_number\":\"ORD-2026-042\"}}";
    const SIGNED: &str = "v1,GfHh8UmSUhwT5gsglWIAiFXgQmj9iK/6mF4+zTl6N4k=";

    fn secret() -> WebhookSecret {
        "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=".parse().expect("a secret")
    }

    fn at(timestamp: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(timestamp)
    }

    /// The result of verifying the message of the contract with some headers changed.
    fn verified(changes: &[(&'static str, Option<&str>)], body: &str, now: u64) -> Result<(), &'static str> {
        let timestamp = TIMESTAMP.to_string();
        let mut headers = HeaderMap::new();
        for (name, value) in [(ID_HEADER, ID), (TIMESTAMP_HEADER, &timestamp), (SIGNATURE_HEADER, SIGNED)] {
            headers.insert(name, value.parse().expect("a value"));
        }
        for (name, value) in changes {
            match value {
                Some(value) => _ = headers.insert(*name, value.parse().expect("a value")),
                None => _ = headers.remove(*name),
            }
        }
        let verified = verify_webhook(&headers, body.as_bytes(), &[secret()], at(now), TOLERANCE);
        verified.map_err(UnverifiedWebhook::code)
    }

    #[test]
    fn n55_the_signature_has_the_value_of_the_contract() {
        assert_eq!(BODY.len(), 113);
        assert_eq!(sign(ID, TIMESTAMP, BODY.as_bytes(), &[secret()]), SIGNED);
        let other = WebhookSecret::generate().expect("randomness");
        let both = sign(ID, TIMESTAMP, BODY.as_bytes(), &[other, secret()]);
        assert!(both.ends_with(&format!(" {SIGNED}")) && both.matches("v1,").count() == 2, "{both}");
        assert_eq!(message_id(Uuid::from_u128(0x0193_f2c0_4a7b_7c1e_9f00_aa55_cc33_ee11)), ID);
    }

    #[test]
    fn n72_only_what_was_signed_lately_is_accepted() {
        assert_eq!(verified(&[], BODY, TIMESTAMP), Ok(()));
        assert_eq!(verified(&[], BODY, TIMESTAMP - 300), Ok(()));
        assert_eq!(verified(&[], BODY, TIMESTAMP + 300), Ok(()));
        for now in [TIMESTAMP - 301, TIMESTAMP + 301] {
            assert_eq!(verified(&[], BODY, now), Err("timestamp_out_of_tolerance"));
        }
        let changed = BODY.replace("042", "043");
        assert_eq!(verified(&[], &changed, TIMESTAMP), Err("no_matching_signature"));
        assert_eq!(verified(&[(ID_HEADER, Some("msg_1"))], BODY, TIMESTAMP), Err("no_matching_signature"));
        let later = (TIMESTAMP + 1).to_string();
        assert_eq!(verified(&[(TIMESTAMP_HEADER, Some(&later))], BODY, TIMESTAMP), Err("no_matching_signature"));
        for header in [ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER] {
            assert_eq!(verified(&[(header, None)], BODY, TIMESTAMP), Err("missing_header"), "{header}");
        }
        assert_eq!(verified(&[(TIMESTAMP_HEADER, Some("soon"))], BODY, TIMESTAMP), Err("invalid_timestamp"));
        let of_other_version = SIGNED.replace("v1,", "v1a,");
        for (signatures, expected) in [
            (of_other_version.clone(), Err("no_matching_signature")),
            (format!("v1,AAAA {SIGNED}"), Ok(())),
            (format!("{of_other_version} v1,!! {SIGNED}"), Ok(())),
            ("v1,".to_owned(), Err("no_matching_signature")),
        ] {
            assert_eq!(verified(&[(SIGNATURE_HEADER, Some(&signatures))], BODY, TIMESTAMP), expected, "{signatures}");
        }
    }
}
