//! What scalars and vectors have in common: scalar functions are applied to each component.

use glam::{BVec2, BVec3, BVec4, IVec2, IVec3, IVec4, UVec2, UVec3, UVec4, Vec2, Vec3, Vec4};

/// A scalar type of WGSL, with its vectors.
pub trait Element: Lanes<Scalar = Self> {
    /// Two of them.
    type V2: Lanes<Scalar = Self>;
    /// Three of them.
    type V3: Lanes<Scalar = Self>;
    /// Four of them.
    type V4: Lanes<Scalar = Self>;

    /// A vector of two.
    fn v2(x: Self, y: Self) -> Self::V2;
    /// A vector of three.
    fn v3(x: Self, y: Self, z: Self) -> Self::V3;
    /// A vector of four.
    fn v4(x: Self, y: Self, z: Self, w: Self) -> Self::V4;
}

/// A scalar or a vector.
pub trait Lanes: Copy {
    /// The type of a component.
    type Scalar: Element;
    /// As many components of another type.
    type With<T: Element>: Lanes<Scalar = T>;

    /// Component `index`; the last one when there are fewer.
    fn lane(self, index: usize) -> Self::Scalar;
    /// `f(0)`, `f(1)` … as components.
    fn from_fn<T: Element>(f: impl Fn(usize) -> T) -> Self::With<T>;
    /// `f` of every component.
    #[inline(always)]
    fn map<T: Element>(self, f: impl Fn(Self::Scalar) -> T) -> Self::With<T> {
        Self::from_fn(|index| f(self.lane(index)))
    }
    /// `f` of every pair of components.
    #[inline(always)]
    fn zip<U: Element, T: Element>(self, other: Self::With<U>, f: impl Fn(Self::Scalar, U) -> T) -> Self::With<T> {
        Self::from_fn(|index| f(self.lane(index), other.lane(index)))
    }
    /// Folds the components from the first to the last.
    fn fold<T>(self, first: impl Fn(Self::Scalar) -> T, next: impl Fn(T, Self::Scalar) -> T) -> T;
}

macro_rules! element {
    ($scalar:ty, $v2:ident, $v3:ident, $v4:ident) => {
        impl Element for $scalar {
            type V2 = $v2;
            type V3 = $v3;
            type V4 = $v4;

            #[inline(always)]
            fn v2(x: Self, y: Self) -> $v2 {
                $v2::new(x, y)
            }
            #[inline(always)]
            fn v3(x: Self, y: Self, z: Self) -> $v3 {
                $v3::new(x, y, z)
            }
            #[inline(always)]
            fn v4(x: Self, y: Self, z: Self, w: Self) -> $v4 {
                $v4::new(x, y, z, w)
            }
        }

        impl Lanes for $scalar {
            type Scalar = Self;
            type With<T: Element> = T;

            #[inline(always)]
            fn lane(self, _index: usize) -> Self {
                self
            }
            #[inline(always)]
            fn from_fn<T: Element>(f: impl Fn(usize) -> T) -> T {
                f(0)
            }
            #[inline(always)]
            fn fold<T>(self, first: impl Fn(Self) -> T, _next: impl Fn(T, Self) -> T) -> T {
                first(self)
            }
        }

        impl Lanes for $v2 {
            type Scalar = $scalar;
            type With<T: Element> = T::V2;

            #[inline(always)]
            fn lane(self, index: usize) -> $scalar {
                if index == 0 { self.x } else { self.y }
            }
            #[inline(always)]
            fn from_fn<T: Element>(f: impl Fn(usize) -> T) -> T::V2 {
                T::v2(f(0), f(1))
            }
            #[inline(always)]
            fn fold<T>(self, first: impl Fn($scalar) -> T, next: impl Fn(T, $scalar) -> T) -> T {
                next(first(self.x), self.y)
            }
        }

        impl Lanes for $v3 {
            type Scalar = $scalar;
            type With<T: Element> = T::V3;

            #[inline(always)]
            fn lane(self, index: usize) -> $scalar {
                match index {
                    0 => self.x,
                    1 => self.y,
                    _ => self.z,
                }
            }
            #[inline(always)]
            fn from_fn<T: Element>(f: impl Fn(usize) -> T) -> T::V3 {
                T::v3(f(0), f(1), f(2))
            }
            #[inline(always)]
            fn fold<T>(self, first: impl Fn($scalar) -> T, next: impl Fn(T, $scalar) -> T) -> T {
                next(next(first(self.x), self.y), self.z)
            }
        }

        impl Lanes for $v4 {
            type Scalar = $scalar;
            type With<T: Element> = T::V4;

            #[inline(always)]
            fn lane(self, index: usize) -> $scalar {
                match index {
                    0 => self.x,
                    1 => self.y,
                    2 => self.z,
                    _ => self.w,
                }
            }
            #[inline(always)]
            fn from_fn<T: Element>(f: impl Fn(usize) -> T) -> T::V4 {
                T::v4(f(0), f(1), f(2), f(3))
            }
            #[inline(always)]
            fn fold<T>(self, first: impl Fn($scalar) -> T, next: impl Fn(T, $scalar) -> T) -> T {
                next(next(next(first(self.x), self.y), self.z), self.w)
            }
        }
    };
}

element!(f32, Vec2, Vec3, Vec4);
element!(u32, UVec2, UVec3, UVec4);
element!(i32, IVec2, IVec3, IVec4);
element!(bool, BVec2, BVec3, BVec4);

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $operator:tt $bound:ident;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name<V: Lanes<With<<V as Lanes>::Scalar> = V>>(a: V, b: V) -> V::With<bool>
        where
            V::Scalar: $bound,
        {
            a.zip::<V::Scalar, bool>(b, |a, b| a $operator b)
        }
    )*};
}

comparisons! {
    /// `a == b`, component by component.
    eq == PartialEq;
    /// `a != b`, component by component.
    ne != PartialEq;
    /// `a < b`, component by component.
    lt < PartialOrd;
    /// `a <= b`, component by component.
    le <= PartialOrd;
    /// `a > b`, component by component.
    gt > PartialOrd;
    /// `a >= b`, component by component.
    ge >= PartialOrd;
}

/// The components of `accept` where `mask` is true, and of `reject` elsewhere (`select` with a vector of booleans).
#[inline(always)]
pub fn select<V: Lanes<With<<V as Lanes>::Scalar> = V>>(mask: V::With<bool>, accept: V, reject: V) -> V {
    V::from_fn(|index| if mask.lane(index) { accept.lane(index) } else { reject.lane(index) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_and_select_work_on_each_component() {
        let (a, b) = (Vec3::new(1.0, f32::NAN, 3.0), Vec3::new(1.0, 2.0, 4.0));
        assert_eq!(eq(a, b), BVec3::new(true, false, false));
        assert_eq!(ne(a, b), BVec3::new(false, true, true));
        assert_eq!(lt(a, b), BVec3::new(false, false, true));
        assert_eq!(le(a, b), BVec3::new(true, false, true));
        assert_eq!(gt(b, a), BVec3::new(false, false, true));
        assert_eq!(ge(a, b), BVec3::new(true, false, false));
        assert_eq!(select(BVec2::new(true, false), IVec2::new(1, 2), IVec2::new(3, 4)), IVec2::new(1, 4));
        assert_eq!(eq(BVec4::TRUE, BVec4::new(true, false, true, true)), BVec4::new(true, false, true, true));
    }
}
