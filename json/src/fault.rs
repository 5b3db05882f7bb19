//! What is wrong with a document, and where.

use std::cell::{Cell, RefCell};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, as a JSON pointer (RFC 6901); empty for all of it.
    pub at: String,
    /// What kind of mistake it is.
    pub kind: FaultKind,
    /// One sentence for a person, without capital and full stop.
    pub message: String,
}

impl Fault {
    /// A fault of a whole value.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { at: String::new(), kind, message: message.into() }
    }

    /// The same, of a value that lies at `at` in a larger one.
    #[must_use]
    pub fn below(mut self, at: &str) -> Self {
        self.at.insert_str(0, at);
        self
    }
}

/// The kinds of mistakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A value of another type.
    Type,
    /// A value out of its range.
    Range,
    /// A word that there is not.
    Word,
    /// The same twice.
    Duplicate,
    /// It must be there, and is not.
    Missing,
    /// It contradicts something else.
    Conflict,
    /// A member that nobody knows.
    UnknownMember,
    /// A mistake with a name of its own, such as `encode.too_large`.
    Named(String),
}

/// Faults that are kept, at most: who made more has made one mistake many times.
const FAULTS_MAX: usize = 1_000;

/// Where faults are gathered while a document is read.
#[derive(Debug, Default)]
pub struct Faults {
    kept: RefCell<Vec<Fault>>,
    n: Cell<usize>,
}

impl Faults {
    /// Adds one, which is made where it is kept.
    pub fn push(&self, fault: impl FnOnce() -> Fault) {
        self.n.set(self.n.get() + 1);
        if self.n.get() <= FAULTS_MAX {
            self.kept.borrow_mut().push(fault());
        }
    }

    /// Whether there is none yet.
    pub fn is_empty(&self) -> bool {
        self.n.get() == 0
    }

    /// All of them, in the order in which they were found; of very many the first, and one that says how many more
    /// there are.
    pub fn into_vec(self) -> Vec<Fault> {
        let mut faults = self.kept.into_inner();
        let n_more = self.n.get() - faults.len();
        if let Some(last) = faults.last().filter(|_| n_more > 0) {
            let kind = last.kind.clone();
            faults.push(Fault::new(kind, format!("and {n_more} more mistakes")));
        }
        faults
    }
}

/// The place of a member of an object at `at` (RFC 6901 section 3).
pub fn pointer(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_faults_the_first_are_kept() {
        let faults = Faults::default();
        for i in 0..1_234 {
            faults.push(|| Fault::new(FaultKind::Range, "odd").below(&format!("/{i}")));
        }
        let faults = faults.into_vec();
        assert_eq!((faults.len(), faults[999].at.as_str()), (1_001, "/999"));
        assert_eq!(faults[1_000].message, "and 234 more mistakes");
    }
}
