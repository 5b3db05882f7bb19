//! Light transport against known answers.

mod analytic;
mod bodies;
mod determinism;
mod emission;
mod furnace;
mod lights;
mod scenes;
