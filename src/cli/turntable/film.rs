//! Films: which names of outputs mean one.

use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::later::not_available;

/// Why `output`, which is no folder, cannot be written.
pub(super) fn refuse(output: &Path) -> Result<(), Failure> {
    let extension = output.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some(format @ ("mp4" | "webp" | "apng")) => {
            Err(not_available(&format!("the film format {}", format.to_ascii_uppercase()), "-o", "shots"))
        }
        _ => {
            let message = format!("{} is neither a folder nor a film", output.display());
            Err(Failure::usage("invalid_value", message, "-o", "give a folder (DIR/), or a .mp4, .webp or .apng"))
        }
    }
}
