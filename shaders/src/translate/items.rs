//! The items of generated code that are not functions.

use std::fmt::Write as _;

use naga::{ArraySize, Expression, Handle, Literal, ScalarKind, Type, TypeInner, VectorSize};

use super::names;
use super::types::{spell, spell_inner};
use super::{Context, InstructionSet, Result};

/// The first lines, which the rest refers to.
pub(crate) fn header(context: &Context<'_>) -> String {
    format!(
        "// Translated from WGSL by packshot-shaders. Not to be edited.\n\n\
         #[allow(unused_imports, reason = \"not every module uses every type\")]\n\
         use glam::*;\n\
         #[allow(unused_imports, reason = \"not every module calls the runtime\")]\n\
         use {} as rt;\n\n",
        context.options.runtime
    )
}

/// The structs: re-exports of the twins, and definitions of the others.
pub(crate) fn structs(context: &Context<'_>) -> Result<String> {
    let module = &context.shader.module;
    let mut source = String::new();
    for (handle, ty) in module.types.iter() {
        let (TypeInner::Struct { members, .. }, Some(name)) = (&ty.inner, &ty.name) else { continue };
        if let Some(twin) = context.options.twins.iter().find(|twin| twin.name == name) {
            let _ = writeln!(source, "pub use {};", twin.path);
            continue;
        }
        // A struct with a runtime-sized array or an atomic is in a buffer that only kernels use; a function that uses
        // it is refused there.
        let fields: std::result::Result<Vec<String>, String> = members
            .iter()
            .map(|member| {
                let field = member.name.as_deref().unwrap_or_default();
                Ok(format!(
                    "    /// WGSL field `{field}`.\n    pub {}: {},\n",
                    names::field(field),
                    spell(module, member.ty)?
                ))
            })
            .collect();
        if let Ok(fields) = fields {
            let plain = if is_plain(module, handle) { ", bytemuck::Pod, bytemuck::Zeroable" } else { "" };
            let place = context.shader.place(module.types.get_span(handle));
            let place = place.map_or_else(|| "Built into WGSL".to_owned(), |place| place.to_string());
            let _ = writeln!(
                source,
                "/// {place}\n#[repr(C)]\n#[derive(Clone, Copy, Debug, PartialEq{plain})]\n\
                 #[allow(non_camel_case_types, non_snake_case, reason = \"the shader's names\")]\n\
                 pub struct {name} {{\n{}}}\n",
                fields.concat()
            );
        }
    }
    Ok(source)
}

/// Whether the Rust struct for a WGSL struct consists of 32-bit numbers alone, without padding.
pub(crate) fn is_plain(module: &naga::Module, ty: Handle<Type>) -> bool {
    words(module, ty).is_some_and(|words| words * 4 == module.types[ty].inner.size(module.to_ctx()) as usize)
}

/// How many 32-bit numbers a type consists of; `None` for one that holds something else, or aligns them.
fn words(module: &naga::Module, ty: Handle<Type>) -> Option<usize> {
    match &module.types[ty].inner {
        TypeInner::Scalar(scalar) | TypeInner::Vector { scalar, .. } if scalar.kind == ScalarKind::Bool => None,
        TypeInner::Scalar(_) => Some(1),
        TypeInner::Vector { size: VectorSize::Quad, .. } => None,
        TypeInner::Vector { size, .. } => Some(*size as usize),
        TypeInner::Struct { members, .. } => {
            let mut sum = 0;
            for member in members {
                if member.offset as usize != sum * 4 {
                    return None;
                }
                sum += words(module, member.ty)?;
            }
            Some(sum)
        }
        _ => None,
    }
}

