//! Wakes the followers of a stream. The events themselves are rows; waking only makes them faster to see.

pub mod hub;
