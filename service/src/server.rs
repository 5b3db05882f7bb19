//! The running service: its parts put together, the accept loop, the first run, the graceful end.
