//! A product on its largest side: which quarter turns lay it there.
//!
//! Whoever takes pictures from straight above wants to see what a person who lays parts out turns upwards: the front of
//! a bearing and not its edge, the length of a screw and not its head.

use packshot_renderer::backend::CancelToken;
use packshot_renderer::import::ImportOptions;
use packshot_renderer::scene::Bounds;

use crate::error::Error;
use crate::plan::PicturePlan;
use crate::plan::words::Lay;
use crate::product::Product;

/// A product stays as it stands unless it is this many times as high as it would be.
const WORTH_TURNING: f64 = 1.25;

/// What shows the front from above, with its upper end at the upper edge of the picture of the view `top`: about X, Y
/// and Z, in degrees.
const FRONT_UP_DEG: [f64; 3] = [-90.0, 0.0, 0.0];
/// The same of the right side.
const RIGHT_UP_DEG: [f64; 3] = [-90.0, 0.0, 90.0];

impl PicturePlan {
    /// Reads a product as the plan shows it. One that is to lie flat, and does not yet, is read once more.
    ///
    /// # Errors
    /// Those of [`Product::import`].
    pub fn import(&self, glb: &[u8], cancel: &CancelToken) -> Result<Product, Error> {
        let (options, filter) = (self.import_options(), self.part_filter());
        let product = Product::import(glb, &options, &filter, cancel)?;
        let turn = match self.options.lay.unwrap_or_default() {
            Lay::AsModelled => None,
            Lay::Flat => product.scene.bounds().and_then(|bounds| turn_onto_largest_side(&bounds)),
        };
        match turn {
            None => Ok(product),
            // The plan has no other rotation: the two options exclude each other.
            Some(rotate_deg) => Product::import(glb, &ImportOptions { rotate_deg, ..options }, &filter, cancel),
        }
    }
}

/// The rotation of what has these bounds onto its largest side; `None` if it lies there already, or nearly.
fn turn_onto_largest_side(bounds: &Bounds) -> Option<[f64; 3]> {
    let size = bounds.max - bounds.min;
    if size.y <= WORTH_TURNING * size.x.min(size.z) {
        None
    } else if size.z <= size.x {
        Some(FRONT_UP_DEG)
    } else {
        Some(RIGHT_UP_DEG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a box of this size is turned.
    fn lain([x, y, z]: [f64; 3]) -> Option<[f64; 3]> {
        let half = [x, y, z].map(|side| side / 2.0);
        turn_onto_largest_side(&Bounds { min: half.map(|side| -side).into(), max: half.into() })
    }

    #[test]
    fn the_largest_side_is_below() {
        assert_eq!(lain([47.0, 47.0, 14.0]), Some(FRONT_UP_DEG), "a bearing that stands on its edge");
        assert_eq!(lain([47.0, 14.0, 47.0]), None, "one that lies");
        assert_eq!(lain([14.0, 47.0, 47.0]), Some(RIGHT_UP_DEG), "one that is seen from its edge");
        assert_eq!(lain([10.0, 40.0, 10.0]), Some(FRONT_UP_DEG), "a screw on its head");
        assert_eq!(lain([115.0, 95.0, 82.0]), None, "a mug is as wide as it is high, nearly");
    }
}
