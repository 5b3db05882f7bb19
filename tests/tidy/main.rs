//! The invariants of ARCHITECTURE.md that can be read off the text of the repository, and what `scripts/test` says of
//! the tests.

mod documents;
mod layout;
mod modules;
mod profiles;
mod sources;
mod summary;
mod tenants;
mod tree;
