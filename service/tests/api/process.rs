//! What a process needs once before services start in it.

use crate::log_lines;

/// TLS, and a log of errors.
pub(crate) fn set_up() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    log_lines::show_errors();
}
