//! Canonical JSON: RFC 8785 (JCS).

use std::fmt::Write;

use super::Tree;

pub(super) fn write(tree: &Tree) -> String {
    let mut out = String::new();
    write_value(&mut out, tree);
    out
}

fn write_value(out: &mut String, tree: &Tree) {
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Tree::Integer(value) => out.push_str(&value.get().to_string()),
        Tree::Fraction(value) => write_fraction(out, value.get()),
        Tree::Text(text) => write_text(out, text),
        Tree::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                separate(out, i);
                write_value(out, item);
            }
            out.push(']');
        }
        Tree::Map(map) => {
            let mut members: Vec<(&String, &Tree)> = map.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (i, (name, value)) in members.into_iter().enumerate() {
                separate(out, i);
                write_text(out, name);
                out.push(':');
                write_value(out, value);
            }
            out.push('}');
        }
    }
}

fn separate(out: &mut String, i: usize) {
    if i > 0 {
        out.push(',');
    }
}

/// Text with as few escapes as there can be (RFC 8785 §3.2.2.2).
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes all text"),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// A number as ECMAScript writes it (ECMA-262, Number::toString): the fewest digits that are read as the same number,
/// the nearest of them and of two the even one, which the standard library does not promise; without an exponent from
/// 10⁻⁶ on. A number that is not whole has digits after its point, however large it is.
fn write_fraction(out: &mut String, value: f64) {
    let mut buffer = ryu::Buffer::new();
    let shortest = buffer.format_finite(value.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let (whole, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    let padded = [whole, rest].concat();
    let digits = padded.trim_start_matches('0');
    // The value is 0.DIGITS × 10^point.
    let point = exponent + whole.len() as i32 - (padded.len() - digits.len()) as i32;
    if value < 0.0 {
        out.push('-');
    }
    match point {
        1.. => {
            let (whole, rest) = digits.split_at(point as usize);
            out.push_str(&[whole, ".", rest].concat());
        }
        -5..=0 => {
            out.push_str("0.");
            (point..0).for_each(|_| out.push('0'));
            out.push_str(digits);
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            write!(out, "{first}{dot}{rest}e{}", point - 1).expect("a string takes all text");
        }
    }
}
