//! What this program is.

/// The program, as provenances name it.
#[cfg(feature = "service")]
pub(crate) fn program() -> packshot_worker::made_with::Program {
    // What a build without Git says.
    const UNKNOWN: &str = "unknown";
    let commit = Some(env!("PACKSHOT_COMMIT")).filter(|commit| *commit != UNKNOWN);
    packshot_worker::made_with::Program { version: env!("CARGO_PKG_VERSION"), commit }
}

/// Version, commit it was built from, and the backends compiled in.
pub(crate) const TEXT: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("PACKSHOT_COMMIT"), "; backends: cpu native, gpu vulkan)");
