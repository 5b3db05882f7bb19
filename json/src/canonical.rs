//! The canonical form of JSON (RFC 8785, JCS): equal documents are equal bytes, whoever wrote them, so that a digest of
//! the text is a digest of the document.

use serde_json::{Number, Value};

/// The digits of numbers above this many places are written with an exponent.
const PLACES_MAX: i32 = 21;
/// The zeros after the decimal point that are written out; smaller numbers have an exponent.
const ZEROS_MAX: i32 = 6;

/// A document in its canonical form: no white space, members sorted by their names in UTF-16, numbers as ECMAScript
/// writes them. All numbers are taken as doubles, as the standard has it: two integers beyond 2^53 that are one double
/// have one form.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::Array(values) => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_value(value, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (i, (name, value)) in members.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_value(value, out);
            }
            out.push('}');
        }
    }
}

/// A number as ECMAScript's `Number::toString` writes it (ECMA-262, 6.1.6.1.20).
fn number_text(number: &Number) -> String {
    // Every number of a document is a double, or an integer that is rounded to one.
    let value = number.as_f64().unwrap_or(0.0);
    if value == 0.0 {
        return "0".to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    // The shortest digits that read back to the same double, and of two as near the even one, as ECMAScript has it; the
    // standard library rounds such ties up.
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let significant = all.trim_start_matches('0');
    // The value is 0.DIGITS times ten to the power of `point`.
    let point = exponent.parse::<i32>().unwrap_or(0) + whole.len() as i32 - (all.len() - significant.len()) as i32;
    let digits = significant.trim_end_matches('0');
    let n_digits = digits.len() as i32;
    let zeros = |n: i32| "0".repeat(n.max(0) as usize);
    match point {
        _ if n_digits <= point && point <= PLACES_MAX => format!("{sign}{digits}{}", zeros(point - n_digits)),
        _ if 0 < point && point <= PLACES_MAX => {
            let (whole, fraction) = digits.split_at(point as usize);
            format!("{sign}{whole}.{fraction}")
        }
        _ if -ZEROS_MAX < point && point <= 0 => format!("{sign}0.{}{digits}", zeros(-point)),
        _ => {
            let (first, others) = digits.split_at(1);
            let dot = if others.is_empty() { "" } else { "." };
            format!("{sign}{first}{dot}{others}e{:+}", point - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::parse;

    /// The numbers of RFC 8785, appendix B: bits of a double, and its text.
    #[test]
    fn numbers_are_those_of_the_standard() {
        for (bits, text) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(canonical(&Value::from(f64::from_bits(bits))), text, "{bits:016x}");
        }
        assert_eq!(canonical(&json!([56, -7, 1.0, 0.002, 1e30, 4.5])), "[56,-7,1,0.002,1e+30,4.5]");
    }

    /// RFC 8785, 3.2.2 and 3.2.3.
    #[test]
    fn strings_and_members_are_those_of_the_standard() {
        let text = "\u{20ac}$\u{f}\nA'B\"\\\"/";
        assert_eq!(canonical(&json!([text])), "[\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\"/\"]");
        let document = json!({
            "\u{20ac}": "Euro Sign",
            "\r": "Carriage Return",
            "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One",
            "\u{1f600}": "Emoji: Grinning Face",
            "\u{80}": "Control",
            "\u{f6}": "Latin Small Letter O With Diaeresis",
        });
        let expected = concat!(
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",",
            "\"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",",
            "\"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}"
        );
        assert_eq!(canonical(&document), expected);
        assert_eq!(
            canonical(&json!({"b": {"d": [], "c": {}}, "a": [null, true]})),
            r#"{"a":[null,true],"b":{"c":{},"d":[]}}"#
        );
    }

    proptest::proptest! {
        #[test]
        fn numbers_read_back_alike(number: f64) {
            proptest::prop_assume!(number.is_finite());
            let text = canonical(&Value::Array(vec![number.into()]));
            let read = parse(text.as_bytes()).expect("JSON");
            // Zero has no sign in this form.
            proptest::prop_assert_eq!(read[0].as_f64(), Some(number));
            proptest::prop_assert_eq!(canonical(&read), text);
        }
    }
}
