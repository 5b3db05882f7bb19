//! Workers: what they compute, what they keep, and what happens when they stop, hang or die.

mod engine;
mod phases;
mod place;
mod process;
mod queue;
mod studio;
