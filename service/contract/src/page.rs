//! Pages of lists.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::job::Job;
use super::library::MaterialLibrary;

/// Elements of a page that does not say.
pub const LIMIT_DEFAULT: u32 = 50;
/// Most elements of a page.
pub const LIMIT_MAX: u32 = 200;

/// A page of jobs, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobPage {
    /// The jobs.
    pub items: Vec<Job>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A page of libraries, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LibraryPage {
    /// The libraries.
    pub items: Vec<MaterialLibrary>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}
