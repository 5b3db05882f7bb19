//! Rigid poses: 16 numbers, or an eye, a target and an up direction.

use glam::{DAffine3, DMat3, DVec3, dvec3};
use packshot_json::{FaultKind, Members, Node, Range};
use serde_json::Value;

use super::read::members;

/// Tolerance for a rotation to be orthonormal, per entry of RᵀR.
const ORTHONORMAL_WITHIN: f64 = 1e-3;

/// The member `name` as 16 numbers, column-major, or `look_at`: exactly one of them.
pub(super) fn read(m: &mut Members<'_>, name: &'static str) -> Option<DAffine3> {
    match (m.take(name), m.take("look_at")) {
        (Some(columns), None) => from_columns(&columns),
        (None, Some(look)) => look_at(&look),
        (Some(_), Some(_)) | (None, None) => {
            m.node().refuse(FaultKind::Conflict, format!("give either {name:?} or \"look_at\""))
        }
    }
}

/// Column-major, 16 numbers.
pub(super) fn write(pose: &DAffine3) -> Value {
    let column = |v: DVec3, w: f64| [v.x, v.y, v.z, w];
    let m = &pose.matrix3;
    let columns = [column(m.x_axis, 0.0), column(m.y_axis, 0.0), column(m.z_axis, 0.0), column(pose.translation, 1.0)];
    Value::Array(columns.into_iter().flatten().map(Value::from).collect())
}

/// A unit vector. One that is unit but for rounding is kept as it is, so that writing and reading it again changes
/// nothing.
pub(super) fn direction(node: &Node<'_>) -> Option<DVec3> {
    let direction = DVec3::from(node.numbers(Range::ANY)?);
    if direction.is_normalized() && (direction.length() - 1.0).abs() < 1e-12 {
        return Some(direction);
    }
    unit(direction).or_else(|| node.refuse(FaultKind::Range, "expected a direction, which is not zero"))
}

fn look_at(node: &Node<'_>) -> Option<DAffine3> {
    let mut m = members(node)?;
    let eye = m.require("eye_m").and_then(|node| node.numbers(Range::ANY));
    let target = m.require("target_m").and_then(|node| node.numbers(Range::ANY));
    let up = m.read_or("up", [0.0, 1.0, 0.0], |node| node.numbers(Range::ANY));
    m.finish();
    let pose = pose_at(DVec3::from(eye?), DVec3::from(target?), DVec3::from(up?));
    let message = "eye_m equals target_m, or up is parallel to the viewing direction";
    pose.or_else(|| node.refuse(FaultKind::Range, message))
}

/// The frame at `eye` whose −Z points to `target`, with +Y as close to `up` as possible. `None` if that is undefined.
fn pose_at(eye: DVec3, target: DVec3, up: DVec3) -> Option<DAffine3> {
    let back = unit(eye - target)?;
    let right = unit(up)?.cross(back);
    if right.length() < 1e-9 {
        return None;
    }
    let right = right.normalize();
    Some(DAffine3 { matrix3: DMat3::from_cols(right, back.cross(right), back), translation: eye })
}

/// The direction of a vector of any finite length, except (almost) 0.
fn unit(v: DVec3) -> Option<DVec3> {
    let largest = v.abs().max_element();
    (v.is_finite() && largest >= 1e-12).then(|| (v / largest).normalize())
}

fn from_columns(node: &Node<'_>) -> Option<DAffine3> {
    let m: [f64; 16] = node.numbers(Range::ANY)?;
    let matrix3 = DMat3::from_cols(dvec3(m[0], m[1], m[2]), dvec3(m[4], m[5], m[6]), dvec3(m[8], m[9], m[10]));
    let last_row = [m[3], m[7], m[11], m[15] - 1.0];
    let off = (matrix3.transpose() * matrix3 - DMat3::IDENTITY).to_cols_array();
    let is_rigid = last_row.iter().all(|v| v.abs() <= 1e-6)
        && off.iter().all(|v| v.abs() <= ORTHONORMAL_WITHIN)
        && matrix3.determinant() > 0.0;
    if !is_rigid {
        let message = "expected a rotation and a translation (column-major, right-handed)";
        return node.refuse(FaultKind::Range, message);
    }
    Some(DAffine3 { matrix3, translation: dvec3(m[12], m[13], m[14]) })
}
