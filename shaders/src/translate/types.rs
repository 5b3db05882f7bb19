//! The Rust spelling of naga's types.

use naga::{ArraySize, Handle, Module, Scalar, ScalarKind, Type, TypeInner, VectorSize};

/// The spelling of a type of values, or the name of the construct if it has none.
pub(crate) fn spell(module: &Module, ty: Handle<Type>) -> Result<String, String> {
    match &module.types[ty] {
        Type { name: Some(name), inner: TypeInner::Struct { .. } } => Ok(name.clone()),
        Type { inner, .. } => spell_inner(module, inner),
    }
}

/// [`spell`] for a type that may have no handle. Structs always have one.
pub(crate) fn spell_inner(module: &Module, inner: &TypeInner) -> Result<String, String> {
    match *inner {
        TypeInner::Scalar(scalar) => Ok(scalar_name(scalar)?.to_owned()),
        TypeInner::Vector { size, scalar } => vector(size, scalar),
        TypeInner::Matrix { columns, rows, scalar: Scalar { kind: ScalarKind::Float, width: 4 } }
            if columns == rows =>
        {
            Ok(format!("Mat{}", columns as u8))
        }
        TypeInner::Matrix { columns, rows, .. } => Err(format!("the matrix type mat{}x{}", columns as u8, rows as u8)),
        TypeInner::Array { base, size: ArraySize::Constant(count), .. } => {
            Ok(format!("[{}; {count}]", spell(module, base)?))
        }
        TypeInner::Array { .. } => Err("an array without a constant size outside of a buffer".to_owned()),
        TypeInner::Struct { .. } => Err("a struct without a name".to_owned()),
        TypeInner::Pointer { .. } | TypeInner::ValuePointer { .. } => Err("a pointer kept as a value".to_owned()),
        TypeInner::Atomic(_) => Err("an atomic".to_owned()),
        TypeInner::Image { .. } => Err("a texture".to_owned()),
        TypeInner::Sampler { .. } => Err("a sampler".to_owned()),
        TypeInner::AccelerationStructure { .. } => Err("an acceleration structure".to_owned()),
        TypeInner::RayQuery { .. } => Err("a ray query".to_owned()),
        TypeInner::BindingArray { .. } => Err("an array of bindings".to_owned()),
        TypeInner::CooperativeMatrix { .. } => Err("a cooperative matrix".to_owned()),
    }
}

/// The spelling of a vector type.
pub(crate) fn vector(size: VectorSize, scalar: Scalar) -> Result<String, String> {
    let prefix = match scalar_name(scalar)? {
        "f32" => "",
        "u32" => "U",
        "i32" => "I",
        _ => "B",
    };
    Ok(format!("{prefix}Vec{}", size as u8))
}

fn scalar_name(scalar: Scalar) -> Result<&'static str, String> {
    match (scalar.kind, scalar.width) {
        (ScalarKind::Float, 4) => Ok("f32"),
        (ScalarKind::Uint, 4) => Ok("u32"),
        (ScalarKind::Sint, 4) => Ok("i32"),
        (ScalarKind::Bool, _) => Ok("bool"),
        (kind, width) => Err(format!("a scalar of kind {kind:?} with {} bits", u32::from(width) * 8)),
    }
}

/// The names of vector components.
pub(crate) const COMPONENTS: [&str; 4] = ["x", "y", "z", "w"];
