//! Emits code for one path at a time: a WGSL function becomes a Rust function over single values.

mod expression;
mod math;

use std::fmt::Write as _;

use naga::{Block, Expression, Function, Handle, LocalVariable, Span, Statement, SwitchValue, TypeInner};

use super::names::Names;
use super::types::spell;
use super::walk::{Emitter, Jump, Target, walk};
use super::{Context, Error, Result, items};

/// The Rust source of a function.
pub(crate) fn function(context: &Context<'_>, handle: Handle<Function>) -> Result<String> {
    let module = &context.shader.module;
    let function = &module.functions[handle];
    let span = module.functions.get_span(handle);
    let mut emitter = Scalar::new(context, handle);
    let name = &context.function_names[handle.index()];
    let spelled = |ty| spell(module, ty).map_err(|construct| in_function(context, function, span, &construct));

    let mut parameters = Vec::new();
    if context.bindings_of(handle).next().is_some() {
        parameters.push("bindings: &Bindings<'_>".to_owned());
    }
    for argument in &function.arguments {
        let argument_name = emitter.names.take(argument.name.as_deref().unwrap_or("argument"));
        let ty = match module.types[argument.ty].inner {
            TypeInner::Pointer { base, space: naga::AddressSpace::Function } => format!("&mut {}", spelled(base)?),
            TypeInner::Pointer { .. } | TypeInner::ValuePointer { .. } => {
                return Err(in_function(context, function, span, "a pointer to anything but a local variable"));
            }
            _ => spelled(argument.ty)?,
        };
        parameters.push(format!("{argument_name}: {ty}"));
        emitter.arguments.push(argument_name);
    }
    let result = match &function.result {
        Some(result) => format!(" -> {}", spelled(result.ty)?),
        None => String::new(),
    };
    let inline = if context.options.exports.contains(&name.as_str()) { "#[inline(never)]" } else { "#[inline]" };
    let place = context.shader.place(span).map_or_else(String::new, |place| format!("{}:{}", place.file, place.line));

    walk(function, &mut emitter)?;
    if function.result.is_some() && !matches!(function.body.last(), Some(Statement::Return { .. })) {
        // WGSL has proved that this is never reached; Rust's analysis cannot.
        emitter.line("unreachable!()");
    }
    let body = emitter.source;
    Ok(format!("/// `{place}`\n{inline}\npub fn {name}({}){result} {{\n{body}}}\n", parameters.join(", ")))
}

/// The error for something in a function that cannot be translated.
fn in_function(context: &Context<'_>, function: &Function, span: Span, construct: &str) -> Error {
    let name = function.name.as_deref().unwrap_or_default();
    context.error(span, format!("{construct} in `{name}` is not translated to Rust"))
}

/// The emitter of one function.
pub(super) struct Scalar<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) function: &'a Function,
    pub(super) handle: Handle<Function>,
    /// Names of the arguments.
    pub(super) arguments: Vec<String>,
    /// Names of the local variables; empty for those not declared.
    pub(super) locals: Vec<String>,
    /// Names of the values that have been evaluated.
    pub(super) values: Vec<Option<String>>,
    /// Which values were declared before they are evaluated.
    pub(super) early: Vec<bool>,
    pub(super) names: Names,
    pub(super) depth: usize,
    pub(super) source: String,
}

impl<'a> Scalar<'a> {
    /// An emitter that has written nothing.
    pub(super) fn new(context: &'a Context<'a>, handle: Handle<Function>) -> Self {
        let function = &context.shader.module.functions[handle];
        Self {
            context,
            function,
            handle,
            arguments: Vec::new(),
            locals: vec![String::new(); function.local_variables.len()],
            values: vec![None; function.expressions.len()],
            early: vec![false; function.expressions.len()],
            names: context.names.clone(),
            depth: 1,
            source: String::new(),
        }
    }
}

