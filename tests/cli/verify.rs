//! `packshot verify`: pictures and packages as they were made, and with one thing changed each.

use std::io::Write as _;

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use crate::package::{self, MANIFEST};
use crate::workplace::{Outcome, TINY, Workplace};

/// What a change leaves of a file of a package, by its name; nothing, if the file is left out.
type Change<'a> = &'a dyn Fn(&str, Vec<u8>) -> Option<Vec<u8>>;

/// The members of a request for a picture as [`TINY`] asks the command for it.
fn request() -> Value {
    json!({"width": 32, "height": 24, "samples": 4})
}

/// A package `pack` with a picture of the boxes and a report; gives the digest of its manifest.
fn packed(workplace: &Workplace) -> String {
    workplace.render(&["boxes.glb", "-o", "result.png"]);
    let provenance = package::provenance(&workplace.read("boxes.glb"), &request());
    let files = [("report.json", b"{}\n".to_vec()), ("result.png", workplace.read("result.png"))];
    package::write(&workplace.path("pack"), &files, Some(&provenance))
}

fn verify(workplace: &Workplace, args: &str) -> Outcome {
    let args: Vec<&str> = args.split_whitespace().collect();
    workplace.run(&[&["verify"], &args[..]].concat())
}

/// The codes and places of what differs.
fn differences(outcome: &Outcome) -> Vec<(String, String)> {
    assert_eq!(outcome.code, 9, "{}", outcome.stderr);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    let pairs = lines.windows(2).filter_map(|pair| {
        let (code, _) = pair[0].strip_prefix("error[")?.split_once("]: ")?;
        Some((code.to_owned(), pair[1].strip_prefix("  at: ")?.to_owned()))
    });
    pairs.collect()
}

fn pair(code: &str, at: &str) -> (String, String) {
    (code.to_owned(), at.to_owned())
}

#[test]
fn a_damaged_png_is_told_from_a_whole_one() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "-o", "whole.png"]);
    let whole = workplace.read("whole.png");
    assert_eq!(verify(&workplace, "whole.png").code, 0);
    let mut overwritten = whole.clone();
    let middle = overwritten.len() * 2 / 3;
    overwritten[middle] ^= 0x55;
    for (name, bytes) in [("cut.png", &whole[..whole.len() - 20]), ("overwritten.png", &overwritten)] {
        workplace.write(name, bytes);
        let expected = [("verify.changed".to_owned(), name.to_owned())];
        assert_eq!(differences(&verify(&workplace, name)), expected, "{name}");
    }
}

#[test]
fn a_picture_says_what_made_it() {
    let workplace = Workplace::new();
    for name in ["a.png", "a.exr", "a.jpg", "a.webp", "a.avif", "a.tiff"] {
        workplace.render(&["boxes.glb", "-o", name, "--seed", "7"]);
        let found = verify(&workplace, &format!("{name} --json")).done().json();
        let stated = &found["stated"];
        assert_eq!(stated["software"], concat!("Packshot ", env!("CARGO_PKG_VERSION")), "{name}");
        assert_eq!(stated["scene"], blake3::hash(&workplace.read("boxes.glb")).to_hex().as_str(), "{name}");
        assert_eq!((&stated["seed"], &stated["samples"]), (&json!(7), &json!(4)), "{name}");
        let library = packshot_materials::library::Library::builtin().label();
        assert_eq!(stated["library"], library, "{name}");
        assert_eq!((&found["ok"], &found["manifest"]), (&json!(true), &Value::Null), "{name}");
    }
    let text = verify(&workplace, "a.png").done();
    assert!(text.text().contains("made by      Packshot"), "{}", text.text());
    assert!(text.text().contains("not proved   anybody can write this"), "{}", text.text());
    verify(&workplace, "boxes.glb").expect_error(3, "verify.not_a_picture", "boxes.glb");
}

#[test]
fn a_package_as_it_was_made_is_verified() {
    let workplace = Workplace::new();
    let digest = packed(&workplace);
    let found = verify(&workplace, &format!("pack --json --manifest-digest {digest}")).done().json();
    assert_eq!((&found["ok"], &found["manifest"]["digest"]), (&json!(true), &json!(digest)));
    let states: Vec<(&Value, &Value)> =
        found["files"].as_array().expect("files").iter().map(|file| (&file["relative_path"], &file["state"])).collect();
    let same = json!("same");
    assert_eq!(states, [(&json!("report.json"), &same), (&json!("result.png"), &same)]);
    let text = verify(&workplace, "pack").done();
    assert!(text.text().contains("verified     every byte is what the manifest says"), "{}", text.text());
    // A picture in the folder of a package is compared with its line of the manifest alone.
    workplace.write("pack/report.json", b"changed");
    let one = verify(&workplace, "pack/result.png --json").done().json();
    assert_eq!((&one["ok"], one["files"].as_array().map(Vec::len)), (&json!(true), Some(1)));
    assert_eq!(one["stated"]["samples"], 4);
}

