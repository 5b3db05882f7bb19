//! Stored objects: how the bytes of one are doing.

use super::words::words;

words! {
    /// How the bytes of a stored object are, compared with its address.
    pub enum Condition {
        /// They are there, and fit
        Whole = "whole",
        /// They are not there
        Missing = "missing",
        /// They do not fit
        Corrupt = "corrupt",
    }
}
