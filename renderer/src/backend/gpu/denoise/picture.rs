//! A picture's way to the device and back: divided into tiles, converted to the network's input, and reassembled.

use std::sync::Arc;

use packshot_denoiser::network::Network;
use packshot_denoiser::picture::ExposedPicture;
use packshot_denoiser::tiles::{Tile, cut_for_memory, tiles};
use packshot_denoiser::{DenoiseError, Picture};
use rayon::prelude::*;

use super::{Plan, TileInput};
use crate::backend::denoise::DenoisingError;
use crate::backend::{CancelToken, RenderError};

/// Device memory that tiles may take by default.
const MEMORY_BYTES: u64 = 2 << 30;

/// Denoises a picture with `run`, which runs the network on a tile. Everything else is done by `pool`, which never
/// blocks on `run`: the device may itself be waiting for these threads.
pub(in crate::backend::gpu) fn denoise(
    pool: &rayon::ThreadPool,
    plan: &Arc<Plan>,
    picture: &Picture<'_>,
    memory_max_bytes: Option<u64>,
    binding_bytes_max: u64,
    cancel: &CancelToken,
    run: impl Fn(TileInput) -> Result<Vec<[f32; 4]>, RenderError>,
) -> Result<Vec<[f32; 4]>, DenoisingError> {
    let network: &Network = &plan.network;
    let exposed = pool.install(|| picture.exposed(network.n_inputs))?;
    let (width_px, height_px) = (picture.width_px as usize, picture.height_px as usize);
    let overlap_px = [network.overlap_px(1); 2];
    let offered_bytes = memory_max_bytes.unwrap_or(MEMORY_BYTES);
    let needed = |width, height| plan.tile_bytes(width, height, binding_bytes_max).unwrap_or(u64::MAX);
    let cut = cut_for_memory(width_px, height_px, overlap_px, offered_bytes, needed);
    let cut = cut.map_err(|needed_bytes| DenoiseError::Memory { needed_bytes, offered_bytes })?;
    let mut out = vec![[0.0; 4]; width_px * height_px];
    for tile in tiles(width_px, height_px, cut) {
        let result = run(TileInput {
            plan: plan.clone(),
            width_px: tile.width_px,
            height_px: tile.height_px,
            pixels: pool.install(|| input(&exposed, &tile, plan.n_input_blocks)),
            cancel: cancel.clone(),
        });
        // A cancelled tile means a cancelled picture.
        let result = match result {
            Err(RenderError::Cancelled) => return Err(DenoiseError::Cancelled.into()),
            result => result?,
        };
        pool.install(|| finish(&exposed, &tile, &result, &mut out));
    }
    Ok(out)
}

/// The network's input for a tile, in blocks of four channels.
fn input(exposed: &ExposedPicture<'_>, tile: &Tile, n_blocks: usize) -> Vec<[f32; 4]> {
    let mut pixels = vec![[0.0; 4]; tile.width_px * tile.height_px * n_blocks];
    let picture = exposed.picture();
    let columns = tile.first_column..(tile.first_column + tile.width_px).min(picture.width_px as usize);
    let rows = tile.first_row..(tile.first_row + tile.height_px).min(picture.height_px as usize);
    // Rows of all blocks together, so that each pixel is read once.
    let mut by_row: Vec<Vec<&mut [[f32; 4]]>> = (0..tile.height_px).map(|_| Vec::new()).collect();
    for (i, row) in pixels.chunks_exact_mut(tile.width_px).enumerate() {
        by_row[i % tile.height_px].push(row);
    }
    by_row.par_iter_mut().zip(rows).for_each(|(blocks, y)| {
        for (i, x) in columns.clone().enumerate() {
            let channels = exposed.channels(x, y);
            for (block, channels) in blocks.iter_mut().zip(channels.chunks(4)) {
                block[i][..channels.len()].copy_from_slice(channels);
            }
        }
    });
    pixels
}

/// Writes the output for a tile into the picture, keeping the picture's alpha.
fn finish(exposed: &ExposedPicture<'_>, tile: &Tile, result: &[[f32; 4]], out: &mut [[f32; 4]]) {
    let width_px = exposed.picture().width_px as usize;
    let rows = out.par_chunks_exact_mut(width_px).enumerate().skip(tile.rows.start).take(tile.rows.len());
    rows.for_each(|(y, out)| {
        let first = (y - tile.first_row) * tile.width_px + (tile.columns.start - tile.first_column);
        let noisy = &exposed.picture().color[y * width_px..][tile.columns.clone()];
        let pixels = out[tile.columns.clone()].iter_mut().zip(&result[first..]).zip(noisy);
        for ((out, result), noisy) in pixels {
            let [r, g, b] = [0, 1, 2].map(|channel| exposed.radiance(result[channel]));
            *out = [r, g, b, noisy[3]];
        }
    });
}
