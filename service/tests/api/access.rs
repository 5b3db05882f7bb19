//! T03, T07, T08, T29, T47–T50: who may do what, checked for every operation in the OpenAPI document.
//!
//! A new operation joins by being in the document. It may need a line here: its permission in [`table`], what alpha has
//! at its path in [`tenants`], what its body refers to in [`references`]. A test says which line is missing.

mod asked;
mod credentials;
mod foreign;
mod matrix;
mod names;
mod operation;
mod references;
mod roles;
mod scopes;
mod table;
mod tenants;
