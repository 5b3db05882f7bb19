//! What can be wrong with weights and pictures.

/// Why weights cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// The file ends where something still belongs.
    #[error("the file of weights ends too early")]
    Truncated {
        /// Where the file was read, in bytes from its start.
        offset_bytes: u64,
    },
    /// The file is of another kind or version.
    #[error("this is not a tensor file of version 2")]
    Unknown,
    /// The table holds something that no network of this kind has.
    #[error("the table of tensors is not valid: {what}")]
    Invalid {
        /// What is wrong.
        what: &'static str,
        /// Where the file was read, in bytes from its start.
        offset_bytes: u64,
    },
    /// A tensor is not as the graph needs it.
    #[error("the tensor does not fit the network: {what}")]
    Misfit {
        /// Name of the tensor.
        tensor: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl WeightsError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            WeightsError::Truncated { .. } => "denoise.weights_truncated",
            WeightsError::Unknown => "denoise.weights_unknown",
            WeightsError::Invalid { .. } => "denoise.weights_invalid",
            WeightsError::Misfit { .. } => "denoise.weights_misfit",
        }
    }

    /// Where: `byte 12` of the file, or a tensor.
    pub fn at(&self) -> String {
        match self {
            WeightsError::Unknown => "byte 0".to_owned(),
            WeightsError::Truncated { offset_bytes } | WeightsError::Invalid { offset_bytes, .. } => {
                format!("byte {offset_bytes}")
            }
            WeightsError::Misfit { tensor, .. } => tensor.clone(),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        "use an unchanged rt_hdr*.tza of Open Image Denoise 2"
    }
}

/// Why a picture has not been denoised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DenoiseError {
    /// A picture without pixels, or one whose sides do not go with its pixels.
    #[error("{what} has {found} pixels, but {width_px}×{height_px} were announced")]
    Size {
        /// Which picture: `color`, `albedo` or `normal`.
        what: &'static str,
        /// Pixels along a row.
        width_px: u32,
        /// Rows.
        height_px: u32,
        /// Pixels that are there.
        found: usize,
    },
    /// The weights were made for other guides than those given.
    #[error("the network takes {wanted} as guides")]
    Guides {
        /// What it takes.
        wanted: &'static str,
    },
    /// Not even the smallest tile fits.
    #[error("the smallest tile needs {needed_bytes} bytes, and {offered_bytes} are allowed")]
    Memory {
        /// What the smallest tile takes.
        needed_bytes: u64,
        /// What was allowed.
        offered_bytes: u64,
    },
    /// Somebody asked for it.
    #[error("cancelled")]
    Cancelled,
}

impl DenoiseError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            DenoiseError::Size { .. } => "denoise.size",
            DenoiseError::Guides { .. } => "denoise.guides",
            DenoiseError::Memory { .. } => "denoise.memory",
            DenoiseError::Cancelled => "denoise.cancelled",
        }
    }

    /// Where: the picture that is meant, or nothing.
    pub fn at(&self) -> &'static str {
        match self {
            DenoiseError::Size { what, .. } => what,
            DenoiseError::Guides { .. } => "guides",
            DenoiseError::Memory { .. } | DenoiseError::Cancelled => "",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            DenoiseError::Size { .. } => "give every picture width times height pixels, at least one",
            DenoiseError::Guides { .. } => {
                "render the guides that the weights were trained with, or choose other weights"
            }
            DenoiseError::Memory { .. } => "allow more memory, or choose the smaller network",
            DenoiseError::Cancelled => "",
        }
    }
}
