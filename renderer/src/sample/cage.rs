//! One half of a ribbon cage: a strip pressed into domes over the balls, flat between them.
//!
//! About the axis of each ball that is parallel to the bearing's, the strip's lower face is a sphere, then a fillet
//! (part of a torus), then a plane. Faces at equal height in the sheet are offsets of one another, so a point of the
//! solid has three coordinates: how far along the pitch circle, its radius from the bearing's axis, its height in the
//! sheet. The strip's cross-section in the last two is a rectangle with rounded corners. As height is a distance, the
//! exact normal of the rounded edge is `n_radius * e_r + n_height * N`, N being the normal of the offset face.

use std::f64::consts::{FRAC_PI_2, TAU};

use glam::{DVec2, DVec3};

use super::shell::Shell;

/// Measures of a half, which lies above the plane z = 0 through the balls' centres.
pub(super) struct CageHalf {
    pub(super) n_balls: usize,
    /// Radius of the circle of the balls' centres.
    pub(super) pitch_radius_mm: f64,
    /// Radius of the domes' inner faces.
    pub(super) pocket_radius_mm: f64,
    /// Thickness of the sheet.
    pub(super) thickness_mm: f64,
    /// Radius between dome and flat, on the outer side of the sheet.
    pub(super) fillet_mm: f64,
    /// Radius of the strip's edges.
    pub(super) edge_radius_mm: f64,
    /// Radii of the strip's edges from the bearing's axis.
    pub(super) strip_radii_mm: [f64; 2],
    /// Distance of the flats' lower face from the plane of the balls' centres.
    pub(super) joint_mm: f64,
}

/// A position along the half sector from a ball's centre to the middle between two balls.
#[derive(Clone, Copy)]
enum Station {
    /// A fraction of the dome, 0 at its top.
    Dome(f64),
    /// A fraction of the fillet.
    Fillet(f64),
    /// A fraction of the flat, 1 in the middle between two balls.
    Flat(f64),
}

/// Steps over half a dome, a fillet and half a flat.
const DOME_STEPS: usize = 11;
const FILLET_STEPS: usize = 6;
const FLAT_STEPS: usize = 2;
/// Steps across a face of the strip, and over a quarter of a turn at its edges.
const FACE_STEPS: usize = 5;
const EDGE_STEPS: usize = 3;

impl CageHalf {
    /// The closed surface; the first ball's centre lies at `start_rad` from +X.
    pub(super) fn shell(&self, start_rad: f64) -> Shell {
        let mut shell = Shell::default();
        let section = self.cross_section();
        let stations = stations();
        let sector_rad = TAU / self.n_balls as f64;
        for ball in 0..self.n_balls {
            let ball_rad = start_rad + ball as f64 * sector_rad;
            for &(station, side) in &stations {
                for &(radius_and_height, section_normal) in &section {
                    let [radius_mm, height_mm] = radius_and_height.to_array();
                    let (angle_rad, z, face_normal) = self.point(station, radius_mm, height_mm);
                    let radial = DVec2::from_angle(ball_rad + side * angle_rad);
                    let position = (radial * radius_mm).extend(z + self.joint_mm);
                    // The face's normal was made for the ball on +X and the side of positive angles.
                    let along = DVec2::from_angle(ball_rad);
                    let across = along.perp() * side;
                    let face = (along * face_normal.x + across * face_normal.y).extend(face_normal.z);
                    let normal = radial.extend(0.0) * section_normal.x + face * section_normal.y;
                    shell.push(position, normal.normalize());
                }
            }
        }
        let n_section = section.len();
        let n_stations = shell.positions_mm.len() / n_section;
        let vertex = |station: usize, i: usize| ((station % n_stations) * n_section + i % n_section) as u32;
        for station in 0..n_stations {
            for i in 0..n_section {
                let (j, next) = (i + 1, station + 1);
                shell.push_quad([vertex(station, i), vertex(next, i), vertex(next, j), vertex(station, j)]);
            }
        }
        shell
    }

