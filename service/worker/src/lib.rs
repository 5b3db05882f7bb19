//! Workers: they compute, and know nothing of databases, leases or HTTP.
//!
//! A [`RenderWork`](protocol::RenderWork) goes in, [`WorkEvent`](protocol::WorkEvent)s come out. An
//! [`Executor`](executor::Executor) decides where that happens: [`inline`] on a thread of this process, [`process`] in
//! a child that runs [`child`]; what computes is the same [`engine`] in both.

pub mod protocol;
pub mod executor;
pub mod live;
pub mod device;
pub mod cad;
pub mod command;
pub mod kept;
pub mod library;
pub mod lru;
mod failure;
pub mod failpoint;
mod steps;
mod series;
pub mod quota;
mod files;
mod checks;
mod subject;
mod meter;
mod documents;
pub mod made_with;
mod preview;
pub mod unmapped;
mod render;
pub mod export;
pub mod compose;
pub mod engine;
pub mod inline;
mod frame;
pub mod child;
pub mod process;

pub use subject::preflight;
