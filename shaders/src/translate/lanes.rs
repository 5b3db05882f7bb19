//! Emits code for many paths at a time: a WGSL function becomes a Rust function over values that have a lane for each
//! path, as wide as the processor's registers (single program, multiple data; Pharr and Mark 2012, "ispc: A SPMD
//! Compiler for High-Performance CPU Programming").
//!
//! - A scalar becomes a register of lanes, a vector or struct one of such registers.
//! - What is the same for all lanes (literals, constants, uniform buffers, and what is computed from these alone) stays
//!   a single value, computed as [`super::scalar`] does, and is copied to all lanes where it meets a value of lanes.
//! - Control flow becomes masks. Each function gets the mask of the lanes that call it; code runs only while at least
//!   one lane of its mask is left, except short branches (`branches`), which neither call anything nor look anything up
//!   in a buffer. A branch on a single value stays a branch.
//! - Operations are those of the scalar code, lane by lane and in its order, so that each lane has the same bits.

mod branches;
mod buffers;
mod calls;
mod copies;
mod expression;
mod homes;
mod items;
mod masks;
mod math;
mod neighbours;

use std::collections::HashMap;

use naga::{Block, Expression, Function, Handle, LocalVariable, Span, SwitchValue};

use super::scalar::Scalar;
use super::walk::{Emitter, Jump, Target, walk};
use super::{Context, Error, Result};
use buffers::Quad;
pub(crate) use calls::Sites;
use copies::Copies;
use homes::Homes;
use items::spell;
pub(crate) use items::{Types, module};
use masks::{Branch, Level, Loop, Switch};
use neighbours::Neighbour;

/// The Rust source of a function.
pub(crate) fn function(
    context: &Context<'_>,
    sites: &Sites,
    types: &mut Types,
    handle: Handle<Function>,
) -> Result<String> {
    let module = &context.shader.module;
    let function = &module.functions[handle];
    let span = module.functions.get_span(handle);
    let name = &context.function_names[handle.index()];
    let mut scalar = Scalar::new(context, handle);
    // What the code below names itself.
    for name in ["mask", "lanes", "result", "returned"] {
        scalar.names.take(name);
    }

    let mut parameters = Vec::new();
    if context.bindings_of(handle).next().is_some() {
        parameters.push("bindings: &super::Bindings<'_>".to_owned());
    }
    parameters.push("mask: simd::Mask".to_owned());
    for argument in &function.arguments {
        let argument_name = scalar.names.take(argument.name.as_deref().unwrap_or("argument"));
        let (by, ty) = match module.types[argument.ty].inner {
            naga::TypeInner::Pointer { base, space: naga::AddressSpace::Function } => ("&mut ", base),
            naga::TypeInner::Pointer { .. } | naga::TypeInner::ValuePointer { .. } => {
                return Err(scalar.refuse(span, "a pointer to anything but a local variable"));
            }
            // Structs are large.
            naga::TypeInner::Struct { .. } => ("&", argument.ty),
            _ => ("", argument.ty),
        };
        let ty = types.use_(module, ty).map_err(|construct| scalar.refuse(span, &construct))?;
        parameters.push(format!("{argument_name}: {by}{ty}"));
        scalar.arguments.push(argument_name);
    }
    let result = match &function.result {
        Some(result) => {
            Some((types.use_(module, result.ty).map_err(|construct| scalar.refuse(span, &construct))?, result.ty))
        }
        None => None,
    };
    for (_, local) in function.local_variables.iter() {
        types.use_(module, local.ty).map_err(|construct| scalar.refuse(span, &construct))?;
    }

    let uniform = homes::uniform(module, function);
    let quads = buffers::quads(context, handle, &uniform);
    let neighbours = neighbours::neighbours(module, function, &uniform);
    for (expression, _) in function.expressions.iter() {
        if let Some(ty) = scalar.type_handle(expression) {
            // Those that have no lanes are refused where they are used.
            types.use_(module, ty).ok();
        }
    }

    let mut lanes = Lanes {
        homes: Homes::of(function, &uniform)?,
        copies: Copies::of(module, function),
        scalar,
        types,
        uniform,
        declarations: String::new(),
        levels: vec![Level { mask: "lanes".to_owned(), label: "'of_lanes".to_owned(), is_reduced: false }],
        branches: Vec::new(),
        loops: Vec::new(),
        switches: Vec::new(),
        result: result.as_ref().map(|(_, ty)| *ty),
        returns_before: false,
        leaves_function: false,
        path: homes::Path::default(),
        rows: Vec::new(),
        quads,
        neighbours,
        sites,
        n_calls: 0,
    };
    lanes.open("'of_lanes: {")?;
    walk(function, &mut lanes)?;
    lanes.close("}")?;
    let mut body = "    let mut lanes = mask;\n    let mut returned = simd::no_lanes();\n".to_owned();
    // With a single return at the end, no lane's result has to be kept for later.
    let returns_once = !lanes.returns_before && !lanes.leaves_function;
    let kept = lanes.copies.result.map(|local| lanes.scalar.locals[local.index()].clone());
    match &kept {
        // The variable outlives the block.
        Some(kept) => lanes.line(kept),
        None if lanes.result.is_none() => {}
        None => lanes.line(if returns_once { "unreachable!()" } else { "result" }),
    }
    if let (Some((ty, handle)), false) = (&result, returns_once || kept.is_some()) {
        let zero = lanes.zero(*handle).map_err(|construct| lanes.scalar.refuse(span, &construct))?;
        body.push_str(&format!("    let mut result: {ty} = {zero};\n"));
    }
    body.push_str(&lanes.declarations);
    body.push_str(&lanes.scalar.source);
    let result = result.map_or_else(String::new, |(ty, _)| format!(" -> {ty}"));
    let at = if sites.has(handle) { "<At>" } else { "" };
    let place = context.shader.place(span).map_or_else(String::new, |place| format!("{}:{}", place.file, place.line));
    Ok(format!("/// `{place}`\n#[inline]\npub fn {name}{at}({}){result} {{\n{body}}}\n", parameters.join(", ")))
}

