//! The service as users run it: the real binary, over real sockets, killed, stopped and started again.
//!
//! Pictures are small, of a product of three boxes. `scripts/soak` does the same things many more times.

#[path = "../cli/option_sets.rs"]
mod option_sets;
#[path = "../cli/product.rs"]
mod product;
#[path = "../../service/tests/api/bucket.rs"]
mod bucket;
#[path = "../surroundings/command.rs"]
mod command;
#[path = "../surroundings/tools.rs"]
mod tools;

mod accessibility;
mod alike;
mod backup;
mod blender;
mod client;
mod conversion;
mod crash;
mod database;
mod design_kill;
mod executor;
mod markdown;
mod memory;
mod movies;
mod operating;
mod order_client;
mod page;
mod people;
mod postgres;
mod python;
mod readme;
mod restart;
mod resume;
mod scrub;
mod service;
mod start;
mod stop;
#[cfg(target_os = "linux")]
mod terminal;
mod told;
mod verify;
mod webdriver;
mod workflow_client;
mod workflow_kill;
