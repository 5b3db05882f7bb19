//! Canonical CBOR: RFC 8949 §4.2.1, core deterministic encoding.
//!
//! Reading is as strict as writing: what is read is written again as the same bytes, so that a digest of them is a
//! digest of the value.

use std::cmp::Ordering;

use half::f16;

use super::{Integer, InvalidNumber, Map, Tree};

/// Major types (RFC 8949 §3.1).
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const SIMPLE: u8 = 7;

/// What stands in the low five bits of a head of the major type 7 (RFC 8949 §3.3).
const FALSE: u8 = 20;
const TRUE: u8 = 21;
const NULL: u8 = 22;
const HALF: u8 = 25;
const SINGLE: u8 = 26;
const DOUBLE: u8 = 27;

/// The low five bits of a head without a definite length.
const INDEFINITE: u8 = 31;

/// Arrays and maps in each other that are read, at most: metadata has 16 levels, manifests and events few around it.
const LEVELS_MAX: usize = 64;

/// Bytes that are not the canonical CBOR of a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {fault}")]
pub struct InvalidCbor {
    /// Where the item begins that is at fault, in bytes.
    pub at: usize,
    /// What is wrong there.
    pub fault: CborFault,
}

/// What is wrong with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborFault {
    /// It is not all there.
    #[error("the bytes end inside an item")]
    Truncated,
    /// It follows after the end.
    #[error("bytes follow after the value")]
    Trailing,
    /// It could be written with fewer bytes.
    #[error("a number or a length is not in its shortest form")]
    NotShortest,
    /// Its length is not said.
    #[error("an item has no definite length")]
    Indefinite,
    /// A key stands before one that it should follow, or twice.
    #[error("a key of a map is out of order, or stands twice")]
    KeyOrder,
    /// A key is something else than text.
    #[error("a key of a map is not text")]
    Key,
    /// Text in another encoding.
    #[error("text is not UTF-8")]
    Utf8,
    /// A number that no tree holds.
    #[error("{0}")]
    Number(InvalidNumber),
    /// A byte string, a tag, or a simple value without a meaning.
    #[error("an item is neither a number, text, an array, a map, true, false nor null")]
    Kind,
    /// Too many items in each other.
    #[error("more than {LEVELS_MAX} arrays and maps lie in each other")]
    Levels,
}

pub(super) fn encode(tree: &Tree) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, tree);
    out
}

fn write(out: &mut Vec<u8>, tree: &Tree) {
    match tree {
        Tree::Null => out.push((SIMPLE << 5) | NULL),
        Tree::Bool(value) => out.push((SIMPLE << 5) | if *value { TRUE } else { FALSE }),
        Tree::Integer(value) => write_integer(out, *value),
        Tree::Fraction(value) => write_fraction(out, value.get()),
        Tree::Text(text) => write_text(out, text),
        Tree::Array(items) => {
            write_head(out, ARRAY, items.len() as u64);
            items.iter().for_each(|item| write(out, item));
        }
        Tree::Map(map) => {
            let mut members: Vec<(&String, &Tree)> = map.iter().collect();
            members.sort_by(|(a, _), (b, _)| key_order(a, b));
            write_head(out, MAP, members.len() as u64);
            for (key, value) in members {
                write_text(out, key);
                write(out, value);
            }
        }
    }
}

