//! The trees of a product: built, or read from a store, where those of large products are kept.

use glam::Affine3A;
use packshot_traversal::{AccelError, AccelInstance, AccelMesh, SceneBvh, shape};

use crate::store::{self, ByteStore, Kept};

/// Trees over fewer triangles and instances than this take less time to build than to find.
const KEPT_MIN: usize = 20_000;

/// The trees of these meshes and instances.
pub(super) fn trees(
    meshes: &[AccelMesh<'_>],
    instances: &[AccelInstance],
    kept: Option<&dyn ByteStore>,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<SceneBvh, AccelError> {
    let n = instances.len() + meshes.iter().map(|mesh| mesh.triangles.len()).sum::<usize>();
    let Some(kept) = kept.filter(|_| n >= KEPT_MIN) else { return SceneBvh::build(meshes, instances, cancelled) };
    let name = name(meshes, instances);
    if let Some(known) = store::load(kept, Kept::Trees, &name)
        && let Some(read) = SceneBvh::of_shape(meshes, instances, &known, cancelled)?
    {
        return Ok(read);
    }
    let built = SceneBvh::build(meshes, instances, cancelled)?;
    store::store(kept, Kept::Trees, &name, &built.shape());
    Ok(built)
}

/// Derived from everything that the trees depend on.
fn name(meshes: &[AccelMesh<'_>], instances: &[AccelInstance]) -> String {
    let mut hasher = blake3::Hasher::new();
    for mesh in meshes {
        hasher.update(&mesh.triangles.len().to_le_bytes()).update(bytemuck::cast_slice(mesh.triangles));
    }
    for instance in instances {
        let transforms = [instance.world_from_local, instance.local_from_world];
        hasher.update(&instance.mesh.to_le_bytes());
        for transform in transforms {
            hasher.update(bytemuck::bytes_of(&Affine3A::to_cols_array(&transform)));
        }
    }
    format!("{}-{}", shape::VERSION, &hasher.finalize().to_hex()[..32])
}

#[cfg(test)]
mod tests {
    use glam::Vec3;

    use super::*;
    use crate::store::testing::Memory;

    fn triangles(n: u32) -> Vec<[Vec3; 3]> {
        let at = |i: u32| Vec3::new((i % 211) as f32, (i % 97) as f32, (i % 11) as f32);
        (0..n).map(|i| [at(i), at(i) + Vec3::X, at(i) + Vec3::Y]).collect()
    }

    #[test]
    fn large_trees_are_read_again_and_damaged_ones_built_again() {
        let memory = Memory::default();
        let instances =
            [AccelInstance { mesh: 0, world_from_local: Affine3A::IDENTITY, local_from_world: Affine3A::IDENTITY }];
        let order = |triangles: &[[Vec3; 3]]| {
            let meshes = [AccelMesh { triangles, first_triangle: 0 }];
            let trees = trees(&meshes, &instances, Some(&memory), &|| false).expect("trees");
            trees.meshes[0].tree.primitives.clone()
        };
        let stored = || memory.0.lock().expect("not poisoned").values().cloned().collect::<Vec<_>>();
        order(&triangles(100));
        assert!(stored().is_empty(), "small ones are not kept");

        let large = triangles(KEPT_MIN as u32);
        let built = order(&large);
        let sound = stored();
        assert_eq!(sound.len(), 1);
        // It shows that it is read: here is the shape of a mesh of as many triangles that lie elsewhere.
        let mut elsewhere = large.clone();
        elsewhere.reverse();
        let other = SceneBvh::build(&[AccelMesh { triangles: &elsewhere, first_triangle: 0 }], &instances, &|| false);
        let other = other.expect("built");
        let (kind, name) = memory.0.lock().expect("not poisoned").keys().next().expect("one").clone();
        store::store(&memory, kind, &name, &other.shape());
        assert_eq!(order(&large), other.meshes[0].tree.primitives);
        assert_ne!(order(&large), built);

        memory.store(kind, &name, b"not what was stored");
        assert_eq!(order(&large), built);
        assert_eq!(stored(), sound, "replaced");
        order(&elsewhere);
        assert_eq!(stored().len(), 2, "other triangles are others");
    }
}
