//! The digest of everything that a turntable's frames follow from: two runs with one digest render the same bytes.

use packshot::render::Renderer;
use packshot_renderer::backend::DeviceInfo;
use packshot_renderer::digest::Digest;
use packshot_renderer::scene::{MeshIdx, Part};
use packshot_renderer::shot::turntable::TurntableShots;
use serde::Serialize;

use crate::cli::render::PictureArgs;
use crate::cli::render::args::OutputArgs;
use crate::cli::render::source::Subject;
use crate::cli::version;

/// Of the product with its materials, the shots, how their pictures are written, this program and what computes.
pub(super) fn digest(
    subject: &Subject,
    shots: &TurntableShots,
    args: &PictureArgs,
    output: &OutputArgs,
    renderer: &Renderer,
) -> String {
    let mut digest = Digest::default();
    digest.mix("program", &version::TEXT);
    let DeviceInfo { kind, name, backend, reason: _ } = renderer.device();
    digest.mix("device", &(kind, name, backend));
    digest.mix("glb", blake3::hash(&subject.origin.glb).to_hex().as_str());
    digest.mix("axes", &(subject.origin.up_axis, subject.origin.unit_scale, &subject.origin.left_out));
    digest.mix("parts", &subject.product.scene.parts.iter().map(part).collect::<Vec<_>>());
    digest.mix("palette", &subject.materials.palette);
    digest.mix("worn", &subject.materials.parts);
    digest.mix("turntable", shots.turntable());
    digest.mix("shot", shots.shot());
    let OutputArgs { format, bit_depth, exr, quality, dpi, aov, .. } = output;
    digest.mix("format", &(format, bit_depth, exr, quality, dpi, aov));
    digest.mix("outputs", &output.of_template.first().map(|output| output.encoding));
    digest.mix("lines", &args.lines);
    digest.mix("sampling", &(args.film.max_time, args.denoise.when(args.template()), renderer.oidn()));
    digest.mix("preset", &args.preset.map(|preset| preset.name));
    digest.finish()
}

/// Everything of a part: the scene itself is not written anywhere.
fn part(part: &Part) -> impl Serialize {
    let Part { node_idx, path, node_name, mesh_name, cad_names, mesh: MeshIdx(mesh), world_from_part } = part;
    (node_idx, path, node_name, mesh_name, cad_names, mesh, world_from_part)
}
