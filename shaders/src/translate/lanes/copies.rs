//! Which copies of structs need not be made: a struct in lanes is large.

use naga::{Block, Expression, Function, Handle, LocalVariable, Module, Statement, TypeInner};

use crate::translate::analysis::{operands, statement_operands, visit};

/// What a function does with whole structs.
pub(super) struct Copies {
    /// Loads of structs that only the next call or `return` uses, which takes them from where they are.
    in_place: Vec<bool>,
    /// The variable that every `return` returns, if there are several: it keeps the results of lanes that have
    /// returned.
    pub(super) result: Option<Handle<LocalVariable>>,
}

impl Copies {
    pub(super) fn of(module: &Module, function: &Function) -> Self {
        let mut search = Search { module, function, uses: vec![0u32; function.expressions.len()], loads: Vec::new() };
        for (_, expression) in function.expressions.iter() {
            operands(expression).into_iter().for_each(|operand| search.uses[operand.index()] += 1);
        }
        visit(&function.body, &mut |statement| {
            statement_operands(statement).into_iter().for_each(|operand| search.uses[operand.index()] += 1);
        });
        search.block(&function.body);
        let mut in_place = vec![false; function.expressions.len()];
        let mut returned = Vec::new();
        for (load, used) in search.loads {
            match used {
                Used::ByCall => in_place[load.index()] = true,
                Used::ByReturn(local) => returned.push((load, local)),
            }
        }
        let mut n_returns = 0;
        visit(&function.body, &mut |statement| n_returns += usize::from(matches!(statement, Statement::Return { .. })));
        let result = match returned.first() {
            Some(&(_, first)) if returned.len() > 1 && n_returns == returned.len() => {
                returned.iter().all(|&(_, local)| local == first).then_some(first)
            }
            _ => None,
        };
        if result.is_some() {
            returned.iter().for_each(|(load, _)| in_place[load.index()] = true);
        }
        Self { in_place, result }
    }

    /// Whether a load makes no copy.
    pub(super) fn is_in_place(&self, load: Handle<Expression>) -> bool {
        self.in_place[load.index()]
    }
}

enum Used {
    ByCall,
    ByReturn(Handle<LocalVariable>),
}

struct Search<'a> {
    module: &'a Module,
    function: &'a Function,
    uses: Vec<u32>,
    loads: Vec<(Handle<Expression>, Used)>,
}

impl Search<'_> {
    fn block(&mut self, block: &Block) {
        // Loads since the last statement that may write something.
        let mut fresh: Vec<Handle<Expression>> = Vec::new();
        for statement in block {
            match statement {
                Statement::Emit(range) => {
                    fresh.extend(range.clone());
                    continue;
                }
                Statement::Call { arguments, .. } => {
                    for &argument in arguments.iter().filter(|argument| fresh.contains(argument)) {
                        let Some(from) = self.whole_struct(argument) else { continue };
                        let is_written = arguments
                            .iter()
                            .any(|&other| other != argument && variable(self.function, other) == Some(from));
                        if !is_written && self.uses[argument.index()] == 1 {
                            self.loads.push((argument, Used::ByCall));
                        }
                    }
                }
                Statement::Return { value: Some(value) } if fresh.contains(value) => {
                    if let (Some(Variable::Local(local)), 1) = (self.whole_struct(*value), self.uses[value.index()]) {
                        self.loads.push((*value, Used::ByReturn(local)));
                    }
                }
                Statement::Block(inner) => self.block(inner),
                Statement::If { accept, reject, .. } => {
                    self.block(accept);
                    self.block(reject);
                }
                Statement::Switch { cases, .. } => cases.iter().for_each(|case| self.block(&case.body)),
                Statement::Loop { body, continuing, .. } => {
                    self.block(body);
                    self.block(continuing);
                }
                _ => {}
            }
            fresh.clear();
        }
    }

    /// The variable whose whole struct is loaded.
    fn whole_struct(&self, load: Handle<Expression>) -> Option<Variable> {
        let Expression::Load { pointer } = self.function.expressions[load] else { return None };
        let variable = variable(self.function, pointer)?;
        let ty = match (&self.function.expressions[pointer], variable) {
            (Expression::LocalVariable(local), _) => self.function.local_variables[*local].ty,
            (Expression::FunctionArgument(_), Variable::Argument(i)) => {
                match self.module.types[self.function.arguments[i as usize].ty].inner {
                    TypeInner::Pointer { base, .. } => base,
                    _ => return None,
                }
            }
            _ => return None,
        };
        matches!(self.module.types[ty].inner, TypeInner::Struct { .. }).then_some(variable)
    }
}

/// What a pointer leads into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variable {
    Local(Handle<LocalVariable>),
    Argument(u32),
}

fn variable(function: &Function, pointer: Handle<Expression>) -> Option<Variable> {
    match function.expressions[pointer] {
        Expression::LocalVariable(local) => Some(Variable::Local(local)),
        Expression::FunctionArgument(i) => Some(Variable::Argument(i)),
        Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => variable(function, base),
        _ => None,
    }
}
