//! The deep-groove ball bearing 6205: its measures, and the solids made from them.
//!
//! Boundary dimensions and corner radii are those of ISO 15 (d 25, D 52, B 15, r at least 1); ball size and count,
//! shoulders and raceway conformity are usual for the size.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use glam::{DQuat, DVec2, DVec3};

use super::cage::CageHalf;
use super::outline::{Outline, Piece};
use super::shell::Shell;
use super::{Assembly, AssemblyMesh, AssemblyPart, SampleMaterial};

const BORE_RADIUS_MM: f64 = 12.5;
const OUTER_RADIUS_MM: f64 = 26.0;
const HALF_WIDTH_MM: f64 = 7.5;
/// Radius of the outer corners.
const CORNER_MM: f64 = 1.0;

pub(super) const N_BALLS: usize = 9;
/// 5/16 inch balls.
pub(super) const BALL_RADIUS_MM: f64 = 7.9375 / 2.0;
/// Radius of the circle of the balls' centres.
pub(super) const PITCH_RADIUS_MM: f64 = 19.25;
/// Clearance between a centred ball and either raceway.
const CLEARANCE_MM: f64 = 0.007;
/// Radius of the raceways in cross-section: 51.5 % of the ball's diameter.
const GROOVE_RADIUS_MM: f64 = 0.515 * 7.9375;

pub(super) const INNER_SHOULDER_RADIUS_MM: f64 = 17.0;
pub(super) const OUTER_SHOULDER_RADIUS_MM: f64 = 21.5;
/// The rings' recesses beside the shoulders, where shields would sit.
const INNER_RECESS_RADIUS_MM: f64 = 15.9;
const OUTER_RECESS_RADIUS_MM: f64 = 23.1;
const RECESS_DEPTH_MM: f64 = 1.4;
const RECESS_EDGE_MM: f64 = 0.6;
const RECESS_FILLET_MM: f64 = 0.3;
/// Radius between raceway and shoulder.
const SHOULDER_EDGE_MM: f64 = 0.2;

/// A multiple of the ball count, so that a vertex is where a ball touches.
const RING_SEGMENTS: usize = 16 * N_BALLS;
const RIVET_SEGMENTS: usize = 20;
const BALL_SUBDIVISIONS: u32 = 4;

const RIVET_HEAD_RADIUS_MM: f64 = 0.85;
const RIVET_HEAD_HEIGHT_MM: f64 = 0.5;
const RIVET_SHANK_RADIUS_MM: f64 = 0.5;

const CAGE: CageHalf = CageHalf {
    n_balls: N_BALLS,
    pitch_radius_mm: PITCH_RADIUS_MM,
    pocket_radius_mm: BALL_RADIUS_MM + 0.12,
    thickness_mm: 0.6,
    fillet_mm: 0.5,
    edge_radius_mm: 0.2,
    strip_radii_mm: [18.2, 20.3],
    joint_mm: 0.005,
};

/// The first ball is at the top.
const FIRST_BALL_RAD: f64 = FRAC_PI_2;

const RING_STEEL: SampleMaterial =
    SampleMaterial { library_id: "STD_010105_Steel-BearingRing", base_color: [0.530, 0.513, 0.494], roughness: 0.34 };
const STEEL_POLISHED: SampleMaterial =
    SampleMaterial { library_id: "STD_010103_Steel-Polished", base_color: [0.530, 0.513, 0.494], roughness: 0.06 };
const BRASS: SampleMaterial =
    SampleMaterial { library_id: "STD_010501_Brass-CuZn30", base_color: [0.800, 0.635, 0.295], roughness: 0.25 };

/// The whole bearing, its axis along Z, centred at the origin.
pub(super) fn assembly() -> Assembly {
    let mesh = |name, shell, material| AssemblyMesh { name, shell, material };
    let meshes = vec![
        mesh("Outer_Ring", outer_ring().revolve(RING_SEGMENTS, FIRST_BALL_RAD), RING_STEEL),
        mesh("Inner_Ring", inner_ring().revolve(RING_SEGMENTS, FIRST_BALL_RAD), RING_STEEL),
        mesh("Cage_Half", CAGE.shell(FIRST_BALL_RAD), BRASS),
        mesh("Ball", Shell::sphere(BALL_RADIUS_MM, BALL_SUBDIVISIONS), STEEL_POLISHED),
        mesh("Rivet", rivet().revolve(RIVET_SEGMENTS, 0.0), BRASS),
    ];
    let part =
        |name: String, mesh_idx, rotation, translation_mm| AssemblyPart { name, mesh_idx, rotation, translation_mm };
    let fixed = |name: &str, mesh_idx| part(name.to_owned(), mesh_idx, DQuat::IDENTITY, DVec3::ZERO);
    // The other half of the cage is the same, turned over about Y, the axis of symmetry through the first ball.
    let turned_over = DQuat::from_rotation_y(PI);
    let mut parts = vec![
        fixed("Outer_Ring", 0),
        fixed("Inner_Ring", 1),
        fixed("Cage_Front", 2),
        part("Cage_Back".to_owned(), 2, turned_over, DVec3::ZERO),
    ];
    let on_pitch_circle = |turns: f64| {
        let direction = DVec2::from_angle(FIRST_BALL_RAD - TAU * turns / N_BALLS as f64);
        (direction * PITCH_RADIUS_MM).extend(0.0)
    };
    for i in 0..N_BALLS {
        parts.push(part(format!("Ball_{:02}", i + 1), 3, DQuat::IDENTITY, on_pitch_circle(i as f64)));
    }
    for i in 0..N_BALLS {
        parts.push(part(format!("Rivet_{:02}", i + 1), 4, DQuat::IDENTITY, on_pitch_circle(i as f64 + 0.5)));
    }
    Assembly { name: "Bearing_6205", meshes, parts }
}

