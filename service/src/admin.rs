//! Work on the data folder of a stopped or running service: backup, restore, keys.
