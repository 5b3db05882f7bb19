//! Denoising on a device.

use packshot_denoiser::DenoiseError;

use crate::backend::RenderError;

/// Why a device did not denoise a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DenoisingError {
    /// The picture or its guides are invalid, memory does not suffice, or it was cancelled.
    #[error(transparent)]
    Picture(#[from] DenoiseError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] RenderError),
}
