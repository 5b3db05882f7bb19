//! Functions of whole float vectors (WGSL 17.5). Sums go from the first component to the last.

use glam::Vec3;

use super::float::Floats;

/// Scalar product.
#[inline(always)]
pub fn dot<V: Floats>(a: V, b: V) -> f32 {
    a.zip::<f32, f32>(b, |a, b| a * b).fold(|x| x, |sum, x| sum + x)
}

/// Vector product.
#[inline(always)]
pub fn cross(a: Vec3, b: Vec3) -> Vec3 {
    Vec3::new(a.y * b.z - b.y * a.z, a.z * b.x - b.z * a.x, a.x * b.y - b.x * a.y)
}

/// Length; of a scalar its magnitude.
#[inline(always)]
pub fn length<V: Floats>(v: V) -> f32 {
    v.fold(Magnitude::of, Magnitude::and).length()
}

/// The sum of squares of components, but for a single one the component itself, whose square could overflow.
enum Magnitude {
    Scalar(f32),
    SumOfSquares(f32),
}

impl Magnitude {
    #[inline(always)]
    fn of(x: f32) -> Self {
        Self::Scalar(x)
    }

    #[inline(always)]
    fn and(self, x: f32) -> Self {
        match self {
            Self::Scalar(first) => Self::SumOfSquares(first * first + x * x),
            Self::SumOfSquares(sum) => Self::SumOfSquares(sum + x * x),
        }
    }

    #[inline(always)]
    fn length(self) -> f32 {
        match self {
            Self::Scalar(x) => x.abs(),
            Self::SumOfSquares(sum) => sum.sqrt(),
        }
    }
}

/// Length of the difference.
#[inline(always)]
pub fn distance<V: Floats>(a: V, b: V) -> f32 {
    length(a.zip::<f32, f32>(b, |a, b| a - b))
}

/// The vector of length 1 in the direction of `v`; NaN for the zero vector.
#[inline(always)]
pub fn normalize<V: Floats>(v: V) -> V {
    let scale = 1.0 / length(v);
    v.map::<f32>(|x| x * scale)
}

/// `a` where `dot(b, c)` is negative, and `-a` elsewhere.
#[inline(always)]
pub fn face_forward<V: Floats>(a: V, b: V, c: V) -> V {
    let is_negative = dot(b, c) < 0.0;
    a.map::<f32>(|x| if is_negative { x } else { -x })
}

/// `incident` mirrored at the plane with the unit normal `normal`.
#[inline(always)]
pub fn reflect<V: Floats>(incident: V, normal: V) -> V {
    let twice = 2.0 * dot(normal, incident);
    incident.zip::<f32, f32>(normal, |i, n| i - twice * n)
}

/// `incident` refracted at the plane with the unit normal `normal`, `eta` being the ratio of the indices of refraction
/// before and behind it; zero at total reflection.
#[inline(always)]
pub fn refract<V: Floats>(incident: V, normal: V, eta: f32) -> V {
    let cosine = dot(normal, incident);
    let k = 1.0 - eta * eta * (1.0 - cosine * cosine);
    let along = eta * cosine + k.sqrt();
    incident.zip::<f32, f32>(normal, |i, n| if k < 0.0 { 0.0 } else { eta * i - along * n })
}

#[cfg(test)]
mod tests {
    use glam::{Vec2, Vec4};

    use super::*;

    #[test]
    fn products() {
        assert_eq!(dot(Vec4::new(1.0, 2.0, 3.0, 4.0), Vec4::new(5.0, 6.0, 7.0, 8.0)), 70.0);
        assert_eq!(cross(Vec3::X, Vec3::Y), Vec3::Z);
        assert_eq!(cross(Vec3::new(1.0, 2.0, 3.0), Vec3::new(4.0, 5.0, 6.0)), Vec3::new(-3.0, 6.0, -3.0));
    }

    #[test]
    fn lengths() {
        assert_eq!(
            [length(-3e38), length(Vec2::new(3.0, -4.0)), distance(Vec3::ONE, Vec3::new(1.0, 3.0, 1.0))],
            [3e38, 5.0, 2.0]
        );
        assert_eq!(normalize(Vec3::new(0.0, -2.0, 0.0)), Vec3::NEG_Y);
        assert!(normalize(Vec3::ZERO).is_nan());
    }

    #[test]
    fn directions() {
        assert_eq!(reflect(Vec2::new(1.0, -1.0), Vec2::Y), Vec2::new(1.0, 1.0));
        assert_eq!(face_forward(Vec3::X, Vec3::Y, Vec3::NEG_Y), Vec3::X);
        assert_eq!(face_forward(Vec3::X, Vec3::Y, Vec3::X), Vec3::NEG_X);
        assert_eq!(refract(Vec3::NEG_Y, Vec3::Y, 0.5), Vec3::NEG_Y);
        assert_eq!(refract(Vec3::X, Vec3::Y, 1.5), Vec3::ZERO, "total reflection");
        let bent = refract(Vec2::new(0.6, -0.8), Vec2::Y, 1.0 / 1.5);
        assert!((bent - Vec2::new(0.4, -(1.0f32 - 0.16).sqrt())).length() < 1e-6, "{bent}");
    }
}
