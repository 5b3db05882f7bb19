//! Shadows and reflections that end within the picture. A product on a white page needs a border that is exactly white,
//! while the shadow of an endless floor goes on to the frame, where it is cut off.

use rayon::prelude::*;

use super::LEAST_SHARE;
use crate::color::LinearImage;

/// How much of what is caught is shown, for each pixel: all of it at the product, nothing in the outermost pixels.
///
/// With d the distance to the product and b that to the outermost pixels, both in pixels, it is
/// smoothstep(b / (b + d)): what lies close to the product stays, wherever the product is in the frame, and lines of
/// equal share go around it there, and along the frame farther out.
#[derive(Clone, Debug, PartialEq)]
pub struct Fade {
    shares: Vec<f32>,
}

impl Fade {
    /// That of a picture of the product without its floor. Where there is no product, nothing fades.
    pub fn around(product: &LinearImage) -> Self {
        let [width, height] = [product.width_px as usize, product.height_px as usize];
        let is_covered = |i: usize| product.rgba[i][3] > LEAST_SHARE;
        if !(0..product.rgba.len()).any(is_covered) {
            return Self { shares: vec![1.0; product.rgba.len()] };
        }
        let columns = distances_in_columns(width, product.rgba.len(), is_covered);
        let mut shares = vec![0.0; product.rgba.len()];
        shares.par_chunks_mut(width).zip(columns.par_chunks(width)).enumerate().for_each(|(y, (shares, column))| {
            let to_rows = y.min(height - 1 - y);
            squared_distances(column, |x, square| {
                let (inwards, away) = (x.min(width - 1 - x).min(to_rows) as f32, (square as f32).sqrt());
                let share = if away == 0.0 { 1.0 } else { inwards / (inwards + away) };
                shares[x] = share * share * (3.0 - 2.0 * share);
            });
        });
        Self { shares }
    }

    /// The share of a pixel, by its index; row 0 is on top.
    pub fn share(&self, i: usize) -> f32 {
        self.shares[i]
    }
}

/// The distance from each of `n` pixels, in rows of this width, to the nearest covered one of its column; `None` where
/// there is none.
fn distances_in_columns(width: usize, n: usize, is_covered: impl Fn(usize) -> bool) -> Vec<Option<u32>> {
    let mut distances: Vec<Option<u32>> = (0..n).map(|i| is_covered(i).then_some(0)).collect();
    let nearer = |own: Option<u32>, next: Option<u32>| match (own, next) {
        (Some(own), Some(next)) => Some(own.min(next + 1)),
        (own, next) => own.or(next.map(|next| next + 1)),
    };
    for i in width..n {
        distances[i] = nearer(distances[i], distances[i - width]);
    }
    for i in (0..n - width).rev() {
        distances[i] = nearer(distances[i], distances[i + width]);
    }
    distances
}

/// Says for each pixel of a row the squared distance to the nearest covered pixel, given the distances within columns:
/// the lower envelope of one parabola for each column (Felzenszwalb and Huttenlocher, Distance Transforms of Sampled
/// Functions, Theory of Computing 8, 2012, section 2). At least one column must have a distance.
fn squared_distances(column: &[Option<u32>], mut say: impl FnMut(usize, f64)) {
    // Parabolas of the envelope, from left to right: column, height, and where each begins to be the lowest.
    let mut envelope: Vec<(f64, f64, f64)> = Vec::new();
    for (x, distance) in column.iter().enumerate() {
        let Some(distance) = distance else { continue };
        let (x, height) = (x as f64, f64::from(*distance) * f64::from(*distance));
        let mut begins = f64::NEG_INFINITY;
        while let Some(&(other, below, from)) = envelope.last() {
            begins = ((height + x * x) - (below + other * other)) / (2.0 * (x - other));
            if begins > from {
                break;
            }
            envelope.pop();
            begins = f64::NEG_INFINITY;
        }
        envelope.push((x, height, begins));
    }
    let mut lowest = 0;
    for x in 0..column.len() {
        while envelope.get(lowest + 1).is_some_and(|&(_, _, begins)| begins < x as f64) {
            lowest += 1;
        }
        let (middle, height, _) = envelope[lowest];
        let across = x as f64 - middle;
        say(x, across * across + height);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A picture with these pixels covered.
    fn covered(width: usize, height: usize, is_covered: impl Fn(usize, usize) -> bool) -> LinearImage {
        let alpha = |i: usize| if is_covered(i % width, i / width) { 1.0 } else { 0.0 };
        let rgba = (0..width * height).map(|i| [0.0, 0.0, 0.0, alpha(i)]).collect();
        LinearImage { width_px: width as u32, height_px: height as u32, rgba }
    }

    #[test]
    fn all_of_it_at_the_product_and_nothing_in_the_outermost_pixels() {
        let fade = Fade::around(&covered(9, 5, |x, y| (x, y) == (4, 4)));
        let of = |x: usize, y: usize| fade.share(y * 9 + x);
        assert_eq!(of(4, 4), 1.0, "the product, although it reaches the frame");
        for (x, y) in [(0, 2), (8, 2), (4, 0), (0, 4), (8, 4), (3, 4)] {
            assert_eq!(of(x, y), 0.0, "{x}, {y}");
        }
        assert_eq!((of(4, 2), of(4, 3)), (0.5, 0.5), "as far from the product as from the outermost pixels");
        let nothing = covered(9, 5, |_, _| false);
        assert!((0..45).all(|i| Fade::around(&nothing).share(i) == 1.0), "there is no product");
    }

    #[test]
    fn it_only_falls_from_the_product_to_the_frame() {
        let fade = Fade::around(&covered(101, 101, |x, y| x.abs_diff(50) < 20 && y.abs_diff(50) < 30));
        let row: Vec<f32> = (0..101).map(|x| fade.share(50 * 101 + x)).collect();
        assert!(row[..=31].is_sorted() && row[31] == 1.0 && row[0] == 0.0, "{row:?}");
        assert!((0..=50).all(|x| row[x] == row[100 - x]), "both sides are alike");
    }

    proptest! {
        /// Distances are those to the nearest covered pixel, by trying all.
        #[test]
        fn distances_are_the_least(
            width in 1_usize..14,
            height in 1_usize..14,
            places in proptest::collection::vec((0_usize..14, 0_usize..14), 1..6),
        ) {
            let places: Vec<_> = places.into_iter().map(|(x, y)| (x % width, y % height)).collect();
            let columns = distances_in_columns(width, width * height, |i| places.contains(&(i % width, i / width)));
            for y in 0..height {
                let mut found = Vec::new();
                squared_distances(&columns[y * width..(y + 1) * width], |_, square| found.push(square));
                for (x, found) in found.into_iter().enumerate() {
                    let square = |&(u, v): &(usize, usize)| (u.abs_diff(x).pow(2) + v.abs_diff(y).pow(2)) as f64;
                    let least = places.iter().map(square).fold(f64::MAX, f64::min);
                    prop_assert_eq!(found, least, "{}, {}", x, y);
                }
            }
        }
    }
}
