//! Pictures of materials: read, refused, missing, and part of the digest.

use std::sync::Arc;

use super::*;

const HEADER_2: &str = "schema = \"material-library/2\"\n[library]\nid = \"ACME\"\nversion = \"1.0.0\"\n\
    color_space = \"lin_rec709\"\nfallback = \"200001\"\n";

/// A grey PNG of two by one texels.
fn png(grey: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("begins");
    writer.write_image_data(&[grey, 0]).expect("written");
    writer.finish().expect("finished");
    bytes
}

fn with_textures(header: &str, textures: &str) -> String {
    format!("{header}{}[material.textures]\n{textures}\n", material("200001", "Oak", ""))
}

/// A library in the folder `lib`, where there are some files.
fn read(text: &str, files: &[(&str, Vec<u8>)]) -> Result<(Package, Vec<Finding>), Vec<Finding>> {
    let open = |path: &str| match files.iter().find(|(name, _)| *name == path) {
        Some((_, bytes)) => Ok(Some(Cow::Owned(bytes.clone()))),
        None => Ok(None),
    };
    let toml = SourceFile { name: "lib/a.toml", bytes: text.as_bytes() };
    Package::parse(&[toml], &open).map_err(|rejected| rejected.findings)
}

fn digest(package: Package) -> String {
    Library::resolve(vec![(Layer::Base, package)]).expect("resolves").0.digest().to_owned()
}

#[test]
fn pictures_lie_below_the_file_that_names_them() {
    let text = with_textures(
        HEADER_2,
        "base_color = { path = \"oak/base.png\" }\nroughness = { path = \"rough.png\" }\nmm_per_repeat = 200\n\
         projection = \"box\"",
    );
    let files = [("lib/oak/base.png", png(9)), ("lib/rough.png", png(200)), ("rough.png", png(1))];
    let (package, findings) = read(&text, &files).expect("valid");
    assert_eq!(findings, []);
    let textures = package.materials[0].material.textures.clone().expect("textures");
    assert_eq!((textures.mm_per_repeat, textures.projection), (200.0, Projection::Box));
    let rough = textures.roughness.as_ref().expect("a picture");
    let image = rough.image().expect("decoded");
    assert_eq!((image.width_px, image.height_px, image.rgba8[0]), (2, 1, [200, 200, 200, 255]));
    assert!(Arc::ptr_eq(&image, &rough.clone().image().expect("decoded")), "once");
    assert_eq!(textures.all().count(), 2);
}