/// The struct that holds a reference to each buffer that functions read; empty when they read none.
pub(crate) fn bindings(context: &Context<'_>) -> Result<String> {
    let module = &context.shader.module;
    let mut handles: Vec<_> = context.functions().flat_map(|function| context.bindings_of(function)).collect();
    handles.sort();
    handles.dedup();
    let mut fields = String::new();
    for handle in handles {
        let variable = &module.global_variables[handle];
        let span = module.global_variables.get_span(handle);
        context.check_global(handle).map_err(|construct| context.refuse(span, construct))?;
        let ty = match module.types[variable.ty].inner {
            TypeInner::Array { base, size: ArraySize::Dynamic, .. } => {
                spell(module, base).map(|base| format!("[{base}]"))
            }
            _ => spell(module, variable.ty),
        };
        let ty = ty.map_err(|construct| context.refuse(span, &construct))?;
        let name = variable.name.as_deref().unwrap_or_default();
        let binding = variable
            .binding
            .map_or_else(String::new, |binding| format!(", `@group({}) @binding({})`", binding.group, binding.binding));
        let _ = writeln!(fields, "    /// The buffer `{name}`{binding}.\n    pub {}: &'a {ty},", names::field(name));
    }
    Ok(if fields.is_empty() {
        fields
    } else {
        format!(
            "/// The buffers that functions read.\n#[derive(Clone, Copy, Debug)]\n\
             pub struct Bindings<'a> {{\n{fields}}}\n\n"
        )
    })
}

/// The constants of the module. Arrays are statics, so that indexing does not copy them.
pub(crate) fn constants(context: &Context<'_>) -> Result<String> {
    let module = &context.shader.module;
    let mut source = String::new();
    for (handle, constant) in module.constants.iter() {
        if module.types[constant.ty].inner.is_abstract(&module.types) {
            // Its uses have been replaced by literals.
            continue;
        }
        let span = module.constants.get_span(handle);
        let ty = spell(module, constant.ty).map_err(|construct| context.refuse(span, &construct))?;
        let value = constant_value(context, constant.init)?;
        let keyword = if is_array(context, constant.ty) { "static" } else { "const" };
        let name = &context.constant_names[handle.index()];
        let _ = writeln!(
            source,
            "#[allow(clippy::all, dead_code, non_upper_case_globals, unused_parens,\n    \
             reason = \"the shader's constants, as it has them\")]\n\
             {keyword} {name}: {ty} = {value};"
        );
    }
    source.push('\n');
    Ok(source)
}

/// Whether constants of this type are statics.
fn is_array(context: &Context<'_>, ty: Handle<Type>) -> bool {
    matches!(context.shader.module.types[ty].inner, TypeInner::Array { .. })
}

/// A constant expression at module scope; naga has folded it to values.
pub(crate) fn constant_value(context: &Context<'_>, handle: Handle<Expression>) -> Result<String> {
    let module = &context.shader.module;
    let refuse = |construct: &str| context.refuse(module.global_expressions.get_span(handle), construct);
    match &module.global_expressions[handle] {
        Expression::Literal(value) => literal(*value).map_err(|construct| refuse(&construct)),
        Expression::Constant(constant) => constant_value(context, module.constants[*constant].init),
        Expression::ZeroValue(ty) => zero(context, *ty).map_err(|construct| refuse(&construct)),
        Expression::Splat { value, .. } => {
            let ty = context.shader.info[handle].inner_with(&module.types);
            let ty = spell_inner(module, ty).map_err(|construct| refuse(&construct))?;
            Ok(format!("{ty}::splat({})", constant_value(context, *value)?))
        }
        Expression::Compose { ty, components } => {
            let parts = naga::proc::flatten_compose(*ty, components, &module.global_expressions, &module.types);
            let parts: Vec<String> = parts.map(|part| constant_value(context, part)).collect::<Result<_>>()?;
            compose(context, *ty, &parts).map_err(|construct| refuse(&construct))
        }
        _ => Err(refuse("this constant expression")),
    }
}

