//! Analysis of a function before it is emitted in lanes.

use naga::{Block, Expression, Function, Handle, LocalVariable, Module, Span, SwitchValue, Type, TypeInner};

use crate::error::ShaderError;
use crate::translate::analysis::operands;
use crate::translate::walk::{Emitter, Jump, Target, walk};
use crate::translate::{Error, Result};

/// Which expressions are the same for all lanes: those that depend on no argument, variable, or result of a call.
/// Structs are put together in lanes all the same.
pub(super) fn uniform(module: &Module, function: &Function) -> Vec<bool> {
    let is_struct = |ty: Handle<Type>| matches!(module.types[ty].inner, TypeInner::Struct { .. });
    let mut uniform = vec![false; function.expressions.len()];
    for (handle, expression) in function.expressions.iter() {
        // Operands come before the expressions that use them.
        uniform[handle.index()] = match expression {
            Expression::FunctionArgument(_) | Expression::LocalVariable(_) | Expression::CallResult(_) => false,
            Expression::Compose { ty, .. } | Expression::ZeroValue(ty) if is_struct(*ty) => false,
            _ => operands(expression).iter().all(|operand| uniform[operand.index()]),
        };
    }
    uniform
}

/// The local variable that a pointer leads into; `None` for arguments and buffers.
pub(super) fn root(function: &Function, pointer: Handle<Expression>) -> Option<Handle<LocalVariable>> {
    match function.expressions[pointer] {
        Expression::LocalVariable(local) => Some(local),
        Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => root(function, base),
        _ => None,
    }
}

/// Whether a pointer leads into a buffer.
pub(super) fn is_of_buffer(function: &Function, pointer: Handle<Expression>) -> bool {
    match function.expressions[pointer] {
        Expression::GlobalVariable(_) => true,
        Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => is_of_buffer(function, base),
        _ => false,
    }
}

/// A level with a mask of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Level {
    /// In the order in which a walk enters them.
    number: u32,
    /// Whether it is the body of a loop, or its continuing block.
    repeats: bool,
}

/// The levels around a place, from the outside in.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    levels: Vec<Level>,
    n_levels: u32,
}

impl Path {
    pub(super) fn enter(&mut self) {
        self.push(false);
    }

    pub(super) fn enter_loop(&mut self) {
        self.push(true);
    }

    fn push(&mut self, repeats: bool) {
        self.n_levels += 1;
        self.levels.push(Level { number: self.n_levels, repeats });
    }

    pub(super) fn leave(&mut self) {
        self.levels.pop();
    }
}

/// For each local variable, the innermost level around all its uses. Lanes that are not in that level see nothing of
/// it, so there it may be written without a mask. A level that is repeated is a variable's home only if each repetition
/// begins by writing it: else lanes that leave out a repetition would see what others wrote.
pub(super) struct Homes(Vec<Option<Home>>);

/// The home of a variable.
struct Home {
    level: Vec<Level>,
    /// Whether nothing is read of it before the whole variable is written there.
    is_written_first: bool,
}

/// The uses of a local variable.
struct Uses {
    /// The innermost level around all of them.
    home: Vec<Level>,
    /// The level that begins by writing the whole variable, if the first use does that.
    written_first: Option<Vec<Level>>,
}

impl Homes {
    pub(super) fn of(function: &Function, uniform: &[bool]) -> Result<Self> {
        let mut search = Search {
            function,
            uniform,
            path: Path::default(),
            branches: Vec::new(),
            uses: function.local_variables.iter().map(|_| None).collect(),
        };
        walk(function, &mut search)?;
        let home = |uses: Uses| {
            let is_written_first = uses.written_first.as_ref() == Some(&uses.home);
            let first_loop = uses.home.iter().position(|level| level.repeats);
            let level = match first_loop {
                Some(first_loop) if !is_written_first => uses.home[..first_loop].to_vec(),
                _ => uses.home,
            };
            Home { level, is_written_first }
        };
        Ok(Self(search.uses.into_iter().map(|uses| uses.map(home)).collect()))
    }

    pub(super) fn is_home(&self, local: Handle<LocalVariable>, path: &Path) -> bool {
        self.0[local.index()].as_ref().is_some_and(|home| home.level == path.levels)
    }

    /// Whether nothing is read of a variable before the whole of it is written, at its home.
    pub(super) fn is_written_first(&self, local: Handle<LocalVariable>) -> bool {
        self.0[local.index()].as_ref().is_some_and(|home| home.is_written_first)
    }
}