fn corner(axial_mm: f64, radius_from_axis_mm: f64, radius_mm: f64) -> Piece {
    Piece::Corner { at: DVec2::new(axial_mm, radius_from_axis_mm), radius_mm }
}

fn outer_ring() -> Outline {
    let (face, step) = (HALF_WIDTH_MM, HALF_WIDTH_MM - RECESS_DEPTH_MM);
    let bottom = PITCH_RADIUS_MM + BALL_RADIUS_MM + CLEARANCE_MM;
    let center = DVec2::new(0.0, bottom - GROOVE_RADIUS_MM);
    // The shoulder's edge: a circle that touches the raceway's from outside and the shoulder from within the ring.
    let edge_y = OUTER_SHOULDER_RADIUS_MM + SHOULDER_EDGE_MM;
    let [left_edge, groove, right_edge] = raceway(center, edge_y, FRAC_PI_2);
    Outline::ring(&[
        corner(face, OUTER_RADIUS_MM, CORNER_MM),
        corner(-face, OUTER_RADIUS_MM, CORNER_MM),
        corner(-face, OUTER_RECESS_RADIUS_MM, RECESS_EDGE_MM),
        corner(-step, OUTER_RECESS_RADIUS_MM, RECESS_FILLET_MM),
        corner(-step, OUTER_SHOULDER_RADIUS_MM, RECESS_FILLET_MM),
        left_edge,
        groove,
        right_edge,
        corner(step, OUTER_SHOULDER_RADIUS_MM, RECESS_FILLET_MM),
        corner(step, OUTER_RECESS_RADIUS_MM, RECESS_FILLET_MM),
        corner(face, OUTER_RECESS_RADIUS_MM, RECESS_EDGE_MM),
    ])
}

fn inner_ring() -> Outline {
    let (face, step) = (HALF_WIDTH_MM, HALF_WIDTH_MM - RECESS_DEPTH_MM);
    let bottom = PITCH_RADIUS_MM - BALL_RADIUS_MM - CLEARANCE_MM;
    let center = DVec2::new(0.0, bottom + GROOVE_RADIUS_MM);
    let edge_y = INNER_SHOULDER_RADIUS_MM - SHOULDER_EDGE_MM;
    let [right_edge, groove, left_edge] = raceway(center, edge_y, -FRAC_PI_2);
    Outline::ring(&[
        corner(-face, BORE_RADIUS_MM, CORNER_MM),
        corner(face, BORE_RADIUS_MM, CORNER_MM),
        corner(face, INNER_RECESS_RADIUS_MM, RECESS_EDGE_MM),
        corner(step, INNER_RECESS_RADIUS_MM, RECESS_FILLET_MM),
        corner(step, INNER_SHOULDER_RADIUS_MM, RECESS_FILLET_MM),
        right_edge,
        groove,
        left_edge,
        corner(-step, INNER_SHOULDER_RADIUS_MM, RECESS_FILLET_MM),
        corner(-step, INNER_RECESS_RADIUS_MM, RECESS_FILLET_MM),
        corner(-face, INNER_RECESS_RADIUS_MM, RECESS_EDGE_MM),
    ])
}

/// A raceway about `center` whose bottom lies in the direction `bottom_rad`, between the rounded edges of its
/// shoulders, whose centres lie at radius `edge_y`: edge, groove, edge in the outline's order.
fn raceway(center: DVec2, edge_y: f64, bottom_rad: f64) -> [Piece; 3] {
    let reach = GROOVE_RADIUS_MM + SHOULDER_EDGE_MM;
    let rise = edge_y - center.y;
    let half_width = (reach * reach - rise * rise).sqrt();
    // Angle from the bottom to the point where raceway and edge touch.
    let half_rad = (rise.abs() / reach).acos();
    // The edges end where their normal points away from the ring, opposite to the bottom.
    let away_rad = bottom_rad + PI;
    let sign = bottom_rad.signum();
    let edge = |side: f64| DVec2::new(side * sign * half_width, edge_y);
    [
        Piece::Arc { center: edge(-1.0), radius_mm: SHOULDER_EDGE_MM, from_rad: away_rad, to_rad: away_rad + half_rad },
        Piece::Arc {
            center,
            radius_mm: GROOVE_RADIUS_MM,
            from_rad: bottom_rad + half_rad,
            to_rad: bottom_rad - half_rad,
        },
        Piece::Arc { center: edge(1.0), radius_mm: SHOULDER_EDGE_MM, from_rad: away_rad - half_rad, to_rad: away_rad },
    ]
}

/// A rivet through both halves of the cage, with a button head on either side.
fn rivet() -> Outline {
    let seat = CAGE.joint_mm + CAGE.thickness_mm;
    let top = seat + RIVET_HEAD_HEIGHT_MM;
    let (head_edge, seat_edge) = (0.42, 0.05);
    Outline::body(&[
        corner(top, RIVET_HEAD_RADIUS_MM, head_edge),
        corner(seat, RIVET_HEAD_RADIUS_MM, seat_edge),
        corner(seat, RIVET_SHANK_RADIUS_MM, seat_edge),
        corner(-seat, RIVET_SHANK_RADIUS_MM, seat_edge),
        corner(-seat, RIVET_HEAD_RADIUS_MM, seat_edge),
        corner(-top, RIVET_HEAD_RADIUS_MM, head_edge),
    ])
}
