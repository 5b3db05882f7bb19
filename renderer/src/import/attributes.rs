//! Attributes of a primitive: which accessor each name refers to, and whether it fits its use.

use super::ImportErrorCode as Code;
use super::accessor::{Accessor, Component, Shape};
use super::draco::Packed;
use super::error::ImportError;
use super::member::Member;

/// The attributes of a primitive or of a morph target.
pub(super) struct Attributes<'a, 'b, 'p, 'd> {
    member: &'a Member<'p, 'd>,
    packed: Option<&'a Packed<'d>>,
    accessors: &'a [Accessor<'b>],
}

/// One of several attributes of a kind, such as `JOINTS_1`.
pub(super) struct Set<'d> {
    pub(super) name: &'d str,
    pub(super) number: u32,
}

impl<'a, 'b, 'p, 'd> Attributes<'a, 'b, 'p, 'd> {
    /// The attributes of a primitive, all of one length. Those in `packed` are taken from there.
    pub(super) fn read(
        member: &'a Member<'p, 'd>,
        packed: Option<&'a Packed<'d>>,
        accessors: &'a [Accessor<'b>],
    ) -> Result<Self, ImportError> {
        let attributes = Self { member, packed, accessors };
        let count = match attributes.index("POSITION")?.or(attributes.first()?) {
            Some(accessor) => accessors[accessor].count,
            None => return Ok(attributes),
        };
        attributes.check_counts(count)?;
        Ok(attributes)
    }

    /// The attributes of a morph target with this many vertices.
    pub(super) fn of_target(
        member: &'a Member<'p, 'd>,
        accessors: &'a [Accessor<'b>],
        vertex_count: usize,
    ) -> Result<Self, ImportError> {
        let attributes = Self { member, packed: None, accessors };
        attributes.check_counts(vertex_count)?;
        Ok(attributes)
    }

    fn check_counts(&self, count: usize) -> Result<(), ImportError> {
        for name in self.member.names() {
            self.member.required_index(name, self.accessors.len(), "accessor")?;
            let found = self.index(name)?.map_or(count, |accessor| self.accessors[accessor].count);
            if found != count {
                let message = format!("the attribute has {found} elements for {count} vertices");
                return Err(self.member.error_at(name, Code::Accessor, message));
            }
        }
        Ok(())
    }

    fn first(&self) -> Result<Option<usize>, ImportError> {
        self.member.names().next().map_or(Ok(None), |name| self.index(name))
    }

    fn index(&self, name: &'d str) -> Result<Option<usize>, ImportError> {
        let stored = self.member.index(name, self.accessors.len(), "accessor")?;
        Ok(self.packed.and_then(|packed| packed.attribute(name)).or(stored))
    }

    /// The accessor of an attribute, if there is one; it must fit its use.
    pub(super) fn get(&self, name: &'d str, use_: Use) -> Result<Option<usize>, ImportError> {
        let Some(accessor_idx) = self.index(name)? else { return Ok(None) };
        let accessor = &self.accessors[accessor_idx];
        if !use_.shapes().contains(&accessor.shape) || !use_.allows(accessor.component, accessor.normalized) {
            let normalized = if accessor.normalized { "normalized " } else { "" };
            let message = format!("{} of {normalized}{} cannot be {name}", accessor.shape, accessor.component);
            return Err(self.member.error_at(name, Code::Accessor, message));
        }
        Ok(Some(accessor_idx))
    }

    /// Attributes whose name is `prefix` followed by a number.
    pub(super) fn sets(&self, prefix: &str) -> impl Iterator<Item = Set<'d>> {
        let set = move |name: &'d str| Some(Set { name, number: name.strip_prefix(prefix)?.parse().ok()? });
        self.member.names().filter_map(set)
    }
}

/// What an attribute is for, which decides the types it may have.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Use {
    Position,
    Direction,
    Tangent,
    TexCoord,
    Color,
    Joints,
    Weights,
}

impl Use {
    fn shapes(self) -> &'static [Shape] {
        match self {
            Self::Position | Self::Direction => &[Shape::Vec3],
            Self::Tangent | Self::Joints | Self::Weights => &[Shape::Vec4],
            Self::TexCoord => &[Shape::Vec2],
            Self::Color => &[Shape::Vec3, Shape::Vec4],
        }
    }

    /// glTF 2.0 section 3.7.2.1, with what `KHR_mesh_quantization` adds.
    fn allows(self, component: Component, normalized: bool) -> bool {
        match (self, component) {
            (Self::Joints, _) => matches!(component, Component::U8 | Component::U16) && !normalized,
            (_, Component::F32) => !normalized,
            (_, Component::U32) => false,
            (Self::Position | Self::TexCoord, _) => true,
            (Self::Direction | Self::Tangent, Component::I8 | Component::I16) => normalized,
            (Self::Direction | Self::Tangent, _) => false,
            (Self::Color | Self::Weights, Component::U8 | Component::U16) => normalized,
            (Self::Color | Self::Weights, _) => false,
        }
    }
}
