//! From the bytes of a file to the bytes of a picture: what the command, the service and programs that embed Packshot
//! call.
//!
//! `&[u8]` → [`Product`](product::Product) (scene, findings) → [`PartMaterials`](product::PartMaterials) (which part
//! gets which material, and why) → [`ResidentProduct`](render::ResidentProduct) (on the device, for any number of
//! shots) → with a [`Shot`](packshot_renderer::shot::Shot) (camera, film, light) a [`ReadyShot`](render::ReadyShot) →
//! [`Picture`](picture::Picture) → bytes of a file.
//!
//! Bytes go in and bytes come out: nothing here opens a file or a connection, except [`oidn::Library::open`], which
//! loads an installed library on request.

pub mod denoise;
pub mod design;
pub mod error;
pub mod export;
pub mod finished;
mod ground;
mod groups;
mod lay;
pub mod lines;
pub mod memory;
pub mod picture;
pub mod pictures;
pub mod plan;
pub mod preset;
pub mod product;
pub mod render;
pub mod report;
pub mod request;
pub mod sequence;
pub mod sheet;
pub mod shot_file;
pub mod taken;
pub mod template;
pub mod timing;
pub mod verify;
pub mod views;

pub use packshot_designs as designs;
pub use packshot_oidn as oidn;