/// The emitter of one function.
struct Lanes<'a, 'b> {
    /// Renders what is the same for all lanes; its names, places and source are used for the rest too.
    scalar: Scalar<'a>,
    types: &'b mut Types,
    /// Which expressions are the same for all lanes.
    uniform: Vec<bool>,
    homes: Homes,
    copies: Copies,
    /// The local variables, which are declared before the code.
    declarations: String,
    /// From the function to the current code.
    levels: Vec<Level>,
    branches: Vec<Branch>,
    /// The loops around the current code.
    loops: Vec<Loop>,
    switches: Vec<Switch>,
    /// The type of the function's result.
    result: Option<Handle<naga::Type>>,
    /// Whether there is a `return` before the current code; in a loop, one behind it may have come before too.
    returns_before: bool,
    /// Whether the function's own level may be left.
    leaves_function: bool,
    path: homes::Path,
    /// For each open block, what has been looked up in buffers in it, and its name.
    rows: Vec<Vec<(String, String)>>,
    /// For each four words of a row, which of them the function reads.
    quads: HashMap<Quad, u8>,
    /// Pointers to neighbours that are loaded together.
    neighbours: HashMap<Handle<Expression>, Neighbour>,
    sites: &'a Sites,
    /// How many calls have been given a [site](calls).
    n_calls: usize,
}

impl Lanes<'_, '_> {
    fn line(&mut self, text: &str) {
        self.scalar.line(text);
    }

    fn open(&mut self, text: &str) -> Result<()> {
        self.rows.push(Vec::new());
        self.scalar.open(text)
    }

    fn close(&mut self, text: &str) -> Result<()> {
        self.rows.pop();
        self.scalar.close(text)
    }
}