#[test]
fn whatever_differs_is_named() {
    let workplace = Workplace::new();
    packed(&workplace);
    let sound = workplace.read("pack/result.png");
    let mut flipped = sound.clone();
    let at = flipped.len() / 2;
    flipped[at] ^= 1;
    workplace.write("pack/result.png", &flipped);
    let outcome = verify(&workplace, "pack");
    assert_eq!(differences(&outcome), [pair("verify.changed", "result.png")]);
    assert!(outcome.stderr.contains("it has another BLAKE3, SHA-256\n"), "{}", outcome.stderr);
    assert!(outcome.text().contains("CHANGED      result.png"), "{}", outcome.text());
    assert_eq!(verify(&workplace, "pack --json").json()["ok"], false);

    workplace.write("pack/result.png", &[&sound[..], b"more"].concat());
    assert_eq!(differences(&verify(&workplace, "pack")), [pair("verify.changed", "result.png")]);
    workplace.write("pack/result.png", &sound[..at]);
    let outcome = verify(&workplace, "pack");
    assert!(outcome.stderr.contains("it has another size, BLAKE3, SHA-256\n"), "{}", outcome.stderr);

    std::fs::remove_file(workplace.path("pack/result.png")).expect("removed");
    workplace.write("pack/folder/other.png", &sound);
    let expected = [pair("verify.missing", "result.png"), pair("verify.extra", "folder/other.png")];
    assert_eq!(differences(&verify(&workplace, "pack")), expected);
    let beside = verify(&workplace, "pack/folder/other.png");
    assert_eq!(differences(&beside), [pair("verify.extra", "folder/other.png")]);
}

#[test]
fn a_changed_byte_of_the_manifest_is_noticed() {
    let workplace = Workplace::new();
    let digest = packed(&workplace);
    let manifest = workplace.read("pack/.packshot/manifest.cbor");
    // The digits of a digest, the head of a map, a time that proves nothing else.
    let time = manifest.windows(4).position(|bytes| bytes == b"2026").expect("a time");
    let hash = manifest.windows(7).position(|bytes| bytes == b"blake3:").expect("an address") + 7;
    for at in [0, hash, time, manifest.len() - 1] {
        let mut changed = manifest.clone();
        changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
        workplace.write("pack/.packshot/manifest.cbor", &changed);
        let outcome = verify(&workplace, &format!("pack --manifest-digest {digest}"));
        assert_eq!(differences(&outcome), [pair("verify.manifest_changed", MANIFEST)], "byte {at}");
    }
    workplace.write("pack/.packshot/manifest.cbor", b"\xa1");
    assert_eq!(differences(&verify(&workplace, "pack")), [pair("verify.manifest_changed", MANIFEST)]);
    std::fs::remove_file(workplace.path("pack/.packshot/manifest.cbor")).expect("removed");
    verify(&workplace, "pack").expect_error(3, "verify.no_manifest", "pack");
}

#[test]
fn an_archive_is_verified_as_it_is() {
    let workplace = Workplace::new();
    packed(&workplace);
    let archive = |change: Change<'_>| {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for name in ["report.json", "result.png", MANIFEST] {
            let Some(bytes) = change(name, workplace.read(&format!("pack/{name}"))) else { continue };
            archive.start_file(name, stored).expect("begun");
            archive.write_all(&bytes).expect("written");
        }
        archive.finish().expect("finished").into_inner()
    };
    let sound = archive(&|_, bytes| Some(bytes));
    workplace.write("archive.zip", &sound);
    verify(&workplace, "archive.zip").done();
    workplace.write("archive.zip", &archive(&|name, bytes| (name != "report.json").then_some(bytes)));
    assert_eq!(differences(&verify(&workplace, "archive.zip")), [pair("verify.missing", "report.json")]);
    // A byte that changed in the archive itself does not fit its checksum either.
    let at = sound.windows(4).position(|bytes| bytes == b"IDAT").expect("pixels") + 8;
    let mut damaged = sound.clone();
    damaged[at] ^= 1;
    workplace.write("archive.zip", &damaged);
    assert_eq!(differences(&verify(&workplace, "archive.zip")), [pair("verify.changed", "result.png")]);
    workplace.write("archive.zip", &archive(&|name, bytes| (name != MANIFEST).then_some(bytes)));
    verify(&workplace, "archive.zip").expect_error(3, "verify.no_manifest", "archive.zip");
    workplace.write("archive.zip", &sound[..sound.len() / 2]);
    verify(&workplace, "archive.zip").expect_error(3, "verify.not_read", "archive.zip");
}

