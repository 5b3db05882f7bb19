//! The caller of a list, and whose rows the list shows them.

use super::principal::Principal;

/// Whose rows a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Those of the tenant that the request belongs to.
    OfTenant,
    /// Those of all tenants: a global admin asked for them.
    OfAll,
}

/// The caller of a list. What is not a list takes a [`Principal`], and so never shows the rows of all tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The caller.
    pub who: Principal,
    /// Whose rows they see.
    pub rows: Rows,
}
