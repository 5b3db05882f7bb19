//! Forms of values: as their specifications print them, and nothing else is read.

use proptest::prelude::*;
use serde_json::Value;

use super::{CborFault as F, *};

/// Any tree of few levels.
pub(crate) fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        (-NUMBER_MAX..=NUMBER_MAX).prop_map(|value| Tree::integer(value).expect("in range")),
        (-300..300_i32).prop_map(Tree::from),
        any::<f64>().prop_filter_map("a number of a tree", |value| Tree::number(value).ok()),
        any::<f32>().prop_filter_map("a number of a tree", |value| Tree::number(value.into()).ok()),
        (-4_000..4_000_i32).prop_map(|value| Tree::number(f64::from(value) / 16.0).expect("finite")),
        any::<String>().prop_map(Tree::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::from),
            prop::collection::btree_map(names(), inner, 0..6).prop_map(Tree::from),
        ]
    })
}

/// Names of members, many of them alike at their beginning, and some beyond the Basic Multilingual Plane.
pub(crate) fn names() -> impl Strategy<Value = String> {
    prop_oneof!["[ab\u{e4}\u{ff5e}\u{1f600}\"\\\\]{0,4}", any::<String>()]
}

/// The tree that another reader of JSON sees.
pub(crate) fn of_json(value: &Value) -> Tree {
    match value {
        Value::Null => Tree::Null,
        Value::Bool(value) => Tree::from(*value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Tree::integer(integer).expect("in range"),
            None => Tree::number(number.as_f64().expect("a double")).expect("a number of a tree"),
        },
        Value::String(text) => Tree::from(text.as_str()),
        Value::Array(items) => Tree::Array(items.iter().map(of_json).collect()),
        Value::Object(members) => {
            Tree::Map(members.iter().map(|(name, value)| (name.clone(), of_json(value))).collect())
        }
    }
}

/// Whether every object has its members in the order of RFC 8785 §3.2.3.
pub(crate) fn is_sorted(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(is_sorted),
        Value::Object(members) => {
            let names: Vec<Vec<u16>> = members.keys().map(|name| name.encode_utf16().collect()).collect();
            names.is_sorted() && members.values().all(is_sorted)
        }
        _ => true,
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(digits).collect()
}

fn number(value: f64) -> Tree {
    Tree::number(value).expect("a number of a tree")
}

/// Values of RFC 8949, appendix A, that a tree holds.
#[test]
fn cbor_is_that_of_the_rfc() {
    let integer = |value: i64| Tree::integer(value).expect("in range");
    let members = |names: &str| {
        Tree::Map(names.chars().map(|name| (name.to_string(), Tree::from(name.to_uppercase().to_string()))).collect())
    };
    let numbers = (1..=25_i32).map(Tree::from).collect::<Vec<Tree>>();
    for (hex, tree) in [
        ("00", integer(0)),
        ("17", integer(23)),
        ("1818", integer(24)),
        ("1864", integer(100)),
        ("1903e8", integer(1_000)),
        ("1a000f4240", integer(1_000_000)),
        ("1b000000e8d4a51000", integer(1_000_000_000_000)),
        ("20", integer(-1)),
        ("3863", integer(-100)),
        ("3903e7", integer(-1_000)),
        ("f93e00", number(1.5)),
        ("fb3ff199999999999a", number(1.1)),
        ("f90001", number(5.960_464_477_539_063e-8)),
        ("f90400", number(0.000_061_035_156_25)),
        ("fbc010666666666666", number(-4.1)),
        ("fa3dcccccd", number(f64::from(0.1_f32))),
        ("f4", Tree::from(false)),
        ("f5", Tree::from(true)),
        ("f6", Tree::Null),
        ("60", Tree::from("")),
        ("62225c", Tree::from("\"\\")),
        ("63e6b0b4", Tree::from("水")),
        ("64f0908591", Tree::from("\u{10151}")),
        ("80", Tree::Array(Vec::new())),
        ("98190102030405060708090a0b0c0d0e0f101112131415161718181819", Tree::from(numbers)),
        ("a0", Tree::map([])),
        (
            "a26161016162820203",
            Tree::map([("a", Tree::from(1)), ("b", Tree::from(vec![Tree::from(2), Tree::from(3)]))]),
        ),
        ("a56161614161626142616361436164614461656145", members("abcde")),
    ] {
        assert_eq!(tree.to_cbor(), bytes(hex), "{tree:?}");
        assert_eq!(Tree::from_cbor(&bytes(hex)), Ok(tree));
    }
}

#[test]
fn whole_numbers_are_integers() {
    for (value, text) in
        [(1.0, "1"), (-0.0, "0"), (1e15, "1000000000000000"), (-9_007_199_254_740_991.0, "-9007199254740991")]
    {
        assert_eq!(number(value).to_json(), text);
        assert!(matches!(number(value), Tree::Integer(_)));
    }
    for value in [9_007_199_254_740_992.0, 1e21, -1e300] {
        assert_eq!(Tree::number(value), Err(InvalidNumber::TooLarge));
    }
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Tree::number(value), Err(InvalidNumber::NotFinite));
    }
}

