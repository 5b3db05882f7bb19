//! What proves who somebody is, without users or requests: hashes of passwords, the keys that sign access tokens, and
//! the count of tries that failed.

pub(crate) mod passwords;
pub mod signing_keys;
pub(crate) mod throttle;