impl Scalar<'_> {
    pub(super) fn line(&mut self, text: &str) {
        let indent = self.depth * 4;
        // Writing into a `String` cannot fail.
        let _ = writeln!(self.source, "{:indent$}{text}", "");
    }

    /// A line that opens a block.
    pub(super) fn open(&mut self, text: &str) -> Result<()> {
        self.line(text);
        self.depth += 1;
        Ok(())
    }

    /// A line that closes a block, and may open another.
    pub(super) fn close(&mut self, text: &str) -> Result<()> {
        self.depth -= 1;
        self.line(text);
        Ok(())
    }

    /// The type of an expression.
    pub(super) fn inner(&self, expression: Handle<Expression>) -> &TypeInner {
        self.context.shader.info[self.handle][expression].ty.inner_with(&self.context.shader.module.types)
    }

    /// The handle of an expression's type, if it has one.
    pub(super) fn type_handle(&self, expression: Handle<Expression>) -> Option<Handle<naga::Type>> {
        self.context.shader.info[self.handle][expression].ty.handle()
    }

    /// Whether an expression is a pointer.
    pub(super) fn is_pointer(&self, expression: Handle<Expression>) -> bool {
        matches!(self.inner(expression), TypeInner::Pointer { .. } | TypeInner::ValuePointer { .. })
    }

    pub(super) fn refuse_expression(&self, expression: Handle<Expression>, construct: &str) -> Error {
        self.refuse(self.function.expressions.get_span(expression), construct)
    }

    /// The name of a value: the shader's if it has one.
    pub(super) fn name_value(&mut self, expression: Handle<Expression>) -> String {
        let name = match self.function.named_expressions.get(&expression) {
            Some(name) => self.names.take(name),
            None => self.names.take(&format!("e{}", expression.index())),
        };
        self.values[expression.index()] = Some(name.clone());
        name
    }

    /// Binds a value that is computed now.
    pub(super) fn bind(&mut self, expression: Handle<Expression>, value: &str) {
        let line = match &self.values[expression.index()] {
            Some(name) if self.early[expression.index()] => format!("{name} = {value};"),
            _ => format!("let {} = {value};", self.name_value(expression)),
        };
        self.line(&line);
    }
}

