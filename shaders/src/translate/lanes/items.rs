//! The types of values in lanes, and the module that holds them and their functions.

use naga::{ArraySize, Handle, Module, Scalar, ScalarKind, Type, TypeInner};

use crate::translate::types::COMPONENTS;
use crate::translate::{Context, InstructionSet, names};

type Spelled = Result<String, String>;

/// The structs that functions use, each after those that it contains.
pub(crate) struct Types {
    /// How many lanes a value has.
    pub(super) n_lanes: usize,
    structs: Vec<Handle<Type>>,
}

impl Types {
    pub(crate) fn new(n_lanes: usize) -> Self {
        Self { n_lanes, structs: Vec::new() }
    }

    /// The spelling of a type that a function uses.
    pub(super) fn use_(&mut self, module: &Module, ty: Handle<Type>) -> Spelled {
        match &module.types[ty].inner {
            TypeInner::Struct { members, .. } => {
                for member in members {
                    self.use_(module, member.ty)?;
                }
                if !self.structs.contains(&ty) {
                    self.structs.push(ty);
                }
            }
            TypeInner::Array { base, .. } => {
                self.use_(module, *base)?;
            }
            _ => {}
        }
        spell(module, ty)
    }
}

/// What operators of a scalar type are named after.
pub(super) fn kind_name(scalar: Scalar) -> Result<&'static str, String> {
    match (scalar.kind, scalar.width) {
        (ScalarKind::Float, 4) => Ok("f32"),
        (ScalarKind::Uint, 4) => Ok("u32"),
        (ScalarKind::Sint, 4) => Ok("i32"),
        (ScalarKind::Bool, _) => Ok("bool"),
        (kind, width) => Err(format!("a scalar of kind {kind:?} with {} bits in lanes", u32::from(width) * 8)),
    }
}

/// The type of a scalar in lanes.
pub(super) fn scalar_type(kind: &str) -> &'static str {
    match kind {
        "f32" => "simd::F32",
        "u32" => "simd::U32",
        "i32" => "simd::I32",
        _ => "simd::Mask",
    }
}

/// The spelling of a type of values in lanes.
pub(crate) fn spell(module: &Module, ty: Handle<Type>) -> Spelled {
    match (&module.types[ty].name, &module.types[ty].inner) {
        (Some(name), TypeInner::Struct { .. }) => Ok(name.clone()),
        (_, TypeInner::Scalar(scalar)) => Ok(scalar_type(kind_name(*scalar)?).to_owned()),
        (_, TypeInner::Vector { size, scalar }) => {
            Ok(format!("simd::V{}<{}>", *size as u8, scalar_type(kind_name(*scalar)?)))
        }
        (_, TypeInner::Array { base, size: ArraySize::Constant(n), .. }) => {
            Ok(format!("[{}; {n}]", spell(module, *base)?))
        }
        _ => Err("this type in lanes".to_owned()),
    }
}

/// A single value, which is written `text`, copied to all lanes.
pub(super) fn widen(module: &Module, ty: Handle<Type>, text: &str) -> Spelled {
    Ok(match &module.types[ty].inner {
        TypeInner::Scalar(scalar) => format!("simd::splat_{}({text})", kind_name(*scalar)?),
        TypeInner::Vector { size, scalar } => format!("simd::splat{}_{}({text})", *size as u8, kind_name(*scalar)?),
        TypeInner::Struct { .. } => format!("{}::splat({text})", spell(module, ty)?),
        TypeInner::Array { base, size: ArraySize::Constant(n), .. } => {
            let parts: Vec<String> =
                (0..n.get()).map(|k| widen(module, *base, &format!("one[{k}]"))).collect::<Result<_, _>>()?;
            format!("{{ let one = {text}; [{}] }}", parts.join(", "))
        }
        _ => return Err("this type in lanes".to_owned()),
    })
}

/// WGSL's zero of a type, in all lanes.
pub(super) fn zero(module: &Module, ty: Handle<Type>) -> Spelled {
    Ok(match &module.types[ty].inner {
        TypeInner::Scalar(scalar) => format!("simd::zero_{}()", kind_name(*scalar)?),
        TypeInner::Vector { size, scalar } => {
            let zero = format!("simd::zero_{}()", kind_name(*scalar)?);
            let parts: Vec<String> =
                COMPONENTS[..*size as usize].iter().map(|component| format!("{component}: {zero}")).collect();
            format!("simd::V{} {{ {} }}", *size as u8, parts.join(", "))
        }
        TypeInner::Struct { .. } => format!("{}::zero()", spell(module, ty)?),
        TypeInner::Array { base, size: ArraySize::Constant(n), .. } => format!("[{}; {n}]", zero(module, *base)?),
        _ => return Err("this type in lanes".to_owned()),
    })
}

