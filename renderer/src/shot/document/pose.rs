//! Rigid poses: 16 numbers, or an eye, a target and an up direction.

use glam::{DAffine3, DMat3, DVec3, dvec3};

use super::members::{Limits, Members};
use crate::shot::error::{ErrorCode, ShotError};

/// How far a rotation may be from orthonormal, by entry of RᵀR.
const ORTHONORMAL_WITHIN: f64 = 1e-3;

/// The member `name` as 16 numbers, column-major, or `look_at`: exactly one of them.
pub(super) fn read(members: &mut Members, name: &str) -> Result<DAffine3, ShotError> {
    if members.has(name) == members.has("look_at") {
        let message = format!("give either {name:?} or \"look_at\"");
        return Err(ShotError::new(ErrorCode::Conflict, &members.at, message));
    }
    let Some(look) = members.optional("look_at") else {
        let value = members.required(name)?;
        let message = "expected a rotation and a translation (column-major, right-handed)";
        return from_columns(&value.numbers(Limits::ANY)?).ok_or_else(|| value.out_of_range(message));
    };
    let at = look.at.clone();
    let mut look = look.members()?;
    let eye = DVec3::from(look.required("eye_m")?.numbers(Limits::ANY)?);
    let target = DVec3::from(look.required("target_m")?.numbers(Limits::ANY)?);
    let up = DVec3::from(look.read_or("up", [0.0, 1.0, 0.0], |v| v.numbers(Limits::ANY))?);
    look.done()?;
    let message = "eye equals target, or up is parallel to the viewing direction";
    look_at(eye, target, up).ok_or_else(|| ShotError::new(ErrorCode::Range, at, message))
}

/// The frame at `eye` whose −Z points to `target`, with +Y as near to `up` as can be. `None` where that says nothing.
pub(super) fn look_at(eye: DVec3, target: DVec3, up: DVec3) -> Option<DAffine3> {
    let back = unit(eye - target)?;
    let right = unit(up)?.cross(back);
    if right.length() < 1e-9 {
        return None;
    }
    let right = right.normalize();
    Some(DAffine3 { matrix3: DMat3::from_cols(right, back.cross(right), back), translation: eye })
}

/// The direction of a vector of any finite length but (almost) 0.
pub(super) fn unit(v: DVec3) -> Option<DVec3> {
    let largest = v.abs().max_element();
    (v.is_finite() && largest >= 1e-12).then(|| (v / largest).normalize())
}

fn from_columns(m: &[f64; 16]) -> Option<DAffine3> {
    let matrix3 = DMat3::from_cols(dvec3(m[0], m[1], m[2]), dvec3(m[4], m[5], m[6]), dvec3(m[8], m[9], m[10]));
    let last_row = [m[3], m[7], m[11], m[15] - 1.0];
    let off = (matrix3.transpose() * matrix3 - DMat3::IDENTITY).to_cols_array();
    let rigid = last_row.iter().all(|v| v.abs() <= 1e-6)
        && off.iter().all(|v| v.abs() <= ORTHONORMAL_WITHIN)
        && matrix3.determinant() > 0.0;
    rigid.then(|| DAffine3 { matrix3, translation: dvec3(m[12], m[13], m[14]) })
}
