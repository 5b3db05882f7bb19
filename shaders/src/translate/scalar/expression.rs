//! Expressions of single values.

use naga::{BinaryOperator, Expression, Handle, RelationalFunction, ScalarKind, Type, TypeInner, UnaryOperator};

use super::Scalar;
use crate::translate::types::{COMPONENTS, spell, spell_inner, vector};
use crate::translate::{Result, items, names};

impl Scalar<'_> {
    /// A value: its name if it has been evaluated, or else the expression that computes it.
    pub(in crate::translate) fn value(&self, expression: Handle<Expression>) -> Result<String> {
        match &self.values[expression.index()] {
            Some(name) => Ok(name.clone()),
            None => self.render(expression),
        }
    }

    /// The spelling of an expression's type.
    pub(in crate::translate) fn type_name(&self, expression: Handle<Expression>) -> Result<String> {
        let module = &self.context.shader.module;
        let ty = &self.context.shader.info[self.handle][expression].ty;
        let name = match ty.handle() {
            Some(handle) => spell(module, handle),
            None => spell_inner(module, ty.inner_with(&module.types)),
        };
        name.map_err(|construct| self.refuse_expression(expression, &construct))
    }

    /// The type and the zero of an expression.
    pub(in crate::translate) fn spelled_zero(&self, expression: Handle<Expression>) -> Result<(String, String)> {
        let ty = self.type_name(expression)?;
        let zero = match self.type_handle(expression) {
            Some(handle) => items::zero(self.context, handle),
            None => items::zero_inner(&ty),
        };
        Ok((ty, zero.map_err(|construct| self.refuse_expression(expression, &construct))?))
    }

    /// Whether an expression is a pointer to a vector of booleans.
    pub(in crate::translate) fn points_to_booleans(&self, pointer: Handle<Expression>) -> bool {
        let scalar = match self.pointee(pointer) {
            Some(TypeInner::Vector { scalar, .. }) => *scalar,
            _ => return false,
        };
        scalar.kind == ScalarKind::Bool
    }

    /// The type that a pointer points to, if that has a type of its own.
    pub(in crate::translate) fn pointee(&self, pointer: Handle<Expression>) -> Option<&TypeInner> {
        self.pointee_handle(pointer).map(|base| &self.context.shader.module.types[base].inner)
    }

    /// [`Self::pointee`], as a handle.
    pub(in crate::translate) fn pointee_handle(&self, pointer: Handle<Expression>) -> Option<Handle<Type>> {
        match *self.inner(pointer) {
            TypeInner::Pointer { base, .. } => Some(base),
            _ => None,
        }
    }

    /// The expression that computes a value.
    pub(in crate::translate) fn render(&self, expression: Handle<Expression>) -> Result<String> {
        let refuse = |construct: &str| self.refuse_expression(expression, construct);
        match &self.function.expressions[expression] {
            Expression::Literal(literal) => items::literal(*literal).map_err(|construct| refuse(&construct)),
            Expression::Constant(constant) => Ok(self.context.constant_names[constant.index()].clone()),
            Expression::ZeroValue(ty) => items::zero(self.context, *ty).map_err(|construct| refuse(&construct)),
            Expression::Compose { ty, components } => {
                let parts = match self.context.shader.module.types[*ty].inner {
                    TypeInner::Vector { .. } => self.components(components)?,
                    _ => components.iter().map(|&part| self.value(part)).collect::<Result<_>>()?,
                };
                items::compose(self.context, *ty, &parts).map_err(|construct| refuse(&construct))
            }
            Expression::Splat { value, .. } => {
                Ok(format!("{}::splat({})", self.type_name(expression)?, self.value(*value)?))
            }
            Expression::Swizzle { size, vector, pattern } => {
                let vector = self.value(*vector)?;
                let parts =
                    pattern[..*size as usize].iter().map(|&part| format!("{vector}.{}", COMPONENTS[part as usize]));
                let parts = parts.collect::<Vec<_>>().join(", ");
                Ok(format!("{}::new({parts})", self.type_name(expression)?))
            }
            Expression::Access { base, index } => {
                let (value, index) = (self.value(*base)?, self.value(*index)?);
                Ok(self.element(self.inner(*base), &value, &index))
            }
            Expression::AccessIndex { base, index } => self.part(*base, &self.value(*base)?, *index),
            Expression::FunctionArgument(index) => Ok(self.arguments[*index as usize].clone()),
            Expression::Load { pointer } => self.load(*pointer),
            Expression::Unary { op, expr } => self.unary(*op, *expr),
            Expression::Binary { op, left, right } => self.binary(*op, *left, *right),
            Expression::Select { condition, accept, reject } => {
                let is_vector = matches!(self.inner(*condition), TypeInner::Vector { .. });
                let (condition, accept, reject) = (self.value(*condition)?, self.value(*accept)?, self.value(*reject)?);
                Ok(if is_vector {
                    format!("rt::select({condition}, {accept}, {reject})")
                } else {
                    format!("if {condition} {{ {accept} }} else {{ {reject} }}")
                })
            }
            Expression::Relational { fun, argument } => {
                let is_vector = matches!(self.inner(*argument), TypeInner::Vector { .. });
                let value = self.value(*argument)?;
                match fun {
                    RelationalFunction::All if is_vector => Ok(format!("{value}.all()")),
                    RelationalFunction::Any if is_vector => Ok(format!("{value}.any()")),
                    RelationalFunction::All | RelationalFunction::Any => Ok(value),
                    RelationalFunction::IsNan => Err(refuse("`isNan`")),
                    RelationalFunction::IsInf => Err(refuse("`isInf`")),
                }
            }
            Expression::Math { fun, arg, arg1, arg2, arg3 } => {
                let arguments: Vec<_> = [Some(*arg), *arg1, *arg2, *arg3].into_iter().flatten().collect();
                self.math(expression, *fun, &arguments)
            }
            Expression::As { expr, kind, convert } => {
                let name = match kind {
                    ScalarKind::Float => "f32",
                    ScalarKind::Uint => "u32",
                    ScalarKind::Sint => "i32",
                    ScalarKind::Bool => "bool",
                    ScalarKind::AbstractInt | ScalarKind::AbstractFloat => return Err(refuse("an abstract number")),
                };
                // Its width is checked where the type is spelled.
                self.type_name(expression)?;
                let verb = if convert.is_some() { "to" } else { "bitcast" };
                Ok(format!("rt::{verb}_{name}({})", self.value(*expr)?))
            }
            Expression::ArrayLength(array) => match self.function.expressions[*array] {
                Expression::GlobalVariable(_) => Ok(format!("({}.len() as u32)", self.place(*array)?)),
                _ => Err(refuse("the length of an array inside a struct")),
            },
            Expression::GlobalVariable(_) | Expression::LocalVariable(_) => Err(refuse("a pointer kept as a value")),
            Expression::CallResult(_) => Err(refuse("the result of a call before it")),
            Expression::Override(constant) => {
                let constant = &self.context.shader.module.overrides[*constant];
                let set = self.context.overrides.iter().find(|(name, _)| constant.name.as_deref() == Some(name));
                match (set, constant.init) {
                    (Some((_, value)), _) => Ok(value.to_string()),
                    (None, Some(value)) => items::constant_value(self.context, value),
                    (None, None) => Err(refuse("an `override` without a default")),
                }
            }
            Expression::ImageSample { .. } => Err(refuse("`textureSample`")),
            Expression::ImageLoad { .. } => Err(refuse("`textureLoad`")),
            Expression::ImageQuery { .. } => Err(refuse("a texture query")),
            Expression::Derivative { .. } => Err(refuse("a derivative")),
            Expression::AtomicResult { .. } => Err(refuse("an atomic operation")),
            Expression::WorkGroupUniformLoadResult { .. } => Err(refuse("`workgroupUniformLoad`")),
            Expression::RayQueryVertexPositions { .. }
            | Expression::RayQueryProceedResult
            | Expression::RayQueryGetIntersection { .. } => Err(refuse("a ray query")),
            Expression::SubgroupBallotResult | Expression::SubgroupOperationResult { .. } => {
                Err(refuse("a subgroup operation"))
            }
            Expression::CooperativeLoad { .. } | Expression::CooperativeMultiplyAdd { .. } => {
                Err(refuse("a cooperative matrix"))
            }
        }
    }

    /// The scalars that a vector is composed of; parts of it may be vectors themselves.
    fn components(&self, parts: &[Handle<Expression>]) -> Result<Vec<String>> {
        let mut components = Vec::new();
        for &part in parts {
            let value = self.value(part)?;
            match self.inner(part) {
                TypeInner::Vector { size, .. } => {
                    components
                        .extend(COMPONENTS[..*size as usize].iter().map(|component| format!("{value}.{component}")));
                }
                _ => components.push(value),
            }
        }
        Ok(components)
    }

    /// An element, component or column of a value, chosen at run time.
    fn element(&self, base: &TypeInner, value: &str, index: &str) -> String {
        match base {
            TypeInner::Matrix { .. } => format!("{value}.col({index} as usize)"),
            TypeInner::Vector { scalar, .. } if scalar.kind == ScalarKind::Bool => {
                format!("{value}.test({index} as usize)")
            }
            _ => format!("{value}[{index} as usize]"),
        }
    }

    /// A field, component, column or element of `base`, which may be a value or a pointer and is written `text`.
    pub(in crate::translate) fn part(&self, base: Handle<Expression>, text: &str, index: u32) -> Result<String> {
        Ok(match self.pointee(base).unwrap_or(self.inner(base)) {
            TypeInner::Vector { .. } | TypeInner::ValuePointer { size: Some(_), .. } => {
                format!("{text}.{}", COMPONENTS[index as usize])
            }
            TypeInner::Matrix { .. } => format!("{text}.{}_axis", COMPONENTS[index as usize]),
            TypeInner::Array { .. } => format!("{text}[{index}]"),
            TypeInner::Struct { members, .. } => {
                let name = members[index as usize].name.as_deref().unwrap_or_default();
                format!("{text}.{}", names::field(name))
            }
            _ => return Err(self.refuse_expression(base, "an access to a part of this")),
        })
    }

    /// The target of a pointer, as something that can be assigned to or borrowed.
    pub(in crate::translate) fn place(&self, pointer: Handle<Expression>) -> Result<String> {
        match self.function.expressions[pointer] {
            Expression::LocalVariable(local) => Ok(self.locals[local.index()].clone()),
            Expression::FunctionArgument(index) => Ok(format!("(*{})", self.arguments[index as usize])),
            Expression::GlobalVariable(global) => {
                self.context.check_global(global).map_err(|construct| self.refuse_expression(pointer, construct))?;
                let name = self.context.shader.module.global_variables[global].name.as_deref().unwrap_or_default();
                Ok(format!("bindings.{}", names::field(name)))
            }
            Expression::AccessIndex { base, index } => self.part(base, &self.place(base)?, index),
            Expression::Access { base, index } => {
                let (place, index) = (self.place(base)?, self.value(index)?);
                Ok(if self.points_to_matrix(base) {
                    format!("(*{place}.col_mut({index} as usize))")
                } else {
                    format!("{place}[{index} as usize]")
                })
            }
            _ => Err(self.refuse_expression(pointer, "this kind of pointer")),
        }
    }

    fn points_to_matrix(&self, pointer: Handle<Expression>) -> bool {
        matches!(self.pointee(pointer), Some(TypeInner::Matrix { .. }))
    }

    /// The value that a pointer points to.
    fn load(&self, pointer: Handle<Expression>) -> Result<String> {
        // A whole value in a buffer is behind a reference.
        if let Expression::GlobalVariable(_) = self.function.expressions[pointer] {
            return Ok(format!("(*{})", self.place(pointer)?));
        }
        self.read(pointer)
    }

    /// [`Self::place`], for reading only.
    fn read(&self, pointer: Handle<Expression>) -> Result<String> {
        match self.function.expressions[pointer] {
            Expression::Access { base, index } => {
                let (text, index) = (self.read(base)?, self.value(index)?);
                Ok(if self.points_to_matrix(base) {
                    format!("{text}.col({index} as usize)")
                } else if self.points_to_booleans(base) {
                    format!("{text}.test({index} as usize)")
                } else {
                    format!("{text}[{index} as usize]")
                })
            }
            Expression::AccessIndex { base, index } => self.part(base, &self.read(base)?, index),
            _ => self.place(pointer),
        }
    }

    fn unary(&self, op: UnaryOperator, operand: Handle<Expression>) -> Result<String> {
        let value = self.value(operand)?;
        Ok(match op {
            UnaryOperator::Negate if self.kind(operand) == Some(ScalarKind::Float) => format!("(-{value})"),
            UnaryOperator::Negate => format!("rt::negate({value})"),
            UnaryOperator::LogicalNot | UnaryOperator::BitwiseNot => format!("(!{value})"),
        })
    }

    /// The kind of a value's scalars.
    pub(in crate::translate) fn kind(&self, expression: Handle<Expression>) -> Option<ScalarKind> {
        self.inner(expression).scalar_kind()
    }

    fn binary(&self, op: BinaryOperator, left: Handle<Expression>, right: Handle<Expression>) -> Result<String> {
        let (l, r) = (self.value(left)?, self.value(right)?);
        let is_float = self.kind(left) == Some(ScalarKind::Float);
        let is_vector = |operand| matches!(self.inner(operand), TypeInner::Vector { .. });
        let is_scalar = !is_vector(left) && !is_vector(right);
        let operator = |symbol: &str| format!("({l} {symbol} {r})");
        let function = |name: &str| format!("rt::{name}({l}, {r})");
        // Integers wrap; scalar and vector are only combined in products.
        let wrapping = |name: &str| -> Result<String> {
            let (l, r) = (self.splat_like(left, right)?, self.splat_like(right, left)?);
            Ok(format!("{l}.wrapping_{name}({r})"))
        };
        let compare = |symbol: &str, name: &str| if is_scalar { operator(symbol) } else { function(name) };
        Ok(match op {
            BinaryOperator::Add if is_float => operator("+"),
            BinaryOperator::Subtract if is_float => operator("-"),
            // A row vector times a matrix.
            BinaryOperator::Multiply if is_vector(left) && matches!(self.inner(right), TypeInner::Matrix { .. }) => {
                format!("({r}.transpose() * {l})")
            }
            BinaryOperator::Multiply if is_float => operator("*"),
            BinaryOperator::Divide if is_float => operator("/"),
            BinaryOperator::Modulo if is_float => function("remainder"),
            BinaryOperator::Add => wrapping("add")?,
            BinaryOperator::Subtract => wrapping("sub")?,
            BinaryOperator::Multiply => wrapping("mul")?,
            BinaryOperator::Divide => function("int_divide"),
            BinaryOperator::Modulo => function("int_remainder"),
            BinaryOperator::Equal => compare("==", "eq"),
            BinaryOperator::NotEqual => compare("!=", "ne"),
            BinaryOperator::Less => compare("<", "lt"),
            BinaryOperator::LessEqual => compare("<=", "le"),
            BinaryOperator::Greater => compare(">", "gt"),
            BinaryOperator::GreaterEqual => compare(">=", "ge"),
            BinaryOperator::And => operator("&"),
            BinaryOperator::ExclusiveOr => operator("^"),
            BinaryOperator::InclusiveOr => operator("|"),
            BinaryOperator::LogicalAnd => operator("&&"),
            BinaryOperator::LogicalOr => operator("||"),
            BinaryOperator::ShiftLeft => function("shift_left"),
            BinaryOperator::ShiftRight => function("shift_right"),
        })
    }

    /// `value`, splatted if it is a scalar and `other` a vector.
    pub(in crate::translate) fn splat_like(
        &self,
        value: Handle<Expression>,
        other: Handle<Expression>,
    ) -> Result<String> {
        let text = self.value(value)?;
        match (self.inner(value), self.inner(other)) {
            (TypeInner::Scalar(scalar), TypeInner::Vector { size, .. }) => {
                let ty = vector(*size, *scalar).map_err(|construct| self.refuse_expression(value, &construct))?;
                Ok(format!("{ty}::splat({text})"))
            }
            _ => Ok(text),
        }
    }
}