/// The order of the encodings of two keys: the head of a shorter text is less.
fn key_order(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn write_integer(out: &mut Vec<u8>, value: Integer) {
    let value = value.get();
    let (major, argument) = if value < 0 { (NEGATIVE, -1 - value) } else { (UNSIGNED, value) };
    write_head(out, major, argument.unsigned_abs());
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A major type with its argument in the fewest bytes.
fn write_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    let (info, n_bytes) = match argument {
        0..=23 => {
            out.push(major | bytes[7]);
            return;
        }
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    out.push(major | info);
    out.extend_from_slice(&bytes[8 - n_bytes..]);
}

/// A number in the shortest of the three floats that keeps it.
fn write_fraction(out: &mut Vec<u8>, value: f64) {
    let (half, single) = (f16::from_f64(value), value as f32);
    if half.to_f64() == value {
        out.push((SIMPLE << 5) | HALF);
        out.extend_from_slice(&half.to_bits().to_be_bytes());
    } else if f64::from(single) == value {
        out.push((SIMPLE << 5) | SINGLE);
        out.extend_from_slice(&single.to_be_bytes());
    } else {
        out.push((SIMPLE << 5) | DOUBLE);
        out.extend_from_slice(&value.to_be_bytes());
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<Tree, InvalidCbor> {
    let mut reader = Reader { bytes, at: 0 };
    let tree = reader.item(0)?;
    if reader.at == bytes.len() { Ok(tree) } else { Err(invalid(reader.at, CborFault::Trailing)) }
}

const fn invalid(at: usize, fault: CborFault) -> InvalidCbor {
    InvalidCbor { at, fault }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next `n` bytes.
    fn take(&mut self, n: u64) -> Result<&'a [u8], InvalidCbor> {
        let start = self.at;
        let end = usize::try_from(n).ok().and_then(|n| start.checked_add(n)).filter(|end| *end <= self.bytes.len());
        self.at = end.ok_or(invalid(start, CborFault::Truncated))?;
        Ok(&self.bytes[start..self.at])
    }

    /// The next `n` bytes, at most 8, as a number.
    fn unsigned(&mut self, n: u64) -> Result<u64, InvalidCbor> {
        Ok(self.take(n)?.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    /// A head: its major type and its argument.
    fn head(&mut self) -> Result<(u8, u64), InvalidCbor> {
        let at = self.at;
        let first = self.take(1)?[0];
        let (n_bytes, greatest_shorter) = match first & 31 {
            info @ 0..=23 => return Ok((first >> 5, info.into())),
            24 => (1, 23),
            25 => (2, 0xff),
            26 => (4, 0xffff),
            27 => (8, 0xffff_ffff),
            INDEFINITE => return Err(invalid(at, CborFault::Indefinite)),
            _ => return Err(invalid(at, CborFault::Kind)),
        };
        let argument = self.unsigned(n_bytes)?;
        if argument > greatest_shorter { Ok((first >> 5, argument)) } else { Err(invalid(at, CborFault::NotShortest)) }
    }

    /// An item inside of `levels` arrays and maps.
    fn item(&mut self, levels: usize) -> Result<Tree, InvalidCbor> {
        let at = self.at;
        if self.bytes.get(at).is_some_and(|first| first >> 5 == SIMPLE) {
            return self.simple();
        }
        let (major, argument) = self.head()?;
        let integer = |value: i128| Tree::integer(value).map_err(|fault| invalid(at, CborFault::Number(fault)));
        match major {
            UNSIGNED => integer(argument.into()),
            NEGATIVE => integer(-1 - i128::from(argument)),
            TEXT => self.text(argument).map(Tree::Text),
            ARRAY | MAP if levels == LEVELS_MAX => Err(invalid(at, CborFault::Levels)),
            ARRAY => {
                let items: Result<Vec<Tree>, InvalidCbor> = (0..argument).map(|_| self.item(levels + 1)).collect();
                items.map(Tree::Array)
            }
            MAP => self.map(argument, levels + 1).map(Tree::Map),
            _ => Err(invalid(at, CborFault::Kind)),
        }
    }

    fn text(&mut self, n_bytes: u64) -> Result<String, InvalidCbor> {
        let at = self.at;
        let text = std::str::from_utf8(self.take(n_bytes)?).map_err(|_| invalid(at, CborFault::Utf8))?;
        Ok(text.to_owned())
    }

    fn map(&mut self, n_members: u64, levels: usize) -> Result<Map, InvalidCbor> {
        let mut map = Map::new();
        let mut last: Option<String> = None;
        for _ in 0..n_members {
            let at = self.at;
            let (major, n_bytes) = self.head()?;
            if major != TEXT {
                return Err(invalid(at, CborFault::Key));
            }
            let key = self.text(n_bytes)?;
            if last.is_some_and(|last| key_order(&last, &key) != Ordering::Less) {
                return Err(invalid(at, CborFault::KeyOrder));
            }
            let value = self.item(levels)?;
            map.insert(key.clone(), value);
            last = Some(key);
        }
        Ok(map)
    }

    /// A float, true, false or null.
    fn simple(&mut self) -> Result<Tree, InvalidCbor> {
        let at = self.at;
        let number = match self.take(1)?[0] & 31 {
            FALSE => return Ok(Tree::Bool(false)),
            TRUE => return Ok(Tree::Bool(true)),
            NULL => return Ok(Tree::Null),
            HALF => f16::from_bits(self.unsigned(2)? as u16).to_f64(),
            SINGLE => f64::from(f32::from_bits(self.unsigned(4)? as u32)),
            DOUBLE => f64::from_bits(self.unsigned(8)?),
            INDEFINITE => return Err(invalid(at, CborFault::Indefinite)),
            _ => return Err(invalid(at, CborFault::Kind)),
        };
        let tree = Tree::number(number).map_err(|fault| invalid(at, CborFault::Number(fault)))?;
        // A whole number is written as an integer, so that it differs here as well.
        let is_shortest = encode(&tree) == self.bytes[at..self.at];
        if is_shortest { Ok(tree) } else { Err(invalid(at, CborFault::NotShortest)) }
    }
}
