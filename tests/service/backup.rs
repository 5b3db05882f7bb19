//! Backup of a running service, and an installation restored from it.

use packshot_contract::job::JobState;

use crate::service::{SOON, Workplace, tiny, until};

#[tokio::test]
async fn a_backup_becomes_an_installation() {
    let place = Workplace::new();
    let service = place.start();
    let client = service.client();
    let id = client.submit(&tiny()).await.expect("accepted").id;
    until("it is completed", SOON, async || client.job(id).await.expect("the job").state == JobState::Completed).await;
    let before = client.job(id).await.expect("the job");

    let (code, _, stderr) = place.run(&["admin", "backup", "-o", "backup.zip"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.starts_with("saved "), "{stderr}");
    service.kill();

    let (code, _, stderr) = place.run(&["admin", "restore", "backup.zip"]);
    assert_eq!(code, 6, "there is an installation already");
    assert!(stderr.contains("error[admin.not_empty]"), "{stderr}");
    let (code, _, stderr) = place.run(&["admin", "restore", "backup.zip", "--data", "restored"]);
    assert_eq!(code, 0, "{stderr}");

    let restored = place.start_with(&["--data", "restored"]);
    let client = restored.client();
    let after = client.job(id).await.expect("the job");
    assert_eq!(after, before);
    client.fetch(&after.result.expect("a result").files[0]).await.expect("its file is whole");
    let leftover = std::fs::read_dir(place.path("."))
        .expect("there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    assert!(!leftover.collect::<String>().contains(".tmp"), "no temporary file stays");
}

#[test]
fn a_damaged_backup_is_refused_and_leaves_no_installation() {
    let place = Workplace::new();
    place.start().kill();
    let (code, ..) = place.run(&["admin", "backup", "-o", "backup.zip"]);
    assert_eq!(code, 0);
    let whole = std::fs::read(place.path("backup.zip")).expect("written");
    let mut damaged = whole.clone();
    // In the middle of the database, which comes first and is not compressed.
    damaged[3000] ^= 1;
    for (name, bytes) in [("damaged", &damaged[..]), ("short", &whole[..whole.len() / 2]), ("other", b"not a zip")] {
        std::fs::write(place.path("bad.zip"), bytes).expect("written");
        let (code, _, stderr) = place.run(&["admin", "restore", "bad.zip", "--data", name]);
        assert_eq!(code, 3, "{name}: {stderr}");
        assert!(stderr.contains("error[admin.damaged_backup]"), "{name}: {stderr}");
        assert!(!place.path(name).join("packshot.db").exists(), "{name}");
    }
}
