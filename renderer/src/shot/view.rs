//! View directions: by angles, and by name.

use glam::{DMat3, DVec3, dvec3};

/// Where a camera looks from. Azimuth 0° is +Z (the product's front), 90° is +X; elevation is positive upwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ViewDirection {
    /// Rotation of the camera about +Y.
    pub azimuth_deg: f64,
    /// −90° (from below) to 90° (from above).
    pub elevation_deg: f64,
}

/// A view with the name that options and output files use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NamedView {
    /// Its name.
    pub name: &'static str,
    /// Where it looks from.
    pub direction: ViewDirection,
}

const fn named(name: &'static str, azimuth_deg: f64, elevation_deg: f64) -> NamedView {
    NamedView { name, direction: ViewDirection { azimuth_deg, elevation_deg } }
}

/// The set `six_view`: the sides of a box. `top` has −Z up in the picture, `bottom` +Z.
pub const SIX_VIEW: [NamedView; 6] = [
    named("front", 0.0, 0.0),
    named("right", 90.0, 0.0),
    named("back", 180.0, 0.0),
    named("left", 270.0, 0.0),
    named("top", 0.0, 90.0),
    named("bottom", 0.0, -90.0),
];

/// The set `six_yaw`: around the product, from slightly above.
pub const SIX_YAW: [NamedView; 6] = [
    named("front_0deg", 0.0, 20.0),
    named("right_60deg", 60.0, 20.0),
    named("right_120deg", 120.0, 20.0),
    named("back_180deg", 180.0, 20.0),
    named("left_240deg", 240.0, 20.0),
    named("left_300deg", 300.0, 20.0),
];

/// The default: from the front, the right and above.
pub const THREE_QUARTER: NamedView = named("three_quarter", 35.0, 20.0);

impl NamedView {
    /// All views that have a name: the sets, and [`THREE_QUARTER`].
    pub fn all() -> impl Iterator<Item = Self> {
        SIX_VIEW.into_iter().chain([THREE_QUARTER]).chain(SIX_YAW)
    }

    /// The same view from another elevation; `top` and `bottom` are unchanged.
    #[must_use]
    pub fn at_elevation(self, elevation_deg: f64) -> Self {
        if matches!(self.name, "top" | "bottom") {
            return self;
        }
        Self { direction: ViewDirection { elevation_deg, ..self.direction }, ..self }
    }

    /// The view of this name, whether single or from a set.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().find(|view| view.name == name)
    }
}

impl ViewDirection {
    /// The direction of a single view's name: one of [`SIX_VIEW`], or [`THREE_QUARTER`].
    pub fn by_name(name: &str) -> Option<Self> {
        SIX_VIEW.iter().chain([&THREE_QUARTER]).find(|view| view.name == name).map(|view| view.direction)
    }

    /// World from camera: columns are right, up and back in world space. Exact at multiples of 90°.
    pub fn orientation(self) -> DMat3 {
        let (sin_az, cos_az) = sin_cos_deg(self.azimuth_deg);
        let (sin_el, cos_el) = sin_cos_deg(self.elevation_deg);
        DMat3::from_cols(
            dvec3(cos_az, 0.0, -sin_az),
            dvec3(-sin_az * sin_el, cos_el, -cos_az * sin_el),
            dvec3(sin_az * cos_el, sin_el, cos_az * cos_el),
        )
    }
}

/// The azimuth of a camera with this orientation, in degrees: of the side it is on, or, if it looks straight down or
/// up, of the direction whose azimuth is 90° less than that of its right.
pub fn azimuth_deg(orientation: &DMat3) -> f64 {
    let (right, back) = (orientation.x_axis, orientation.z_axis);
    let toward = if DVec3::new(back.x, 0.0, back.z).length() > 1e-3 { back } else { dvec3(-right.z, 0.0, right.x) };
    toward.x.atan2(toward.z).to_degrees()
}

/// The elevation of a camera with this orientation, in degrees.
pub fn elevation_deg(orientation: &DMat3) -> f64 {
    let back = orientation.z_axis;
    back.y.atan2(back.x.hypot(back.z)).to_degrees()
}

/// Sine and cosine of degrees, without rounding at multiples of 90°.
fn sin_cos_deg(deg: f64) -> (f64, f64) {
    let turned = deg.rem_euclid(360.0);
    match turned {
        0.0 | 360.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        _ => turned.to_radians().sin_cos(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_signs_of_the_contract() {
        // Name, direction from the product to the camera, the picture's up.
        let cases = [
            ("front", DVec3::Z, DVec3::Y),
            ("right", DVec3::X, DVec3::Y),
            ("back", DVec3::NEG_Z, DVec3::Y),
            ("left", DVec3::NEG_X, DVec3::Y),
            ("top", DVec3::Y, DVec3::NEG_Z),
            ("bottom", DVec3::NEG_Y, DVec3::Z),
        ];
        for (name, back, up) in cases {
            let orientation = ViewDirection::by_name(name).expect("a name").orientation();
            assert_eq!((orientation.z_axis, orientation.y_axis), (back, up), "{name}");
            assert_eq!(orientation.x_axis, up.cross(back), "{name}");
        }
        assert_eq!(ViewDirection::by_name("three_quarter"), Some(THREE_QUARTER.direction));
        assert_eq!(ViewDirection::by_name("six_yaw"), None);
        let names: std::collections::BTreeSet<&str> = NamedView::all().map(|view| view.name).collect();
        assert_eq!(names.len(), 13, "no name stands for two views");
        assert_eq!(NamedView::by_name("left_240deg").expect("a view").direction.azimuth_deg, 240.0);
    }

    proptest::proptest! {
        #[test]
        fn orientations_are_rotations_and_keep_their_azimuth(azimuth in -400.0..400.0_f64, elevation in -90.0..90.0_f64) {
            let m = ViewDirection { azimuth_deg: azimuth, elevation_deg: elevation }.orientation();
            proptest::prop_assert!((m.transpose() * m).abs_diff_eq(DMat3::IDENTITY, 1e-14));
            proptest::prop_assert!((m.determinant() - 1.0).abs() < 1e-14);
            proptest::prop_assert!(m.x_axis.y == 0.0 && m.y_axis.y >= 0.0);
            let off = (azimuth_deg(&m) - azimuth).rem_euclid(360.0);
            proptest::prop_assert!(off.min(360.0 - off) < 1e-9);
        }
    }

    #[test]
    fn looking_straight_down_keeps_the_azimuth() {
        for azimuth in [0.0, 30.0, 135.0, -90.0] {
            for elevation_deg in [90.0, -90.0] {
                let view = ViewDirection { azimuth_deg: azimuth, elevation_deg };
                assert!((azimuth_deg(&view.orientation()) - azimuth).abs() < 1e-9);
            }
        }
    }
}