impl Emitter for Scalar<'_> {
    fn declare(&mut self, local: Handle<LocalVariable>) -> Result<()> {
        let variable = &self.function.local_variables[local];
        let span = self.function.local_variables.get_span(local);
        let name = self.names.take(variable.name.as_deref().unwrap_or("local"));
        let ty = spell(&self.context.shader.module, variable.ty).map_err(|construct| self.refuse(span, &construct))?;
        let init = match variable.init {
            Some(init) => self.value(init)?,
            None => items::zero(self.context, variable.ty).map_err(|construct| self.refuse(span, &construct))?,
        };
        self.line(&format!("let mut {name}: {ty} = {init};"));
        self.locals[local.index()] = name;
        Ok(())
    }

    fn declare_early(&mut self, expression: Handle<Expression>) -> Result<()> {
        if self.is_pointer(expression) {
            return Ok(());
        }
        let ty = self.type_name(expression)?;
        let name = self.name_value(expression);
        self.early[expression.index()] = true;
        self.line(&format!("let {name}: {ty};"));
        Ok(())
    }

    fn evaluate(&mut self, expression: Handle<Expression>) -> Result<()> {
        if self.is_pointer(expression) {
            return Ok(());
        }
        let value = self.render(expression)?;
        self.bind(expression, &value);
        Ok(())
    }

    fn store(&mut self, pointer: Handle<Expression>, value: Handle<Expression>) -> Result<()> {
        let value = self.value(value)?;
        // glam's vectors of booleans have no `IndexMut`.
        if let Expression::Access { base, index } = self.function.expressions[pointer]
            && self.points_to_booleans(base)
        {
            let (vector, index) = (self.place(base)?, self.value(index)?);
            self.line(&format!("{vector}.set({index} as usize, {value});"));
            return Ok(());
        }
        let place = self.place(pointer)?;
        self.line(&format!("{place} = {value};"));
        Ok(())
    }

    fn call(
        &mut self,
        function: Handle<Function>,
        arguments: &[Handle<Expression>],
        result: Option<Handle<Expression>>,
    ) -> Result<()> {
        let mut rendered = Vec::new();
        if self.context.bindings_of(function).next().is_some() {
            rendered.push("bindings".to_owned());
        }
        for &argument in arguments {
            rendered.push(if self.is_pointer(argument) {
                format!("&mut {}", self.place(argument)?)
            } else {
                self.value(argument)?
            });
        }
        // With its path, because a local variable may have the same name.
        let call = format!("self::{}({})", self.context.function_names[function.index()], rendered.join(", "));
        match result {
            Some(result) => self.bind(result, &call),
            None => self.line(&format!("{call};")),
        }
        Ok(())
    }

    fn begin_block(&mut self) -> Result<()> {
        self.open("{")
    }

    fn end_block(&mut self) -> Result<()> {
        self.close("}")
    }

    fn begin_if(&mut self, condition: Handle<Expression>, _accept: &Block) -> Result<()> {
        let condition = self.value(condition)?;
        self.open(&format!("if {condition} {{"))
    }

    fn begin_else(&mut self, _reject: &Block) -> Result<()> {
        self.close("} else {")?;
        self.depth += 1;
        Ok(())
    }

    fn end_if(&mut self) -> Result<()> {
        self.close("}")
    }

    fn begin_loop(&mut self, target: Target) -> Result<()> {
        let Target { id, jumps } = target;
        self.open(&if jumps.breaks { format!("'leave_{id}: loop {{") } else { "loop {".to_owned() })
    }

    fn begin_body(&mut self, target: Target) -> Result<()> {
        if target.jumps.continues { self.open(&format!("'body_{}: {{", target.id)) } else { Ok(()) }
    }

    fn begin_continuing(&mut self, target: Target) -> Result<()> {
        if target.jumps.continues { self.close("}") } else { Ok(()) }
    }

    fn end_loop(&mut self, target: Target, break_if: Option<Handle<Expression>>) -> Result<()> {
        if let Some(condition) = break_if {
            let condition = self.value(condition)?;
            self.line(&format!("if {condition} {{ break 'leave_{}; }}", target.id));
        }
        self.close("}")
    }

    fn begin_switch(&mut self, target: Target, selector: Handle<Expression>) -> Result<()> {
        let selector = self.value(selector)?;
        if target.jumps.breaks {
            self.open(&format!("'leave_{}: {{", target.id))?;
        }
        self.open(&format!("match {selector} {{"))
    }

    fn begin_case(&mut self, values: &[SwitchValue]) -> Result<()> {
        let pattern = if values.contains(&SwitchValue::Default) {
            "_".to_owned()
        } else {
            let values = values.iter().map(|value| match value {
                SwitchValue::I32(value) => format!("{value}i32"),
                SwitchValue::U32(value) => format!("{value}u32"),
                SwitchValue::Default => "_".to_owned(),
            });
            values.collect::<Vec<_>>().join(" | ")
        };
        self.open(&format!("{pattern} => {{"))
    }

    fn end_case(&mut self) -> Result<()> {
        self.close("}")
    }

    fn end_switch(&mut self, target: Target) -> Result<()> {
        self.close("}")?;
        if target.jumps.breaks { self.close("}") } else { Ok(()) }
    }

    fn jump(&mut self, jump: Jump) -> Result<()> {
        match jump {
            Jump::Break(target) => self.line(&format!("break 'leave_{};", target.id)),
            Jump::Continue(target) => self.line(&format!("break 'body_{};", target.id)),
        }
        Ok(())
    }

    fn return_(&mut self, value: Option<Handle<Expression>>) -> Result<()> {
        let line = match value {
            Some(value) => format!("return {};", self.value(value)?),
            None => "return;".to_owned(),
        };
        self.line(&line);
        Ok(())
    }

    fn refuse(&self, span: Span, construct: &str) -> Error {
        in_function(self.context, self.function, span, construct)
    }
}
