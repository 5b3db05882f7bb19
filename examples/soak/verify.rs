//! What must be true of every acknowledged job once the dust has settled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use packshot_contract::client::Client;
use packshot_contract::job::{Job, JobState};
use packshot_domain::hash::ContentAddress;
use uuid::Uuid;

use crate::product::n_files;
use crate::service::Service;

/// What became of acknowledged jobs.
#[derive(Default)]
pub(crate) struct Verdict {
    /// Jobs that are lost, not over in time, not completed, that ended more or less than once, whose stream has a gap,
    /// or whose file is not what its address says.
    pub(crate) faults: Vec<String>,
    /// Jobs that were under way in as many deaths of a service as one may see: those are failed, as the contract has
    /// it.
    pub(crate) given_up: Vec<Uuid>,
}

impl Verdict {
    /// The faults, where no job is killed so often.
    pub(crate) fn strict(mut self) -> Vec<String> {
        self.faults.extend(self.given_up.iter().map(|id| format!("job {id} was given up")));
        self.faults
    }
}

/// How a sound job ended.
enum End {
    Completed,
    GivenUp,
}

/// Deaths of the service that a job may see when it renders itself.
pub(crate) const DEATHS_INLINE: u32 = 3;
/// The same where workers are processes.
pub(crate) const DEATHS_WITH_PROCESSES: u32 = 10;

/// Waits until every job is over. None may be given up before it saw `deaths_max` deaths of a service.
pub(crate) async fn jobs(client: &Client, jobs: &BTreeMap<u32, Uuid>, limit: Duration, deaths_max: u32) -> Verdict {
    let until = Instant::now() + limit;
    let mut verdict = Verdict::default();
    for (seed, id) in jobs {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        match tokio::time::timeout(left, job(client, *id, deaths_max)).await {
            Ok(Ok(End::Completed)) => {}
            Ok(Ok(End::GivenUp)) => verdict.given_up.push(*id),
            Ok(Err(fault)) => verdict.faults.push(format!("job {seed} ({id}): {fault}")),
            Err(_) => verdict.faults.push(format!("job {seed} ({id}) is not over in time")),
        }
    }
    verdict
}

async fn job(client: &Client, id: Uuid, deaths_max: u32) -> Result<End, String> {
    let mut events = client.events(id).from_the_start();
    let (mut last, mut ends) = (0, 0);
    while let Some(event) = events.next().await.map_err(|error| error.to_string())? {
        let number = event.id.unwrap_or_default();
        if number != last + 1 {
            return Err(format!("event {number} follows event {last}"));
        }
        last = number;
        ends += u32::from(event.is_terminal());
    }
    let job = client.job(id).await.map_err(|error| error.to_string())?;
    if ends != 1 {
        return Err(format!("{ends} ends, state {}", job.state));
    }
    let is_given_up = job.state == JobState::Failed
        && job.error.as_ref().is_some_and(|error| error.code == "worker_lost")
        && job.document.as_ref().is_some_and(|document| document.attempt >= deaths_max)
        && job.result.is_none();
    if is_given_up { Ok(End::GivenUp) } else { pictures(client, job).await.map(|()| End::Completed) }
}

/// The job is completed, with the files of its kind, each of which is what its address says.
async fn pictures(client: &Client, job: Job) -> Result<(), String> {
    if job.state != JobState::Completed {
        return Err(format!("state {}, {:?}", job.state, job.error));
    }
    let files = job.result.map(|result| result.files).unwrap_or_default();
    if files.len() != n_files(job.request.kind) {
        return Err(format!("{} files of {}", files.len(), job.request.kind));
    }
    for file in &files {
        client.fetch(file).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Nothing of a job that was given up is lost: put back into the queue, it is done.
pub(crate) async fn requeued(service: &Service, id: Uuid) -> Option<String> {
    let again = async {
        let task = service.client.job(id).await.map_err(|error| error.to_string())?.task_id.ok_or("no task")?;
        let url = format!("http://{}/api/v1/tasks/{task}/requeue", service.address);
        let answer = reqwest::Client::new().post(url).send().await.map_err(|error| error.to_string())?;
        if !answer.status().is_success() {
            return Err(format!("requeue: {}", answer.status()));
        }
        loop {
            let job = service.client.job(id).await.map_err(|error| error.to_string())?;
            if job.state.is_terminal() {
                return pictures(&service.client, job).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(60), again).await {
        Ok(Ok(())) => None,
        Ok(Err(fault)) => Some(format!("job {id}, put back: {fault}")),
        Err(_) => Some(format!("job {id}, put back, is not over in time")),
    }
}

/// The number of stored objects, and those of them that are not what their names say.
pub(crate) fn objects(data: &Path) -> (usize, Vec<String>) {
    let mut files = Vec::new();
    collect(&data.join("objects"), &mut files);
    let damaged = files.iter().filter(|path| {
        let name: Vec<_> = path.iter().rev().take(2).map(|part| part.to_string_lossy().into_owned()).collect();
        let bytes = std::fs::read(path).unwrap_or_default();
        ContentAddress::of(&bytes).hex() != format!("{}{}", name[1], name[0])
    });
    let damaged = damaged.map(|path| format!("damaged: {}", path.display())).collect();
    (files.len(), damaged)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