/// `accept` in the lanes of a mask, and `reject` in the others.
pub(super) fn select(module: &Module, ty: Handle<Type>, mask: &str, accept: &str, reject: &str) -> Spelled {
    Ok(match &module.types[ty].inner {
        TypeInner::Scalar(scalar) => format!("simd::select_{}({mask}, {accept}, {reject})", kind_name(*scalar)?),
        TypeInner::Vector { size, scalar } => {
            format!("simd::select{}_{}({mask}, {accept}, {reject})", *size as u8, kind_name(*scalar)?)
        }
        TypeInner::Struct { .. } => format!("{}::select({mask}, {accept}, {reject})", spell(module, ty)?),
        TypeInner::Array { base, size: ArraySize::Constant(n), .. } => {
            let parts: Vec<String> = (0..n.get())
                .map(|k| select(module, *base, "mask", &format!("accept[{k}]"), &format!("reject[{k}]")))
                .collect::<Result<_, _>>()?;
            format!("{{ let (mask, accept, reject) = ({mask}, {accept}, {reject}); [{}] }}", parts.join(", "))
        }
        _ => return Err("this type in lanes".to_owned()),
    })
}

/// `function` of an array with a part for each lane.
fn each_part(n_lanes: usize, part: impl Fn(usize) -> String, function: &str) -> String {
    format!("{function}([{}])", (0..n_lanes).map(part).collect::<Vec<_>>().join(", "))
}

/// The values of the lanes, where lane `k` has the single value that is written `part(k)`.
pub(super) fn gather(module: &Module, ty: Handle<Type>, n_lanes: usize, part: &dyn Fn(usize) -> String) -> Spelled {
    Ok(match &module.types[ty].inner {
        TypeInner::Scalar(scalar) => each_part(n_lanes, part, &format!("simd::{}_of", kind_name(*scalar)?)),
        TypeInner::Vector { size, scalar } => {
            each_part(n_lanes, part, &format!("simd::{}_of{}", kind_name(*scalar)?, *size as u8))
        }
        TypeInner::Struct { .. } => {
            each_part(n_lanes, |k| format!("&{}", part(k)), &format!("{}::gather", spell(module, ty)?))
        }
        TypeInner::Array { base, size: ArraySize::Constant(n), .. } => {
            let parts: Vec<String> = (0..n.get() as usize)
                .map(|i| gather(module, *base, n_lanes, &|k| format!("{}[{i}]", part(k))))
                .collect::<Result<_, _>>()?;
            format!("[{}]", parts.join(", "))
        }
        _ => return Err("this type in lanes".to_owned()),
    })
}

/// The value whose 32-bit numbers are `word_0` … from number `at` on; moves `at` behind it.
fn from_words(module: &Module, ty: Handle<Type>, at: &mut usize) -> Spelled {
    let mut next = |kind: &str| {
        let word = format!("word_{at}");
        *at += 1;
        if kind == "f32" { word } else { format!("simd::{kind}_bits_f32({word})") }
    };
    Ok(match &module.types[ty].inner {
        TypeInner::Scalar(scalar) => next(kind_name(*scalar)?),
        TypeInner::Vector { size, scalar } => {
            let kind = kind_name(*scalar)?;
            let parts: Vec<String> =
                COMPONENTS[..*size as usize].iter().map(|component| format!("{component}: {}", next(kind))).collect();
            format!("simd::V{} {{ {} }}", *size as u8, parts.join(", "))
        }
        TypeInner::Struct { members, .. } => {
            let mut fields = Vec::new();
            for member in members {
                let name = names::field(member.name.as_deref().unwrap_or_default());
                fields.push(format!("{name}: {}", from_words(module, member.ty, at)?));
            }
            format!("{} {{ {} }}", spell(module, ty)?, fields.join(", "))
        }
        _ => return Err("this type in lanes".to_owned()),
    })
}

/// The 32-bit numbers of a value that is written `text`, in order.
fn to_words(module: &Module, ty: Handle<Type>, text: &str, words: &mut Vec<String>) -> Result<(), String> {
    let word = |kind: &str, text: &str| match kind {
        "f32" => text.to_owned(),
        kind => format!("simd::f32_bits_{kind}({text})"),
    };
    match &module.types[ty].inner {
        TypeInner::Scalar(scalar) => words.push(word(kind_name(*scalar)?, text)),
        TypeInner::Vector { size, scalar } => {
            let kind = kind_name(*scalar)?;
            words.extend(COMPONENTS[..*size as usize].iter().map(|part| word(kind, &format!("{text}.{part}"))));
        }
        TypeInner::Struct { members, .. } => {
            for member in members {
                let name = names::field(member.name.as_deref().unwrap_or_default());
                to_words(module, member.ty, &format!("{text}.{name}"), words)?;
            }
        }
        _ => return Err("this type in lanes".to_owned()),
    }
    Ok(())
}

