//! Packages of files.

pub(crate) mod shown;
