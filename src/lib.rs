//! Packshot renders product pictures from CAD exports: a GLB goes in, a path-traced picture comes out, on the GPU or,
//! where there is none, on the CPU. This crate is the renderer to embed; the command `packshot` is made of it.
//!
//! ```
//! use packshot::picture::Format;
//! use packshot::{DeviceRequest, RenderRequest, Renderer, RendererOptions};
//!
//! # fn main() -> Result<(), packshot::Error> {
//! let glb: Vec<u8> = packshot::renderer::sample::bearing().glb; // or any GLB: `std::fs::read("product.glb")?`
//! // `DeviceRequest::Auto` takes a GPU if there is one.
//! let renderer = Renderer::new(&DeviceRequest::Cpu, RendererOptions::default())?;
//!
//! let mut request = RenderRequest::default();
//! request.options.width = Some(64); // pixels; 1024 is the default
//! request.options.height = Some(64);
//! request.options.samples = Some(4); // per pixel, at most; 256 is the default
//! let picture = renderer.render(&glb, &request)?;
//!
//! let png: Vec<u8> = picture.encode(Format::default())?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok(())
//! # }
//! ```
//!
//! # The way from a file to a picture
//!
//! `&[u8]` → [`Product`](product::Product) (scene, findings) → [`PartMaterials`](product::PartMaterials) (which part
//! gets which material, and why) → [`ResidentProduct`](render::ResidentProduct) (on the device, for any number of
//! shots) → with a [`Shot`](renderer::shot::Shot) (camera, film, light) a [`ReadyShot`](render::ReadyShot) →
//! [`Picture`](picture::Picture) → bytes of a file.
//!
//! [`Renderer::render`] goes all the way. Each stage can be called by itself to keep what is costly, and
//! [`Renderer::render_with`] reports progress and can be cancelled. Bytes go in and bytes come out: nothing here opens
//! a file or a connection, whatever a GLB says.
//!
//! A picture is a pure function of the file, the request and the seed on one machine, whatever the number of threads.

pub use packshot_materials as materials;
pub use packshot_pipeline::{
    denoise, design, designs, error, lines, oidn, picture, plan, preset, product, render, report, request, sequence,
    taken, template, timing, verify, views,
};
pub use packshot_renderer as renderer;

pub use packshot_renderer::backend::device::DeviceRequest;

pub use error::Error;
pub use render::{Renderer, RendererOptions};
pub use request::RenderRequest;
