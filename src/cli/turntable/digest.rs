//! The digest of everything that a turntable's frames follow from: two runs with one digest render the same bytes.

use packshot::picture::Encoding;
use packshot::plan::{OptionId, PicturePlan};
use packshot::render::Renderer;
use packshot_renderer::backend::DeviceInfo;
use packshot_renderer::digest::Digest;
use packshot_renderer::scene::{MeshIdx, Part};
use packshot_renderer::shot::turntable::TurntableShots;
use serde::Serialize;

use crate::cli::render::source::Subject;
use crate::cli::version;

/// Options that say how the pictures of a shot are taken: the shot itself has the others.
const TAKING: [OptionId; 8] = [
    OptionId::Edges,
    OptionId::Wireframe,
    OptionId::LinesOnly,
    OptionId::LineWidthPx,
    OptionId::LineColor,
    OptionId::CreaseDeg,
    OptionId::MaxTimeS,
    OptionId::Denoise,
];

/// Of the product with its materials, the shots, how their pictures are taken and written, this program and what computes.
pub(super) fn digest(
    subject: &Subject,
    shots: &TurntableShots,
    plan: &PicturePlan,
    encoding: Option<Encoding>,
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
    digest.mix("encoding", &encoding);
    digest.mix("layers", &plan.options.json(OptionId::Aovs));
    digest.mix("taking", &TAKING.map(|id| plan.options.json(id)));
    digest.mix("denoiser", &renderer.oidn());
    digest.mix("preset", &plan.preset().map(|preset| preset.name));
    digest.finish()
}

/// Everything of a part: the scene itself is not written anywhere.
fn part(part: &Part) -> impl Serialize {
    let Part { node_idx, path, node_name, mesh_name, cad_names, mesh: MeshIdx(mesh), world_from_part } = part;
    (node_idx, path, node_name, mesh_name, cad_names, mesh, world_from_part)
}
