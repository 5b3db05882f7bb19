//! What this program is.

/// Version, commit it was built from, and the backends compiled in.
pub(crate) const TEXT: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("PACKSHOT_COMMIT"), "; backends: cpu native, gpu vulkan)");
