//! The wgpu path, on a software adapter taken by name: it must be installed, these tests never skip.

#[path = "../physics/arrangement.rs"]
mod arrangement;
mod control;
mod denoise;
mod groups;
mod guides;
mod devices;
mod instruction_sets;
#[path = "../physics/difference.rs"]
mod difference;
mod limits;
mod pictures;
mod rays;
mod scenes;
