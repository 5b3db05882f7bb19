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
    let mut largest: Option<(Seen, &str)> = None;
    for part in &scene.parts {
        let mesh = part.mesh.0 as usize;
        let of_mesh = of_meshes[mesh].get_or_insert_with(|| scene.meshes[mesh].local_bounds());
        let Some(local) = *of_mesh else { continue };
        let seen = Seen::of(&Bounds::of_box(local, &part.world_from_part), shot);
        if seen.size_px >= SEEN_MIN_PX && seen.thickness_px >= THICKNESS_MIN_PX {
            return None;
        }
        if largest.is_none_or(|(other, _)| seen.size_px > other.size_px) {
            largest = Some((seen, &part.path));
        }
    }
    let rounded = |px: f64| if px < 0.005 { "less than 0.01".to_owned() } else { format!("{px:.2}") };
    let message = match largest? {
        (seen, path) if seen.size_px >= SEEN_MIN_PX => format!(
            "the picture shows nothing of the product: its largest part in the picture, {path:?}, is {} pixels \
             thick. If it is stretched, correct its scale; otherwise move the camera nearer",
            rounded(seen.thickness_px)
        ),
        (seen, path) if seen.size_px > 0.0 => format!(
            "the picture shows nothing of the product: its largest part in the picture, {path:?}, is {} pixels \
             wide or high. If a part lies far from the others, hide it; otherwise move the camera nearer",
            rounded(seen.size_px)
        ),
        _ => "the picture shows nothing of the product: the camera looks past it, or its clip planes leave it out"
            .to_owned(),
    };
    Some(Diagnostic { code: "nothing_seen", severity: Severity::Warning, at: "camera".to_owned(), message })
}

/// How large a box is in the picture.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The longer side of what shows of its image.
    size_px: f64,
    /// The middle one of its three sides: of a bar two are thin, of a plate one.
    thickness_px: f64,
}

impl Seen {
    /// It is beside the picture, or outside the clip planes.
    const NOTHING: Self = Self { size_px: 0.0, thickness_px: 0.0 };

    /// A box that reaches behind the camera counts as large as the picture.
    fn of(bounds: &Bounds, shot: &Shot) -> Self {
        let camera = &shot.camera;
        let camera_from_world = camera.world_from_camera.inverse();
        let corner = |i: u32| {
            let choose = |axis: usize| if i >> axis & 1 == 0 { bounds.min[axis] } else { bounds.max[axis] };
            camera_from_world.transform_point3(DVec3::new(choose(0), choose(1), choose(2)))
        };
        let corners: [DVec3; 8] = std::array::from_fn(|i| corner(i as u32));
        let [nearest, farthest] =
            corners.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[nearest, farthest], corner| {
                [nearest.min(-corner.z), farthest.max(-corner.z)]
            });
        if farthest < camera.clip_near_m || nearest > camera.clip_far_m {
            return Self::NOTHING;
        }
        let size_px = DVec2::new(f64::from(shot.film.width_px), f64::from(shot.film.height_px));
        if nearest <= camera.clip_near_m && matches!(camera.projection, Projection::Perspective { .. }) {
            return Self { size_px: size_px.max_element(), thickness_px: size_px.max_element() };
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
            return Self::NOTHING;
        }
        let mut sides_px = ((bounds.max - bounds.min) * 0.5 * size_px.y / half_height(nearest)).to_array();
        sides_px.sort_by(f64::total_cmp);
        let [_, thickness_px, _] = sides_px;
        Self { size_px: (0.5 * shown * size_px).max_element(), thickness_px }
    }
}
