//! Expressions with a value for each lane.

use naga::{
    ArraySize, BinaryOperator, Expression, Handle, Literal, RelationalFunction, Scalar, ScalarKind, Type, TypeInner,
    UnaryOperator, VectorSize,
};

use super::items::{kind_name, select, widen};
use super::{Lanes, homes};
use crate::translate::types::COMPONENTS;
use crate::translate::walk::Emitter as _;
use crate::translate::{Result, names};

/// What the operators of a type are named after.
type Kind = &'static str;

impl Lanes<'_, '_> {
    /// A value of lanes: its name if it has been evaluated, a single value copied to all lanes, or the expression that
    /// computes it.
    pub(super) fn value(&mut self, expression: Handle<Expression>) -> Result<String> {
        if self.uniform[expression.index()] {
            let text = self.scalar.value(expression)?;
            let module = &self.scalar.context.shader.module;
            let refuse = |construct: String| self.scalar.refuse_expression(expression, &construct);
            return match self.scalar.type_handle(expression) {
                Some(ty) => widen(module, ty, &text).map_err(refuse),
                None => Ok(match *self.scalar.inner(expression) {
                    TypeInner::Scalar(scalar) => format!("simd::splat_{}({text})", kind_name(scalar).map_err(refuse)?),
                    TypeInner::Vector { size, scalar } => {
                        format!("simd::splat{}_{}({text})", size as u8, kind_name(scalar).map_err(refuse)?)
                    }
                    _ => return Err(refuse("this type in lanes".to_owned())),
                }),
            };
        }
        match self.scalar.values[expression.index()].clone() {
            Some(name) => Ok(name),
            None => self.render(expression),
        }
    }

    /// A component of a value of lanes; of a scalar the scalar itself.
    fn component(&mut self, expression: Handle<Expression>, index: usize) -> Result<String> {
        let part = match self.scalar.inner(expression) {
            TypeInner::Vector { .. } => format!(".{}", COMPONENTS[index]),
            _ => String::new(),
        };
        if self.uniform[expression.index()] {
            let kind = self.kind(expression)?;
            return Ok(format!("simd::splat_{kind}({}{part})", self.scalar.value(expression)?));
        }
        Ok(format!("{}{part}", self.value(expression)?))
    }

    /// How many components a value has.
    fn size(&self, expression: Handle<Expression>) -> Option<VectorSize> {
        match *self.scalar.inner(expression) {
            TypeInner::Vector { size, .. } => Some(size),
            _ => None,
        }
    }

    /// The type of a value's scalars.
    pub(super) fn kind(&self, expression: Handle<Expression>) -> Result<Kind> {
        let scalar = self.scalar.inner(expression).scalar();
        let construct = "a value without scalars of its own".to_owned();
        scalar
            .map_or(Err(construct), kind_name)
            .map_err(|construct| self.scalar.refuse_expression(expression, &construct))
    }

    /// A scalar or vector made of `f` of each of its components.
    pub(super) fn by_component(
        &mut self,
        size: Option<VectorSize>,
        mut f: impl FnMut(&mut Self, usize) -> Result<String>,
    ) -> Result<String> {
        let Some(size) = size else { return f(self, 0) };
        let parts = (0..size as usize).map(|index| Ok(format!("{}: {}", COMPONENTS[index], f(self, index)?)));
        Ok(format!("simd::V{} {{ {} }}", size as u8, parts.collect::<Result<Vec<_>>>()?.join(", ")))
    }

    /// `function` of the components of each of `arguments`.
    pub(super) fn apply(&mut self, function: &str, arguments: &[Handle<Expression>]) -> Result<String> {
        let size = arguments.iter().find_map(|&argument| self.size(argument));
        self.by_component(size, |lanes, index| {
            let values: Vec<String> =
                arguments.iter().map(|&argument| lanes.component(argument, index)).collect::<Result<_>>()?;
            Ok(format!("simd::{function}({})", values.join(", ")))
        })
    }

    /// The type and the zero of an expression.
    pub(super) fn spelled_zero(&mut self, expression: Handle<Expression>) -> Result<(String, String)> {
        if let Some(ty) = self.scalar.type_handle(expression) {
            let module = &self.scalar.context.shader.module;
            let spelled = super::spell(module, ty).and_then(|spelled| Ok((spelled, self.zero(ty)?)));
            return spelled.map_err(|construct| self.scalar.refuse_expression(expression, &construct));
        }
        let kind = self.kind(expression)?;
        let ty = super::items::scalar_type(kind);
        Ok(match self.size(expression) {
            None => (ty.to_owned(), format!("simd::zero_{kind}()")),
            Some(size) => {
                let zero = self.by_component(Some(size), |_, _| Ok(format!("simd::zero_{kind}()")))?;
                (format!("simd::V{}<{ty}>", size as u8), zero)
            }
        })
    }

