//! Light transport against known answers.

mod analytic;
mod bodies;
mod determinism;
mod difference;
mod emission;
mod furnace;
mod lights;
mod nesting;
mod scenes;
