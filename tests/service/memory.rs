//! A render that needs too much memory fails before it starts, and the service continues.

use packshot_contract::job::{Job, JobState};
use serde_json::json;

use crate::service::{SOON, Service, Workplace, submission, tiny, until};

/// Submits a render and waits for its end.
async fn ended(service: &Service, submission: &packshot_contract::client::Submission) -> Job {
    let client = service.client();
    let id = client.submit(submission).await.expect("accepted").id;
    until("it ends", SOON, async || client.job(id).await.expect("the job").state.is_terminal()).await;
    client.job(id).await.expect("the job")
}

#[tokio::test]
async fn r77_what_has_no_room_fails_before_it_renders() {
    for workers in ["inline", "process"] {
        let place = Workplace::new();
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--workers", workers]);
        command.env("PACKSHOT_MAX_MEMORY_BYTES", "1500000000");
        let mut service = Service::spawn(&mut command);
        let large = submission(&json!({
            "width": 8000, "height": 8000, "formats": ["exr"], "exr": "float",
            "aovs": ["albedo", "normal", "depth", "position", "uv", "emission"],
        }));
        let job = ended(&service, &large).await;
        let error = job.error.unwrap_or_else(|| panic!("{workers}: {:?}", job.state));
        assert_eq!((job.state, error.code.as_str()), (JobState::Failed, "device_out_of_memory"), "{workers}");
        for told in ["needs about ", " MiB of memory", "1430 MiB are available under the setting max_memory_bytes"] {
            assert!(error.detail.contains(told), "{workers}: {told} in {}", error.detail);
        }
        assert_eq!(ended(&service, &tiny()).await.state, JobState::Completed, "{workers}");
        service.signal("TERM");
        assert!(service.wait(SOON).success(), "{workers}: it was alive");
    }
}
