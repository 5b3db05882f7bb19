//! Trials of a device: does it render what the processor renders, and how fast?
//!
//! Input: a device, and a folder with assets and the pictures that the processor made (the GPU kit, `scripts/gpu-kit`),
//! or neither. Output: a report, with its checks and figures as JSON, pictures to look at, and a table for people. Each
//! [`Trial`] runs in a separate process with a time limit ([`supervise`]): a driver that hangs or crashes ends one
//! trial but not the others.

mod command;
mod flip;
pub mod report;
mod roof;
mod scenes;
pub mod setup;
mod subject;
pub mod supervise;
pub mod trial;
mod trials;

pub use report::{Report, TrialReport};
pub use scenes::draw_expected;
pub use setup::{Scale, Setup};
pub use trial::Trial;
pub use trials::run;
