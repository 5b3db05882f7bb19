//! Pictures that show nothing of their product.

use glam::{DVec2, DVec3};

use crate::diagnostic::{Diagnostic, Severity};
use crate::scene::{Bounds, Scene};
use crate::shot::{Projection, Shot};

/// What is smaller than this in the picture, along its longer side, is invisible.
const SEEN_MIN_PX: f64 = 1.0;
/// What is thinner than this covers too little of its pixels to be seen, however long it is.
const THICKNESS_MIN_PX: f64 = 1.0 / 64.0;

/// Detects pictures that show nothing of their product, by the bounds of each part, without regard to occlusion.
pub fn unseen(scene: &Scene, shot: &Shot) -> Option<Diagnostic> {
    // Nearly always the first part is seen, and the vertices of the others are not read.
    let mut of_meshes = vec![None; scene.meshes.len()];
    let mut largest: Option<(f64, &str)> = None;
    for part in &scene.parts {
        let mesh = part.mesh.0 as usize;
        let of_mesh = of_meshes[mesh].get_or_insert_with(|| scene.meshes[mesh].local_bounds());
        let Some(local) = *of_mesh else { continue };
        let size_px = size_px(&Bounds::of_box(local, &part.world_from_part), shot);
        if size_px >= SEEN_MIN_PX {
            return None;
        }
        if largest.is_none_or(|(other_px, _)| size_px > other_px) {
            largest = Some((size_px, &part.path));
        }
    }
    let message = match largest? {
        (size_px, path) if size_px > 0.0 => format!(
            "the picture shows nothing of the product: its largest part in the picture, {path:?}, is {} pixels \
             wide or high. If a part lies far from the others, hide it; otherwise move the camera nearer",
            match size_px {
                0.005.. => format!("{size_px:.2}"),
                _ => "less than 0.01".to_owned(),
            }
        ),
        _ => "the picture shows nothing of the product: the camera looks past it, or its clip planes leave it out"
            .to_owned(),
    };
    Some(Diagnostic { code: "nothing_seen", severity: Severity::Warning, at: "camera".to_owned(), message })
}

/// The longer side of a box's image in the picture, or the thickness of a box that is too thin to be seen; a box that
/// reaches behind the camera counts as large as the picture.
fn size_px(bounds: &Bounds, shot: &Shot) -> f64 {
    let camera = &shot.camera;
    let camera_from_world = camera.world_from_camera.inverse();
    let corner = |i: u32| {
        let choose = |axis: usize| if i >> axis & 1 == 0 { bounds.min[axis] } else { bounds.max[axis] };
        camera_from_world.transform_point3(DVec3::new(choose(0), choose(1), choose(2)))
    };
    let corners: [DVec3; 8] = std::array::from_fn(|i| corner(i as u32));
    let [nearest, farthest] = corners.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[nearest, farthest], corner| {
        [nearest.min(-corner.z), farthest.max(-corner.z)]
    });
    if farthest < camera.clip_near_m || nearest > camera.clip_far_m {
        return 0.0;
    }
    let size_px = DVec2::new(f64::from(shot.film.width_px), f64::from(shot.film.height_px));
    if nearest <= camera.clip_near_m && matches!(camera.projection, Projection::Perspective { .. }) {
        return size_px.max_element();
    }
    let half_height = |depth_m: f64| match camera.projection {
        Projection::Perspective { fov_y_rad } => depth_m * (0.5 * fov_y_rad).tan(),
        Projection::Orthographic { height_m } => 0.5 * height_m,
    };
    let in_picture = |corner: &DVec3| {
        let half_height = half_height(-corner.z);
        DVec2::new(corner.x / (half_height * size_px.x / size_px.y), corner.y / half_height)
    };
    let (min, max) = corners
        .iter()
        .map(in_picture)
        .fold((DVec2::splat(f64::INFINITY), DVec2::splat(f64::NEG_INFINITY)), |(min, max), at| {
            (min.min(at), max.max(at))
        });
    let shown = max.min(DVec2::ONE) - min.max(DVec2::NEG_ONE);
    if shown.min_element() < 0.0 {
        return 0.0;
    }
    // Of the three sides of a bar two are thin, of a plate one.
    let mut sides_px = ((bounds.max - bounds.min) * 0.5 * size_px.y / half_height(nearest)).to_array();
    sides_px.sort_by(f64::total_cmp);
    let [_, thickness_px, _] = sides_px;
    if thickness_px < THICKNESS_MIN_PX { thickness_px } else { (0.5 * shown * size_px).max_element() }
}
