//! Pictures extended by mirroring at their borders: the network treats what is beyond a picture as black, and
//! discolours bright pixels at its border.

/// Pixels added on each side, and a few more where the network needs a multiple. Without any, a uniform background of 1
/// was off by 0.12 at the border.
pub(super) const MARGIN_PX: usize = 16;

/// The size of a picture and of its extended version, in which the picture starts [`MARGIN_PX`] from the left and the
/// top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Surrounded {
    width_px: usize,
    height_px: usize,
}

impl Surrounded {
    /// For a picture of which something shows in the outermost `reach_px` columns or rows; `None` where they are black.
    /// What is black up to its border the network extends correctly.
    pub(super) fn wanted_for([width_px, height_px]: [u32; 2], rgba: &[[f32; 4]], reach_px: usize) -> Option<Self> {
        let (width_px, height_px) = (width_px as usize, height_px as usize);
        let shows = |[r, g, b, _]: &[f32; 4]| [*r, *g, *b] != [0.0; 3];
        let [across, down] = [width_px, height_px].map(|side| reach_px.min(side));
        let is_bright = rgba.chunks_exact(width_px).enumerate().any(|(y, row)| {
            let is_outer = y < down || y >= height_px - down;
            let parts = if is_outer { [row, &[]] } else { [&row[..across], &row[width_px - across..]] };
            parts.into_iter().flatten().any(shows)
        });
        is_bright.then_some(Self { width_px, height_px })
    }

    /// The extended size.
    pub(super) fn size_px(self) -> [usize; 2] {
        [self.width_px, self.height_px].map(|side| (side + 2 * MARGIN_PX).next_multiple_of(MARGIN_PX))
    }

    /// The extended picture.
    pub(super) fn of<T: Copy>(self, pixels: &[T]) -> Vec<T> {
        let [width, height] = self.size_px();
        let column: Vec<usize> = (0..width).map(|x| mirrored(x, self.width_px)).collect();
        let rows = (0..height).map(|y| &pixels[mirrored(y, self.height_px) * self.width_px..][..self.width_px]);
        rows.flat_map(|row| column.iter().map(|&x| row[x])).collect()
    }

    /// Crops to the original picture.
    pub(super) fn without<T: Copy>(self, pixels: &[T]) -> Vec<T> {
        let [width, _] = self.size_px();
        let rows = pixels.chunks_exact(width).skip(MARGIN_PX).take(self.height_px);
        rows.flat_map(|row| row[MARGIN_PX..][..self.width_px].iter().copied()).collect()
    }
}

/// The pixel for `place`, counted from the start of the extended picture; the outermost pixels are repeated once.
fn mirrored(place: usize, length: usize) -> usize {
    let along = (place as isize - MARGIN_PX as isize).rem_euclid(2 * length as isize) as usize;
    along.min(2 * length - 1 - along)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surroundings_mirror_the_picture_and_come_off_again() {
        for [width_px, height_px] in [[1, 1], [3, 40], [33, 16]] {
            let sides = Surrounded { width_px, height_px };
            let pixels: Vec<(usize, usize)> = (0..width_px * height_px).map(|i| (i % width_px, i / width_px)).collect();
            let around = sides.of(&pixels);
            let [width, height] = sides.size_px();
            assert_eq!((around.len(), width % 16, height % 16), (width * height, 0, 0));
            assert_eq!(sides.without(&around), pixels);
            let at = |x: usize, y: usize| around[y * width + x];
            assert_eq!(at(MARGIN_PX - 1, MARGIN_PX), (0, 0));
            assert_eq!(at(MARGIN_PX + width_px, MARGIN_PX + height_px - 1), (width_px - 1, height_px - 1));
            assert_eq!(at(MARGIN_PX - 2, MARGIN_PX), (1.min(width_px - 1), 0));
        }
    }

    #[test]
    fn black_borders_need_none() {
        let mut rgba = vec![[0.0, 0.0, 0.0, 1.0]; 12];
        rgba[5] = [1.0; 4];
        assert_eq!(Surrounded::wanted_for([4, 3], &rgba, 1), None);
        assert!(Surrounded::wanted_for([4, 3], &rgba, 2).is_some(), "near the border");
        for border in [1, 4, 7, 10] {
            let mut bright = rgba.clone();
            bright[border] = [0.0, 1e-3, 0.0, 0.0];
            assert!(Surrounded::wanted_for([4, 3], &bright, 1).is_some(), "{border}");
        }
    }
}