struct Search<'a> {
    function: &'a Function,
    uniform: &'a [bool],
    path: Path,
    /// Whether each branch around the current code has masks.
    branches: Vec<bool>,
    uses: Vec<Option<Uses>>,
}

impl Search<'_> {
    fn note(&mut self, expression: Handle<Expression>, writes: bool) {
        let mut open = vec![expression];
        while let Some(at) = open.pop() {
            if let Expression::LocalVariable(local) = self.function.expressions[at] {
                let path = &self.path.levels;
                // Not behind a branch without masks, which another repetition might not take.
                let is_certain = self.branches.iter().all(|&has_masks| has_masks);
                let is_first = writes && at == expression && is_certain;
                match &mut self.uses[local.index()] {
                    Some(Uses { home, .. }) => {
                        let n = home.iter().zip(path).take_while(|(a, b)| a == b).count();
                        home.truncate(n);
                    }
                    uses => *uses = Some(Uses { home: path.clone(), written_first: is_first.then(|| path.clone()) }),
                }
            }
            // Values have been noted where they were evaluated; pointers are read where they are used.
            let expression = &self.function.expressions[at];
            if matches!(
                expression,
                Expression::Access { .. } | Expression::AccessIndex { .. } | Expression::Load { .. }
            ) {
                open.extend(operands(expression));
            }
        }
    }
}

impl Emitter for Search<'_> {
    fn declare(&mut self, _local: Handle<LocalVariable>) -> Result<()> {
        Ok(())
    }

    fn evaluate(&mut self, expression: Handle<Expression>) -> Result<()> {
        if let Expression::Load { pointer } = self.function.expressions[expression] {
            self.note(pointer, false);
        }
        Ok(())
    }

    fn store(&mut self, pointer: Handle<Expression>, _value: Handle<Expression>) -> Result<()> {
        self.note(pointer, true);
        Ok(())
    }

    fn call(
        &mut self,
        _function: Handle<Function>,
        arguments: &[Handle<Expression>],
        _result: Option<Handle<Expression>>,
    ) -> Result<()> {
        arguments.iter().for_each(|&argument| self.note(argument, false));
        Ok(())
    }

    fn begin_block(&mut self) -> Result<()> {
        Ok(())
    }

    fn end_block(&mut self) -> Result<()> {
        Ok(())
    }

    fn begin_if(&mut self, condition: Handle<Expression>, _accept: &Block) -> Result<()> {
        let has_masks = !self.uniform[condition.index()];
        self.branches.push(has_masks);
        if has_masks {
            self.path.enter();
        }
        Ok(())
    }

    fn begin_else(&mut self, _reject: &Block) -> Result<()> {
        if self.branches.last() == Some(&true) {
            self.path.leave();
            self.path.enter();
        }
        Ok(())
    }

    fn end_if(&mut self) -> Result<()> {
        if self.branches.pop() == Some(true) {
            self.path.leave();
        }
        Ok(())
    }

    fn begin_loop(&mut self, _target: Target) -> Result<()> {
        Ok(())
    }

    fn declare_early(&mut self, _expression: Handle<Expression>) -> Result<()> {
        Ok(())
    }

    fn begin_body(&mut self, _target: Target) -> Result<()> {
        self.path.enter_loop();
        Ok(())
    }

    fn begin_continuing(&mut self, _target: Target) -> Result<()> {
        self.path.leave();
        self.path.enter_loop();
        Ok(())
    }

    fn end_loop(&mut self, _target: Target, _break_if: Option<Handle<Expression>>) -> Result<()> {
        self.path.leave();
        Ok(())
    }

    fn begin_switch(&mut self, _target: Target, _selector: Handle<Expression>) -> Result<()> {
        Ok(())
    }

    fn begin_case(&mut self, _values: &[SwitchValue]) -> Result<()> {
        self.path.enter();
        Ok(())
    }

    fn end_case(&mut self) -> Result<()> {
        self.path.leave();
        Ok(())
    }

    fn end_switch(&mut self, _target: Target) -> Result<()> {
        Ok(())
    }

    fn jump(&mut self, _jump: Jump) -> Result<()> {
        Ok(())
    }

    fn return_(&mut self, _value: Option<Handle<Expression>>) -> Result<()> {
        Ok(())
    }

    fn refuse(&self, _span: Span, construct: &str) -> Error {
        Box::new(ShaderError::new(format!("{construct} is not translated to Rust")))
    }
}
