//! The benchmark: how fast Packshot renders a shot, beside Cycles, Mitsuba and LuxCore where they are installed.
//!
//! Input: [`Settings`], with shot files and levels. Output: a [`Report`], which is JSON, Markdown and plots. Every
//! renderer is a process of its own, called in the same way for the same [scene](peer_scene); rounds are interleaved,
//! so that what else the machine does meets all of them ([`rounds`]).
//!
//! | Module | What it is |
//! |---|---|
//! | [`settings`] | what is measured |
//! | [`subject`] | a shot file, read: what all renderers are given |
//! | [`peer_scene`] | the same for peers, who read neither shots nor glTF |
//! | [`renderer`] | who renders, how it is called, whether it is installed |
//! | [`process`] | a process, timed from outside |
//! | [`rounds`] | the order of runs, medians, spread and ratios |
//! | [`levels`] | what is measured, a module for each level |
//! | [`scaling`] | how time grows with pixels, samples, triangles, instances and threads |
//! | [`report`] | the figures, as JSON, Markdown and SVG |

pub mod levels;
pub mod machine;
pub mod peer_scene;
pub mod process;
pub mod renderer;
pub mod report;
pub mod rounds;
pub mod scaling;
mod session;
pub mod settings;
pub mod subject;

pub use report::Report;
pub use session::{Watch, run};
pub use settings::{Level, Settings};
