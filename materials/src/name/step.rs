//! String escapes of STEP files, which some converters pass on undecoded.

use std::borrow::Cow;

/// Decodes `\X2\hhhh…\X0\` (UTF-16), `\X4\hhhhhhhh…\X0\` (UTF-32) and `\X\hh` (ISO 8859-1), ISO 10303-21 section 6.4.3.
///
/// What is not a well-formed escape stays as it is.
pub fn decode_step(name: &str) -> Cow<'_, str> {
    if !name.contains(r"\X") {
        return Cow::Borrowed(name);
    }
    let mut decoded = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(start) = rest.find('\\') {
        decoded.push_str(&rest[..start]);
        rest = &rest[start..];
        match escape(rest) {
            Some((text, length)) => {
                decoded.push_str(&text);
                rest = &rest[length..];
            }
            None => {
                decoded.push('\\');
                rest = &rest[1..];
            }
        }
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// The text of the escape that `rest` begins with, and the length of the escape in bytes.
fn escape(rest: &str) -> Option<(String, usize)> {
    if let Some(body) = rest.strip_prefix(r"\X\") {
        let code = u8::from_str_radix(hex_run(body).get(..2)?, 16).ok()?;
        return Some((char::from(code).to_string(), 5));
    }
    let (body, digits) = match rest.strip_prefix(r"\X2\") {
        Some(body) => (body, 4),
        None => (rest.strip_prefix(r"\X4\")?, 8),
    };
    let hex = hex_run(body);
    if hex.is_empty() || !hex.len().is_multiple_of(digits) || !body[hex.len()..].starts_with(r"\X0\") {
        return None;
    }
    let units = (0..hex.len()).step_by(digits).map(|at| u32::from_str_radix(&hex[at..at + digits], 16).ok());
    let units: Vec<u32> = units.collect::<Option<_>>()?;
    let text = if digits == 4 {
        let units: Vec<u16> = units.into_iter().filter_map(|unit| u16::try_from(unit).ok()).collect();
        String::from_utf16(&units).ok()?
    } else {
        units.into_iter().map(char::from_u32).collect::<Option<String>>()?
    };
    Some((text, 4 + hex.len() + 4))
}

/// The hexadecimal digits that `text` begins with.
fn hex_run(text: &str) -> &str {
    let end = text.bytes().position(|b| !b.is_ascii_hexdigit()).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes() {
        for (raw, decoded) in [
            (r"\X2\00D6\X0\leinf\X2\00FC\X0\llschraube", "Öleinfüllschraube"),
            (r"\X2\00C400D600DC\X0\", "ÄÖÜ"),
            (r"\X2\D83DDD29\X0\", "🔩"),
            (r"\X4\0001F529\X0\", "🔩"),
            (r"Geh\X\E4use", "Gehäuse"),
            (r"\X\E4\X\F6", "äö"),
            // Malformed escapes stay.
            (r"\X2\00D\X0\", r"\X2\00D\X0\"),
            (r"\X2\00D6", r"\X2\00D6"),
            (r"\X2\D83D\X0\", r"\X2\D83D\X0\"),
            (r"\X4\00110000\X0\", r"\X4\00110000\X0\"),
            (r"\X\E", r"\X\E"),
            (r"C:\Xaver\x", r"C:\Xaver\x"),
            (r"\X2\\X0\", r"\X2\\X0\"),
        ] {
            assert_eq!(decode_step(raw), decoded, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn no_panic(name in r"(\\X[024]?\\|[0-9A-F]{1,4}|ä|\PC){0,12}") {
            decode_step(&name);
        }
    }
}
