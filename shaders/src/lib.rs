//! Packshot's light transport, written once in WGSL, and the machinery that carries it to both backends.
//!
//! In the order data flows: [`sources`] holds the text of every file under `wgsl/`, [`constants`] the numbers that
//! Rust and WGSL share, [`compose`] joins a file with what it imports, and [`validate`] turns the result into a module
//! of naga's intermediate representation, with every error placed in the file it came from. [`features`] says what
//! not every scene uses, [`layout`] holds the Rust twin of every struct that both sides read or write, and
//! [`translate`] makes Rust source of a module.

pub mod sources;
pub mod constants;
pub mod error;
pub mod compose;
pub mod validate;
pub mod features;
pub mod layout;
pub mod translate;
