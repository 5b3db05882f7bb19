//! The renderer: bytes in, bytes out, no paths, no network, no async.
//!
//! The modules are listed in the order of data flow.

pub mod diagnostic;
pub mod digest;
pub mod look;
pub mod import;
pub mod scene;
pub mod shot;
pub mod part_pattern;
pub mod store;
pub mod prepare;
pub mod inspect;
pub mod backend;
pub mod film;
pub mod catcher;
pub mod guides;
pub mod layers;
pub mod color;
pub mod encode;
pub mod export;
pub mod sample;

pub use packshot_processor::SimdLevel;
