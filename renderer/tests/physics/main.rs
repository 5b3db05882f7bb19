//! Light transport against known answers.

mod analytic;
mod arrangement;
mod bodies;
mod catcher;
mod determinism;
mod difference;
mod emission;
mod file_materials;
mod furnace;
mod groups;
mod guides;
mod invariance;
mod layers;
mod lens;
mod lights;
mod lines;
mod nesting;
mod noise;
mod panes;
mod relief;
mod scenes;
mod shadows;
mod shells;
mod standing;
mod stratification;
mod terminator;