    /// Points and outward normals around the strip's cross-section, x the radius and y the height in the sheet,
    /// counter-clockwise.
    fn cross_section(&self) -> Vec<(DVec2, DVec2)> {
        let edge = self.edge_radius_mm;
        let [inner, outer] = self.strip_radii_mm;
        let (low, high) = (edge, self.thickness_mm - edge);
        let corners = [
            DVec2::new(outer - edge, low),
            DVec2::new(outer - edge, high),
            DVec2::new(inner + edge, high),
            DVec2::new(inner + edge, low),
        ];
        let mut points = Vec::new();
        for (i, &center) in corners.iter().enumerate() {
            let from_rad = (i as f64 - 1.0) * FRAC_PI_2;
            for step in 0..=EDGE_STEPS {
                let normal = DVec2::from_angle(from_rad + FRAC_PI_2 * step as f64 / EDGE_STEPS as f64);
                points.push((center + edge * normal, normal));
            }
            let &(from, normal) = points.last().unwrap_or(&(center, DVec2::X));
            let to = corners[(i + 1) % corners.len()] + edge * normal;
            // The dome is curved across the faces, not across the walls of the edges.
            let n_steps = if i % 2 == 1 { FACE_STEPS } else { 1 };
            points.extend((1..n_steps).map(|step| (from.lerp(to, step as f64 / n_steps as f64), normal)));
        }
        points
    }

    /// Angle from the ball's centre about the bearing's axis, height above the flats' lower face and normal of the
    /// offset face there, for a ball on +X and positive angles.
    fn point(&self, station: Station, radius_mm: f64, height_mm: f64) -> (f64, f64, DVec3) {
        let (r, pitch) = (radius_mm, self.pitch_radius_mm);
        let off_pitch = r - pitch;
        // A point at distance rho from the ball's axis: rho² = (r − pitch)² + q², q = 2·√(r·pitch)·sin(angle/2).
        let angle = |q: f64| 2.0 * (q / (2.0 * (r * pitch).sqrt())).clamp(-1.0, 1.0).asin();
        let angle_at = |rho: f64| angle((rho * rho - off_pitch * off_pitch).max(0.0).sqrt());
        let from_ball_axis = |angle: f64| DVec2::new(r * angle.cos() - pitch, r * angle.sin());
        // The fillet's circle touches the dome's from outside and the flat from above.
        let fillet_height = self.thickness_mm + self.fillet_mm;
        let reach = self.pocket_radius_mm + fillet_height;
        let dome_end_cos = fillet_height / reach;
        let fillet_rho = (reach * reach - fillet_height * fillet_height).sqrt();
        match station {
            Station::Dome(share) => {
                let sphere = self.pocket_radius_mm + height_mm;
                let circle = (sphere * sphere - off_pitch * off_pitch).sqrt();
                let psi = share * (sphere * dome_end_cos / circle).acos();
                let (angle, z) = (angle(circle * psi.sin()), circle * psi.cos());
                (angle, z, from_ball_axis(angle).extend(z) / sphere)
            }
            Station::Fillet(share) => {
                let radius = fillet_height - height_mm;
                let phi = (1.0 - share) * dome_end_cos.acos();
                let rho = fillet_rho - radius * phi.sin();
                let angle = angle_at(rho);
                let outwards = from_ball_axis(angle) / rho;
                (angle, fillet_height - radius * phi.cos(), (outwards * phi.sin()).extend(phi.cos()))
            }
            Station::Flat(share) => {
                let (from, to) = (angle_at(fillet_rho), 0.5 * TAU / self.n_balls as f64);
                (from + share * (to - from), height_mm, DVec3::Z)
            }
        }
    }
}

/// The stations of a whole sector in the order of growing angle, each with the side of the ball it lies on. The
/// sector's last station is omitted, because it is the first of the next sector.
fn stations() -> Vec<(Station, f64)> {
    let share = |step: usize, n_steps: usize| step as f64 / n_steps as f64;
    let half: Vec<Station> = (0..=DOME_STEPS)
        .map(|step| Station::Dome(share(step, DOME_STEPS)))
        .chain((1..=FILLET_STEPS).map(|step| Station::Fillet(share(step, FILLET_STEPS))))
        .chain((1..=FLAT_STEPS).map(|step| Station::Flat(share(step, FLAT_STEPS))))
        .collect();
    let before = half.iter().rev().map(|&station| (station, -1.0));
    let after = half[1..half.len() - 1].iter().map(|&station| (station, 1.0));
    before.chain(after).collect()
}