    /// WGSL's zero of a type.
    pub(super) fn zero(&self, ty: Handle<Type>) -> std::result::Result<String, String> {
        super::items::zero(&self.scalar.context.shader.module, ty)
    }

    /// `accept` in the lanes of a mask, and `reject` in the others.
    pub(super) fn select(&self, ty: Handle<Type>, mask: &str, accept: &str, reject: &str) -> Result<String> {
        let module = &self.scalar.context.shader.module;
        let span = module.functions.get_span(self.scalar.handle);
        select(module, ty, mask, accept, reject).map_err(|construct| self.scalar.refuse(span, &construct))
    }

    /// [`Self::select`] of what a pointer points to, which may be a component without a type of its own.
    pub(super) fn select_text(
        &mut self,
        pointer: Handle<Expression>,
        ty: Option<Handle<Type>>,
        mask: &str,
        accept: &str,
        reject: &str,
    ) -> Result<String> {
        if let Some(ty) = ty {
            return self.select(ty, mask, accept, reject);
        }
        let refuse = |construct: String| self.scalar.refuse_expression(pointer, &construct);
        match *self.scalar.inner(pointer) {
            TypeInner::ValuePointer { size, scalar, .. } => {
                let size = size.map_or_else(String::new, |size| (size as u8).to_string());
                let kind = kind_name(scalar).map_err(refuse)?;
                Ok(format!("simd::select{size}_{kind}({mask}, {accept}, {reject})"))
            }
            _ => Err(refuse("this kind of pointer in lanes".to_owned())),
        }
    }

    /// The expression that computes a value.
    pub(super) fn render(&mut self, expression: Handle<Expression>) -> Result<String> {
        let module = &self.scalar.context.shader.module;
        let function = self.scalar.function;
        match &function.expressions[expression] {
            Expression::Compose { ty, components } => match &module.types[*ty].inner {
                TypeInner::Vector { size, .. } => {
                    let mut parts = Vec::new();
                    for &component in components {
                        let n = self.size(component).map_or(1, |size| size as usize);
                        for index in 0..n {
                            parts.push(self.component(component, index)?);
                        }
                    }
                    self.by_component(Some(*size), |_, index| Ok(parts[index].clone()))
                }
                TypeInner::Struct { members, .. } => {
                    let mut fields = Vec::new();
                    for (member, &component) in members.iter().zip(components) {
                        let name = names::field(member.name.as_deref().unwrap_or_default());
                        fields.push(format!("{name}: {}", self.value(component)?));
                    }
                    let name = super::spell(module, *ty);
                    let name = name.map_err(|construct| self.scalar.refuse_expression(expression, &construct))?;
                    Ok(format!("{name} {{ {} }}", fields.join(", ")))
                }
                TypeInner::Array { .. } => {
                    let parts: Vec<String> =
                        components.iter().map(|&component| self.value(component)).collect::<Result<_>>()?;
                    Ok(format!("[{}]", parts.join(", ")))
                }
                _ => Err(self.scalar.refuse_expression(expression, "a matrix in lanes")),
            },
            Expression::ZeroValue(ty) => {
                self.zero(*ty).map_err(|construct| self.scalar.refuse_expression(expression, &construct))
            }
            Expression::Splat { size, value } => {
                let value = self.value(*value)?;
                self.by_component(Some(*size), |_, _| Ok(value.clone()))
            }
            Expression::Swizzle { size, vector, pattern } => {
                let (vector, pattern) = (*vector, *pattern);
                self.by_component(Some(*size), |lanes, index| lanes.component(vector, pattern[index] as usize))
            }
            Expression::Access { base, index } => self.element(*base, *index),
            Expression::AccessIndex { base, index } => {
                let text = self.value(*base)?;
                self.scalar.part(*base, &text, *index)
            }
            Expression::FunctionArgument(index) => {
                let name = &self.scalar.arguments[*index as usize];
                let is_struct = matches!(self.scalar.inner(expression), TypeInner::Struct { .. });
                Ok(if is_struct { format!("(*{name})") } else { name.clone() })
            }
            Expression::Load { pointer } => self.load(*pointer),
            Expression::Unary { op, expr } => {
                let kind = self.kind(*expr)?;
                match op {
                    UnaryOperator::Negate => self.apply(&format!("neg_{kind}"), &[*expr]),
                    UnaryOperator::LogicalNot => self.apply("not", &[*expr]),
                    UnaryOperator::BitwiseNot => self.apply(&format!("not_{kind}"), &[*expr]),
                }
            }
            Expression::Binary { op, left, right } => self.binary(*op, *left, *right),
            Expression::Select { condition, accept, reject } => {
                let kind = self.kind(*accept)?;
                let (condition, accept, reject) = (*condition, *accept, *reject);
                if self.uniform[condition.index()] && self.size(condition).is_none() {
                    let condition = self.scalar.value(condition)?;
                    return Ok(format!(
                        "if {condition} {{ {} }} else {{ {} }}",
                        self.value(accept)?,
                        self.value(reject)?
                    ));
                }
                self.apply(&format!("select_{kind}"), &[condition, accept, reject])
            }
            Expression::Relational { fun, argument } => {
                let (join, n) = match fun {
                    RelationalFunction::All => ("and", self.size(*argument)),
                    RelationalFunction::Any => ("or", self.size(*argument)),
                    RelationalFunction::IsNan | RelationalFunction::IsInf => {
                        return Err(self.scalar.refuse_expression(expression, "`isNan` or `isInf`"));
                    }
                };
                let mut text = self.component(*argument, 0)?;
                for index in 1..n.map_or(1, |n| n as usize) {
                    text = format!("simd::{join}({text}, {})", self.component(*argument, index)?);
                }
                Ok(text)
            }
            Expression::Math { fun, arg, arg1, arg2, arg3 } => {
                let arguments: Vec<_> = [Some(*arg), *arg1, *arg2, *arg3].into_iter().flatten().collect();
                self.math(expression, *fun, &arguments)
            }
            Expression::As { expr, kind, convert } => {
                let from = self.kind(*expr)?;
                let to = kind_name(Scalar { kind: *kind, width: 4 })
                    .map_err(|construct| self.scalar.refuse_expression(expression, &construct))?;
                if from == to {
                    return self.value(*expr);
                }
                let verb = if convert.is_some() { "from" } else { "bits" };
                self.apply(&format!("{to}_{verb}_{from}"), &[*expr])
            }
            _ => Err(self.scalar.refuse_expression(expression, "this expression in lanes")),
        }
    }

