//! The walk over a function's statements, which depends on WGSL's structure but not on how Rust is written.
//!
//! An [`Emitter`] gets the events in order: values are evaluated, variables stored, blocks entered and left. The same
//! walk drives any emitter, for one path at a time or many in lanes.

use naga::{Block, Expression, Function, Handle, LocalVariable, Span, Statement, SwitchValue};

use super::Result;
use super::analysis::{Jumps, Needed, shared_with_continuing};

/// Something that can be jumped out of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Unique in the function.
    pub(crate) id: u32,
    /// Which jumps lead to it.
    pub(crate) jumps: Jumps,
}

/// A jump to a [`Target`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Jump {
    /// Leaves the loop or switch.
    Break(Target),
    /// Continues with the continuing block of the loop.
    Continue(Target),
}

/// The receiver of a walk. Calls come in the order of execution; every `begin` has its `end`.
pub(crate) trait Emitter {
    /// A variable of the function, before anything else.
    fn declare(&mut self, local: Handle<LocalVariable>) -> Result<()>;
    /// An expression that is evaluated here. Pointers are not: they are read where they are used.
    fn evaluate(&mut self, expression: Handle<Expression>) -> Result<()>;
    /// `*pointer = value`.
    fn store(&mut self, pointer: Handle<Expression>, value: Handle<Expression>) -> Result<()>;
    /// A call, whose result may be needed.
    fn call(
        &mut self,
        function: Handle<Function>,
        arguments: &[Handle<Expression>],
        result: Option<Handle<Expression>>,
    ) -> Result<()>;
    /// A block with no condition.
    fn begin_block(&mut self) -> Result<()>;
    /// Its end.
    fn end_block(&mut self) -> Result<()>;
    /// A branch, whose code follows.
    fn begin_if(&mut self, condition: Handle<Expression>, accept: &Block) -> Result<()>;
    /// The other branch, if there is one.
    fn begin_else(&mut self, reject: &Block) -> Result<()>;
    /// The end of both.
    fn end_if(&mut self) -> Result<()>;
    /// A loop.
    fn begin_loop(&mut self, target: Target) -> Result<()>;
    /// A value that is evaluated inside the loop's body, and also needed in its continuing block.
    fn declare_early(&mut self, expression: Handle<Expression>) -> Result<()>;
    /// The body of a loop.
    fn begin_body(&mut self, target: Target) -> Result<()>;
    /// The continuing block of a loop, run after the body and after each jump to it.
    fn begin_continuing(&mut self, target: Target) -> Result<()>;
    /// The loop's end: it is left if `break_if` holds, and otherwise starts again.
    fn end_loop(&mut self, target: Target, break_if: Option<Handle<Expression>>) -> Result<()>;
    /// A switch.
    fn begin_switch(&mut self, target: Target, selector: Handle<Expression>) -> Result<()>;
    /// A case for any of `values`; the default case comes last.
    fn begin_case(&mut self, values: &[SwitchValue]) -> Result<()>;
    /// The end of a case.
    fn end_case(&mut self) -> Result<()>;
    /// The end of the switch.
    fn end_switch(&mut self, target: Target) -> Result<()>;
    /// A jump.
    fn jump(&mut self, jump: Jump) -> Result<()>;
    /// The end of the function.
    fn return_(&mut self, value: Option<Handle<Expression>>) -> Result<()>;
    /// The error for a statement that cannot be translated.
    fn refuse(&self, span: Span, construct: &str) -> super::Error;
}

/// Drives `emitter` through the whole of `function`.
pub(crate) fn walk(function: &Function, emitter: &mut impl Emitter) -> Result<()> {
    let needed = Needed::of(function);
    let mut used = vec![false; function.local_variables.len()];
    for (handle, expression) in function.expressions.iter() {
        if let (Expression::LocalVariable(local), true) = (expression, needed.contains(handle)) {
            used[local.index()] = true;
        }
    }
    for (handle, _) in function.local_variables.iter().filter(|(handle, _)| used[handle.index()]) {
        emitter.declare(handle)?;
    }
    Walk { function, needed, emitter, targets: Vec::new(), next_target: 0 }.block(&function.body)
}

struct Walk<'a, E> {
    function: &'a Function,
    needed: Needed,
    emitter: &'a mut E,
    /// The loops and switches around the current statement, and whether each is a loop.
    targets: Vec<(Target, bool)>,
    next_target: u32,
}

