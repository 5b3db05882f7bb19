//! The invariants of ARCHITECTURE.md that can be read off the text of the repository.

mod documents;
mod layout;
mod modules;
mod sources;
mod tree;
