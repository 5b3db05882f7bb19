//! Light transport against known answers.

mod analytic;
mod arrangement;
mod bodies;
mod determinism;
mod difference;
mod emission;
mod furnace;
mod invariance;
mod lens;
mod lights;
mod nesting;
mod relief;
mod scenes;
mod shells;
mod terminator;
