//! Wakes who waits for events of a stream. The events themselves are rows: waking adds speed, not truth.

pub mod hub;
