//! Compares WGSL structs with their Rust twins.

use std::collections::BTreeSet;

use naga::proc::GlobalCtx;
use naga::{AddressSpace, ArraySize, Handle, Scalar, ScalarKind, Span, StructMember, Type, TypeInner};

use super::Twin;
use crate::error::ShaderError;
use crate::validate::Validated;

/// Every difference between the structs of a shader and `twins`.
///
/// Checks the structs that a binding reaches, which must all have a twin, and any other struct that has a twin of the
/// same name.
pub fn mismatches(shader: &Validated, twins: &[Twin]) -> Vec<ShaderError> {
    let mut check = Check { shader, twins, seen: BTreeSet::new(), errors: Vec::new() };
    for (_, variable) in shader.module.global_variables.iter() {
        let bound =
            matches!(variable.space, AddressSpace::Uniform | AddressSpace::Storage { .. } | AddressSpace::Immediate);
        if bound {
            check.host_shareable(variable.ty);
        }
    }
    for (handle, ty) in shader.module.types.iter() {
        if twins.iter().any(|twin| Some(twin.name) == ty.name.as_deref()) {
            check.host_shareable(handle);
        }
    }
    check.errors
}

/// How a WGSL type is written in Rust, if it has the same layout in buffers; `None` if there is no such type.
pub fn rust_type(shader: &Validated, ty: Handle<Type>) -> Option<String> {
    let scalar = |scalar: Scalar| match scalar {
        Scalar { kind: ScalarKind::Float, width: 4 } => Some(("f32", "Vec")),
        Scalar { kind: ScalarKind::Uint, width: 4 } => Some(("u32", "UVec")),
        Scalar { kind: ScalarKind::Sint, width: 4 } => Some(("i32", "IVec")),
        _ => None,
    };
    let Type { name, inner } = &shader.module.types[ty];
    match *inner {
        TypeInner::Scalar(kind) | TypeInner::Atomic(kind) => Some(scalar(kind)?.0.to_owned()),
        TypeInner::Vector { size, scalar: kind } => Some(format!("{}{}", scalar(kind)?.1, size as u32)),
        // Columns of three are 16 bytes apart in WGSL and 12 in glam.
        TypeInner::Matrix { columns, rows, .. } => {
            (columns == rows && rows != naga::VectorSize::Tri).then(|| format!("Mat{}", rows as u32))
        }
        TypeInner::Array { base, size: ArraySize::Constant(count), .. } => {
            Some(format!("[{}; {count}]", rust_type(shader, base)?))
        }
        TypeInner::Struct { .. } => name.clone(),
        _ => None,
    }
}

struct Check<'a> {
    shader: &'a Validated,
    twins: &'a [Twin],
    seen: BTreeSet<Handle<Type>>,
    errors: Vec<ShaderError>,
}

