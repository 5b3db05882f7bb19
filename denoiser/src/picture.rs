//! The input pictures, and the network's view of them.

use crate::error::DenoiseError;
use crate::transfer::{decode, encode, exposure, valid_radiance};

/// A noisy picture with its guides. Rows from the top, pixels from the left.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Pixels along a row.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// Linear RGB (Rec.709 primaries), premultiplied, and alpha. Negative values and NaN count as 0.
    pub color: &'a [[f32; 4]],
    /// Albedo of the surface, 0 to 1, linear; black where nothing was hit.
    pub albedo: Option<&'a [[f32; 3]]>,
    /// Normal of the surface, −1 to 1 in any frame that all pixels share; zero where nothing was hit.
    pub normal: Option<&'a [[f32; 3]]>,
}

/// A validated [`Picture`], with the factor that brings it to a mean exposure.
#[derive(Clone, Copy, Debug)]
pub struct ExposedPicture<'a> {
    picture: Picture<'a>,
    exposure: f32,
}

/// Most channels of a pixel: colour, albedo, normal.
pub const CHANNELS_MAX: usize = 9;

impl<'a> Picture<'a> {
    /// Checks that the picture and its guides have as many pixels as their size says, at least one.
    ///
    /// # Errors
    /// [`DenoiseError::Size`].
    pub fn check(&self) -> Result<(), DenoiseError> {
        let &Self { width_px, height_px, .. } = self;
        let n_px = u64::from(width_px) * u64::from(height_px);
        let check = |what, found: usize| match found as u64 == n_px && n_px > 0 {
            true => Ok(()),
            false => Err(DenoiseError::Size { what, width_px, height_px, found }),
        };
        check("color", self.color.len())?;
        self.albedo.map_or(Ok(()), |albedo| check("albedo", albedo.len()))?;
        self.normal.map_or(Ok(()), |normal| check("normal", normal.len()))
    }

    /// Checks that the picture has as many pixels as its size says, and the guides for a network with `n_inputs`
    /// channels, and measures its exposure.
    ///
    /// # Errors
    /// When it does not.
    pub fn exposed(self, n_inputs: usize) -> Result<ExposedPicture<'a>, DenoiseError> {
        self.check()?;
        let wanted = match (n_inputs, self.albedo, self.normal) {
            (9, Some(_), Some(_)) | (6, Some(_), None) | (3, None, None) => None,
            (9, ..) => Some("albedo and normal"),
            (6, ..) => Some("albedo alone"),
            _ => Some("nothing"),
        };
        match wanted {
            Some(wanted) => Err(DenoiseError::Guides { wanted }),
            None => Ok(ExposedPicture { picture: self, exposure: exposure(self.width_px as usize, self.color) }),
        }
    }
}

impl<'a> ExposedPicture<'a> {
    /// The picture.
    pub fn picture(&self) -> &Picture<'a> {
        &self.picture
    }

    /// The factor on radiance before it enters the network.
    pub fn exposure(&self) -> f32 {
        self.exposure
    }

    /// The radiance for a channel value of the network's result; at least 0 and finite.
    pub fn radiance(&self, value: f32) -> f32 {
        valid_radiance(decode(value) / self.exposure)
    }

    /// The network's input for a pixel; channels that it does not take are 0.
    pub fn channels(&self, x_px: usize, y_px: usize) -> [f32; CHANNELS_MAX] {
        let i = y_px * self.picture.width_px as usize + x_px;
        let [r, g, b, _] = self.picture.color[i];
        let [r, g, b] = [r, g, b].map(|value| encode(valid_radiance(valid_radiance(value) * self.exposure)));
        let share = |v: f32| valid_radiance(v).min(1.0);
        let [ar, ag, ab] = self.picture.albedo.map_or([0.0; 3], |albedo| albedo[i].map(share));
        let direction = |v: f32| if v.is_nan() { 0.5 } else { v.clamp(-1.0, 1.0) * 0.5 + 0.5 };
        let [nx, ny, nz] = self.picture.normal.map_or([0.0; 3], |normal| normal[i].map(direction));
        [r, g, b, ar, ag, ab, nx, ny, nz]
    }
}
