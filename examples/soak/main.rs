//! Tries for a long time to make the service lose, repeat or damage something, and measures what it does under load.
//!
//! ```sh
//! scripts/soak                                                   # everything, in full
//! cargo run --release --example soak -- target/release/packshot 0.05 kill submit    # some of it, a twentieth as often
//! ```
//!
//! Arguments: the `packshot` to run, the share of the full counts, and what to try (nothing: everything). Each trial
//! starts services of its own with a data folder of their own, prints one line of a table with what it found, and what
//! must not happen ends the program with exit code 1.

use std::path::PathBuf;
use std::process::ExitCode;

mod cancel;
mod crash;
mod database;
mod designs;
mod orders;
mod pair;
mod product;
mod service;
mod shadow;
mod shop;
mod sign_in;
mod slow;
mod submit;
mod verify;
mod warm;
mod workflows;

use service::Setup;

/// What a trial found: the figures for the table, and what must not have happened.
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) figures: String,
    pub(crate) faults: Vec<String>,
}

const TRIALS: [&str; 14] = [
    "kill",
    "pair",
    "failpoint",
    "worker",
    "submit",
    "slow",
    "cancel",
    "orders",
    "workflows",
    "shadow",
    "designs",
    "crowd",
    "sign-in",
    "warm",
];

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(program), Some(share)) = (arguments.next(), arguments.next().and_then(|text| text.parse().ok())) else {
        eprintln!("usage: soak PACKSHOT SHARE [{}]...", TRIALS.join("|"));
        return ExitCode::from(2);
    };
    let wanted: Vec<String> = arguments.collect();
    if let Some(unknown) = wanted.iter().find(|name| !TRIALS.contains(&name.as_str())) {
        eprintln!("there is no trial `{unknown}`: {}", TRIALS.join(", "));
        return ExitCode::from(2);
    }
    let setup = Setup { program: PathBuf::from(program), share };
    println!("| trial | figures | must not happen |\n|---|---|---|");
    let mut is_sound = true;
    for name in TRIALS.into_iter().filter(|name| wanted.is_empty() || wanted.iter().any(|w| w == name)) {
        let findings = match name {
            "kill" => vec![crash::service(&setup).await],
            "pair" => vec![pair::run(&setup).await],
            "failpoint" => crash::failpoints(&setup).await,
            "worker" => vec![crash::worker(&setup).await],
            "submit" => vec![submit::run(&setup).await],
            "slow" => vec![slow::run(&setup).await],
            "cancel" => cancel::run(&setup).await,
            "orders" => orders::run(&setup).await,
            "workflows" => workflows::run(&setup).await,
            "shadow" => shadow::run(&setup).await,
            "designs" => designs::run(&setup).await,
            "crowd" => orders::crowds(&setup).await,
            "sign-in" => sign_in::run(&setup).await,
            _ => vec![warm::run(&setup).await],
        };
        for Finding { what, figures, faults } in findings {
            let verdict = if faults.is_empty() { "none".to_owned() } else { faults.join("; ") };
            println!("| {what} | {figures} | {verdict} |");
            is_sound &= faults.is_empty();
        }
    }
    if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
