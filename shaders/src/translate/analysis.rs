//! Analysis of a function before it is walked.

use naga::{Block, Expression, Function, Handle, Statement};

/// Which expressions a function's statements need, directly or through other expressions. WGSL's front end also keeps
/// the ones a program names and never uses.
#[derive(Clone, Debug)]
pub(crate) struct Needed(Vec<bool>);

impl Needed {
    /// Analyses the whole of `function`.
    pub(crate) fn of(function: &Function) -> Self {
        let mut needed = Self(vec![false; function.expressions.len()]);
        visit(&function.body, &mut |statement| {
            for root in statement_operands(statement) {
                needed.add(function, root);
            }
        });
        for (_, local) in function.local_variables.iter() {
            if let Some(init) = local.init {
                needed.add(function, init);
            }
        }
        needed
    }

    /// Whether `expression` is needed.
    pub(crate) fn contains(&self, expression: Handle<Expression>) -> bool {
        self.0[expression.index()]
    }

    fn add(&mut self, function: &Function, root: Handle<Expression>) {
        let mut open = vec![root];
        while let Some(expression) = open.pop() {
            if !std::mem::replace(&mut self.0[expression.index()], true) {
                open.extend(operands(&function.expressions[expression]));
            }
        }
    }
}

/// Calls `f` for every statement of `block` and of the blocks in it, from the outside in.
pub(crate) fn visit<'a>(block: &'a Block, f: &mut impl FnMut(&'a Statement)) {
    for statement in block {
        f(statement);
        match statement {
            Statement::Block(block) => visit(block, f),
            Statement::If { accept, reject, .. } => {
                visit(accept, f);
                visit(reject, f);
            }
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| visit(&case.body, f)),
            Statement::Loop { body, continuing, .. } => {
                visit(body, f);
                visit(continuing, f);
            }
            _ => {}
        }
    }
}

/// The expressions a statement uses itself, not through its blocks. Statements that cannot be translated use none here:
/// they are refused first.
pub(crate) fn statement_operands(statement: &Statement) -> Vec<Handle<Expression>> {
    match statement {
        Statement::If { condition, .. } => vec![*condition],
        Statement::Switch { selector, .. } => vec![*selector],
        Statement::Loop { break_if, .. } => break_if.iter().copied().collect(),
        Statement::Return { value } => value.iter().copied().collect(),
        Statement::Store { pointer, value } => vec![*pointer, *value],
        Statement::Call { arguments, .. } => arguments.clone(),
        _ => vec![],
    }
}

/// The expressions an expression uses. Those that cannot be translated use none here.
pub(crate) fn operands(expression: &Expression) -> Vec<Handle<Expression>> {
    match expression {
        Expression::Compose { components, .. } => components.clone(),
        Expression::Access { base, index } => vec![*base, *index],
        Expression::AccessIndex { base, .. } => vec![*base],
        Expression::Splat { value, .. } => vec![*value],
        Expression::Swizzle { vector, .. } => vec![*vector],
        Expression::Load { pointer } => vec![*pointer],
        Expression::Unary { expr, .. } | Expression::As { expr, .. } => vec![*expr],
        Expression::Binary { left, right, .. } => vec![*left, *right],
        Expression::Select { condition, accept, reject } => vec![*condition, *accept, *reject],
        Expression::Relational { argument, .. } => vec![*argument],
        Expression::Math { arg, arg1, arg2, arg3, .. } => {
            [Some(*arg), *arg1, *arg2, *arg3].into_iter().flatten().collect()
        }
        Expression::ArrayLength(array) => vec![*array],
        _ => vec![],
    }
}

/// Which jumps in the body of a loop or switch leave it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Jumps {
    /// A `break` leaves it.
    pub(crate) breaks: bool,
    /// A `continue` starts its next iteration; loops only.
    pub(crate) continues: bool,
}

impl Jumps {
    /// Scans `block`, the body of a loop or of a case, without the jumps of inner loops and switches.
    pub(crate) fn of(block: &Block) -> Self {
        let mut jumps = Self::default();
        jumps.look(block, true);
        jumps
    }

    fn look(&mut self, block: &Block, breaks_are_ours: bool) {
        for statement in block {
            match statement {
                Statement::Break => self.breaks |= breaks_are_ours,
                Statement::Continue => self.continues = true,
                Statement::Block(block) => self.look(block, breaks_are_ours),
                Statement::If { accept, reject, .. } => {
                    self.look(accept, breaks_are_ours);
                    self.look(reject, breaks_are_ours);
                }
                // A `continue` in a switch belongs to the loop around it.
                Statement::Switch { cases, .. } => cases.iter().for_each(|case| self.look(&case.body, false)),
                _ => {}
            }
        }
    }
}

/// The expressions that `body` evaluates at its top level and that `continuing` or `break_if` need.
pub(crate) fn shared_with_continuing(
    function: &Function,
    body: &Block,
    continuing: &Block,
    break_if: Option<Handle<Expression>>,
) -> Vec<Handle<Expression>> {
    let mut used = Needed(vec![false; function.expressions.len()]);
    break_if.into_iter().for_each(|root| used.add(function, root));
    visit(continuing, &mut |statement| {
        for root in statement_operands(statement) {
            used.add(function, root);
        }
    });
    let evaluated = body.iter().flat_map(|statement| match statement {
        Statement::Emit(range) => range.clone().collect(),
        Statement::Call { result: Some(result), .. } => vec![*result],
        _ => vec![],
    });
    evaluated.filter(|&expression| used.contains(expression)).collect()
}
