//! The order of attributes in an OpenEXR header.
//!
//! The codec keeps unknown attributes in a hash map and writes them in its order, which changes from run to run.
//! Sorting them by name makes equal files equal; OpenEXR prescribes no order, and its own library sorts too.

/// Bytes of the magic number and the version.
const PREFIX_BYTES: usize = 8;

/// Sorts the attributes of a single-part file by name, in place. Anything that does not look like a header is
/// unchanged.
pub(super) fn sort(file: &mut [u8]) {
    let Some(header) = file.get(PREFIX_BYTES..) else { return };
    let Some(mut attributes) = attributes(header) else { return };
    attributes.sort();
    let sorted = attributes.concat();
    file[PREFIX_BYTES..PREFIX_BYTES + sorted.len()].copy_from_slice(&sorted);
}

/// The names and values of all attributes that are texts. Escapes of characters outside ASCII are undone.
pub(in crate::encode) fn texts(file: &[u8]) -> Vec<(String, String)> {
    let found = file.get(PREFIX_BYTES..).and_then(attributes).unwrap_or_default();
    found.into_iter().filter_map(text).collect()
}

fn text(attribute: &[u8]) -> Option<(String, String)> {
    let mut pieces = attribute.splitn(3, |&b| b == 0);
    let (name, kind, rest) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let value = rest.get(4..).filter(|_| kind == b"string")?;
    Some((String::from_utf8_lossy(name).into_owned(), unescaped(&String::from_utf8_lossy(value))))
}

/// Undoes escapes such as `\u{fc}`; what is none stays as it is.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u{") {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let digits = escape.split_once('}').map(|(begin, _)| &begin[3..]);
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let (character, length) = match (code.and_then(char::from_u32), digits) {
            (Some(c), Some(digits)) => (c, digits.len() + 4),
            _ => ('\\', 1),
        };
        out.push(character);
        rest = &escape[length..];
    }
    out + rest
}

/// The attributes up to the empty name that ends them, each with its name, type, length and value.
fn attributes(header: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    let mut rest = header;
    while *rest.first()? != 0 {
        let name_end = rest.iter().position(|&b| b == 0)?;
        let type_end = name_end + 1 + rest[name_end + 1..].iter().position(|&b| b == 0)?;
        let (length, _) = rest[type_end + 1..].split_first_chunk::<4>()?;
        let end = (type_end + 5).checked_add(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let (attribute, after) = rest.split_at_checked(end)?;
        found.push(attribute);
        rest = after;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, value: &[u8]) -> Vec<u8> {
        [name.as_bytes(), b"\0string\0", &(value.len() as u32).to_le_bytes(), value].concat()
    }

    #[test]
    fn names_are_in_order_and_pixels_stay() {
        let [a, b, c] = [attribute("a", b"zz"), attribute("b", b""), attribute("c", &[0; 9])];
        let mut file = [&[7; 8][..], &c, &a, &b, b"\0pixels"].concat();
        sort(&mut file);
        assert_eq!(file, [&[7; 8][..], &a, &b, &c, b"\0pixels"].concat());
    }

    #[test]
    fn texts_are_read_as_they_were_meant() {
        let number = [&b"n\0int\0"[..], &4_u32.to_le_bytes(), &[1; 4]].concat();
        let file = [&[7; 8][..], &attribute("a", b"Gr\\u{f6}\\u{df}e \\u{ \\u{x} \\"), &number, b"\0pixels"].concat();
        assert_eq!(texts(&file), [("a".to_owned(), "Größe \\u{ \\u{x} \\".to_owned())]);
        assert!(texts(b"").is_empty());
    }

    #[test]
    fn what_is_cut_short_is_left_alone() {
        let whole = [&[7; 8][..], &attribute("b", b"12"), &attribute("a", b"34"), b"\0"].concat();
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            sort(&mut cut);
            assert_eq!(cut, whole[..length]);
        }
    }
}
