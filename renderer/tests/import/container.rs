//! The container, the JSON text and addresses.

use serde_json::json;

use crate::glb::{Glb, chunk, container, refusal};

#[test]
fn every_truncation_is_refused_and_never_as_something_else() {
    let bytes = Glb::square().bytes();
    for length in 0..bytes.len() {
        let refusal = refusal(&bytes[..length]);
        assert!(refusal.starts_with("glb.truncated byte "), "{length}: {refusal}");
    }
}

#[test]
fn container_faults_name_their_byte() {
    let glb = Glb::square();
    let bytes = glb.bytes();
    let with = |at: usize, word: u32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        bytes
    };
    let appended = |kind: &[u8; 4]| {
        let mut bytes = bytes.clone();
        bytes.extend(chunk(kind, b"{}", b' '));
        let length = bytes.len() as u32;
        bytes[8..12].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    let end = bytes.len();
    let cases = [
        (b"".to_vec(), "glb.truncated byte 0".to_owned()),
        (b"solid cube".to_vec(), "glb.header byte 0".to_owned()),
        (with(4, 1), "glb.version byte 4".to_owned()),
        (with(8, 11), "glb.header byte 8".to_owned()),
        (with(8, u32::MAX), "glb.truncated byte 8".to_owned()),
        (with(12, u32::MAX), "glb.chunk byte 12".to_owned()),
        (with(16, 0x004E_4942), "glb.chunk byte 16".to_owned()),
        (appended(b"JSON"), format!("glb.chunk byte {end}")),
        (appended(b"BIN\0"), format!("glb.chunk byte {end}")),
        (appended(b"NEWS"), "loads".to_owned()),
    ];
    for (bytes, expected) in cases {
        assert_eq!(refusal(&bytes), expected);
    }
}

#[test]
fn json_faults_name_their_byte_in_the_file() {
    let document = Glb::square().document().to_string();
    let cases: [(&str, &str); 17] = [
        ("{", "glb.json byte 1"),
        (r#"{"a":1,}"#, "glb.json byte 7"),
        (r#"{"a" 1}"#, "glb.json byte 5"),
        (r#"{"a":01}"#, "glb.json byte 6"),
        (r#"{"a":+1}"#, "glb.json byte 5"),
        (r#"{"a":.5}"#, "glb.json byte 5"),
        (r#"{"a":1.}"#, "glb.json byte 7"),
        (r#"{"a":1e}"#, "glb.json byte 7"),
        (r#"{"a":tru}"#, "glb.json byte 5"),
        (r#"{"a":NaN}"#, "glb.json byte 5"),
        (r#"{"a":[1,{"b":-1e999}]}"#, "glb.json /a/1/b"),
        ("{\"a\":\"\n\"}", "glb.json byte 6"),
        (r#"{"a":"\x"}"#, "glb.json byte 7"),
        (r#"{"a":"\uDC00"}"#, "glb.json byte 7"),
        (r#"{"a":"\uD83D\u0041"}"#, "glb.json byte 7"),
        (r#"{"a":"\u12"}"#, "glb.json byte 7"),
        (r#"{} {}"#, "glb.json byte 3"),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text.as_bytes()), expected, "{text}");
    }
    assert_eq!(refusal(b"{\"a\":\"\xC3\x28\"}"), "glb.json byte 6");
    assert_eq!(refusal(b"[]"), "glb.schema /");
    let in_container = container(&document.as_bytes()[..document.len() - 1], &Glb::square().bin);
    let padded = (document.len() - 1).next_multiple_of(4);
    assert_eq!(refusal(&in_container), format!("glb.json byte {}", 20 + padded));
}

#[test]
fn json_nests_to_a_limit_and_names_where_it_begins() {
    let nested = |depth: usize| {
        let document = Glb::square().set("/extras", json!("HERE")).document().to_string();
        let text = document.replace("\"HERE\"", &("[".repeat(depth) + &"]".repeat(depth)));
        refusal(&container(text.as_bytes(), &Glb::square().bin))
    };
    assert_eq!(nested(100), "loads");
    assert_eq!(nested(200), "glb.json /extras");
    assert_eq!(nested(1_000_000), "glb.json /extras");
}

#[test]
fn the_last_of_duplicate_members_counts_in_small_and_large_objects() {
    for others in [0, 40] {
        let glb = Glb::square().set("/nodes/0/name", json!("HERE"));
        let members: String = (0..others).map(|at| format!("\"m{at}\":{at},")).collect();
        let duplicate = format!("{members}\"name\":\"first\"");
        let text = glb.document().to_string().replace("\"name\":\"HERE\"", &format!("{duplicate},\"name\":\"last\""));
        let bytes = container(text.as_bytes(), &glb.bin);
        let (scene, report) = packshot_renderer::import::load(&bytes, &Default::default(), &|| false).expect("loads");
        assert_eq!(scene.parts[0].node_name.as_deref(), Some("last"));
        assert_eq!(report.diagnostics.len(), 1);
        assert_eq!(
            (report.diagnostics[0].code, report.diagnostics[0].at.as_str()),
            ("json_duplicate_key", "/nodes/0/name")
        );
    }
}

#[test]
fn escapes_and_surrogate_pairs_are_decoded() {
    let glb = Glb::square().set("/nodes/0/name", json!("HERE"));
    let text = glb.document().to_string().replace("HERE", r#"\u00d6l \ud83d\ude00\t\"\/"#);
    let (scene, _) =
        packshot_renderer::import::load(&container(text.as_bytes(), &glb.bin), &Default::default(), &|| false)
            .expect("loads");
    assert_eq!(scene.parts[0].node_name.as_deref(), Some("Öl 😀\t\"/"));
}

#[test]
fn only_embedded_data_is_read() {
    let with_uri = |uri: &str| Glb::square().set("/images", json!([{"uri": uri}])).refusal();
    let external = [
        "file:///etc/passwd",
        "/etc/passwd",
        "../secret.bin",
        "..%2Fsecret.bin",
        "%FF",
        "texture.png",
        "http://127.0.0.1/",
        "\\\\server\\share",
        "",
        "dataé",
    ];
    for address in external {
        assert_eq!(with_uri(address), "glb.external_uri /images/0/uri", "{address}");
    }
    for address in ["data:", "data:image/png;base64", "data:image/png,AAAA", "data:image/png;base64,%%%%"] {
        assert_eq!(with_uri(address), "glb.uri /images/0/uri", "{address}");
    }
    let cases = [
        ("AAAA", 3, "loads"),
        ("AAA=", 2, "loads"),
        ("AAA", 2, "loads"),
        ("AAAA", 4, "glb.bounds /buffers/1/byteLength"),
    ];
    for (payload, length, expected) in cases {
        let mut document = Glb::square().document();
        let uri = format!("DATA:application/octet-stream;base64,{payload}");
        document["buffers"].as_array_mut().expect("a list").push(json!({"uri": uri, "byteLength": length}));
        assert_eq!(refusal(&container(document.to_string().as_bytes(), &Glb::square().bin)), expected, "{payload}");
    }
}

#[test]
fn messages_stay_one_line_whatever_the_file_says() {
    let hostile = "evil\n\u{1b}[31m\u{202e}".repeat(100);
    let files = [
        Glb::square().set("/extensionsRequired", json!([hostile])),
        Glb::square().set("/accessors/0/type", json!(hostile)),
        Glb::square().set("/images", json!([{"uri": hostile}])),
    ];
    for file in files {
        let error = file.load().expect_err("is refused");
        for text in [error.message(), error.at()] {
            assert!(!text.chars().any(char::is_control) && text.len() < 1500, "{text:?}");
        }
    }
}