#[test]
fn a_provenance_of_another_picture_is_contradicted() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "-o", "a.png"]);
    let sound = package::provenance(&workplace.read("boxes.glb"), &request());
    let with = |pointer: &str, value: Value| {
        let mut changed = sound.clone();
        *changed.pointer_mut(pointer).expect("there") = value;
        workplace.write("p.json", changed.to_string().as_bytes());
        verify(&workplace, "a.png --provenance p.json")
    };
    with("/job/id", Value::Null).done();
    for (pointer, value, what) in [
        ("/sampling/seed", json!(1), "seed 0"),
        ("/sampling/samples_max", json!(5), "samples 4"),
        ("/renderer/version", json!("9.9.9"), "renderer Packshot"),
        ("/scene/content_address", json!(format!("blake3:{}", "00".repeat(32))), "scene "),
        ("/materials/library_digest", json!(format!("blake3:{}", "00".repeat(32))), "library "),
    ] {
        let outcome = with(pointer, value);
        assert_eq!(outcome.code, 9, "{pointer}: {}", outcome.stderr);
        let begin = format!("error[verify.contradiction]: the picture states {what}");
        assert!(outcome.stderr.starts_with(&begin), "{pointer}: {}", outcome.stderr);
    }
    let outcome = with("/shot/film/width", json!(33));
    assert_eq!(differences(&outcome), [pair("verify.shot_changed", "/shot")]);
    with("/provenance_version", json!(2)).expect_error(3, "verify.provenance", "p.json");
    with("/scene", Value::Null).expect_error(3, "verify.provenance", "p.json");
    workplace.write("p.json", b"[]");
    verify(&workplace, "a.png --provenance p.json").expect_error(3, "verify.provenance", "p.json");
    verify(&workplace, "a.png --provenance gone.json").expect_error(3, "verify.not_read", "gone.json");
}

#[test]
fn rendering_again_gives_the_same_bytes() {
    let workplace = Workplace::new();
    packed(&workplace);
    let again = "--rerender --scene boxes.glb --threads 1";
    let found = verify(&workplace, &format!("pack {again} --json")).done().json();
    assert_eq!((&found["ok"], &found["rerender"]["files"][0]["name"]), (&json!(true), &json!("result.png")));
    let sound = package::provenance(&workplace.read("boxes.glb"), &request());
    workplace.write("p.json", sound.to_string().as_bytes());
    let text = verify(&workplace, &format!("result.png --provenance p.json {again}")).done();
    assert!(text.text().contains("rendering again gives the same bytes"), "{}", text.text());

    // The same metadata, with another pixel: only rendering can tell.
    let other = [&["render", "boxes.glb", "-o", "other.png", "--view", "left"], &TINY[..]].concat();
    workplace.run(&other).done();
    let outcome = verify(&workplace, &format!("other.png --provenance p.json {again}"));
    assert_eq!(differences(&outcome), [pair("verify.rendered_differently", "other.png")]);
}

#[test]
fn what_cannot_be_rendered_again_is_said_before() {
    let workplace = Workplace::new();
    packed(&workplace);
    let sound = package::provenance(&workplace.read("boxes.glb"), &request());
    workplace.write("p.json", sound.to_string().as_bytes());
    verify(&workplace, "result.png --rerender").expect_error(2, "usage.missing", "--provenance");
    verify(&workplace, "result.png --provenance p.json --rerender").expect_error(2, "usage.missing", "--scene");
    verify(&workplace, "result.png --scene boxes.glb").expect_error(2, "usage.missing", "--rerender");
    workplace.write("other.glb", b"glTF\x02\0\0\0\x0c\0\0\0");
    verify(&workplace, "pack --rerender --scene other.glb").expect_error(3, "verify.other_input", "--scene");
    let changed = |pointer: &str, value: Value| {
        let mut changed = sound.clone();
        *changed.pointer_mut(pointer).expect("there") = value;
        workplace.write("p.json", changed.to_string().as_bytes());
        verify(&workplace, "boxes.glb --provenance p.json --rerender --scene boxes.glb")
    };
    let version = changed("/renderer/version", json!("9.9.9"));
    version.expect_error(3, "verify.other_renderer", "");
    assert!(version.stderr.contains("were made by Packshot 9.9.9"), "{}", version.stderr);
    changed("/renderer/name", json!("external")).expect_error(3, "verify.other_renderer", "");
    changed("/request/width", json!(0)).expect_error(3, "verify.provenance", "/request");
    let digest = json!(format!("blake3:{}", "00".repeat(32)));
    changed("/materials/library_digest", digest.clone()).expect_error(3, "verify.other_input", "--library");
    changed("/materials/aliases_digest", digest).expect_error(3, "verify.other_input", "--aliases");
    verify(&workplace, "result.png --manifest-digest 00").expect_error(2, "usage.invalid_value", "--manifest-digest");
    let digest = format!("blake3:{}", "00".repeat(32));
    let lone = verify(&workplace, &format!("result.png --manifest-digest {digest}"));
    lone.expect_error(2, "usage.conflict", "--manifest-digest");
    verify(&workplace, "gone.png").expect_error(3, "verify.not_read", "gone.png");
}
