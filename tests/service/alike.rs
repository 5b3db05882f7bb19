//! What a request renders is what the command renders.

use std::time::Duration;

use packshot_contract::client::ClientError;
use packshot_contract::job::JobState;
use serde_json::{Value, json};

use crate::option_sets::{OptionSet, option_sets};
use crate::service::{Service, Workplace, submission, until};

/// How many sets of options are rendered; `scripts/soak 1 alike` asks for 500 by PACKSHOT_OPTION_SETS.
fn n_sets() -> usize {
    std::env::var("PACKSHOT_OPTION_SETS").map_or(20, |n| n.parse().expect("a number"))
}

/// The files of a job by name, or nothing where the request is refused.
async fn of_service(service: &Service, set: &OptionSet) -> Option<Vec<(String, Vec<u8>)>> {
    let client = service.client();
    let mut request = set.options.clone();
    request.insert("kind".to_owned(), json!(set.kind));
    let id = match client.submit(&submission(&Value::Object(request))).await {
        Ok(job) => job.id,
        Err(ClientError::Refused { problem, .. }) if problem.status == 422 => return None,
        Err(error) => panic!("{set:?}: {error}"),
    };
    let has_ended = || async { client.job(id).await.expect("it is there").state.is_terminal() };
    until("the job has ended", Duration::from_mins(2), has_ended).await;
    let job = client.job(id).await.expect("it is there");
    assert_eq!(job.state, JobState::Completed, "{set:?}: {:?}", job.error);
    let mut files = Vec::new();
    for file in &job.result.expect("it has completed").files {
        files.push((file.name.clone(), client.fetch(file).await.expect("it is there").to_vec()));
    }
    files.sort();
    Some(files)
}

/// The files that the command writes, by the names that a job gives them.
fn of_command(place: &Workplace, set: &OptionSet, i: usize) -> Option<Vec<(String, Vec<u8>)>> {
    let folder = format!("out{i}/");
    let command = [set.command(), "boxes.glb", "-o", &folder, "--quiet"].map(str::to_owned);
    match place.run(&[&command[..], &set.arguments()].concat()) {
        (0, ..) => {}
        (2, ..) => return None,
        (_, _, stderr) => panic!("{set:?}: {stderr}"),
    }
    let entries = std::fs::read_dir(place.path(&folder)).expect("made").map(|entry| entry.expect("there"));
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).expect("a file")))
        .filter(|(name, _)| !name.ends_with(".json") && !name.starts_with('.'))
        .map(|(name, bytes)| (name.replace("boxes.", "result."), bytes))
        .collect();
    files.sort();
    Some(files)
}

#[tokio::test]
async fn r90_requests_render_what_the_command_renders() {
    let place = Workplace::new();
    let service = place.start();
    let n_sets = n_sets();
    let (mut n_rendered, mut n_refused) = (0, 0);
    for (i, set) in option_sets(90, 3 * n_sets).iter().enumerate() {
        match (of_command(&place, set, i), of_service(&service, set).await) {
            (Some(command), Some(service)) => {
                let names =
                    |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
                assert_eq!(names(&command), names(&service), "{set:?}");
                for ((name, command), (_, service)) in command.iter().zip(&service) {
                    assert!(command == service, "{name} of {set:?}");
                }
                n_rendered += 1;
            }
            (None, None) => n_refused += 1,
            (command, service) => {
                panic!("refused by one: {set:?}: {}, {}", command.is_some(), service.is_some())
            }
        }
        if n_rendered == n_sets {
            break;
        }
    }
    assert_eq!(n_rendered, n_sets, "{n_refused} refused");
}