#[test]
fn what_is_no_texture_is_refused_at_its_place() {
    let bomb = {
        let mut bytes = png(1);
        // The width in the header.
        bytes[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
        bytes
    };
    let damaged = png(1)[..45].to_vec();
    let files = [
        ("lib/a.png", png(1)),
        ("lib/bomb.png", bomb),
        ("lib/damaged.png", damaged),
        ("lib/text.png", b"hello".to_vec()),
        ("secret.png", png(1)),
    ];
    let blake3 = blake3::hash(&png(1)).to_hex().to_string();
    for (textures, expected) in [
        ("base_color = { path = \"../secret.png\" }", "library.texture `../secret.png` is not a path below"),
        ("base_color = { path = \"/secret.png\" }", "library.texture `/secret.png` is not a path below"),
        ("base_color = { path = \"x\\\\a.png\" }", "library.texture `x\\\\a.png` is not a path below"),
        ("base_color = { path = \"C:a.png\" }", "library.texture `C:a.png` is not a path below"),
        ("base_color = { path = \"a.gif\" }", "library.texture `a.gif` does not end in .png, .jpg or .webp"),
        ("base_color = { path = \"text.png\" }", "library.texture `text.png` is not a texture: the file is neither"),
        ("base_color = { path = \"damaged.png\" }", "library.texture `damaged.png` is not a texture: the image"),
        ("base_color = { path = \"bomb.png\" }", "library.texture `bomb.png` is not a texture: the"),
        ("base_color = { path = \"a.png\", blake3 = \"00\" }", "library.texture_changed `a.png` has the BLAKE3"),
        ("base_color = { file = \"a.png\" }", "library.missing `path` is required here"),
        ("base_color = \"a.png\"", "library.type `base_color` is of type string; expected a table"),
        ("base_color = { path = \"a.png\" }\nprojection = \"uv\"", "library.range `projection` is `uv`"),
        ("base_color = { path = \"a.png\" }\nmm_per_repeat = 0", "library.range `mm_per_repeat` is 0"),
    ] {
        let width = if textures.contains("mm_per_repeat") { "" } else { "\nmm_per_repeat = 10" };
        let found = read(&with_textures(HEADER_2, &format!("{textures}{width}")), &files).expect_err(textures);
        let finding = &found[0];
        assert!(format!("{} {}", finding.code, finding.message).starts_with(expected), "{textures}: {found:#?}");
        assert!(finding.at.starts_with("lib/a.toml:1"), "{}", finding.at);
    }
    let stated = format!("base_color = {{ path = \"a.png\", blake3 = \"{blake3}\" }}\nmm_per_repeat = 10");
    assert!(read(&with_textures(HEADER_2, &stated), &files).is_ok());
    let found = read(&with_textures(HEADER, "base_color = { path = \"a.png\" }\nmm_per_repeat = 10"), &files);
    let found = found.expect_err("an older schema");
    assert_eq!(codes(&found), ["library.schema"]);
    assert_eq!(found[0].help.as_deref(), Some("write schema = \"material-library/2\" in this file"));
}

#[test]
fn a_jpeg_that_is_cut_off_is_refused() {
    let whole = BUILTIN_TEXTURES.iter().find(|file| file.name.ends_with("felt-roughness.jpg")).expect("it ships").bytes;
    let text = with_textures(HEADER_2, "roughness = { path = \"a.jpg\" }\nmm_per_repeat = 10");
    let read = |n: usize| read(&text, &[("lib/a.jpg", whole[..n].to_vec())]);
    assert!(read(whole.len()).is_ok());
    for n in [whole.len() / 2, whole.len() - 1] {
        let found = read(n).expect_err("cut");
        assert!(found[0].message.ends_with("is not a texture: the file is cut off"), "{found:?}");
    }
}

#[test]
fn a_base_colour_that_nobody_sees_is_told() {
    let glass = with_textures(HEADER_2, "base_color = { path = \"a.png\" }\nmm_per_repeat = 10")
        .replace("pbr]\n", "pbr]\ntransmission_weight = 1.0\n");
    let (_, findings) = read(&glass, &[("lib/a.png", png(1))]).expect("valid");
    assert_eq!(codes(&findings), ["library.texture"]);
}

#[test]
fn a_material_whose_picture_is_missing_is_told_and_not_worn() {
    let text = with_textures(HEADER_2, "base_color = { path = \"oak.png\" }\nmm_per_repeat = 10");
    let (package, findings) = read(&text, &[]).expect("a library all the same");
    assert_eq!((codes(&findings), findings[0].severity), (vec!["library.texture_missing"], Severity::Warning));
    let oak = &package.materials[0].material;
    assert_eq!((oak.missing_texture(), &oak.textures), (Some("oak.png"), &None));
}

#[test]
fn a_digest_tells_pictures_apart_and_not_where_they_lie() {
    let text = |path: &str, mm: u32| {
        with_textures(HEADER_2, &format!("normal = {{ path = \"{path}\" }}\nmm_per_repeat = {mm}"))
    };
    let files = [("lib/a.png", png(1)), ("lib/b/c.png", png(1)), ("lib/d.png", png(2))];
    let of = |path: &str, mm: u32| digest(read(&text(path, mm), &files).expect("valid").0);
    assert_eq!(of("a.png", 10), of("b/c.png", 10));
    assert_ne!(of("a.png", 10), of("d.png", 10));
    assert_ne!(of("a.png", 10), of("a.png", 11));
}

#[test]
fn an_older_library_keeps_its_digest() {
    let plain =
        |header: &str| digest(read(&format!("{header}{}", material("200001", "Oak", "")), &[]).expect("valid").0);
    assert_eq!(plain(HEADER), plain(HEADER_2));
    assert_eq!(plain(HEADER), "720e8b8bf268a7fc1e541e675b1871bbb90a28fad479d726335b695132f36a56");
}

#[test]
fn the_pictures_that_ship_are_whole() {
    let mut n_bytes = 0;
    let textures = Library::builtin().materials().iter().flat_map(|material| &material.textures);
    let mut named: Vec<String> = Vec::new();
    for texture in textures.flat_map(Textures::all) {
        texture.image().unwrap_or_else(|error| panic!("{}: {error}", texture.path()));
        named.push(texture.path().to_owned());
    }
    for SourceFile { name, bytes } in BUILTIN_TEXTURES {
        assert!(named.iter().any(|path| path == name), "{name} is in no material");
        n_bytes += bytes.len();
    }
    assert!(n_bytes <= 8 << 20, "{n_bytes} bytes");
    assert!(Library::builtin().materials().iter().all(|material| material.missing_texture().is_none()));
}
