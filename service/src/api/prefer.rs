//! `Prefer: wait` (RFC 7240): an answer that waits for the end of the work.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, HeaderName};

use super::query::Params;
use crate::renders::media_type;
use packshot_contract::problem::Invalid;
use packshot_pipeline::plan::words::FileFormat;
use packshot_words::Word;

/// The longest wait.
const WAIT_S_MAX: u64 = 300;

/// What was preferred, in the answer.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How long the client wants to wait: by the header or the query parameter, at most 300 s. A header that cannot be
/// parsed is ignored, as RFC 7240 says.
///
/// # Errors
/// `out_of_range` for a parameter that is not a number of seconds.
pub(crate) fn wait(headers: &HeaderMap, params: &Params) -> Result<Option<Duration>, Invalid> {
    let of_query = params.text("wait").map(|text| {
        let seconds = seconds(text);
        seconds.ok_or_else(|| Invalid::one("?wait", "out_of_range", format!("expected 1 to {WAIT_S_MAX} seconds")))
    });
    let of_header = || {
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let mut preferences = values.flat_map(|value| value.split([',', ';'])).filter_map(|one| one.split_once('='));
        let wait = preferences.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"));
        wait.and_then(|(_, value)| seconds(value.trim().trim_matches('"')))
    };
    Ok(of_query.transpose()?.or_else(of_header))
}

fn seconds(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
    let seconds: u64 = is_number.then(|| text.parse().ok()).flatten()?;
    (seconds > 0).then(|| Duration::from_secs(seconds.min(WAIT_S_MAX)))
}

/// What [`PREFERENCE_APPLIED`] says.
pub(crate) fn applied(wait: Duration) -> String {
    format!("wait={}", wait.as_secs())
}

/// Whether the client names this media type among what it accepts. Wildcards do not name it.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = values.flat_map(|value| value.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(media_type));
        let is_refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        is_named && !is_refused
    })
}

/// The formats of pictures whose media types the client names, in its order.
pub(crate) fn pictures(headers: &HeaderMap) -> Vec<FileFormat> {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
    let format_of = |name: &str| {
        let mut formats = FileFormat::ENTRIES.iter().map(|entry| entry.value);
        formats.find(|format| media_type(*format).eq_ignore_ascii_case(name))
    };
    let named = ranges.filter_map(|name| format_of(name.trim()));
    // One that is named in order to be refused has a weight of 0.
    named.filter(|format| accepts(headers, media_type(*format))).collect()
}

/// Whether the client accepts this media type: by name, by a wildcard, or because it names none.
pub(crate) fn could_take(headers: &HeaderMap, media_type: &str) -> bool {
    let family = media_type.split('/').next().unwrap_or_default();
    !headers.contains_key(ACCEPT)
        || accepts(headers, media_type)
        || accepts(headers, "*/*")
        || accepts(headers, &format!("{family}/*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().expect("a value"))])
    }

    #[test]
    fn waits_are_whole_seconds_up_to_300() {
        let of = |value| wait(&headers("prefer", value), &Params::default()).expect("headers never fail");
        for (value, seconds) in [
            ("wait=1", Some(1)),
            ("respond-async, Wait = \"30\"", Some(30)),
            ("wait=9999", Some(300)),
            ("wait=99999999999999999999", None),
            ("wait=0", None),
            ("wait=-1", None),
            ("wait=soon", None),
            ("handling=lenient", None),
        ] {
            assert_eq!(of(value), seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn a_picture_must_be_named() {
        assert!(accepts(&headers("accept", "text/html, image/png;q=0.5"), "image/png"));
        assert!(!accepts(&headers("accept", "*/*"), "image/png"));
        assert!(!accepts(&headers("accept", "image/png;q=0"), "image/png"));
        let named = |accept| pictures(&headers("accept", accept));
        assert_eq!(named("image/webp;q=0.5, Image/JPEG, */*"), [FileFormat::WebP, FileFormat::Jpg]);
        assert!(named("application/json, image/*, image/png;q=0").is_empty());
        assert!(could_take(&headers("accept", "text/*"), "text/event-stream"));
        assert!(!could_take(&headers("accept", "application/json"), "text/event-stream"));
        assert!(could_take(&HeaderMap::new(), "text/event-stream"));
    }
}
