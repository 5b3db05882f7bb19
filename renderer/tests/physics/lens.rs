//! Depth of field: the image of points in front of and behind the plane of focus of a thin lens.

use glam::{DAffine3, DMat3, DVec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::shot::{Aperture, PixelFilter, Projection, Shot};

use crate::scenes::{plane, render, scene, shot};

const SIZE_PX: u32 = 64;
const FOCUS_M: f64 = 4.0;
const FOV_Y_RAD: f64 = 0.2;
const RADIUS_M: f64 = 0.25;

/// Down from a height of 4 m, with the ground in focus.
fn looking_down(samples: u32, aperture: Option<Aperture>) -> Shot {
    let mut shot = shot(DVec3::Y * FOCUS_M, 1.0, SIZE_PX, samples);
    shot.camera.projection = Projection::Perspective { fov_y_rad: FOV_Y_RAD };
    shot.camera.aperture = aperture;
    shot.film.filter = PixelFilter::BlackmanHarris { half_width_px: 1.5 };
    shot
}

/// The fraction of each pixel that is covered by a square with this side that faces the camera from `depth_m`.
fn coverage(side_m: f64, depth_m: f64, shot: &Shot) -> Vec<f64> {
    let place = DAffine3 {
        matrix3: DMat3::from_diagonal(DVec3::new(0.5 * side_m, 1.0, 0.5 * side_m)),
        translation: DVec3::Y * (FOCUS_M - depth_m),
    };
    let film = render(&scene(vec![plane()], &[(0, place)]), &OpenPbr::default(), shot, 2);
    film.resolve().iter().map(|pixel| f64::from(pixel[3])).collect()
}

/// Sum, mean position from the picture's middle and mean squared distance from it, in pixels.
fn moments(coverage: &[f64]) -> (f64, [f64; 2], f64) {
    let half = 0.5 * f64::from(SIZE_PX);
    let (mut sum, mut first, mut second) = (0.0, [0.0; 2], 0.0);
    for (i, value) in coverage.iter().enumerate() {
        let (x, y) = ((i % SIZE_PX as usize) as f64 + 0.5 - half, (i / SIZE_PX as usize) as f64 + 0.5 - half);
        sum += value;
        first = [first[0] + value * x, first[1] + value * y];
        second += value * (x * x + y * y);
    }
    (sum, first.map(|moment| moment / sum), second / sum)
}

#[test]
fn a_point_out_of_focus_is_an_even_disk_of_the_diameter_of_its_circle_of_confusion() {
    let aperture = Some(Aperture { radius_m: RADIUS_M, focus_depth_m: FOCUS_M });
    let px_per_m_in_focus = f64::from(SIZE_PX) / (2.0 * FOCUS_M * (0.5 * FOV_Y_RAD).tan());
    for depth_m in [2.5, 3.2, 5.0, 8.0] {
        let side_m = 0.03 * depth_m;
        let sharp = moments(&coverage(side_m, depth_m, &looking_down(512, None)));
        let image = coverage(side_m, depth_m, &looking_down(512, aperture));
        let blurred = moments(&image);
        // c = 2·R·|d − f|/d, the image of the point in the plane of focus. The contributions of the point's own size,
        // the pixel and its filter to the second moment are additive, so the pinhole's picture is subtracted. A uniform
        // disc has r²/2.
        let expected_px = 2.0 * RADIUS_M * (depth_m - FOCUS_M).abs() / depth_m * px_per_m_in_focus;
        let diameter_px = 2.0 * (2.0 * (blurred.2 - sharp.2)).sqrt();
        assert!((diameter_px / expected_px - 1.0).abs() < 0.01, "at {depth_m} m {diameter_px} px, not {expected_px}");
        assert!((blurred.0 / sharp.0 - 1.0).abs() < 0.01, "no light is lost: {} of {}", blurred.0, sharp.0);
        assert!(blurred.1.iter().all(|px| px.abs() < 0.05), "off by {:?} px", blurred.1);
        let half = 0.5 * f64::from(SIZE_PX);
        let within = |radius_px: f64| -> f64 {
            let inside = |i: usize| {
                let (x, y) = ((i % SIZE_PX as usize) as f64 + 0.5 - half, (i / SIZE_PX as usize) as f64 + 0.5 - half);
                x.hypot(y) <= radius_px
            };
            image.iter().enumerate().filter(|(i, _)| inside(*i)).map(|(_, value)| value).sum()
        };
        if expected_px > 10.0 {
            let half_disk = within(0.25 * expected_px) / blurred.0;
            assert!((half_disk - 0.25).abs() < 0.05, "a quarter of the light is in the half disk, not {half_disk}");
        }
    }
}

#[test]
fn what_is_in_focus_is_as_sharp_as_through_a_pinhole() {
    let aperture = Some(Aperture { radius_m: RADIUS_M, focus_depth_m: FOCUS_M });
    let pinhole = coverage(0.41, FOCUS_M, &looking_down(64, None));
    let lens = coverage(0.41, FOCUS_M, &looking_down(64, aperture));
    let edges = pinhole.iter().filter(|&&share| share > 0.01 && share < 0.99).count();
    assert!(edges > 100, "{edges} pixels at the edges");
    for (i, (lens, pinhole)) in lens.iter().zip(&pinhole).enumerate() {
        // A sample that just hits the edge may miss it by rounding.
        assert!((lens - pinhole).abs() <= 1.0 / 64.0 + 1e-6, "pixel {i}: {lens} instead of {pinhole}");
    }
    let differing = lens.iter().zip(&pinhole).filter(|(a, b)| a != b).count();
    assert!(differing <= 8, "{differing} pixels differ");
}

#[test]
fn parallel_rays_take_no_notice_of_an_aperture() {
    let mut shot = shot(DVec3::Y * FOCUS_M, 1.0, 16, 4);
    let without = coverage(0.5, 3.0, &shot);
    shot.camera.aperture = Some(Aperture { radius_m: 1.0, focus_depth_m: 1.0 });
    assert_eq!(coverage(0.5, 3.0, &shot), without);
}