/// Each kind of bytes that mean a value but are not its canonical form, and what means none.
#[test]
fn other_cbor_is_refused() {
    let number = F::Number;
    for (hex, at, fault) in [
        ("", 0, F::Truncated),
        ("18", 1, F::Truncated),
        ("6261", 1, F::Truncated),
        ("8201", 2, F::Truncated),
        ("9bffffffffffffffff", 9, F::Truncated),
        ("7bffffffffffffffff", 9, F::Truncated),
        ("0000", 1, F::Trailing),
        ("1817", 0, F::NotShortest),
        ("1900ff", 0, F::NotShortest),
        ("1a0000ffff", 0, F::NotShortest),
        ("1b00000000ffffffff", 0, F::NotShortest),
        ("8178016161", 1, F::NotShortest),
        ("f93c00", 0, F::NotShortest),
        ("f98000", 0, F::NotShortest),
        ("fa3fc00000", 0, F::NotShortest),
        ("fb3ff8000000000000", 0, F::NotShortest),
        ("5f4101ff", 0, F::Indefinite),
        ("7f6161ff", 0, F::Indefinite),
        ("9f01ff", 0, F::Indefinite),
        ("bf616101ff", 0, F::Indefinite),
        ("ff", 0, F::Indefinite),
        ("a2616201616102", 4, F::KeyOrder),
        ("a2616101616102", 4, F::KeyOrder),
        ("a262616101616202", 5, F::KeyOrder),
        ("a10102", 1, F::Key),
        ("a1f502", 1, F::Key),
        ("61ff", 1, F::Utf8),
        ("1b0020000000000000", 0, number(InvalidNumber::TooLarge)),
        ("3b001fffffffffffff", 0, number(InvalidNumber::TooLarge)),
        ("f97e00", 0, number(InvalidNumber::NotFinite)),
        ("f97c00", 0, number(InvalidNumber::NotFinite)),
        ("fb7e37e43c8800759c", 0, number(InvalidNumber::TooLarge)),
        ("4101", 0, F::Kind),
        ("c001", 0, F::Kind),
        ("f7", 0, F::Kind),
        ("f8ff", 0, F::Kind),
        ("1c", 0, F::Kind),
    ] {
        assert_eq!(Tree::from_cbor(&bytes(hex)), Err(InvalidCbor { at, fault }), "{hex}");
    }
    let nested = |levels: usize| [vec![0x81_u8; levels], vec![0x01]].concat();
    assert_eq!(Tree::from_cbor(&nested(64)).map(|tree| tree.levels()), Ok(64));
    assert_eq!(Tree::from_cbor(&nested(65)), Err(InvalidCbor { at: 64, fault: F::Levels }));
    assert_eq!(Tree::from_cbor(&vec![0x81_u8; 1 << 20]), Err(InvalidCbor { at: 64, fault: F::Levels }));
    let told = InvalidCbor { at: 4, fault: F::KeyOrder }.to_string();
    assert_eq!(told, "byte 4: a key of a map is out of order, or stands twice");
}

/// Numbers of RFC 8785, appendix B, that are not whole, and those around the change of form.
#[test]
fn numbers_are_written_as_ecmascript_writes_them() {
    for (bits, text) in [
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        assert_eq!(number(f64::from_bits(bits)).to_json(), text);
    }
    for (value, text) in [(0.5, "0.5"), (-1.25, "-1.25"), (1e-7, "1e-7"), (1.5e-7, "1.5e-7"), (123.456, "123.456")] {
        assert_eq!(number(value).to_json(), text);
    }
}

/// The examples of RFC 8785 §3.2.2 and §3.2.3.
#[test]
fn text_and_order_are_those_of_jcs() {
    let text = "\u{20ac}$\u{f}\nA'B\"\\\\\"/\u{8}\t\u{c}\r\u{7f}";
    assert_eq!(Tree::from(text).to_json(), "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\t\\f\\r\u{7f}\"");
    let names = ["\u{20ac}", "\r", "\u{fb33}", "1", "\u{1f600}", "\u{80}", "\u{f6}"];
    let tree = Tree::map(names.map(|name| (name, Tree::Null)));
    let json = "{\"\\r\":null,\"1\":null,\"\u{80}\":null,\"\u{f6}\":null,\"\u{20ac}\":null,\"\u{1f600}\":null,\"\u{fb33}\":null}";
    assert_eq!(tree.to_json(), json);
}

#[test]
fn levels_are_counted() {
    let of = |json: &str| of_json(&serde_json::from_str(json).expect("JSON")).levels();
    assert_eq!([of("1"), of("[]"), of("{\"a\":1}"), of("[[],{\"a\":[[1]]}]")], [0, 1, 1, 4]);
}

proptest! {
    #[test]
    fn a_value_has_one_form(tree in trees()) {
        let bytes = tree.to_cbor();
        let again = Tree::from_cbor(&bytes);
        prop_assert_eq!(again.as_ref(), Ok(&tree));
        prop_assert_eq!(again.map(|tree| tree.to_cbor()), Ok(bytes));
        let json: Value = serde_json::from_str(&tree.to_json()).expect("JSON");
        prop_assert!(is_sorted(&json), "{json}");
        prop_assert_eq!(of_json(&json), tree);
    }

    #[test]
    fn whatever_is_read_is_written_so(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
        if let Ok(tree) = Tree::from_cbor(&bytes) {
            prop_assert_eq!(tree.to_cbor(), bytes);
        }
    }

    #[test]
    fn a_changed_byte_is_another_value_or_none(tree in trees(), place in any::<prop::sample::Index>(), mask in 1..=255_u8) {
        let mut bytes = tree.to_cbor();
        let at = place.index(bytes.len());
        bytes[at] ^= mask;
        if let Ok(other) = Tree::from_cbor(&bytes) {
            prop_assert_ne!(&other, &tree);
            prop_assert_eq!(other.to_cbor(), bytes);
        }
    }
}
