//! What a process needs once before services start in it.

use std::sync::Once;

use tracing::Level;

/// TLS, and a log of errors to standard error: a test that fails shows why the service answered 500.
pub(crate) fn set_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let log = tracing_subscriber::fmt().with_max_level(Level::ERROR).with_writer(std::io::stderr);
        // Some tests keep the lines themselves.
        let _ = log.with_ansi(false).try_init();
    });
}
