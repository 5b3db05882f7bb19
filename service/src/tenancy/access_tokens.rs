//! Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256.
//!
//! Every good token was made here, so a header is compared and not parsed: it must be, byte for byte, the one that a
//! known key's tokens have. So no token chooses its algorithm or its key, and nothing of it is read before the
//! signature was checked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::credentials::signing_keys::{SigningKey, SigningKeys};
use packshot_domain::access::Role;
use packshot_domain::id::{SessionId, TenantId, UserId};
use packshot_domain::time::Timestamp;

/// Who makes the tokens, and whom they are for.
const PARTY: &str = "packshot";
/// How far clocks may be apart, in milliseconds.
const LEEWAY_MS: i64 = 5_000;
/// No token of ours is longer.
const TOKEN_BYTES_MAX: usize = 2048;
/// No token of ours lives longer, in seconds: the setting `access_token_ttl_s` allows no more.
const LIFE_MAX_S: i64 = 86_400;

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The user.
    pub(crate) user: UserId,
    /// The user's role when the token was made.
    pub(crate) role: Role,
    /// The user's tenant.
    pub(crate) tenant: TenantId,
    /// The session.
    pub(crate) session: SessionId,
    /// When it was made.
    pub(crate) issued_at: Timestamp,
    /// When it expires, to the second.
    pub(crate) expires_at: Timestamp,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// It is not one of ours, or not good yet.
    Invalid,
    /// It was good once.
    Expired,
}

/// The claims as JSON has them (tenancy.md §3).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    sub: Uuid,
    role: String,
    tenant_id: Uuid,
    sid: Uuid,
    jti: Uuid,
    iss: String,
    aud: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Payload {
    /// Whether it begins when it was made, after 1970, and lives as long as tokens may.
    fn has_life_of_ours(&self) -> bool {
        self.iat >= 0 && self.nbf == self.iat && (0..=LIFE_MAX_S).contains(&self.exp.saturating_sub(self.iat))
    }
}

/// A token with these claims.
pub(crate) fn issue(keys: &SigningKeys, claims: Claims) -> String {
    let issued_at = claims.issued_at.unix_ms().div_euclid(1000);
    let payload = Payload {
        sub: claims.user.uuid(),
        role: claims.role.as_str().to_owned(),
        tenant_id: claims.tenant.uuid(),
        sid: claims.session.uuid(),
        jti: Uuid::now_v7(),
        iss: PARTY.to_owned(),
        aud: PARTY.to_owned(),
        iat: issued_at,
        nbf: issued_at,
        exp: claims.expires_at.unix_ms().div_euclid(1000),
    };
    let payload = serde_json::to_vec(&payload).unwrap_or_default();
    let signed = format!("{}.{}", header(keys.current()), URL_SAFE_NO_PAD.encode(payload));
    let signature = mac(keys.current(), &signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What a token says, if it is good at `now`.
///
/// # Errors
/// [`TokenFault`].
pub(crate) fn verify(keys: &SigningKeys, token: &str, now: Timestamp) -> Result<Claims, TokenFault> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenFault::Invalid);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Invalid)?;
    let (shown, payload) = signed.split_once('.').ok_or(TokenFault::Invalid)?;
    let key = keys.good_at(now).find(|key| header(key) == shown).ok_or(TokenFault::Invalid)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenFault::Invalid)?;
    // In constant time.
    mac(key, signed).verify_slice(&signature).map_err(|_| TokenFault::Invalid)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| TokenFault::Invalid)?;
    let payload: Payload = serde_json::from_slice(&payload).map_err(|_| TokenFault::Invalid)?;
    let role = payload.role.parse().map_err(|_| TokenFault::Invalid)?;
    let time = |seconds: i64| Timestamp::from_unix_ms(seconds.saturating_mul(1000));
    if payload.iss != PARTY || payload.aud != PARTY || !payload.has_life_of_ours() {
        return Err(TokenFault::Invalid);
    }
    if time(payload.nbf).unix_ms() > now.unix_ms() + LEEWAY_MS {
        return Err(TokenFault::Invalid);
    }
    if time(payload.exp).unix_ms() + LEEWAY_MS < now.unix_ms() {
        return Err(TokenFault::Expired);
    }
    Ok(Claims {
        user: UserId::from_uuid(payload.sub),
        role,
        tenant: TenantId::from_uuid(payload.tenant_id),
        session: SessionId::from_uuid(payload.sid),
        issued_at: time(payload.iat),
        expires_at: time(payload.exp),
    })
}

/// The header of every token that a key signs, in base64url. The name of a key needs no escapes.
fn header(key: &SigningKey) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"HS256","kid":"{}","typ":"JWT"}}"#, key.kid))
}

fn mac(key: &SigningKey, signed: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.secret).unwrap_or_else(|_| unreachable!("HMAC takes any length"));
    mac.update(signed.as_bytes());
    mac
}

#[cfg(test)]
mod tests;
