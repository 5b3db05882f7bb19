//! Tasks on their way: claimed, supervised, retried, recovered.
