//! Neighbours in a buffer, `a[i]` and `a[i + 1]`, that a function reads together: each lane loads both at once.

use std::collections::HashMap;

use naga::{
    BinaryOperator, Block, Expression, Function, GlobalVariable, Handle, Literal, Module, Statement, TypeInner,
    VectorSize,
};

use super::Lanes;
use super::items::kind_name;
use crate::translate::Result;
use crate::translate::types::COMPONENTS;

/// What the pointer of a load points to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbour {
    /// The pointer to the buffer.
    base: Handle<Expression>,
    /// The index of the left one.
    left: Handle<Expression>,
    /// Whether it is the right one.
    is_right: bool,
}

/// An element of a buffer that the lanes choose.
#[derive(Clone, Copy)]
struct Element {
    pointer: Handle<Expression>,
    base: Handle<Expression>,
    buffer: Handle<GlobalVariable>,
    index: Handle<Expression>,
}

/// The pointers of a function to neighbours: of those that are loaded by the same lanes, as nothing between them makes
/// lanes leave. They are numbers, or vectors of two.
pub(super) fn neighbours(
    module: &Module,
    function: &Function,
    uniform: &[bool],
) -> HashMap<Handle<Expression>, Neighbour> {
    let mut found = HashMap::new();
    of_block(module, function, uniform, &function.body, &mut found);
    found
}

fn of_block(
    module: &Module,
    function: &Function,
    uniform: &[bool],
    block: &Block,
    found: &mut HashMap<Handle<Expression>, Neighbour>,
) {
    let mut together = Vec::new();
    for statement in block {
        match statement {
            Statement::Emit(range) => {
                together.extend(range.clone().filter_map(|load| element(module, function, uniform, load)));
                continue;
            }
            Statement::Store { .. } | Statement::Call { .. } => continue,
            _ => {}
        }
        pair(function, &together, found);
        together.clear();
        let blocks: Vec<&Block> = match statement {
            Statement::Block(block) => vec![block],
            Statement::If { accept, reject, .. } => vec![accept, reject],
            Statement::Switch { cases, .. } => cases.iter().map(|case| &case.body).collect(),
            Statement::Loop { body, continuing, .. } => vec![body, continuing],
            _ => Vec::new(),
        };
        for block in blocks {
            of_block(module, function, uniform, block, found);
        }
    }
    pair(function, &together, found);
}

/// What a load loads, if it can have a neighbour.
fn element(module: &Module, function: &Function, uniform: &[bool], load: Handle<Expression>) -> Option<Element> {
    let Expression::Load { pointer } = function.expressions[load] else { return None };
    // What a pointer points to may be loaded elsewhere too, by other lanes.
    let loads = function
        .expressions
        .iter()
        .filter(|(_, other)| matches!(other, Expression::Load { pointer: p } if *p == pointer));
    if loads.count() > 1 {
        return None;
    }
    let Expression::Access { base, index } = function.expressions[pointer] else { return None };
    let Expression::GlobalVariable(buffer) = function.expressions[base] else { return None };
    let TypeInner::Array { base: ty, .. } = module.types[module.global_variables[buffer].ty].inner else { return None };
    let is_small = match module.types[ty].inner {
        TypeInner::Scalar(scalar) | TypeInner::Vector { size: VectorSize::Bi, scalar } => scalar.width == 4,
        _ => false,
    };
    (is_small && uniform[base.index()] && !uniform[index.index()]).then_some(Element { pointer, base, buffer, index })
}

fn pair(function: &Function, together: &[Element], found: &mut HashMap<Handle<Expression>, Neighbour>) {
    for right in together {
        let Expression::Binary { op: BinaryOperator::Add, left: index, right: step } =
            function.expressions[right.index]
        else {
            continue;
        };
        if !matches!(function.expressions[step], Expression::Literal(Literal::U32(1))) {
            continue;
        }
        let Some(left) = together.iter().find(|left| left.buffer == right.buffer && left.index == index) else {
            continue;
        };
        for (element, is_right) in [(left, false), (right, true)] {
            found.insert(element.pointer, Neighbour { base: left.base, left: index, is_right });
        }
    }
}

impl Lanes<'_, '_> {
    /// Loads a neighbour, together with the other one.
    pub(super) fn load_neighbour(&mut self, pointer: Handle<Expression>, neighbour: Neighbour) -> Result<String> {
        let Neighbour { base, left, is_right } = neighbour;
        let (all, at) = (format!("&{}[..]", self.scalar.place(base)?), self.value(left)?);
        let text = format!("simd::neighbours({}, {all}, {at})", self.mask());
        let rows = self.looked_up(format!("{all}[{at}] and its neighbour"), "rows", &text);
        let module = &self.scalar.context.shader.module;
        let (size, scalar) = match self.scalar.pointee_handle(pointer).map(|ty| &module.types[ty].inner) {
            Some(&TypeInner::Scalar(scalar)) => (None, scalar),
            Some(&TypeInner::Vector { size, scalar }) => (Some(size), scalar),
            _ => return Err(self.scalar.refuse_expression(pointer, "neighbours of this type in lanes")),
        };
        let kind = kind_name(scalar).map_err(|construct| self.scalar.refuse_expression(pointer, &construct))?;
        let words = match size {
            None => {
                let text = format!("simd::two_words(&{rows})");
                self.looked_up(text.clone(), "words", &text)
            }
            Some(_) => {
                let text = format!("simd::quad::<_, {}, 4>(&{rows}, 0)", self.site());
                self.looked_up(format!("the words of {rows}"), "words", &text)
            }
        };
        let first = if is_right { size.map_or(1, |size| size as usize) } else { 0 };
        self.by_component(size, |_, i| {
            let word = format!("{words}.{}", COMPONENTS[first + i]);
            Ok(if kind == "f32" { word } else { format!("simd::{kind}_bits_f32({word})") })
        })
    }
}
