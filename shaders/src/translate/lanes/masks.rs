//! Control flow as masks: which lanes take part in the current code.

use super::Lanes;
use crate::translate::Result;

/// A stretch of code with a mask of its own.
pub(super) struct Level {
    /// The variable with the mask.
    pub(super) mask: String,
    /// The label of its block, which is left when no lane is left.
    pub(super) label: String,
    /// Whether jumps may have taken lanes out of the mask.
    pub(super) is_reduced: bool,
}

/// A branch.
pub(super) struct Branch {
    /// The masks of both sides; `None` when the condition is a single value.
    pub(super) masks: Option<[String; 2]>,
    /// Whether jumps took lanes out of one of the sides.
    pub(super) is_reduced: bool,
    /// Whether the level was reduced before; only for a condition that is a single value.
    pub(super) was_reduced: bool,
}

/// A loop.
pub(super) struct Loop {
    /// Number of its target.
    pub(super) id: u32,
    /// The variable with the lanes that have not left it.
    pub(super) mask: String,
}

/// A switch.
#[derive(Clone)]
pub(super) struct Switch {
    /// Number of its target.
    pub(super) id: u32,
    /// The variable with the value that cases are compared with.
    pub(super) selector: String,
    /// The variable with the lanes that no case has taken.
    pub(super) unmatched: String,
    /// The variable with the lanes that go on behind it.
    pub(super) after: String,
}

impl Lanes<'_, '_> {
    pub(super) fn level(&self) -> &Level {
        // The function's own level is never taken from the list.
        &self.levels[self.levels.len() - 1]
    }

    pub(super) fn level_mut(&mut self) -> &mut Level {
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    pub(super) fn mask(&self) -> String {
        self.level().mask.clone()
    }

    /// The variable with the lanes that are in the innermost loop.
    pub(super) fn looping(&self) -> String {
        self.loops.last().map(|around| around.mask.clone()).unwrap_or_default()
    }

    pub(super) fn new_mask(&mut self) -> String {
        self.scalar.names.take("lanes")
    }

    /// Enters the code of a mask that has been declared.
    pub(super) fn enter(&mut self, mask: String) -> Result<()> {
        let label = format!("'of_{mask}");
        self.open(&format!("{label}: {{"))?;
        self.levels.push(Level { mask, label, is_reduced: false });
        Ok(())
    }

    /// Leaves it; whether jumps took lanes out of its mask.
    pub(super) fn leave(&mut self) -> Result<bool> {
        self.close("}")?;
        Ok(self.levels.pop().is_some_and(|level| level.is_reduced))
    }

    /// After the mask of the current level was reduced: leaves the level if no lane is left.
    pub(super) fn leave_if_empty(&mut self) {
        let Level { mask, label, .. } = self.level();
        let text = format!("if !simd::any({mask}) {{ break {label}; }}");
        self.level_mut().is_reduced = true;
        self.leaves_function |= self.levels.len() == 1;
        self.line(&text);
    }

    /// The current lanes go elsewhere.
    pub(super) fn empty(&mut self) {
        let mask = self.mask();
        self.level_mut().is_reduced = true;
        self.line(&format!("{mask} = simd::no_lanes();"));
    }

    /// Takes the lanes that returned out of the current level.
    pub(super) fn without_returned(&mut self) {
        let mask = self.mask();
        self.line(&format!("{mask} = simd::and_not(returned, {mask});"));
        self.leave_if_empty();
    }
}
