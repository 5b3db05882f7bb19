//! What can be wrong with weights and pictures.

/// Why weights cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// The file ends too early.
    #[error("the file of weights ends too early")]
    Truncated {
        /// Position in the file, in bytes from its start.
        offset_bytes: u64,
    },
    /// The file is of another kind or version.
    #[error("this is not a tensor file of version 2")]
    Unknown,
    /// The table contains something that no network of this kind has.
    #[error("the table of tensors is not valid: {what}")]
    Invalid {
        /// What is wrong.
        what: &'static str,
        /// Position in the file, in bytes from its start.
        offset_bytes: u64,
    },
    /// A tensor does not fit the graph.
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

/// Why a picture was not denoised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DenoiseError {
    /// A picture without pixels, or one whose size does not match its pixels.
    #[error("{what} has {found} pixels, but {width_px}×{height_px} were announced")]
    Size {
        /// Which picture: `color`, `albedo` or `normal`.
        what: &'static str,
        /// Pixels along a row.
        width_px: u32,
        /// Rows.
        height_px: u32,
        /// Actual number of pixels.
        found: usize,
    },
    /// The weights are for other guides than those given.
    #[error("the network takes {wanted} as guides")]
    Guides {
        /// The guides that the network takes.
        wanted: &'static str,
    },
    /// Not even the smallest tile fits.
    #[error("the smallest tile needs {needed_bytes} bytes, and {offered_bytes} are allowed")]
    Memory {
        /// Memory for the smallest tile.
        needed_bytes: u64,
        /// The memory limit.
        offered_bytes: u64,
    },
    /// The caller cancelled.
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

    /// Where: the picture in question, or empty.
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
