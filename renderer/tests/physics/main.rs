//! Light transport against known answers.

mod analytic;
mod determinism;
mod furnace;
mod scenes;
