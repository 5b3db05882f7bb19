//! Pictures divided into tiles, so that memory is limited whatever their size.
//!
//! A tile is computed together with enough of its surroundings that its pixels equal those of the whole picture bit for
//! bit.

use std::ops::Range;

use crate::network::ALIGNMENT_PX;

/// Tiles start at multiples of this: four pixels of the coarsest level, which the processor computes together.
const START_PX: usize = 4 * ALIGNMENT_PX;

/// A part of a picture and the surroundings that it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Columns of the picture that the tile produces.
    pub columns: Range<usize>,
    /// Rows of the picture that the tile produces.
    pub rows: Range<usize>,
    /// First column of the input; a multiple of 64.
    pub first_column: usize,
    /// First row of the input; a multiple of 64.
    pub first_row: usize,
    /// Columns of the input, including those beyond the picture's edge; a multiple of [`ALIGNMENT_PX`].
    pub width_px: usize,
    /// Rows of the input, including those below the picture's edge; a multiple of [`ALIGNMENT_PX`].
    pub height_px: usize,
}

/// How a picture is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Approximate columns of a tile without its surroundings.
    pub columns: usize,
    /// Approximate rows of a tile without its surroundings.
    pub rows: usize,
    /// Least columns of its surroundings on each side.
    pub overlap_columns: usize,
    /// Least rows of its surroundings on each side.
    pub overlap_rows: usize,
}

/// The tiles of a picture, as even as possible.
pub fn tiles(width_px: usize, height_px: usize, cut: Cut) -> Vec<Tile> {
    let columns = spans(width_px, cut.columns, cut.overlap_columns);
    let rows = spans(height_px, cut.rows, cut.overlap_rows);
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

/// For each tile along one axis: what it produces, and its input.
fn spans(length_px: usize, side_max_px: usize, overlap_px: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let end = length_px.next_multiple_of(ALIGNMENT_PX);
    let count = length_px.div_ceil(side_max_px.max(START_PX));
    let side = length_px.div_ceil(count).next_multiple_of(START_PX);
    let starts = (0..length_px).step_by(side);
    starts
        .map(|start| {
            let stop = (start + side).min(end);
            let first = start.saturating_sub(overlap_px) / START_PX * START_PX;
            (start..stop.min(length_px), first..(stop + overlap_px).min(end))
        })
        .collect()
}

/// The largest tiles for which `needed_bytes` of width and height stays within `memory_max_bytes`; the whole picture if
/// that fits, or else bands of whole rows if those fit. `Err` has the need of the smallest tiles.
pub fn cut_for_memory(
    width_px: usize,
    height_px: usize,
    [overlap_columns, overlap_rows]: [usize; 2],
    memory_max_bytes: u64,
    needed_bytes: impl Fn(usize, usize) -> u64,
) -> Result<Cut, u64> {
    let [columns, rows] = [width_px, height_px].map(|length| length.next_multiple_of(START_PX));
    let mut cut = Cut { columns, rows, overlap_columns, overlap_rows };
    loop {
        let needed =
            tiles(width_px, height_px, cut).iter().map(|tile| needed_bytes(tile.width_px, tile.height_px)).max();
        let needed = needed.unwrap_or(0);
        if needed <= memory_max_bytes {
            return Ok(cut);
        }
        let shorter = |length: usize| (length * 3 / 4 / START_PX * START_PX).max(START_PX);
        match (cut.columns, cut.rows) {
            (START_PX, START_PX) => return Err(needed),
            (columns, START_PX) => cut.columns = shorter(columns),
            (_, rows) => cut.rows = shorter(rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tiles_cover_every_pixel_once_and_know_their_surroundings(
            width in 1_usize..400, height in 1_usize..400,
            columns in 1_usize..300, rows in 1_usize..300, overlap in [0_usize..6, 0_usize..6],
        ) {
            let [overlap_columns, overlap_rows] = overlap.map(|overlap| overlap * ALIGNMENT_PX);
            let mut seen = vec![0; width * height];
            for tile in tiles(width, height, Cut { columns, rows, overlap_columns, overlap_rows }) {
                for y in tile.rows.clone() {
                    seen[y * width..][tile.columns.clone()].iter_mut().for_each(|count| *count += 1);
                }
                for (own, first, length, end, side, overlap) in [
                    (&tile.columns, tile.first_column, tile.width_px, width, columns, overlap_columns),
                    (&tile.rows, tile.first_row, tile.height_px, height, rows, overlap_rows),
                ] {
                    prop_assert!(first % START_PX == 0 && length % ALIGNMENT_PX == 0);
                    prop_assert!(first <= own.start.saturating_sub(overlap));
                    prop_assert!(first + length >= own.end && first + length >= end.min(own.end + overlap));
                    prop_assert!(length <= side.next_multiple_of(START_PX) + 2 * overlap + START_PX);
                }
            }
            prop_assert!(seen.iter().all(|&count| count == 1));
        }

        #[test]
        fn tiles_keep_to_the_memory(width in 1_usize..5000, height in 1_usize..5000, memory in 100_000_u64..100_000_000) {
            let needed = |width: usize, height: usize| (width * height * 10) as u64;
            match cut_for_memory(width, height, [272, 80], memory, needed) {
                Ok(cut) => {
                    let tiles = tiles(width, height, cut);
                    prop_assert!(tiles.iter().all(|tile| needed(tile.width_px, tile.height_px) <= memory));
                    prop_assert!(cut.columns >= width || cut.rows == START_PX, "bands before columns");
                }
                Err(needed_bytes) => prop_assert!(needed_bytes > memory),
            }
        }
    }
}