impl Emitter for Lanes<'_, '_> {
    fn declare(&mut self, local: Handle<LocalVariable>) -> Result<()> {
        let variable = &self.scalar.function.local_variables[local];
        let span = self.scalar.function.local_variables.get_span(local);
        let name = self.scalar.names.take(variable.name.as_deref().unwrap_or("local"));
        let module = &self.scalar.context.shader.module;
        let refuse = |construct: String| self.scalar.refuse(span, &construct);
        let ty = spell(module, variable.ty).map_err(refuse)?;
        if self.homes.is_written_first(local) && self.copies.result != Some(local) {
            self.declarations.push_str(&format!("    let mut {name}: {ty};\n"));
            self.scalar.locals[local.index()] = name;
            return Ok(());
        }
        let init = match variable.init {
            Some(init) => self.value(init)?,
            None => self.zero(variable.ty).map_err(|construct| self.scalar.refuse(span, &construct))?,
        };
        self.declarations.push_str(&format!("    let mut {name}: {ty} = {init};\n"));
        self.scalar.locals[local.index()] = name;
        Ok(())
    }

    fn declare_early(&mut self, expression: Handle<Expression>) -> Result<()> {
        if self.scalar.is_pointer(expression) {
            return Ok(());
        }
        // Not without a value: the body may be left before it is evaluated.
        let (ty, zero) = if self.uniform[expression.index()] {
            self.scalar.spelled_zero(expression)?
        } else {
            self.spelled_zero(expression)?
        };
        let name = self.scalar.name_value(expression);
        self.scalar.early[expression.index()] = true;
        self.line(&format!("let mut {name}: {ty} = {zero};"));
        Ok(())
    }

    fn evaluate(&mut self, expression: Handle<Expression>) -> Result<()> {
        if self.scalar.is_pointer(expression) {
            return Ok(());
        }
        if self.copies.is_in_place(expression) {
            return Ok(());
        }
        if self.uniform[expression.index()] {
            return self.scalar.evaluate(expression);
        }
        let value = self.render(expression)?;
        self.scalar.bind(expression, &value);
        Ok(())
    }

    fn store(&mut self, pointer: Handle<Expression>, value: Handle<Expression>) -> Result<()> {
        let root = homes::root(self.scalar.function, pointer);
        // What other lanes have in a variable that is used nowhere outside of this level does not matter.
        // Of a variable with the results, lanes that have returned want to keep theirs.
        let is_home =
            matches!(root, Some(local) if self.homes.is_home(local, &self.path) && self.copies.result != Some(local));
        let ty = self.scalar.pointee_handle(pointer);
        let value = self.value(value)?;
        let mask = self.mask();
        for (condition, place) in self.places(pointer)? {
            let line = match (condition, is_home) {
                (None, true) => format!("{place} = {value};"),
                (None, false) => {
                    format!("{place} = {};", self.select_text(pointer, ty, &mask, &value, &place)?)
                }
                (Some(condition), _) => {
                    let mask = format!("simd::and({mask}, {condition})");
                    format!("{place} = {};", self.select_text(pointer, ty, &mask, &value, &place)?)
                }
            };
            self.line(&line);
        }
        Ok(())
    }