/// A value of type `ty` made from its parts: all components, elements, columns or fields.
pub(crate) fn compose(
    context: &Context<'_>,
    ty: Handle<Type>,
    parts: &[String],
) -> std::result::Result<String, String> {
    let module = &context.shader.module;
    let name = spell(module, ty)?;
    Ok(match &module.types[ty].inner {
        TypeInner::Array { .. } => format!("[{}]", parts.join(", ")),
        TypeInner::Matrix { .. } => format!("{name}::from_cols({})", parts.join(", ")),
        TypeInner::Struct { members, .. } => {
            let fields = members
                .iter()
                .zip(parts)
                .map(|(member, part)| format!("{}: {part}", names::field(member.name.as_deref().unwrap_or_default())));
            format!("{name} {{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        _ => format!("{name}::new({})", parts.join(", ")),
    })
}

/// WGSL's zero value of a type.
pub(crate) fn zero(context: &Context<'_>, ty: Handle<Type>) -> std::result::Result<String, String> {
    let module = &context.shader.module;
    match &module.types[ty].inner {
        TypeInner::Array { base, size: ArraySize::Constant(count), .. } => {
            Ok(format!("[{}; {count}]", zero(context, *base)?))
        }
        TypeInner::Struct { members, .. } => {
            let parts: Vec<String> =
                members.iter().map(|member| zero(context, member.ty)).collect::<std::result::Result<_, _>>()?;
            compose(context, ty, &parts)
        }
        inner => zero_inner(&spell_inner(module, inner)?),
    }
}

/// The zero value of a scalar, vector or matrix, by its spelling.
pub(crate) fn zero_inner(name: &str) -> std::result::Result<String, String> {
    Ok(match name {
        "f32" => "0.0f32".to_owned(),
        "u32" | "i32" => format!("0{name}"),
        "bool" => "false".to_owned(),
        name if name.starts_with('B') => format!("{name}::FALSE"),
        name => format!("{name}::ZERO"),
    })
}

/// A literal with its type. Negative ones are in parentheses, so that a method can be called on them.
pub(crate) fn literal(value: Literal) -> std::result::Result<String, String> {
    let (text, negative) = match value {
        Literal::F32(value) if !value.is_finite() => return Err("a constant that is not finite".to_owned()),
        Literal::F32(value) => (format!("{value:?}f32"), value.is_sign_negative()),
        Literal::U32(value) => (format!("{value}u32"), false),
        Literal::I32(value) => (format!("{value}i32"), value < 0),
        Literal::Bool(value) => (value.to_string(), false),
        Literal::F64(_) | Literal::AbstractFloat(_) => return Err("a 64-bit float".to_owned()),
        Literal::F16(_) => return Err("a 16-bit float".to_owned()),
        Literal::U16(_) | Literal::I16(_) => return Err("a 16-bit integer".to_owned()),
        Literal::U64(_) | Literal::I64(_) | Literal::AbstractInt(_) => return Err("a 64-bit integer".to_owned()),
    };
    Ok(if negative { format!("({text})") } else { text })
}

/// The module of all functions for one instruction set.
pub(crate) fn module(set: InstructionSet, functions: &[String]) -> String {
    let mut source = String::new();
    if set.features().is_some() {
        source.push_str("#[cfg(target_arch = \"x86_64\")]\n");
    }
    let _ = writeln!(
        source,
        "/// The functions, compiled for {}.\n\
         #[allow(clippy::all, non_snake_case, unreachable_code, unused_assignments, unused_imports, unused_mut,\n    \
         unused_parens, unused_qualifications, unused_variables,\n    \
         reason = \"generated: its form follows the shader's\")]\n\
         pub mod {} {{\nuse super::*;\n",
        set.features().unwrap_or("any processor of the target"),
        set.module()
    );
    let attribute =
        set.features().map_or_else(String::new, |features| format!("#[target_feature(enable = \"{features}\")]\n"));
    for function in functions {
        source.push_str(&attribute);
        source.push_str(function);
        source.push('\n');
    }
    source.push_str("}\n\n");
    source
}
