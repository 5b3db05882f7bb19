//! The JSON of the contract: what clients send and get, what rows keep, and what a worker is told.
