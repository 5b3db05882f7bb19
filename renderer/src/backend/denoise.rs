//! Denoising on a device.

use packshot_denoiser::DenoiseError;

use crate::backend::RenderError;

/// Why a device has not denoised a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DenoisingError {
    /// The picture, its guides or the memory do not fit, or it was cancelled.
    #[error(transparent)]
    Picture(#[from] DenoiseError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] RenderError),
}
