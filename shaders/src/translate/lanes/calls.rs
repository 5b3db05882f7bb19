//! Calls, and functions that are compiled anew for each of theirs.
//!
//! A call that the compiler does not inline passes every register through memory, as Rust does with vectors, and often
//! costs more than what it computes. The compiler inlines whatever has a single call, and of the rest only what is
//! short. So functions get a type parameter that is another one at each call, and in each copy of the function around
//! it: then each copy has a single call (docs/decisions/a-copy-for-each-call.md).

use naga::{Expression, Function, Handle, Statement, TypeInner};

use super::Lanes;
use crate::translate::{Context, Result, analysis};

/// Of functions with every feature, those with more expressions than this, in themselves and in what is compiled into
/// them, have one copy. In the others most branches fall away, and all functions have a copy for each call.
const EXPRESSIONS_MAX: usize = 400;
/// What a call counts, of a function that has one copy.
const CALL: usize = 10;
/// More calls than any function has.
const CALLS_MAX: usize = 1 << 12;

/// Which functions of a module have a copy for each call.
pub(crate) struct Sites(Vec<bool>);

impl Sites {
    /// Those of a module with every feature, or with few. The `roots` are called from outside, and have one copy.
    pub(crate) fn of(context: &Context<'_>, roots: &[&str], has_every_feature: bool) -> Self {
        let functions = &context.shader.module.functions;
        let mut sizes = vec![0_usize; functions.len()];
        let is_short = |size: usize| !has_every_feature || size <= EXPRESSIONS_MAX;
        // Functions come after those that they call.
        for (handle, function) in functions.iter() {
            let mut size = function.expressions.len();
            analysis::visit(&function.body, &mut |statement| {
                if let Statement::Call { function, .. } = statement {
                    let called = sizes[function.index()];
                    size = size.saturating_add(if is_short(called) { called } else { CALL });
                }
            });
            sizes[handle.index()] = size;
        }
        let is_root = |name: &String| roots.contains(&name.as_str());
        let names = context.function_names.iter();
        Self(sizes.into_iter().zip(names).map(|(size, name)| is_short(size) && !is_root(name)).collect())
    }

    /// Whether it has a copy for each call.
    pub(super) fn has(&self, function: Handle<Function>) -> bool {
        self.0[function.index()]
    }
}

impl Lanes<'_, '_> {
    /// A call.
    pub(super) fn rendered_call(
        &mut self,
        function: Handle<Function>,
        arguments: &[Handle<Expression>],
    ) -> Result<String> {
        let context = self.scalar.context;
        let mut rendered = Vec::new();
        if context.bindings_of(function).next().is_some() {
            rendered.push("bindings".to_owned());
        }
        rendered.push(self.mask());
        for &argument in arguments {
            rendered.push(if self.scalar.is_pointer(argument) {
                format!("&mut {}", self.place(argument)?)
            } else if matches!(self.scalar.inner(argument), TypeInner::Struct { .. }) {
                format!("&{}", self.value(argument)?)
            } else {
                self.value(argument)?
            });
        }
        let site = if self.sites.has(function) { format!("::<{}>", self.site()) } else { String::new() };
        Ok(format!("self::{}{site}({})", context.function_names[function.index()], rendered.join(", ")))
    }

    /// The type that stands for the next call.
    pub(super) fn site(&mut self) -> String {
        self.n_calls += 1;
        let function = self.scalar.handle;
        let around = if self.sites.has(function) { "At" } else { "Outside" };
        format!("simd::Site<{}, {around}>", function.index() * CALLS_MAX + self.n_calls)
    }
}
