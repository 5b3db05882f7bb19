//! The digest of everything that a turntable's frames follow from: two runs with one digest render the same bytes.

use std::fmt::{Debug, Write};

use packshot::render::Renderer;
use packshot_renderer::backend::DeviceInfo;
use packshot_renderer::shot::turntable::TurntableShots;
use packshot_renderer::shot::{Environment, Shot};

use crate::cli::render::PictureArgs;
use crate::cli::render::args::OutputArgs;
use crate::cli::render::source::Subject;
use crate::cli::version;

/// Feeds text to a hash.
struct Text(blake3::Hasher);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

impl Text {
    /// A name and a value, by its complete textual form.
    fn add(&mut self, name: &str, value: &impl Debug) {
        // Writing into a hash does not fail.
        let _ = writeln!(self, "{name}: {value:?}");
    }
}

/// Of the product with its materials, the shots, how their pictures are written, this program and what computes.
pub(super) fn digest(
    subject: &Subject,
    shots: &TurntableShots,
    args: &PictureArgs,
    output: &OutputArgs,
    renderer: &Renderer,
) -> String {
    let mut text = Text(blake3::Hasher::new());
    text.add("program", &version::TEXT);
    let DeviceInfo { kind, name, backend, .. } = renderer.device();
    text.add("device", &(kind, name, backend));
    text.add("glb", &blake3::hash(&subject.origin.glb));
    text.add("axes", &(subject.origin.up_axis, subject.origin.unit_scale, &subject.origin.left_out));
    text.add("parts", &subject.product.scene.parts);
    text.add("palette", &subject.materials.palette);
    text.add("worn", &subject.materials.parts);
    text.add("turntable", shots.turntable());
    let Shot { environment, .. } = shots.shot();
    text.add("shot", shots.shot());
    if let Environment::LatLong { map, .. } = environment {
        for row in map.rgb.chunks(map.width_px as usize) {
            let bytes: Vec<u8> = row.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
            text.0.update(&bytes);
        }
    }
    text.add("format", &(&output.format, &output.bit_depth, output.exr, output.quality, output.dpi, &output.aov));
    text.add("outputs", &output.of_template.first().map(|output| output.encoding));
    text.add("lines", &args.lines);
    text.add("sampling", &(args.film.max_time, args.denoise.when(args.template()), renderer.oidn()));
    text.add("preset", &args.preset.map(|preset| preset.name));
    text.0.finalize().to_hex().to_string()
}
