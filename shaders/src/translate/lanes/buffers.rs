//! Loads from buffers at indices that may differ between lanes: the rows of the lanes are looked up once, and their
//! words are loaded one by one or, where several of the same 16 bytes are needed, transposed together.

use std::collections::HashMap;

use naga::{Expression, Function, Handle, Module, Type, TypeInner};

use super::items::kind_name;
use super::{Lanes, homes};
use crate::translate::types::COMPONENTS;
use crate::translate::{Context, Result};

/// Four words of the rows of a buffer: those of a vector, and of what shares its 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Quad {
    /// The pointer to the buffer.
    base: Handle<Expression>,
    /// Of the row.
    index: Handle<Expression>,
    /// Number within the row.
    quad: usize,
}

/// A pointer into a row of a buffer that the lanes choose.
struct Row {
    base: Handle<Expression>,
    index: Handle<Expression>,
    /// The pointers from the row to the part, each with the number of the part that follows.
    path: Vec<(Handle<Expression>, u32)>,
}

fn row(function: &Function, uniform: &[bool], pointer: Handle<Expression>) -> Option<Row> {
    let (mut path, mut at) = (Vec::new(), pointer);
    loop {
        match function.expressions[at] {
            Expression::AccessIndex { base, index } => {
                path.push((base, index));
                at = base;
            }
            Expression::Access { base, index } if uniform[base.index()] => {
                path.reverse();
                return Some(Row { base, index, path });
            }
            _ => return None,
        }
    }
}

/// The distance of a part from the start of its row, in words.
fn offset_words(
    context: &Context<'_>,
    function: Handle<Function>,
    path: &[(Handle<Expression>, u32)],
) -> Option<usize> {
    let module = &context.shader.module;
    let mut offset = 0;
    for &(base, index) in path {
        let TypeInner::Pointer { base, .. } = *context.shader.info[function][base].ty.inner_with(&module.types) else {
            return None;
        };
        offset += match &module.types[base].inner {
            TypeInner::Struct { members, .. } => members[index as usize].offset as usize / 4,
            TypeInner::Vector { .. } => index as usize,
            TypeInner::Array { stride, .. } => index as usize * *stride as usize / 4,
            _ => return None,
        };
    }
    Some(offset)
}

/// How many words a row has; `None` for rows that are not structs.
fn row_words(module: &Module, ty: Handle<Type>) -> Option<usize> {
    match module.types[ty].inner {
        TypeInner::Struct { span, .. } => Some(span as usize / 4),
        _ => None,
    }
}

/// Which words of each four a function reads.
pub(super) fn quads(context: &Context<'_>, handle: Handle<Function>, uniform: &[bool]) -> HashMap<Quad, u8> {
    let module = &context.shader.module;
    let function = &module.functions[handle];
    let mut quads = HashMap::new();
    for (_, expression) in function.expressions.iter() {
        let Expression::Load { pointer } = *expression else { continue };
        if !homes::is_of_buffer(function, pointer) {
            continue;
        }
        let Some(Row { base, index, path }) = row(function, uniform, pointer) else { continue };
        let Some(offset) = offset_words(context, handle, &path) else { continue };
        let n = match *context.shader.info[handle][pointer].ty.inner_with(&module.types) {
            TypeInner::Pointer { base, .. } => match module.types[base].inner {
                TypeInner::Vector { size, .. } => size as usize,
                _ => 1,
            },
            _ => 1,
        };
        for word in offset..offset + n {
            *quads.entry(Quad { base, index, quad: word / 4 }).or_insert(0) |= 1 << (word % 4);
        }
    }
    quads
}

