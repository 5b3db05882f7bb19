//! `packshot client workflow compare`: how the picture of a shadow run compares with the one that counts.

use clap::Args;
use packshot::error::Fault;
use packshot_contract::dispatch::GateVerdict;
use packshot_contract::output_type::GateMetric;
use packshot_contract::workflow::{ComparedOutput, Comparison};
use uuid::Uuid;

use super::super::super::failure::{Exit, Failure};
use super::super::super::files;
use super::super::ServiceArgs;

/// Arguments of `client workflow compare`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot client workflow compare 01934d2e-6f00-7000-8000-0123456789ab")]
pub(crate) struct CompareArgs {
    /// The shadow run: the dispatch of an order line names it (`shadow_workflow_run_id`)
    #[arg(value_name = "RUN")]
    run: Uuid,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn run(args: &CompareArgs) -> Result<(), Failure> {
    let client = args.service.client()?;
    let found = client
        .comparison(args.run)
        .await
        .map_err(|error| Failure::from(error).at_option(&format!("run {}", args.run)))?;
    if args.service.json {
        files::print_json(&found)?;
    } else {
        files::print(described(&found).as_bytes())?;
    }
    let (message, help) = match found.rollout_gate.verdict {
        Some(GateVerdict::Pass) => return Ok(()),
        Some(GateVerdict::Warn) => ("the pictures differ more than passes the gate", LOOK),
        Some(GateVerdict::Fail) => ("the pictures differ too much, or one is missing", LOOK),
        None => ("there is no verdict yet", "ask again when the order line and the run have ended"),
    };
    Err(Failure::new(
        Exit::Service,
        Fault::new("service.rollout_not_ready", message).at(format!("run {}", args.run)).help(help),
    ))
}

/// What to do about pictures that differ.
const LOOK: &str = "look at both pictures on the page of the service, or change the gate of the output type";

/// What was found, for people.
fn described(found: &Comparison) -> String {
    let gate = &found.rollout_gate;
    let verdict = match gate.verdict {
        Some(GateVerdict::Pass) => "pass",
        Some(GateVerdict::Warn) => "warn",
        Some(GateVerdict::Fail) => "fail",
        None => "pending",
    };
    let mut text = format!("{verdict}: {}\n", gate.reasons.join(" "));
    let figure = |name: &str, value: Option<f64>| value.map(|value| format!("{name} {value:.6}"));
    let figures: Vec<String> =
        [figure("FLIP", found.mean_flip), figure("mean pixel difference", found.mean_pixel_delta)]
            .into_iter()
            .flatten()
            .collect();
    if !figures.is_empty() {
        text.push_str(&format!("{}\n", figures.join(", ")));
    }
    let by = match gate.metric {
        GateMetric::Flip => "FLIP",
        GateMetric::MeanPixelDelta => "the mean pixel difference",
    };
    text.push_str(&format!(
        "the gate compares by {by}: up to {} passes, up to {} warns\n",
        gate.pass_max, gate.warn_max
    ));
    for (name, output) in [("authoritative", &found.authoritative_output), ("shadow", &found.observer_output)] {
        text.push_str(&format!("{name:<14} {}\n", output_line(output)));
    }
    text
}

fn output_line(output: &ComparedOutput) -> String {
    let Some(path) = output.path.as_deref() else { return "made nothing".to_owned() };
    match (output.exists, output.image_width, output.image_height) {
        (_, Some(width), Some(height)) => format!("{path}, {width} × {height} pixels"),
        (true, ..) => format!("{path}, which is no picture"),
        (false, ..) => format!("{path}, which is not there"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn verdict_figures_and_files_are_said() {
        let output = json!({
            "path": "renders/7/result.png", "exists": true, "readable": true, "image_width": 512, "image_height": 384,
            "size_bytes": 9, "file_hash": null,
        });
        let missing = json!({
            "path": null, "exists": false, "readable": false, "image_width": null, "image_height": null,
            "size_bytes": null, "file_hash": null,
        });
        let found: Comparison = serde_json::from_value(json!({
            "workflow_run_id": Uuid::nil(), "execution_mode": "shadow", "status": "missing_observer",
            "exact_match": null, "dimensions_match": null, "mean_pixel_delta": null, "mean_flip": 0.0213,
            "summary": "", "authoritative_output": output, "observer_output": missing, "flip_map_hash": null,
            "rollout_gate": {
                "verdict": "fail", "ready": false, "status": "block_rollout", "reasons": ["It is missing."],
                "workflow_rollout_ready": false, "output_type_rollout_ready": false, "metric": "flip",
                "measured": null, "pass_max": 0.05, "warn_max": 0.1,
            },
        }))
        .expect("a comparison");
        let expected = "fail: It is missing.\nFLIP 0.021300\n\
                        the gate compares by FLIP: up to 0.05 passes, up to 0.1 warns\n\
                        authoritative  renders/7/result.png, 512 × 384 pixels\n\
                        shadow         made nothing\n";
        assert_eq!(described(&found), expected);
    }
}
