//! The wgpu path, on a software adapter taken by name: it must be installed, these tests never skip.

mod control;
mod devices;
mod limits;
mod pictures;
mod scenes;
