//! Digests that a client declares of the body that it sends: `Content-Digest` (RFC 9530), `X-Content-Address`.

use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::problem::{ApiResult, Code};
use crate::app::AppError;
use packshot_contract::problem::Invalid;
use packshot_domain::hash::{ContentAddress, Sha256Digest};

/// Digests of the body, by their algorithms.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// The BLAKE3 of the body, as the service writes it.
const CONTENT_ADDRESS: HeaderName = HeaderName::from_static("x-content-address");
/// The algorithm that is compared.
const SHA_256: &str = "sha-256";

/// The SHA-256 that `Content-Digest` declares. Other digests beside it are left alone; a header without it is refused,
/// because its sender relies on a comparison that nobody makes.
///
/// # Errors
/// [`Code::UnsupportedDigest`]; `wrong_type` for what is no dictionary of digests.
pub(crate) fn sha256(headers: &HeaderMap) -> ApiResult<Option<Sha256Digest>> {
    let mut found = None;
    let mut is_declared = false;
    for line in headers.get_all(CONTENT_DIGEST) {
        for member in line.to_str().unwrap_or_default().split(',').map(str::trim) {
            is_declared = true;
            let (algorithm, value) = member.split_once('=').unwrap_or((member, ""));
            if algorithm == SHA_256 {
                let wrong = || Invalid::one("?Content-Digest", "wrong_type", "expected sha-256=:…:, in Base64");
                found = Some(of_bytes(value).ok_or_else(wrong)?);
            }
        }
    }
    if is_declared && found.is_none() {
        let detail = "Content-Digest has no sha-256, which is the digest that is compared";
        let help = "declare sha-256=:…: in Content-Digest, or leave the header out";
        return Err(AppError::new(Code::UnsupportedDigest, detail).with_help(help).into());
    }
    Ok(found)
}

/// The hash in a sequence of bytes (RFC 8941 §3.3.5): Base64 between colons. Parameters mean nothing here.
fn of_bytes(value: &str) -> Option<Sha256Digest> {
    let value = value.split(';').next()?.trim_end();
    let bytes = STANDARD.decode(value.strip_prefix(':')?.strip_suffix(':')?).ok()?;
    Some(Sha256Digest::from_hash(bytes.try_into().ok()?))
}

/// The content address that `X-Content-Address` declares.
///
/// # Errors
/// `wrong_type`.
pub(crate) fn address(headers: &HeaderMap) -> ApiResult<Option<ContentAddress>> {
    let Some(value) = headers.get(CONTENT_ADDRESS) else { return Ok(None) };
    let address = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    let wrong = || Invalid::one("?X-Content-Address", "wrong_type", "expected blake3: and 64 hexadecimal digits");
    Ok(Some(address.ok_or_else(wrong)?))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn declared(lines: &[&str]) -> Result<Option<Sha256Digest>, String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_DIGEST, HeaderValue::from_str(line).expect("a value"));
        }
        sha256(&headers).map_err(|error| error.code().to_owned())
    }

    #[test]
    fn a28_the_sha_256_of_a_header_is_found() {
        let digest = Sha256Digest::of_bytes(b"hello");
        let own = digest.field_value();
        assert_eq!(declared(&[]), Ok(None));
        let other = "sha-512=:YWJj:";
        for lines in
            [&[own.as_str()][..], &[other, &own], &[&format!("{other}, {own}")], &[&format!("{own};a=1, {other}")]]
        {
            assert_eq!(declared(lines), Ok(Some(digest)), "{lines:?}");
        }
        for line in [other, "sha256=:YWJj:", "", "SHA-256"] {
            assert_eq!(declared(&[line]), Err("unsupported_digest".to_owned()), "{line}");
        }
        for line in ["sha-256", "sha-256=YWJj", "sha-256=:YWJj:", "sha-256=:%:", &own.replace('=', "=:")] {
            assert_eq!(declared(&[line]), Err("validation_failed".to_owned()), "{line}");
        }
    }

    #[test]
    fn a28_the_address_of_a_header_is_found() {
        let found = |text: &str| {
            let value = HeaderValue::from_str(text).expect("a value");
            address(&HeaderMap::from_iter([(CONTENT_ADDRESS, value)])).map_err(|error| error.code().to_owned())
        };
        let of_bytes = ContentAddress::of(b"hello");
        assert_eq!(address(&HeaderMap::new()).expect("none"), None);
        assert_eq!(found(&of_bytes.to_string()), Ok(Some(of_bytes)));
        for text in ["", "hello", &of_bytes.hex(), &of_bytes.to_string().to_uppercase()] {
            assert_eq!(found(text), Err("validation_failed".to_owned()), "{text}");
        }
    }
}
