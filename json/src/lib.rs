//! JSON that somebody wrote: requests, material maps, shot files.
//!
//! [`parse`] takes the text strictly: numbers keep every digit, and a name that stands twice in an object is refused. A
//! [`Node`] is a value and its place; reading it checks type and range, and what is wrong is gathered in [`Faults`], so
//! that one reading finds everything. [`write()`] gives text for people, [`canonical()`] text for digests. What a fault
//! is called is a matter of who reads: here it has a [`FaultKind`].

mod canonical;
mod fault;
mod members;
mod node;
mod parse;
mod write;

pub use canonical::canonical;
pub use fault::{Fault, FaultKind, Faults, pointer};
pub use members::Members;
pub use node::{Node, Range};
pub use parse::{SyntaxError, parse};
pub use write::{single, write};
