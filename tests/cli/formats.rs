//! What pictures say of themselves, looks and lookup tables.

use serde_json::Value;

use crate::workplace::Workplace;

/// The texts of a PNG by keyword, its pixels per metre, and its samples.
fn png(bytes: &[u8]) -> (Vec<(String, String)>, Option<u32>, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
    let mut samples = vec![0; reader.output_buffer_size().expect("small")];
    reader.next_frame(&mut samples).expect("a picture");
    let info = reader.info();
    let texts = info.utf8_text.iter().map(|text| (text.keyword.clone(), text.get_text().expect("text")));
    (texts.collect(), info.pixel_dims.map(|dims| dims.xppu), samples)
}

#[test]
fn pictures_say_where_they_come_from() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "-o", "a.png", "--dpi", "300", "--seed", "7", "--exposure-ev", "-0.5"]);
    let (texts, per_metre, _) = png(&workplace.read("a.png"));
    let text = |name: &str| {
        let keyword = format!("packshot:{name}");
        texts.iter().find(|(found, _)| *found == keyword).map(|(_, text)| text.as_str()).unwrap_or_default()
    };
    assert_eq!(text("scene"), blake3::hash(&workplace.read("boxes.glb")).to_hex().as_str());
    assert!(text("library").contains("#b3:"), "{}", text("library"));
    assert_eq!((text("seed"), text("samples"), text("view")), ("7", "4", "khronos_neutral, -0.5 EV"));
    assert_eq!((text("shot").len(), per_metre), (64, Some(11_811)));
    workplace.render(&["boxes.glb", "-o", "b.png", "--seed", "8", "--exposure-ev", "-0.5"]);
    let (others, ..) = png(&workplace.read("b.png"));
    let differing: Vec<_> =
        texts.iter().zip(&others).filter(|(a, b)| a != b).map(|((name, _), _)| name.as_str()).collect();
    assert_eq!(differing, ["packshot:shot", "packshot:seed"]);
    // EXR attributes are text, a length of four bytes behind the type, and the text.
    workplace.render(&["boxes.glb", "-o", "a.exr", "--seed", "7", "--exposure-ev", "-0.5"]);
    let exr = workplace.read("a.exr");
    let attribute = [b"packshot:shot\0string\0\x40\0\0\0", text("shot").as_bytes()].concat();
    assert!(exr.windows(attribute.len()).any(|window| window == attribute));
}

#[test]
fn every_format_has_the_same_bytes_on_any_number_of_threads() {
    let workplace = Workplace::new();
    for (extension, more) in [
        ("jpg", &[][..]),
        ("webp", &[]),
        ("webp", &["--quality", "80"]),
        ("avif", &[]),
        ("tiff", &["--bit-depth", "16"]),
        ("tiff", &["--bit-depth", "32"]),
        ("exr", &["--dpi", "72"]),
    ] {
        let [one, two] = ["1", "2"].map(|threads| {
            let output = format!("{threads}.{extension}");
            workplace.render(&[&["boxes.glb", "-o", output.as_str(), "--threads", threads], more].concat());
            workplace.read(&output)
        });
        assert!(one == two, "{extension} {more:?}");
    }
}

#[test]
fn webp_and_avif_say_how_large_they_are_printed() {
    let workplace = Workplace::new();
    for name in ["a.webp", "a.avif"] {
        let has_resolution = |more: &[&str]| {
            workplace.render(&[&["boxes.glb", "-o", name], more].concat());
            // 300 over 1, twice: the resolution along rows and along columns.
            let fractions = [300_u32, 1, 300, 1].map(u32::to_le_bytes).concat();
            workplace.read(name).windows(fractions.len()).any(|window| window == fractions)
        };
        assert!(has_resolution(&["--dpi", "300"]) && !has_resolution(&[]), "{name}");
    }
}

const IDENTITY: &str = "LUT_3D_SIZE 2\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n";

#[test]
fn lookup_tables_change_what_is_shown() {
    let workplace = Workplace::new();
    let options = ["boxes.glb", "--view-transform", "standard", "--background", "white", "-o"];
    let render = |output: &str, more: &[&str]| {
        workplace.render(&[&options[..], &[output], more].concat());
        png(&workplace.read(output)).2
    };
    workplace.write("same.cube", IDENTITY.as_bytes());
    workplace.write("dark.cube", IDENTITY.replace('1', "0.5").as_bytes());
    let plain = render("plain.png", &[]);
    let same = render("same.png", &["--lut", "same.cube"]);
    assert!(plain.iter().zip(&same).all(|(a, b)| a.abs_diff(*b) <= 1), "an identity changes nothing");
    let dark = render("dark.png", &["--lut", "dark.cube"]);
    let sum = |samples: &[u8]| samples.iter().map(|&sample| u64::from(sample)).sum::<u64>();
    assert!(sum(&dark) < sum(&plain));
    // Scene colours as they are, without a view transform: darker than with the sRGB curve.
    let linear =
        ["boxes.glb", "--background", "white", "-o", "linear.png", "--lut", "same.cube", "--lut-input", "linear"];
    workplace.render(&linear);
    assert!(sum(&png(&workplace.read("linear.png")).2) < sum(&plain));
}

#[test]
fn broken_lookup_tables_are_refused_with_their_line() {
    let workplace = Workplace::new();
    for (text, code, at) in [
        ("LUT_3D_SIZE 2\n0 0 0\n", "lut.count", "a.cube:2"),
        ("LUT_3D_SIZE 999999\n", "lut.size", "a.cube:1"),
        ("LUT_3D_SIZE 2\n0 0\n", "lut.syntax", "a.cube:2"),
        ("\u{89}PNG\r\n", "lut.syntax", "a.cube:1"),
    ] {
        workplace.write("a.cube", text.as_bytes());
        workplace.run(&["render", "boxes.glb", "--lut", "a.cube", "-o", "a.png"]).expect_error(3, code, at);
    }
    workplace.run(&["render", "boxes.glb", "--lut", "no.cube"]).expect_error(3, "lut.file_missing", "no.cube");
}

#[test]
fn a_shot_has_looks_and_tables() {
    let workplace = Workplace::new();
    workplace.write("same.cube", IDENTITY.as_bytes());
    let look = ["boxes.glb", "--view-transform", "agx_high_contrast", "--lut", "same.cube"];
    workplace.render(&[&look[..], &["-o", "a.png", "--dump-shot", "shot.json"]].concat());
    let shot: Value = serde_json::from_slice(&workplace.read("shot.json")).expect("JSON");
    assert_eq!(
        (&shot["view"]["transform"], &shot["view"]["lut"]["path"]),
        (&"agx_high_contrast".into(), &"same.cube".into())
    );
    workplace.run(&["render", "--shot", "shot.json", "-o", "b.png"]).done();
    assert_eq!(workplace.read("a.png"), workplace.read("b.png"));
    // A table of the command line wins.
    workplace.write("other.cube", b"LUT_1D_SIZE 2\n1 1 1\n0 0 0");
    workplace.run(&["render", "--shot", "shot.json", "--lut", "other.cube", "-o", "c.png"]).done();
    assert_ne!(png(&workplace.read("a.png")).2, png(&workplace.read("c.png")).2);
}
