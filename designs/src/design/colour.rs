//! Colours of a file with a profile, converted to sRGB, relative colorimetric; what lies outside is clipped.

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformExecutor, TransformOptions};

use super::{DesignColour, colour_unsupported, unreadable};
use crate::error::DesignError;

/// Converts samples, and says whether it could.
pub(super) type Conversion<T> = Box<dyn Fn(&[T], &mut [T]) -> bool>;

/// A channel of a picture.
pub(super) trait Channel: Copy + Default + Send + Sync + 'static {
    /// Full strength.
    const FULL: Self;
    /// A conversion between two profiles.
    fn transform(
        from: (&ColorProfile, Layout),
        to: (&ColorProfile, Layout),
        options: TransformOptions,
    ) -> Result<Conversion<Self>, moxcms::CmsError>;
}

macro_rules! channel {
    ($ty:ty, $create:ident) => {
        impl Channel for $ty {
            const FULL: Self = <$ty>::MAX;

            fn transform(
                (from, from_layout): (&ColorProfile, Layout),
                (to, to_layout): (&ColorProfile, Layout),
                options: TransformOptions,
            ) -> Result<Conversion<Self>, moxcms::CmsError> {
                let transform = from.$create(from_layout, to, to_layout, options)?;
                Ok(Box::new(move |from, to| TransformExecutor::transform(&*transform, from, to).is_ok()))
            }
        }
    };
}

channel!(u8, create_transform_8bit);
channel!(u16, create_transform_16bit);

/// Samples of a picture as they are stored: `n` channels a pixel, of them the last alpha where `has_alpha`.
pub(super) struct Stored<'a, T> {
    pub(super) samples: &'a [T],
    pub(super) colour: DesignColour,
    pub(super) has_alpha: bool,
}

impl<T: Channel> Stored<'_, T> {
    fn n_colours(&self) -> usize {
        match self.colour {
            DesignColour::Grey => 1,
            DesignColour::Rgb => 3,
            DesignColour::Cmyk => 4,
        }
    }

    /// Straight RGBA in sRGB.
    ///
    /// # Errors
    /// `design_colour_unsupported` for a profile of another kind of colours, and for inks without one;
    /// `design_unreadable` for a damaged profile.
    pub(super) fn to_srgb(&self, icc: Option<&[u8]>) -> Result<Vec<[T; 4]>, DesignError> {
        let (n_colours, n) = (self.n_colours(), self.n_colours() + usize::from(self.has_alpha));
        let Some(icc) = icc else {
            if self.colour == DesignColour::Cmyk {
                return Err(colour_unsupported("the design has CMYK colours, and no profile that says which"));
            }
            let pixel = |stored: &[T]| {
                let alpha = if self.has_alpha { stored[n - 1] } else { T::FULL };
                if n_colours == 1 {
                    [stored[0], stored[0], stored[0], alpha]
                } else {
                    [stored[0], stored[1], stored[2], alpha]
                }
            };
            return Ok(self.samples.chunks_exact(n).map(pixel).collect());
        };
        let profile = ColorProfile::new_from_slice(icc).map_err(|_| unreadable(&"its colour profile is damaged"))?;
        let spread = self.colour == DesignColour::Grey && profile.color_space == DataColorSpace::Rgb;
        let (layout, n_source) = match (self.colour, profile.color_space) {
            (DesignColour::Grey, DataColorSpace::Gray) => (Layout::Gray, 1),
            (DesignColour::Rgb, DataColorSpace::Rgb) => (Layout::Rgb, 3),
            (DesignColour::Cmyk, DataColorSpace::Cmyk) => (Layout::Rgba, 4),
            // Some programs write grey pictures with the profile of their working space.
            _ if spread => (Layout::Rgb, 3),
            (_, other) => {
                return Err(colour_unsupported(format!("the design's colour profile is for {other:?} colours")));
            }
        };
        let options = TransformOptions {
            rendering_intent: RenderingIntent::RelativeColorimetric,
            prefer_fixed_point: false,
            ..TransformOptions::default()
        };
        let transform = T::transform((&profile, layout), (&ColorProfile::new_srgb(), Layout::Rgb), options)
            .map_err(|_| colour_unsupported("the design's colour profile cannot be converted"))?;
        let mut out = Vec::with_capacity(self.samples.len() / n);
        let (mut from, mut to) = (Vec::new(), Vec::new());
        /// Pixels that are converted together.
        const BATCH: usize = 1 << 14;
        for batch in self.samples.chunks(BATCH * n) {
            from.clear();
            for pixel in batch.chunks_exact(n) {
                if spread { from.extend([pixel[0]; 3]) } else { from.extend_from_slice(&pixel[..n_source]) }
            }
            to.clear();
            to.resize(from.len() / n_source * 3, T::default());
            if !transform(&from, &mut to) {
                return Err(colour_unsupported("the design's colour profile cannot be converted"));
            }
            let alphas = batch.chunks_exact(n).map(|pixel| if self.has_alpha { pixel[n - 1] } else { T::FULL });
            out.extend(to.chunks_exact(3).zip(alphas).map(|(rgb, alpha)| [rgb[0], rgb[1], rgb[2], alpha]));
        }
        Ok(out)
    }
}
