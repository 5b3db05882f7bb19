//! How much code drivers make of a kernel: they copy every function into its callers, and compile the copies before the
//! first picture (docs/decisions/lobes-are-evaluated-once.md has what that took on a software driver).

use naga::{Block, Function, Handle, Statement};

use crate::modules::Kernel;

/// Statements and expressions of a whole kernel, with a copy of a function for each of its calls. A function that is
/// called from one more place costs its whole size again: draw first and evaluate once, rather than evaluate in every
/// branch.
const PARTS_MAX: usize = 107_000;

/// The statements of a block, and which functions they call.
fn statements(block: &Block, calls: &mut Vec<Handle<Function>>) -> usize {
    let of_one = |statement: &Statement| {
        let mut within = |block: &Block| statements(block, calls);
        1 + match statement {
            Statement::Block(block) => within(block),
            Statement::If { accept, reject, .. } => within(accept) + within(reject),
            Statement::Switch { cases, .. } => cases.iter().map(|case| within(&case.body)).sum(),
            Statement::Loop { body, continuing, .. } => within(body) + within(continuing),
            Statement::Call { function, .. } => {
                calls.push(*function);
                0
            }
            _ => 0,
        }
    };
    block.iter().map(of_one).sum()
}

/// A function with copies of the functions it calls, which come before it in `known`.
fn parts(function: &Function, known: &[usize]) -> usize {
    let mut calls = Vec::new();
    let own = statements(&function.body, &mut calls) + function.expressions.len();
    own + calls.iter().map(|called| known[called.index()]).sum::<usize>()
}

#[test]
fn copied_into_their_callers_the_functions_of_a_kernel_stay_small() {
    for kernel in &Kernel::all() {
        let module = &kernel.valid.module;
        let mut known = Vec::new();
        for (_, function) in module.functions.iter() {
            known.push(parts(function, &known));
        }
        let n_parts = parts(&module.entry_points[0].function, &known);
        println!("{}: {n_parts} statements and expressions", kernel.name);
        assert!(n_parts > 100, "{}: {n_parts}", kernel.name);
        assert!(n_parts <= PARTS_MAX, "{}: {n_parts} statements and expressions", kernel.name);
    }
}