    fn binary(&mut self, op: BinaryOperator, left: Handle<Expression>, right: Handle<Expression>) -> Result<String> {
        let kind = self.kind(left)?;
        // Unsigned, so that a shift gives the same.
        if let (BinaryOperator::Divide, Some(n)) = (op, self.literal_u32(right))
            && n.is_power_of_two()
            && self.size(left).is_none()
        {
            return Ok(format!("simd::shr_u32({}, simd::splat_u32({}u32))", self.value(left)?, n.trailing_zeros()));
        }
        if matches!(self.scalar.inner(left), TypeInner::Matrix { .. })
            || matches!(self.scalar.inner(right), TypeInner::Matrix { .. })
        {
            return Err(self.scalar.refuse_expression(left, "a matrix in lanes"));
        }
        let name = match op {
            BinaryOperator::Add => "add",
            BinaryOperator::Subtract => "sub",
            BinaryOperator::Multiply => "mul",
            BinaryOperator::Divide => "div",
            BinaryOperator::Modulo => "rem",
            BinaryOperator::Equal => "eq",
            BinaryOperator::NotEqual => "ne",
            BinaryOperator::Less => "lt",
            BinaryOperator::LessEqual => "le",
            BinaryOperator::Greater => "gt",
            BinaryOperator::GreaterEqual => "ge",
            BinaryOperator::And | BinaryOperator::LogicalAnd if kind == "bool" => {
                return self.apply("and", &[left, right]);
            }
            BinaryOperator::InclusiveOr | BinaryOperator::LogicalOr if kind == "bool" => {
                return self.apply("or", &[left, right]);
            }
            BinaryOperator::And => "and",
            BinaryOperator::ExclusiveOr => "xor",
            BinaryOperator::InclusiveOr => "or",
            BinaryOperator::ShiftLeft => "shl",
            BinaryOperator::ShiftRight => "shr",
            BinaryOperator::LogicalAnd | BinaryOperator::LogicalOr => {
                return Err(self.scalar.refuse_expression(left, "this operator"));
            }
        };
        self.apply(&format!("{name}_{kind}"), &[left, right])
    }

