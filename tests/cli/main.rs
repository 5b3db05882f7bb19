//! The command as its users meet it: the binary is run, and exit code, stdout, stderr and files are looked at.
//!
//! Pictures are small and taken of a product of three boxes, so that the whole takes seconds.

mod bench;
mod cancel;
mod choices;
#[path = "../surroundings/command.rs"]
mod command;
mod denoise;
mod designs;
mod dumps;
mod exit_codes;
mod formats;
mod ground;
mod input;
mod lines;
mod materials;
mod meant;
mod memory;
mod movies;
mod option_sets;
mod output;
#[cfg(feature = "service")]
mod package;
mod picture;
mod presets;
mod product;
mod shots;
mod templates;
mod turntable;
mod usage;
#[cfg(feature = "service")]
mod verify;
mod views;
mod workplace;
