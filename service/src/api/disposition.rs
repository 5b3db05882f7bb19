//! `Content-Disposition` (RFC 6266): what a browser does with a file, and what it calls it.

use axum::http::HeaderValue;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The file is kept, under this name: in ASCII for old programs, and as it is (RFC 8187).
pub(crate) fn attachment(name: &str) -> HeaderValue {
    // Composed, so that a name is the same bytes wherever it was typed.
    let name: String = name.nfc().collect();
    let value = format!("attachment; filename=\"{}\"; filename*=UTF-8''{}", in_ascii(&name), encoded(&name));
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

/// Letters without their marks; what is left of other characters is `_`, as are those that end a quoted text.
fn in_ascii(name: &str) -> String {
    let plain = name.nfd().filter(|c| !is_combining_mark(*c)).map(|c| match c {
        '"' | '\\' | '%' => '_',
        c if c == ' ' || c.is_ascii_graphic() => c,
        _ => '_',
    });
    plain.collect()
}

/// Percent-encoded, but for the characters that RFC 8187 section 3.2.1 allows.
fn encoded(name: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to text does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m29_names_become_one_valid_line() {
        for (name, expected) in [
            ("a.png", "attachment; filename=\"a.png\"; filename*=UTF-8''a.png"),
            ("Gehäuse 1.png", "attachment; filename=\"Gehause 1.png\"; filename*=UTF-8''Geh%C3%A4use%201.png"),
            ("Geha\u{308}use 1.png", "attachment; filename=\"Gehause 1.png\"; filename*=UTF-8''Geh%C3%A4use%201.png"),
            (
                "a\"b\\c\r\nX: y.png",
                "attachment; filename=\"a_b_c__X: y.png\"; filename*=UTF-8''a%22b%5Cc%0D%0AX%3A%20y.png",
            ),
            ("軸受.png", "attachment; filename=\"__.png\"; filename*=UTF-8''%E8%BB%B8%E5%8F%97.png"),
        ] {
            assert_eq!(attachment(name).to_str().expect("ASCII"), expected, "{name:?}");
        }
    }
}
