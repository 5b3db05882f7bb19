//! How much a package holds.

use super::file::ByteSize;

/// Files of a package, at most.
pub const FILES_MAX: u64 = 10_000;

/// Bytes of all files of a package together, at most: 1 TiB.
pub const PACKAGE_BYTES_MAX: u64 = 1 << 40;

/// Why a package takes no further file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageFull {
    /// It has as many as it may.
    #[error("the package has {FILES_MAX} files, which is as many as it may have: put the others into another package")]
    Files,
    /// Its bytes would be too many.
    #[error(
        "with this file the package would have {bytes} bytes: it may have {PACKAGE_BYTES_MAX}; put the file into \
         another package"
    )]
    Bytes {
        /// How many there would be.
        bytes: u64,
    },
}

/// Checks whether a package with so many files and bytes takes one more file.
///
/// # Errors
///
/// [`PackageFull`] when it would have too many files or bytes.
pub const fn admits(n_files: u64, total_bytes: u64, file: ByteSize) -> Result<(), PackageFull> {
    let bytes = total_bytes.saturating_add(file.bytes());
    if n_files >= FILES_MAX {
        Err(PackageFull::Files)
    } else if bytes > PACKAGE_BYTES_MAX {
        Err(PackageFull::Bytes { bytes })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a56_a_package_has_10_000_files_and_1_tib() {
        let size = |bytes: u64| ByteSize::new(bytes).expect("a size");
        assert_eq!(admits(9_999, 0, size(1)), Ok(()));
        assert_eq!(admits(10_000, 0, size(0)), Err(PackageFull::Files));
        assert_eq!(admits(1, (1 << 40) - 1, size(1)), Ok(()));
        let full = PackageFull::Bytes { bytes: (1 << 40) + 1 };
        assert_eq!(admits(1, 1 << 40, size(1)), Err(full));
        let told = "with this file the package would have 1099511627777 bytes: it may have 1099511627776; put the file \
                    into another package";
        assert_eq!(full.to_string(), told);
    }
}
