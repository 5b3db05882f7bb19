//! Pictures cut into tiles, so that memory is bounded whatever their size.
//!
//! A tile is computed with so much of its surroundings that its pixels are the same bits as those of the whole picture.

use std::ops::Range;

use crate::network::ALIGNMENT_PX;

/// A part of a picture and what has to be known around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Columns of the picture that the tile is for.
    pub columns: Range<usize>,
    /// Rows of the picture that the tile is for.
    pub rows: Range<usize>,
    /// First column that is looked at; a multiple of [`ALIGNMENT_PX`].
    pub first_column: usize,
    /// First row that is looked at; a multiple of [`ALIGNMENT_PX`].
    pub first_row: usize,
    /// Columns that are looked at, those behind the picture's edge included; a multiple of [`ALIGNMENT_PX`].
    pub width_px: usize,
    /// Rows that are looked at, those below the picture's edge included; a multiple of [`ALIGNMENT_PX`].
    pub height_px: usize,
}

/// The tiles of a picture, each of at most `side_max_px` pixels a side before its surroundings of `overlap_px` are added, as even as possible.
pub fn tiles(width_px: usize, height_px: usize, side_max_px: usize, overlap_px: usize) -> Vec<Tile> {
    let columns = spans(width_px, side_max_px, overlap_px);
    let rows = spans(height_px, side_max_px, overlap_px);
    let both = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
    both.map(|(row, column)| Tile {
        columns: column.0.clone(),
        rows: row.0.clone(),
        first_column: column.1.start,
        first_row: row.1.start,
        width_px: column.1.len(),
        height_px: row.1.len(),
    })
    .collect()
}

/// Of each tile along one axis: what it is for, and what it looks at.
fn spans(length_px: usize, side_max_px: usize, overlap_px: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let end = length_px.next_multiple_of(ALIGNMENT_PX);
    let count = length_px.div_ceil(side_max_px.max(ALIGNMENT_PX));
    let side = length_px.div_ceil(count).next_multiple_of(ALIGNMENT_PX);
    let starts = (0..length_px).step_by(side);
    starts
        .map(|start| {
            let stop = (start + side).min(end);
            (start..stop.min(length_px), start.saturating_sub(overlap_px)..(stop + overlap_px).min(end))
        })
        .collect()
}

/// The largest side of tiles for which `needed_bytes` of width and height stays within `memory_max_bytes`; the whole picture if it does.
/// `Err` has what the smallest tiles need.
pub fn side_for_memory(
    width_px: usize,
    height_px: usize,
    overlap_px: usize,
    memory_max_bytes: u64,
    needed_bytes: impl Fn(usize, usize) -> u64,
) -> Result<usize, u64> {
    let mut side_px = width_px.max(height_px).next_multiple_of(ALIGNMENT_PX);
    loop {
        let largest = tiles(width_px, height_px, side_px, overlap_px);
        let needed = largest.iter().map(|tile| needed_bytes(tile.width_px, tile.height_px)).max().unwrap_or(0);
        if needed <= memory_max_bytes {
            return Ok(side_px);
        }
        if side_px == ALIGNMENT_PX {
            return Err(needed);
        }
        side_px = (side_px * 3 / 4 / ALIGNMENT_PX * ALIGNMENT_PX).max(ALIGNMENT_PX);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tiles_cover_every_pixel_once_and_know_their_surroundings(
            width in 1_usize..400, height in 1_usize..400, side in 1_usize..300, overlap in 0_usize..6,
        ) {
            let overlap = overlap * ALIGNMENT_PX;
            let mut seen = vec![0; width * height];
            for tile in tiles(width, height, side, overlap) {
                for y in tile.rows.clone() {
                    seen[y * width..][tile.columns.clone()].iter_mut().for_each(|count| *count += 1);
                }
                for (own, first, length, end) in [
                    (&tile.columns, tile.first_column, tile.width_px, width),
                    (&tile.rows, tile.first_row, tile.height_px, height),
                ] {
                    prop_assert!(first % ALIGNMENT_PX == 0 && length % ALIGNMENT_PX == 0);
                    prop_assert!(first == own.start.saturating_sub(overlap));
                    prop_assert!(first + length >= own.end && first + length >= end.min(own.end + overlap));
                    prop_assert!(length <= side.max(ALIGNMENT_PX).next_multiple_of(ALIGNMENT_PX) + 2 * overlap);
                }
            }
            prop_assert!(seen.iter().all(|&count| count == 1));
        }

        #[test]
        fn tiles_keep_to_the_memory(width in 1_usize..5000, height in 1_usize..5000, memory in 100_000_u64..100_000_000) {
            let needed = |width: usize, height: usize| (width * height * 10) as u64;
            match side_for_memory(width, height, 80, memory, needed) {
                Ok(side) => {
                    let tiles = tiles(width, height, side, 80);
                    prop_assert!(tiles.iter().all(|tile| needed(tile.width_px, tile.height_px) <= memory));
                }
                Err(needed_bytes) => prop_assert!(needed_bytes > memory),
            }
        }
    }
}