impl Lanes<'_, '_> {
    /// Loads from rows of a buffer that the lanes choose.
    pub(super) fn load_from_buffer(&mut self, pointer: Handle<Expression>) -> Result<String> {
        if let Some(&neighbour) = self.neighbours.get(&pointer) {
            return self.load_neighbour(pointer, neighbour);
        }
        let refuse = |lanes: &Self, construct: &str| Err(lanes.scalar.refuse_expression(pointer, construct));
        let context = self.scalar.context;
        let module = &context.shader.module;
        let Some(Row { base, index, path }) = row(self.scalar.function, &self.uniform, pointer) else {
            return refuse(self, "an index after an index in lanes");
        };
        let all = format!("&{}[..]", self.scalar.place(base)?);
        let rows = self.rows(&all, index)?;
        let of_struct = match self.scalar.pointee(base) {
            Some(TypeInner::Array { base, .. }) => row_words(module, *base),
            _ => None,
        };
        let ty = self.scalar.pointee_handle(pointer);
        let (size, scalar) = match (ty, self.scalar.inner(pointer)) {
            (Some(ty), _) => match module.types[ty].inner {
                TypeInner::Scalar(scalar) => (None, scalar),
                TypeInner::Vector { size, scalar } => (Some(size), scalar),
                _ => return self.gather(pointer, ty, &rows, &path),
            },
            (None, TypeInner::ValuePointer { size: None, scalar, .. }) => (None, *scalar),
            _ => return refuse(self, "this kind of pointer in lanes"),
        };
        let Some(n_words) = of_struct else {
            return match ty {
                Some(ty) => self.gather(pointer, ty, &rows, &path),
                None => refuse(self, "a part of this in lanes"),
            };
        };
        let kind = kind_name(scalar).map_err(|construct| self.scalar.refuse_expression(pointer, &construct))?;
        let cast = |word: String| if kind == "f32" { word } else { format!("simd::{kind}_bits_f32({word})") };
        let Some(offset) = offset_words(context, self.scalar.handle, &path) else {
            return refuse(self, "a part of this in lanes");
        };
        let (quad, first) = (offset / 4, offset % 4);
        let n = size.map_or(1, |size| size as usize);
        let wanted = self.quads.get(&Quad { base, index, quad }).map_or(0, |words| words.count_ones());
        if wanted >= 2 && first + n <= 4 && (quad + 1) * 4 <= n_words {
            let text = format!("simd::quad::<_, {}, {n_words}>(&{rows}, {})", self.site(), quad * 4);
            let name = self.looked_up(format!("words {quad} of {rows}"), "quad", &text);
            return self.by_component(size, |_, i| Ok(cast(format!("{name}.{}", COMPONENTS[first + i]))));
        }
        self.by_component(size, |_, i| Ok(cast(format!("simd::word::<_, {n_words}>(&{rows}, {})", offset + i))))
    }

    /// The name of the rows of `all` at an index.
    pub(super) fn rows(&mut self, all: &str, index: Handle<Expression>) -> Result<String> {
        let kind = self.kind(index)?;
        let at = self.value(index)?;
        let at = if kind == "u32" { at } else { format!("simd::u32_bits_{kind}({at})") };
        let text = format!("simd::rows::<_, {}>({}, {all}, {at})", self.site(), self.mask());
        // What has been looked up for more lanes will do.
        Ok(self.looked_up(format!("{all}[{at}]"), "rows", &text))
    }

    /// The name of what has been looked up, now or before.
    pub(super) fn looked_up(&mut self, what: String, wanted: &str, text: &str) -> String {
        if let Some((_, name)) = self.rows.iter().flatten().find(|(known, _)| *known == what) {
            return name.clone();
        }
        let name = self.scalar.names.take(wanted);
        self.line(&format!("let {name} = {text};"));
        if let Some(block) = self.rows.last_mut() {
            block.push((what, name.clone()));
        }
        name
    }

    /// A value of each row.
    pub(super) fn gather(
        &self,
        of: Handle<Expression>,
        ty: Handle<Type>,
        rows: &str,
        path: &[(Handle<Expression>, u32)],
    ) -> Result<String> {
        let module = &self.scalar.context.shader.module;
        let mut text = String::new();
        for &(base, index) in path {
            text = self.scalar.part(base, &text, index)?;
        }
        // Rows are references.
        let part = |k| if text.is_empty() { format!("(*{rows}.of[{k}])") } else { format!("{rows}.of[{k}]{text}") };
        super::items::gather(module, ty, self.types.n_lanes, &part)
            .map_err(|construct| self.scalar.refuse_expression(of, &construct))
    }
}