    /// An element or component of a value, by an index that may differ between lanes.
    fn element(&mut self, base: Handle<Expression>, index: Handle<Expression>) -> Result<String> {
        if self.uniform[base.index()]
            && let TypeInner::Array { base: ty, .. } = *self.scalar.inner(base)
        {
            let all = format!("&{}[..]", self.scalar.value(base)?);
            let rows = self.rows(&all, index)?;
            return self.gather(base, ty, &rows, &[]);
        }
        let ty = match *self.scalar.inner(base) {
            TypeInner::Array { base, .. } => Some(base),
            _ => None,
        };
        let n = match *self.scalar.inner(base) {
            TypeInner::Array { size: ArraySize::Constant(n), .. } => n.get(),
            TypeInner::Vector { size, .. } => size as u32,
            _ => return Err(self.scalar.refuse_expression(base, "an element of this in lanes")),
        };
        let value = self.value(base)?;
        let mut text = String::new();
        for k in 0..n {
            let part = self.scalar.part(base, &value, k)?;
            if k == 0 {
                text = part;
                continue;
            }
            let equal = self.index_equals(index, k)?;
            text = match ty {
                Some(ty) => self.select(ty, &equal, &part, &text)?,
                None => format!("simd::select_{}({equal}, {part}, {text})", self.kind(base)?),
            };
        }
        Ok(text)
    }

    /// In which lanes an index is `k`.
    fn index_equals(&mut self, index: Handle<Expression>, k: u32) -> Result<String> {
        let kind = self.kind(index)?;
        let value = self.value(index)?;
        Ok(format!("simd::eq_{kind}({value}, simd::splat_{kind}({k}{kind}))"))
    }

    /// What a pointer to a variable or argument points to: with a dynamic index several places, each with the lanes
    /// whose index leads to it.
    pub(super) fn places(&mut self, pointer: Handle<Expression>) -> Result<Vec<(Option<String>, String)>> {
        match self.scalar.function.expressions[pointer] {
            Expression::AccessIndex { base, index } => {
                let places = self.places(base)?;
                let part = |(condition, place): (Option<String>, String)| {
                    Ok((condition, self.scalar.part(base, &place, index)?))
                };
                places.into_iter().map(part).collect()
            }
            Expression::Access { base, index } => {
                let n = match self.scalar.pointee(base) {
                    Some(TypeInner::Array { size: ArraySize::Constant(n), .. }) => n.get(),
                    Some(TypeInner::Vector { size, .. }) => *size as u32,
                    _ => return Err(self.scalar.refuse_expression(pointer, "an element of this in lanes")),
                };
                let mut all = Vec::new();
                for (condition, place) in self.places(base)? {
                    for k in 0..n {
                        let equal = self.index_equals(index, k)?;
                        let condition = match &condition {
                            Some(condition) => format!("simd::and({condition}, {equal})"),
                            None => equal,
                        };
                        all.push((Some(condition), self.scalar.part(base, &place, k)?));
                    }
                }
                Ok(all)
            }
            _ => Ok(vec![(None, self.scalar.place(pointer)?)]),
        }
    }

    /// A place without dynamic indices.
    pub(super) fn place(&mut self, pointer: Handle<Expression>) -> Result<String> {
        match self.places(pointer)?.as_slice() {
            [(None, place)] => Ok(place.clone()),
            _ => Err(self.scalar.refuse_expression(pointer, "a pointer with an index that differs between lanes")),
        }
    }

    /// The value that a pointer points to.
    fn load(&mut self, pointer: Handle<Expression>) -> Result<String> {
        if homes::is_of_buffer(self.scalar.function, pointer) {
            return self.load_from_buffer(pointer);
        }
        let ty = self.scalar.pointee_handle(pointer);
        let mut places = self.places(pointer)?.into_iter();
        let (_, mut text) =
            places.next().ok_or_else(|| self.scalar.refuse_expression(pointer, "an element of an empty array"))?;
        for (condition, place) in places {
            text = self.select_text(pointer, ty, &condition.unwrap_or_default(), &place, &text)?;
        }
        Ok(text)
    }

    /// The number that an expression, or the constant that it names, is.
    fn literal_u32(&self, expression: Handle<Expression>) -> Option<u32> {
        let module = &self.scalar.context.shader.module;
        let literal = match &self.scalar.function.expressions[expression] {
            Expression::Constant(constant) => &module.global_expressions[module.constants[*constant].init],
            own => own,
        };
        match literal {
            Expression::Literal(Literal::U32(n)) => Some(*n),
            _ => None,
        }
    }

    /// Whether an expression is a literal number.
    pub(super) fn is_literal(&self, expression: Handle<Expression>) -> bool {
        match self.scalar.function.expressions[expression] {
            Expression::Literal(_) => true,
            Expression::Splat { value, .. } => self.is_literal(value),
            _ => false,
        }
    }

    /// Whether a value consists of floats.
    pub(super) fn is_float(&self, expression: Handle<Expression>) -> bool {
        self.scalar.kind(expression) == Some(ScalarKind::Float)
    }
}
