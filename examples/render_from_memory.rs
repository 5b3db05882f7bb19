//! Renders a GLB that is in memory to the bytes of a PNG.
//!
//! `cargo run --release --example render_from_memory`

use packshot::picture::Format;
use packshot::{DeviceRequest, RenderRequest, Renderer, RendererOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // From a database, a queue, an upload; here from the program itself.
    let glb: Vec<u8> = packshot::renderer::sample::bearing().glb;

    let renderer = Renderer::new(&DeviceRequest::Auto, RendererOptions::default())?;
    let mut request = RenderRequest::default();
    request.options.samples = Some(64);
    let picture = renderer.render(&glb, &request)?;

    let png: Vec<u8> = picture.encode(Format::default())?;
    println!("{} bytes of PNG, rendered in {:.1} s on {}", png.len(), picture.render_s, picture.device.name);
    Ok(())
}
