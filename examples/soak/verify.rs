//! What must be true of every acknowledged job once the dust has settled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use packshot_service::client::Client;
use packshot_service::domain::hash::ContentAddress;
use packshot_service::wire::job::JobState;
use uuid::Uuid;

/// Waits until every job is over; faults are jobs that are lost, not over in time, not completed, that ended more or less than
/// once, whose stream has a gap, or whose file is not what its address says.
pub(crate) async fn jobs(client: &Client, jobs: &BTreeMap<u32, Uuid>, limit: Duration) -> Vec<String> {
    let until = Instant::now() + limit;
    let mut faults = Vec::new();
    for (seed, id) in jobs {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        match tokio::time::timeout(left, job(client, *id)).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => faults.push(format!("job {seed} ({id}): {fault}")),
            Err(_) => faults.push(format!("job {seed} ({id}) is not over in time")),
        }
    }
    faults
}

async fn job(client: &Client, id: Uuid) -> Result<(), String> {
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
    if ends != 1 || job.state != JobState::Completed {
        return Err(format!("{ends} ends, state {}, {:?}", job.state, job.error));
    }
    let files = job.result.map(|result| result.files).unwrap_or_default();
    let [file] = &files[..] else { return Err(format!("{} files", files.len())) };
    client.fetch(file).await.map_err(|error| error.to_string())?;
    Ok(())
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