impl Check<'_> {
    fn error(&mut self, span: Span, message: String) {
        let error = match self.shader.place(span) {
            Some(place) => ShaderError::at(place, message),
            None => ShaderError::new(message),
        };
        self.errors.push(error);
    }

    /// Checks a type in a buffer, and everything it contains.
    fn host_shareable(&mut self, handle: Handle<Type>) {
        if !self.seen.insert(handle) {
            return;
        }
        let module = &self.shader.module;
        let span = module.types.get_span(handle);
        match &module.types[handle].inner {
            TypeInner::Array { base, stride, .. } => {
                self.host_shareable(*base);
                // A struct's size is compared with that of its twin; of the other types only `vec3` has padding between
                // elements.
                let size_bytes = module.types[*base].inner.size(GlobalCtx {
                    types: &module.types,
                    constants: &module.constants,
                    overrides: &module.overrides,
                    global_expressions: &module.global_expressions,
                });
                if size_bytes != *stride {
                    let message = format!("elements of {size_bytes} bytes stand {stride} bytes apart in this array");
                    self.error(span, message);
                }
            }
            TypeInner::Struct { members, span: size_bytes } => {
                for member in members {
                    self.host_shareable(member.ty);
                }
                let name = module.types[handle].name.clone().unwrap_or_default();
                match self.twins.iter().find(|twin| twin.name == name) {
                    Some(twin) => self.fields(twin, members, *size_bytes as usize, span),
                    None => self.error(span, format!("struct {name} lies in a buffer and has no Rust twin")),
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, twin: &Twin, members: &[StructMember], size_bytes: usize, span: Span) {
        let name = twin.name;
        if twin.size_bytes != size_bytes {
            self.error(span, format!("{name} has {size_bytes} bytes here, its Rust twin {}", twin.size_bytes));
        }
        if members.len() != twin.fields.len() {
            let (here, there) = (members.len(), twin.fields.len());
            self.error(span, format!("{name} has {here} fields here, its Rust twin {there}"));
        }
        for (member, field) in members.iter().zip(twin.fields) {
            let member_name = member.name.as_deref().unwrap_or_default();
            if member_name != field.name {
                let message = format!("{name}.{member_name} stands where its Rust twin has {}", field.name);
                self.error(span, message);
                continue;
            }
            if member.offset as usize != field.offset_bytes {
                let (here, there) = (member.offset, field.offset_bytes);
                self.error(span, format!("{name}.{member_name} lies at byte {here} here, at {there} in Rust"));
            }
            // The macro keeps a type as it was written.
            let plain = |text: &str| text.replace("glam::", "").replace(char::is_whitespace, "");
            let ty = rust_type(self.shader, member.ty);
            if ty.as_deref().map(plain) != Some(plain(field.ty)) {
                let wanted = ty.unwrap_or_else(|| "a type that Rust and WGSL lay out alike".to_owned());
                self.error(span, format!("{name}.{member_name} is {} in Rust, and should be {wanted}", field.ty));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::compose_with;
    use crate::sources::{CPU_MODULE, Sources, kernels};
    use crate::validate::{load, validate};

    #[expect(unreachable_pub, reason = "the macro makes what it declares public, and this module is private")]
    mod samples {
        use glam::{UVec2, Vec2, Vec3, Vec4};

        crate::gpu_struct! {
            /// A test's struct with a nested one.
            pub struct Lamp {
                /// A vector with the scalar that fills its row.
                pub position: Vec3,
                /// The scalar.
                pub power_w: f32,
                /// A nested struct.
                pub shape: Shape,
                /// An array.
                pub weights: [Vec4; 2],
                /// A matrix.
                pub world_from_lamp: glam::Mat4,
            }

            /// A test's struct with explicit padding.
            pub struct Shape {
                /// A vector of two.
                pub size_m: Vec2,
                /// An integer.
                pub kind: u32,
                /// Padding.
                pub padding: u32,
                /// Integers.
                pub range: UVec2,
                /// A signed integer.
                pub delta: i32,
                /// Padding.
                pub padding_1: u32,
            }
        }
    }

    const SHAPE: &str =
        "struct Shape { size_m: vec2f, kind: u32, padding: u32, range: vec2u, delta: i32, padding_1: u32 }\n";
    const LAMP: &str = "struct Lamp { position: vec3f, power_w: f32, shape: Shape, weights: array<vec4f, 2>, \
                        world_from_lamp: mat4x4f }\n";

    fn messages(wgsl: &str) -> Vec<String> {
        let composed = compose_with(&[("t", wgsl)].into_iter().collect(), "t", &[]).expect("composes");
        let shader = validate(composed).unwrap_or_else(|error| panic!("{error}"));
        mismatches(&shader, samples::TWINS).into_iter().map(|error| error.to_string()).collect()
    }

    #[test]
    fn equal_structs_pass() {
        let binding = "@group(0) @binding(0) var<storage> lamps: array<Lamp>;\n";
        assert_eq!(messages(&[SHAPE, LAMP, binding].concat()), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_named() {
        let check = |shape: &str, expect: &str| {
            let found = messages(&format!("{shape}\n@group(0) @binding(0) var<storage> shapes: array<Shape>;\n"));
            assert!(found.iter().any(|message| message.contains(expect)), "{found:#?}");
            assert!(found.iter().all(|message| message.starts_with("t.wgsl:1:")), "{found:#?}");
        };
        let renamed = SHAPE.replace("kind", "sort");
        check(&renamed, "Shape.sort stands where its Rust twin has kind");
        check(&SHAPE.replace("kind: u32", "kind: f32"), "Shape.kind is u32 in Rust, and should be f32");
        check(&SHAPE.replace("size_m: vec2f", "size_m: vec3f"), "Shape.kind lies at byte 12 here, at 8 in Rust");
        check(&SHAPE.replace(", padding_1: u32", ""), "Shape has 5 fields here, its Rust twin 6");
        check(
            &SHAPE.replace("padding_1: u32", "padding_1: u32, more: vec2u"),
            "Shape has 40 bytes here, its Rust twin 32",
        );
    }

    #[test]
    fn a_bound_struct_without_a_twin_fails_at_any_depth() {
        let found = messages(
            "struct Inner { a: f32 }\nstruct Outer { inner: array<Inner, 3> }\n\
             @group(0) @binding(0) var<uniform> outer: array<vec4f, 2>;\n\
             @group(0) @binding(1) var<storage> outers: array<Outer>;\n",
        );
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].starts_with("t.wgsl:1:1: struct Inner lies in a buffer and has no Rust twin"), "{found:#?}");
        assert!(found[1].starts_with("t.wgsl:2:1: struct Outer lies in a buffer and has no Rust twin"), "{found:#?}");
    }

    #[test]
    fn vectors_of_three_do_not_make_an_array() {
        let found = messages("@group(0) @binding(0) var<storage> points: array<vec3f>;\n");
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("elements of 12 bytes stand 16 bytes apart"), "{found:#?}");
    }

    #[test]
    fn a_twin_is_compared_even_where_no_binding_reaches_it() {
        let found = messages("struct Shape { size_m: vec2f }\nfn f(shape: Shape) -> vec2f { return shape.size_m; }\n");
        assert!(!found.is_empty());
    }

    #[test]
    fn every_struct_of_every_kernel_equals_its_twin() {
        let sources = Sources::embedded();
        let errors: Vec<String> = kernels()
            .chain([CPU_MODULE])
            .flat_map(|root| {
                let shader = load(&sources, root).unwrap_or_else(|error| panic!("{error}"));
                mismatches(&shader, &super::super::twins()).into_iter().map(move |error| format!("{root}: {error}"))
            })
            .collect();
        assert!(errors.is_empty(), "{}", errors.join("\n\n"));
    }
}
