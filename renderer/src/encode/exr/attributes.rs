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
    fn what_is_cut_short_is_left_alone() {
        let whole = [&[7; 8][..], &attribute("b", b"12"), &attribute("a", b"34"), b"\0"].concat();
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            sort(&mut cut);
            assert_eq!(cut, whole[..length]);
        }
    }
}
