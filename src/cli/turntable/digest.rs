//! The digest of everything that a turntable's frames follow from: two runs with one digest render the same bytes.

use packshot::picture::Encoding;
use packshot::preset::Preset;
use packshot::render::Renderer;
use packshot::taken::Taking;
use packshot_renderer::backend::DeviceInfo;
use packshot_renderer::digest::Digest;
use packshot_renderer::import::ImportOptions;
use packshot_renderer::layers::lines::{LineKind, LineStyle};
use packshot_renderer::scene::{MeshIdx, Part};
use packshot_renderer::shot::turntable::TurntableShots;
use packshot_words::Word;
use serde::Serialize;

use crate::cli::render::source::Subject;
use crate::cli::version;

/// Of the product with its materials, the shots, how their pictures are taken and written, this program and what
/// computes.
///
/// It is about what is in effect, whoever said so: options, a template, or a shot.
pub(super) fn digest(
    subject: &Subject,
    (shots, taking): (&TurntableShots, &Taking),
    encoding: Option<Encoding>,
    renderer: &Renderer,
) -> String {
    let mut digest = Digest::default();
    digest.mix("program", &version::TEXT);
    let DeviceInfo { kind, name, backend, reason: _, memory_bytes: _ } = renderer.device();
    digest.mix("device", &(kind, name, backend));
    digest.mix("glb", blake3::hash(&subject.origin.glb).to_hex().as_str());
    let ImportOptions { up_axis, unit_scale, rotate_deg, smooth_deg, look, variant, pose, limits: _ } =
        &subject.product.import;
    let pose = pose.as_ref().map(|pose| (&pose.animation, pose.time_s));
    digest.mix("import", &(up_axis, unit_scale, rotate_deg, smooth_deg, look, variant, pose));
    digest.mix("parts", &subject.product.scene.parts.iter().map(part).collect::<Vec<_>>());
    digest.mix("palette", &subject.materials.palette);
    digest.mix("worn", &subject.materials.parts);
    digest.mix("design", &subject.product.design.as_ref().map(|design| &design.digest));
    digest.mix("turntable", &(shots.turntable(), shots.center().to_array()));
    digest.mix("shot", shots.shot());
    digest.mix("encoding", &encoding);
    let needed = taking.needed_versions(shots.shot().view.transform);
    digest.mix("noise", &(needed.denoised, needed.noisy));
    let lines = taking.lines.as_ref().map(|lines| (kinds(&lines.kinds), style(lines.style), lines.color_srgb));
    digest.mix("lines", &(lines, taking.is_drawing));
    let layers: Vec<&str> = taking.aovs.iter().map(|aov| aov.word()).collect();
    digest.mix("layers", &(layers, style(taking.line_style)));
    digest.mix("time", &taking.time_max.map(|limit| limit.as_secs_f64()));
    digest.mix("denoiser", &renderer.oidn());
    digest.finish()
}

/// The same for frames in a folder, which are held against the rules of a preset.
pub(super) fn with_preset(digest: &str, preset: Option<&Preset>) -> String {
    let mut with = Digest::default();
    with.mix("frames", digest);
    with.mix("preset", &preset.map(|preset| preset.name));
    with.finish()
}

fn kinds(kinds: &[LineKind]) -> Vec<&'static str> {
    let word = |kind: &LineKind| match kind {
        LineKind::Edges => "edges",
        LineKind::Wireframe => "wireframe",
    };
    kinds.iter().map(word).collect()
}

fn style(LineStyle { width_px, crease_rad }: LineStyle) -> (f32, f32) {
    (width_px, crease_rad)
}

/// Everything of a part: the scene itself is not written anywhere.
fn part(part: &Part) -> impl Serialize {
    let Part { node_idx, path, node_name, mesh_name, cad_names, mesh: MeshIdx(mesh), world_from_part } = part;
    (node_idx, path, node_name, mesh_name, cad_names, mesh, world_from_part)
}