impl<E: Emitter> Walk<'_, E> {
    fn block(&mut self, block: &Block) -> Result<()> {
        block.span_iter().try_for_each(|(statement, span)| self.statement(statement, *span))
    }

    fn enter(&mut self, jumps: Jumps, is_loop: bool) -> Target {
        let target = Target { id: self.next_target, jumps };
        self.next_target += 1;
        self.targets.push((target, is_loop));
        target
    }

    fn statement(&mut self, statement: &Statement, span: Span) -> Result<()> {
        match statement {
            Statement::Emit(range) => {
                let mut expressions = range.clone().filter(|&expression| self.needed.contains(expression));
                expressions.try_for_each(|expression| self.emitter.evaluate(expression))
            }
            Statement::Block(block) => {
                self.emitter.begin_block()?;
                self.block(block)?;
                self.emitter.end_block()
            }
            Statement::If { condition, accept, reject } => {
                self.emitter.begin_if(*condition, accept)?;
                self.block(accept)?;
                if !reject.is_empty() {
                    self.emitter.begin_else(reject)?;
                    self.block(reject)?;
                }
                self.emitter.end_if()
            }
            Statement::Switch { selector, cases } => {
                let breaks = cases.iter().any(|case| Jumps::of(&case.body).breaks);
                let target = self.enter(Jumps { breaks, continues: false }, false);
                self.emitter.begin_switch(target, *selector)?;
                self.cases(cases, span)?;
                self.targets.pop();
                self.emitter.end_switch(target)
            }
            Statement::Loop { body, continuing, break_if } => {
                let jumps = Jumps::of(body);
                let breaks = jumps.breaks || break_if.is_some();
                let target = self.enter(Jumps { breaks, ..jumps }, true);
                self.emitter.begin_loop(target)?;
                if jumps.continues {
                    for expression in shared_with_continuing(self.function, body, continuing, *break_if) {
                        self.emitter.declare_early(expression)?;
                    }
                }
                self.emitter.begin_body(target)?;
                self.block(body)?;
                self.emitter.begin_continuing(target)?;
                self.block(continuing)?;
                self.targets.pop();
                self.emitter.end_loop(target, *break_if)
            }
            Statement::Break => match self.targets.last() {
                Some(&(target, _)) => self.emitter.jump(Jump::Break(target)),
                None => Err(self.emitter.refuse(span, "`break` outside of a loop")),
            },
            Statement::Continue => match self.targets.iter().rfind(|(_, is_loop)| *is_loop) {
                Some(&(target, _)) => self.emitter.jump(Jump::Continue(target)),
                None => Err(self.emitter.refuse(span, "`continue` outside of a loop")),
            },
            Statement::Return { value } => self.emitter.return_(*value),
            Statement::Store { pointer, value } => self.emitter.store(*pointer, *value),
            Statement::Call { function, arguments, result } => {
                let result = result.filter(|&result| self.needed.contains(result));
                self.emitter.call(*function, arguments, result)
            }
            Statement::Kill => Err(self.emitter.refuse(span, "`discard`")),
            Statement::ControlBarrier(_) | Statement::MemoryBarrier(_) => Err(self.emitter.refuse(span, "a barrier")),
            Statement::ImageStore { .. } => Err(self.emitter.refuse(span, "`textureStore`")),
            Statement::Atomic { .. } | Statement::ImageAtomic { .. } => {
                Err(self.emitter.refuse(span, "an atomic operation"))
            }
            Statement::WorkGroupUniformLoad { .. } => Err(self.emitter.refuse(span, "`workgroupUniformLoad`")),
            Statement::RayQuery { .. } | Statement::RayPipelineFunction(_) => {
                Err(self.emitter.refuse(span, "a ray query"))
            }
            Statement::SubgroupBallot { .. }
            | Statement::SubgroupGather { .. }
            | Statement::SubgroupCollectiveOperation { .. } => Err(self.emitter.refuse(span, "a subgroup operation")),
            Statement::CooperativeStore { .. } => Err(self.emitter.refuse(span, "a cooperative matrix")),
        }
    }

    /// Walks the cases: cases with a common body as one, the default last.
    fn cases(&mut self, cases: &[naga::SwitchCase], span: Span) -> Result<()> {
        let mut groups: Vec<(Vec<SwitchValue>, &Block)> = Vec::new();
        let mut values = Vec::new();
        for case in cases {
            values.push(case.value);
            if case.fall_through {
                if !case.body.is_empty() {
                    return Err(self.emitter.refuse(span, "a case that runs into the next one"));
                }
            } else {
                groups.push((std::mem::take(&mut values), &case.body));
            }
        }
        groups.sort_by_key(|(values, _)| values.contains(&SwitchValue::Default));
        for (values, body) in groups {
            self.emitter.begin_case(&values)?;
            self.block(body)?;
            self.emitter.end_case()?;
        }
        Ok(())
    }
}
