//! Workflows: what is saved, checked, dispatched and run. Cases whose dispatches are recorded go through doubles of the
//! ports; their twins render.

mod associating;
mod comparison;
mod definitions;
mod doubles;
mod graphs;
mod lines;
mod preflight;
mod runs;
mod shadow;
mod shop;

pub(crate) use comparison::compared_run;
pub(crate) use shop::{Line, Shop, chain, node, output, still, tiny};
