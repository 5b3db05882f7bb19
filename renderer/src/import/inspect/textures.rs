//! Textures and colours whose alpha is ignored, and textures that take too much memory for a product.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::iter::ParallelIterator as _;
use rayon::slice::ParallelSlice as _;

use crate::diagnostic::Severity;
use crate::import::findings::Findings;
use crate::import::meshes::PrimitiveIdx;
use crate::scene::{AlphaMode, Image, Scene};

/// Decoded images of a product above this are reported: they are rendered, but every picture needs that much memory.
const IMAGE_BUDGET_BYTES: usize = 256 << 20;
/// Texels that one task examines.
const TEXELS_PER_TASK: usize = 1 << 16;

pub(super) fn note(scene: &Scene, places: &[Vec<PrimitiveIdx>], findings: &mut Findings) {
    note_alpha(scene, findings);
    note_vertex_alpha(scene, places, findings);
    note_budget(scene, IMAGE_BUDGET_BYTES, findings);
}

/// The JSON pointer of a material.
fn pointer(scene: &Scene, material: usize) -> Option<String> {
    scene.materials[material].file_idx.map(|idx| format!("/materials/{idx}"))
}

/// Base colours with transparent texels on materials that ignore alpha. This is often intended, because the alpha of an
/// atlas marks unused areas.
fn note_alpha(scene: &Scene, findings: &mut Findings) {
    let mut shares: HashMap<*const Image, f64> = HashMap::new();
    for (idx, material) in scene.materials.iter().enumerate() {
        let (AlphaMode::Opaque, Some(texture)) = (material.alpha, material.textures.base_color) else { continue };
        let image = &scene.textures[texture.texture.0 as usize].image;
        let share = *shares.entry(Arc::as_ptr(image)).or_insert_with(|| see_through_share(image));
        if let Some(at) = pointer(scene, idx).filter(|_| share > 0.0) {
            let percent = 100.0 * share;
            let message = format!(
                "{percent:.1} % of the base colour's texels are see-through, which is ignored, because the alpha mode is OPAQUE"
            );
            findings.add_once("alpha_without_blend", Severity::Info, at, message);
        }
    }
}

/// Fraction of texels with an alpha below 1; 0 if that is all of them, because such an alpha was not drawn to cut
/// anything out.
fn see_through_share(image: &Image) -> f64 {
    let tasks = image.rgba8.par_chunks(TEXELS_PER_TASK);
    let n: usize = tasks.map(|texels| texels.iter().filter(|texel| texel[3] < u8::MAX).count()).sum();
    if n == image.rgba8.len() { 0.0 } else { n as f64 / image.rgba8.len() as f64 }
}

fn note_vertex_alpha(scene: &Scene, places: &[Vec<PrimitiveIdx>], findings: &mut Findings) {
    for (mesh, places) in scene.meshes.iter().zip(places) {
        for (primitive, place) in mesh.primitives.iter().zip(places) {
            let alpha = primitive.material.map_or(AlphaMode::Opaque, |m| scene.materials[m.0 as usize].alpha);
            if alpha == AlphaMode::Opaque && primitive.colors.iter().any(|color| color.w < 1.0) {
                let message = "the alpha of vertex colours is ignored, because the material's alpha mode is OPAQUE";
                findings.add_once("alpha_without_blend", Severity::Info, place.pointer(), message);
            }
        }
    }
}

fn note_budget(scene: &Scene, budget_bytes: usize, findings: &mut Findings) {
    let mut images: Vec<&Arc<Image>> = scene.textures.iter().map(|texture| &texture.image).collect();
    images.sort_by_key(|image| Arc::as_ptr(image));
    images.dedup_by_key(|image| Arc::as_ptr(image));
    let bytes: usize = images.iter().map(|image| size_of_val(&*image.rgba8)).sum();
    let Some(largest) = images.iter().max_by_key(|image| image.rgba8.len()).filter(|_| bytes > budget_bytes) else {
        return;
    };
    let size = (largest.width_px, largest.height_px);
    let wears = |texture: &crate::scene::TextureRef| {
        let image = &scene.textures[texture.texture.0 as usize].image;
        (image.width_px, image.height_px) == size
    };
    let wearer = (0..scene.materials.len()).find(|&idx| scene.materials[idx].textures.all().any(wears));
    let at = wearer.and_then(|idx| pointer(scene, idx)).unwrap_or_else(|| "/materials".to_owned());
    let message = format!(
        "the product's {} images take {} MiB, above {} MiB; the largest one is {} × {} pixels",
        images.len(),
        bytes >> 20,
        budget_bytes >> 20,
        size.0,
        size.1
    );
    findings.add("textures_over_budget", Severity::Warning, at, message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{MaterialTextures, SceneMaterial, Texture, TextureIdx, TextureRef, Wrap};

    #[test]
    fn images_count_once_and_the_largest_is_named() {
        let image = |side_px: u32| {
            let rgba8 = vec![[255; 4]; (side_px * side_px) as usize];
            Arc::new(Image { width_px: side_px, height_px: side_px, rgba8 })
        };
        let (small, large) = (image(8), image(16));
        let texture = |image: &Arc<Image>| Texture { image: image.clone(), wrap: [Wrap::Repeat; 2], nearest: false };
        let wearing = |file_idx: u32, texture: u32| {
            let uv_from_uv = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
            let normal = Some(TextureRef { texture: TextureIdx(texture), uv_set: 0, uv_from_uv });
            let textures = MaterialTextures { normal, ..MaterialTextures::default() };
            SceneMaterial { file_idx: Some(file_idx), textures, ..SceneMaterial::default() }
        };
        let scene = Scene {
            textures: vec![texture(&small), texture(&large), texture(&large)],
            materials: vec![wearing(4, 0), wearing(7, 2)],
            ..Scene::default()
        };
        let found = |budget_bytes| {
            let mut findings = Findings::default();
            note_budget(&scene, budget_bytes, &mut findings);
            findings.finish().into_iter().map(|finding| format!("{} {}", finding.code, finding.at)).collect::<Vec<_>>()
        };
        assert_eq!(found(4 * (64 + 256)), [""; 0]);
        assert_eq!(found(4 * (64 + 256) - 1), ["textures_over_budget /materials/7"]);
    }
}
