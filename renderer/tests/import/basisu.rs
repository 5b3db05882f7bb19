//! KTX 2 textures compared with the output of the reference transcoder.

use packshot_renderer::scene::Image;
use serde_json::json;

use crate::glb::Glb;
use crate::images::{PNG, png};

pub(crate) const ETC1S: &[u8] = include_bytes!("fixtures/etc1s.ktx2");
pub(crate) const ETC1S_ALPHA: &[u8] = include_bytes!("fixtures/etc1s_alpha.ktx2");
pub(crate) const UASTC: &[u8] = include_bytes!("fixtures/uastc.ktx2");
pub(crate) const UASTC_ALPHA_ZSTD: &[u8] = include_bytes!("fixtures/uastc_alpha_zstd.ktx2");
const UASTC_MODES: &[u8] = include_bytes!("fixtures/uastc_modes.ktx2");
const PICTURE: &[u8] = include_bytes!("fixtures/picture.rgba");

/// A square with the texture, with a PNG for readers without the extension.
pub(crate) fn textured(bytes: &[u8]) -> Glb {
    let mut glb = Glb::square();
    let texture = glb.texture(&png([1, 2, 3, 255]), PNG);
    let view = glb.view(bytes);
    let image = glb.push("images", json!({"bufferView": view, "mimeType": "image/ktx2"}));
    glb.set("/extensionsUsed", json!(["KHR_texture_basisu"]))
        .set(&format!("/textures/{texture}/extensions"), json!({"KHR_texture_basisu": {"source": image}}))
        .set("/materials/0/pbrMetallicRoughness", json!({"baseColorTexture": {"index": texture}}))
        .set("/materials/0/alphaMode", json!("BLEND"))
}

fn decoded(bytes: &[u8]) -> Image {
    let (scene, found) = textured(bytes).scene();
    assert_eq!(found, [""; 0]);
    (*scene.textures[0].image).clone()
}

#[test]
fn texels_are_those_of_the_reference_transcoder() {
    let cases: [(&[u8], &[u8], bool); 4] = [
        (ETC1S, include_bytes!("fixtures/etc1s.rgba"), false),
        (ETC1S_ALPHA, include_bytes!("fixtures/etc1s_alpha.rgba"), true),
        (UASTC, include_bytes!("fixtures/uastc.rgba"), false),
        (UASTC_ALPHA_ZSTD, include_bytes!("fixtures/uastc_alpha_zstd.rgba"), true),
    ];
    for (case, (bytes, reference, has_alpha)) in cases.into_iter().enumerate() {
        let image = decoded(bytes);
        assert_eq!((image.width_px, image.height_px), (44, 40));
        let (reference, _) = reference.as_chunks::<4>();
        let differing = image.rgba8.iter().zip(reference).filter(|(a, b)| a != b).count();
        assert_eq!((image.rgba8.len(), differing), (reference.len(), 0), "case {case}");
        // And the picture is the original, apart from the codec's loss.
        let (picture, _) = PICTURE.as_chunks::<4>();
        let channels = if has_alpha { 4 } else { 3 };
        let error = |(a, b): (&[u8; 4], &[u8; 4])| -> f64 {
            (0..channels).map(|c| (f64::from(a[c]) - f64::from(b[c])).abs()).sum::<f64>() / channels as f64
        };
        let mean = image.rgba8.iter().zip(picture).map(error).sum::<f64>() / picture.len() as f64;
        assert!(mean < if case < 2 { 32.0 } else { 4.0 }, "case {case}: {mean}");
    }
}

#[test]
fn blocks_of_every_mode_are_those_of_the_reference_transcoder() {
    let image = decoded(UASTC_MODES);
    let (reference, _) = include_bytes!("fixtures/uastc_modes.rgba").as_chunks::<4>();
    // A column of blocks for each of the 19 modes.
    assert_eq!((image.width_px, image.rgba8.len()), (76, reference.len()));
    let mut differing = [0; 19];
    for (at, (texel, reference)) in image.rgba8.iter().zip(reference).enumerate() {
        differing[at % 76 / 4] += usize::from(texel != reference);
    }
    assert_eq!(differing, [0; 19]);
}

#[test]
fn files_that_are_no_such_texture_are_refused() {
    let changed = |at: usize, byte: u8| {
        let mut bytes = UASTC.to_vec();
        bytes[at] = byte;
        textured(&bytes).refusal()
    };
    assert_eq!(textured(UASTC).refusal(), "loads");
    for (at, byte, name) in [
        (12, 37, "another format"),
        (20, 0, "no width"),
        (28, 1, "a depth"),
        (32, 2, "layers"),
        (36, 6, "faces"),
        (44, 9, "an unknown supercompression"),
        (64, 0xFF, "global data outside of the file"),
        (80, 0xFF, "a level outside of the file"),
    ] {
        let expected = if at == 64 { "loads" } else { "glb.image /images/1" };
        // Without global data its offset is meaningless.
        assert_eq!(changed(at, byte), expected, "{name}");
    }
    let sizes = [20, 21, 22, 23].map(|at| changed(at, 0xFF));
    assert!(sizes.iter().all(|refusal| refusal.starts_with("glb.")), "{sizes:?}");
    for length in 0..UASTC.len().min(300) {
        assert!(textured(&UASTC[..length]).refusal().starts_with("glb.image"), "{length} bytes");
    }
}
