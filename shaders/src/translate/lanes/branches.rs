//! Which sides of branches are not worth a jump: a few operations, such as an assignment, are run faster for no lane at
//! all than it is foreseen wrongly whether there is one.

use naga::{Block, Expression, Handle, MathFunction, Statement, TypeInner, VectorSize};

use super::{Lanes, homes};
use crate::translate::Result;

/// Operations of a register that take less time than a jump that was foreseen wrongly.
const CHEAP_MAX: usize = 16;

impl Lanes<'_, '_> {
    /// Enters one side of a branch.
    pub(super) fn enter_branch(&mut self, mask: String, code: &Block) -> Result<()> {
        let is_cheap = self.cost(code).is_some_and(|cost| cost <= CHEAP_MAX);
        self.open(&if is_cheap { "{".to_owned() } else { format!("if simd::any({mask}) {{") })?;
        self.enter(mask)
    }

    /// About how many operations of a register some code takes; `None` for code that may take long, or that must not
    /// run for no lane: rows of buffers are looked up for at least one (`simd::rows`).
    fn cost(&self, code: &Block) -> Option<usize> {
        let costs = code.iter().map(|statement| match statement {
            Statement::Emit(range) => range.clone().map(|expression| self.cost_of_expression(expression)).sum(),
            Statement::Store { pointer, .. } => self.n_registers(*pointer),
            Statement::Block(code) => self.cost(code),
            Statement::Return { value: Some(value) } => self.n_registers(*value),
            Statement::Return { value: None } | Statement::Break | Statement::Continue => Some(1),
            _ => None,
        });
        costs.sum()
    }

    fn cost_of_expression(&self, expression: Handle<Expression>) -> Option<usize> {
        if self.uniform[expression.index()] {
            // Computed for one lane, and perhaps with an index that only exists where the branch is taken.
            return match self.scalar.function.expressions[expression] {
                Expression::Load { .. } | Expression::Access { .. } => None,
                _ => Some(1),
            };
        }
        match self.scalar.function.expressions[expression] {
            Expression::Load { pointer } if homes::is_of_buffer(self.scalar.function, pointer) => None,
            Expression::Access { .. } => None,
            Expression::Load { .. }
            | Expression::AccessIndex { .. }
            | Expression::Swizzle { .. }
            | Expression::Splat { .. }
            | Expression::Compose { .. } => Some(0),
            Expression::Binary { op: naga::BinaryOperator::Divide | naga::BinaryOperator::Modulo, .. } => None,
            Expression::Math { fun, .. } => match fun {
                MathFunction::Abs
                | MathFunction::Min
                | MathFunction::Max
                | MathFunction::Clamp
                | MathFunction::Saturate
                | MathFunction::Floor
                | MathFunction::Fma
                | MathFunction::Mix => Some(3 * self.n_registers(expression)?),
                MathFunction::Dot => Some(5),
                _ => None,
            },
            _ => self.n_registers(expression),
        }
    }

    /// How many registers a value has, or what a pointer points to; `None` for more than those of a vector.
    fn n_registers(&self, expression: Handle<Expression>) -> Option<usize> {
        let module = &self.scalar.context.shader.module;
        let of_size = |size: Option<VectorSize>| Some(size.map_or(1, |size| size as usize));
        let of_type = |inner: &TypeInner| match inner {
            TypeInner::Scalar(_) => Some(1),
            TypeInner::Vector { size, .. } => of_size(Some(*size)),
            _ => None,
        };
        match self.scalar.inner(expression) {
            TypeInner::Pointer { base, .. } => of_type(&module.types[*base].inner),
            TypeInner::ValuePointer { size, .. } => of_size(*size),
            inner => of_type(inner),
        }
    }
}
