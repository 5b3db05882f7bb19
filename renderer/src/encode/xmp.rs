//! XMP packets (ISO 16684-1): in boxes of MP4 and AVIF, and read back.

/// The box of a packet (XMP specification part 3, 1.2.7).
const UUID: [u8; 16] = [0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac];
/// Bytes of a box's length and name.
const HEADER_BYTES: usize = 8;

/// A packet as a box of ISO/IEC 14496-12.
pub(super) fn boxed(packet: &[u8]) -> Vec<u8> {
    // A packet has a few hundred bytes.
    let length = (HEADER_BYTES + UUID.len() + packet.len()) as u32;
    [&length.to_be_bytes()[..], b"uuid", &UUID, packet].concat()
}

/// The packet of a file of boxes, up to the first that is cut short.
pub(super) fn in_boxes(file: &[u8]) -> Option<&[u8]> {
    let mut rest = file;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (name, content) = after.split_first_chunk::<4>()?;
        // 1: the length follows in eight bytes; 0: the box ends with the file.
        let length = match u32::from_be_bytes(*length) {
            0 => rest.len(),
            1 => usize::try_from(u64::from_be_bytes(*content.first_chunk::<8>()?)).ok()?,
            length => length as usize,
        };
        if length < HEADER_BYTES {
            return None;
        }
        let (whole, others) = rest.split_at_checked(length)?;
        if name == b"uuid"
            && let Some(packet) = whole[HEADER_BYTES..].strip_prefix(&UUID)
        {
            return Some(packet);
        }
        rest = others;
    }
}

/// The value of an attribute of the packet that [`Provenance::xmp`](super::Provenance::xmp) writes: its name with the
/// prefix of its namespace.
pub(super) fn member(packet: &str, name: &str) -> Option<String> {
    let begin = format!(" {name}=\"");
    let after = &packet[packet.find(&begin)? + begin.len()..];
    let value = &after[..after.find('"')?];
    // The ampersand last, or an escaped escape would be undone twice.
    Some(value.replace("&lt;", "<").replace("&quot;", "\"").replace("&gt;", ">").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_found_behind_other_boxes() {
        let other = [&12_u32.to_be_bytes()[..], b"free", &[7; 4]].concat();
        let large = [&1_u32.to_be_bytes()[..], b"mdat", &20_u64.to_be_bytes(), &[7; 4]].concat();
        let last = [&0_u32.to_be_bytes()[..], b"free", &[7; 9]].concat();
        assert_eq!(in_boxes(&[&other[..], &large, &boxed(b"<x/>"), &last].concat()), Some(&b"<x/>"[..]));
        assert_eq!(in_boxes(&[&other[..], &last].concat()), None);
        assert_eq!(in_boxes(&boxed(b"<x/>")[..20]), None, "cut short");
        assert_eq!(in_boxes(&[0, 0, 0, 3, b'f', b'r', b'e', b'e']), None, "shorter than its header");
    }

    #[test]
    fn members_are_unescaped_once() {
        let packet = "<rdf:Description a:seed=\"7\" a:library=\"&amp;lt; &lt;&quot;\"/>";
        assert_eq!(member(packet, "a:library").as_deref(), Some("&lt; <\""));
        assert_eq!(member(packet, "a:seed").as_deref(), Some("7"));
        assert_eq!(member(packet, "a:see"), None);
    }
}