/// A struct of values in lanes, and how it is made from and taken apart into single ones.
fn definition(context: &Context<'_>, ty: Handle<Type>, attribute: &str, n_lanes: usize) -> Spelled {
    let module = &context.shader.module;
    let (Some(name), TypeInner::Struct { members, .. }) = (&module.types[ty].name, &module.types[ty].inner) else {
        return Err("a struct without a name".to_owned());
    };
    let fields: Vec<(String, Handle<Type>)> =
        members.iter().map(|member| (names::field(member.name.as_deref().unwrap_or_default()), member.ty)).collect();
    let list = |f: &dyn Fn(&str, Handle<Type>) -> Spelled| -> Spelled {
        let list = fields.iter().map(|(field, ty)| Ok(format!("{field}: {}", f(field, *ty)?)));
        Ok(list.collect::<Result<Vec<_>, String>>()?.join(", "))
    };
    let declared = list(&|_, ty| spell(module, ty))?.replace(", ", ", pub ");
    let zeros = list(&|_, ty| zero(module, ty))?;
    let splat = list(&|field, ty| widen(module, ty, &format!("one.{field}")))?;
    let chosen = list(&|field, ty| select(module, ty, "mask", &format!("accept.{field}"), &format!("reject.{field}")))?;
    let is_plain = crate::translate::items::is_plain(module, ty);
    let gathered = if is_plain {
        let (mut n_words, mut words) = (0, Vec::new());
        let value = from_words(module, ty, &mut n_words)?;
        to_words(module, ty, "self", &mut words)?;
        // Four words at a time, which are transposed together; the last four are filled up.
        let quads = n_words.div_ceil(4);
        let loads: String = (0..quads)
            .map(|quad| {
                let names: Vec<String> = (quad * 4..quad * 4 + 4).map(|word| format!("word_{word}")).collect();
                format!("let [{}] = simd::four_words::<_, {n_words}>(rows, {});\n", names.join(", "), quad * 4)
            })
            .collect();
        words.resize(quads * 4, "simd::zero_f32()".to_owned());
        let stores: Vec<String> = words.chunks(4).map(|words| format!("[{}]", words.join(", "))).collect();
        format!(
            "{loads}{value} }}\n\
             /// The value of each lane.\n#[inline]\n\
             {attribute}pub fn each(&self) -> simd::EachRow<super::{name}, {quads}, {}> {{\n\
             simd::each_row([{}])",
            n_lanes / 4,
            stores.join(", ")
        )
    } else {
        format!("Self {{ {} }}", list(&|field, ty| gather(module, ty, n_lanes, &|k| format!("rows[{k}].{field}")))?)
    };
    let mut source = format!(
        "/// `{name}` in lanes.\n#[derive(Clone, Copy, Debug)]\npub struct {name} {{ pub {declared} }}\n\
         impl {name} {{\n\
         /// Zero in all lanes.\n#[inline]\n{attribute}pub fn zero() -> Self {{ Self {{ {zeros} }} }}\n\
         /// The same in all lanes.\n#[inline]\n\
         {attribute}pub fn splat(one: super::{name}) -> Self {{ Self {{ {splat} }} }}\n\
         /// `accept` in the lanes of `mask`, and `reject` in the others.\n#[inline]\n\
         {attribute}pub fn select(mask: simd::Mask, accept: Self, reject: Self) -> Self {{ Self {{ {chosen} }} }}\n\
         /// From one value for each lane.\n#[inline]\n\
         {attribute}pub fn gather(rows: [&super::{name}; {n_lanes}]) -> Self {{ {gathered} }}\n"
    );
    source.push_str("}\n\n");
    Ok(source)
}

/// The module of functions in lanes for one instruction set, and for a variant if one is named.
pub(crate) fn module(
    context: &Context<'_>,
    (set, variant): (InstructionSet, Option<&str>),
    types: &Types,
    functions: &[String],
) -> Spelled {
    let features = set.features().unwrap_or_default();
    let attribute = format!("#[target_feature(enable = \"{features}\")]\n");
    let mut source = format!(
        "/// The functions for {} paths at a time, compiled for {features}.\n#[cfg(target_arch = \"x86_64\")]\n\
         #[allow(clippy::all, dead_code, missing_docs, non_snake_case, unreachable_code, unused_assignments, unused_imports,\n    \
         unused_labels, unused_mut, unused_parens, unused_qualifications, unused_variables,\n    \
         reason = \"generated: its form follows the shader's\")]\n\
         pub mod {}_{} {{\nuse super::*;\nuse {}::simd::{} as simd;\n/// Around calls in functions that have one copy.\n#[derive(Clone, Copy, Debug)]\npub struct Outside;\n",
        types.n_lanes,
        set.module(),
        variant.unwrap_or("lanes"),
        context.options.runtime,
        set.module()
    );
    for &ty in &types.structs {
        match variant {
            None => source.push_str(&definition(context, ty, &attribute, types.n_lanes)?),
            Some(_) => {
                source.push_str(&format!(
                    "use super::{}_lanes::{};\n",
                    set.module(),
                    spell(&context.shader.module, ty)?
                ));
            }
        }
    }
    for function in functions {
        source.push_str(&attribute);
        source.push_str(function);
        source.push('\n');
    }
    source.push_str("}\n\n");
    Ok(source)
}