    fn call(
        &mut self,
        function: Handle<Function>,
        arguments: &[Handle<Expression>],
        result: Option<Handle<Expression>>,
    ) -> Result<()> {
        let call = self.rendered_call(function, arguments)?;
        match result {
            Some(result) => self.scalar.bind(result, &call),
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

    fn begin_if(&mut self, condition: Handle<Expression>, accept_block: &Block) -> Result<()> {
        let was_reduced = self.level().is_reduced;
        if self.uniform[condition.index()] {
            let condition = self.scalar.value(condition)?;
            self.level_mut().is_reduced = false;
            self.branches.push(Branch { masks: None, is_reduced: false, was_reduced });
            return self.open(&format!("if {condition} {{"));
        }
        let (condition, mask) = (self.value(condition)?, self.mask());
        let [accept, reject] = [self.new_mask(), self.new_mask()];
        self.line(&format!("let mut {accept} = simd::and({mask}, {condition});"));
        self.line(&format!("let mut {reject} = simd::and_not({condition}, {mask});"));
        self.path.enter();
        self.branches.push(Branch { masks: Some([accept.clone(), reject]), is_reduced: false, was_reduced });
        self.enter_branch(accept, accept_block)
    }

    fn begin_else(&mut self, reject_block: &Block) -> Result<()> {
        let last = self.branches.len() - 1;
        let Some([_, reject]) = self.branches[last].masks.clone() else {
            self.close("} else {")?;
            self.rows.push(Vec::new());
            self.scalar.depth += 1;
            return Ok(());
        };
        let is_reduced = self.leave()?;
        self.close("}")?;
        self.branches[last].is_reduced |= is_reduced;
        self.path.leave();
        self.path.enter();
        self.enter_branch(reject, reject_block)
    }

    fn end_if(&mut self) -> Result<()> {
        let last = self.branches.len() - 1;
        let Some([accept, reject]) = self.branches[last].masks.clone() else {
            self.close("}")?;
            let branch = self.branches.pop();
            if self.level().is_reduced {
                self.leave_if_empty();
            }
            self.level_mut().is_reduced |= branch.is_some_and(|branch| branch.was_reduced);
            return Ok(());
        };
        let is_reduced = self.leave()?;
        self.close("}")?;
        self.path.leave();
        let is_reduced = is_reduced || self.branches[last].is_reduced;
        self.branches.pop();
        if is_reduced {
            let mask = self.mask();
            self.line(&format!("{mask} = simd::or({accept}, {reject});"));
            self.leave_if_empty();
        }
        Ok(())
    }

    fn begin_loop(&mut self, target: Target) -> Result<()> {
        let (id, mask, looping) = (target.id, self.mask(), self.scalar.names.take("looping"));
        self.line(&format!("let mut {looping} = {mask};"));
        self.loops.push(Loop { id, mask: looping });
        self.open(&format!("'leave_{id}: loop {{"))
    }

    fn begin_body(&mut self, _target: Target) -> Result<()> {
        let (mask, looping) = (self.new_mask(), self.looping());
        self.line(&format!("let mut {mask} = {looping};"));
        self.path.enter_loop();
        self.enter(mask)
    }

    fn begin_continuing(&mut self, target: Target) -> Result<()> {
        self.leave()?;
        self.path.leave();
        self.path.enter_loop();
        let (id, looping) = (target.id, self.looping());
        // The body may have been left by all lanes.
        self.line(&format!("if !simd::any({looping}) {{ break 'leave_{id}; }}"));
        self.levels.push(Level { mask: looping, label: format!("'leave_{id}"), is_reduced: false });
        Ok(())
    }

    fn end_loop(&mut self, target: Target, break_if: Option<Handle<Expression>>) -> Result<()> {
        let (id, looping) = (target.id, self.looping());
        if let Some(condition) = break_if {
            let condition = self.value(condition)?;
            self.line(&format!("{looping} = simd::and_not({condition}, {looping});"));
            self.line(&format!("if !simd::any({looping}) {{ break 'leave_{id}; }}"));
        }
        self.levels.pop();
        self.path.leave();
        self.loops.pop();
        self.close("}")?;
        if self.returns_before {
            self.without_returned();
        }
        Ok(())
    }

    fn begin_switch(&mut self, target: Target, selector: Handle<Expression>) -> Result<()> {
        let (mask, value) = (self.mask(), self.value(selector)?);
        let [selector, unmatched, after] = ["selector", "unmatched", "after"].map(|name| self.scalar.names.take(name));
        self.line(&format!("let {selector} = {value};"));
        self.line(&format!("let mut {unmatched} = {mask};"));
        self.line(&format!("let mut {after} = simd::no_lanes();"));
        self.switches.push(Switch { id: target.id, selector, unmatched, after });
        Ok(())
    }

    fn begin_case(&mut self, values: &[SwitchValue]) -> Result<()> {
        let mask = self.new_mask();
        let Some(Switch { selector, unmatched, .. }) = self.switches.last().cloned() else { return Ok(()) };
        if values.contains(&SwitchValue::Default) {
            self.line(&format!("let mut {mask} = {unmatched};"));
        } else {
            let equal = |value: &SwitchValue| match value {
                SwitchValue::I32(value) => Some(format!("simd::eq_i32({selector}, simd::splat_i32({value}i32))")),
                SwitchValue::U32(value) => Some(format!("simd::eq_u32({selector}, simd::splat_u32({value}u32))")),
                SwitchValue::Default => None,
            };
            let any = values.iter().filter_map(equal).reduce(|a, b| format!("simd::or({a}, {b})")).unwrap_or_default();
            self.line(&format!("let mut {mask} = simd::and({unmatched}, {any});"));
            self.line(&format!("{unmatched} = simd::and_not({mask}, {unmatched});"));
        }
        self.path.enter();
        self.open(&format!("if simd::any({mask}) {{"))?;
        self.enter(mask)
    }

    fn end_case(&mut self) -> Result<()> {
        let mask = self.mask();
        self.leave()?;
        self.close("}")?;
        self.path.leave();
        if let Some(Switch { after, .. }) = self.switches.last().cloned() {
            self.line(&format!("{after} = simd::or({after}, {mask});"));
        }
        Ok(())
    }

    fn end_switch(&mut self, _target: Target) -> Result<()> {
        let mask = self.mask();
        if let Some(Switch { after, .. }) = self.switches.pop() {
            self.line(&format!("{mask} = {after};"));
            self.leave_if_empty();
        }
        Ok(())
    }

    fn jump(&mut self, jump: Jump) -> Result<()> {
        let mask = self.mask();
        if let Jump::Break(Target { id, .. }) = jump {
            let of_loop = self.loops.iter().find(|around| around.id == id);
            let of_switch = self.switches.iter().find(|around| around.id == id);
            let line = match (of_loop, of_switch) {
                (Some(Loop { mask: looping, .. }), _) => format!("{looping} = simd::and_not({mask}, {looping});"),
                (None, Some(Switch { after, .. })) => format!("{after} = simd::or({after}, {mask});"),
                (None, None) => String::new(),
            };
            self.line(&line);
        }
        self.empty();
        Ok(())
    }

    fn return_(&mut self, value: Option<Handle<Expression>>) -> Result<()> {
        let mask = self.mask();
        let is_whole = self.levels.len() == 1;
        let value = match (value, self.result) {
            (Some(_), Some(_)) if self.copies.result.is_some() => None,
            (Some(value), Some(ty)) => {
                let value = self.value(value)?;
                // Lanes that have not returned get their result later; those that have keep theirs.
                let others_returned = self.returns_before || !self.loops.is_empty();
                Some(if others_returned { self.select(ty, &mask, &value, "result")? } else { value })
            }
            _ => None,
        };
        if is_whole {
            self.level_mut().is_reduced = false;
            if self.copies.result.is_some() {
                let label = self.level().label.clone();
                self.line(&format!("break {label};"));
                return Ok(());
            }
            self.line(&value.map_or_else(|| "return;".to_owned(), |value| format!("return {value};")));
            return Ok(());
        }
        if let Some(value) = value {
            self.line(&format!("result = {value};"));
        }
        self.returns_before = true;
        self.line(&format!("returned = simd::or(returned, {mask});"));
        for i in 0..self.loops.len() {
            let looping = self.loops[i].mask.clone();
            self.line(&format!("{looping} = simd::and_not({mask}, {looping});"));
        }
        self.empty();
        Ok(())
    }

    fn refuse(&self, span: Span, construct: &str) -> Error {
        self.scalar.refuse(span, construct)
    }
}
