//! Workflows: what is saved, checked, dispatched and run. Cases whose dispatches are recorded go through doubles of the
//! ports; their twins render.

mod definitions;
mod doubles;
mod graphs;
mod lines;
mod preflight;
mod runs;
mod shop;
