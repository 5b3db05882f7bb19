//! A24, A48, A66: a file of the largest size that an upload may have, in a process whose memory is measured.

use std::process::Command;

use futures_util::TryStreamExt;
use packshot_db::testing::group_hashes;
use packshot_db::{AllTenants, Db, TenantScope, installation};
use packshot_domain::hash::{GROUP_BYTES, GroupHashes};
use packshot_service::objects;
use packshot_service::store::StoreError;

use crate::app::TestDatabase;
use crate::places::Place;

/// Set in the process that measures itself.
const ALONE: &str = "PACKSHOT_TEST_ALONE";
const SIZE_BYTES: u64 = 512 << 20;

/// The most memory that this process has had, in bytes; `None` where the system does not say.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[tokio::test]
async fn a24_a48_a66_512_mib_take_little_memory_and_a_byte_of_them_one_group() {
    if std::env::var_os(ALONE).is_none() {
        let mut alone = Command::new(std::env::current_exe().expect("a program"));
        let name = "large::a24_a48_a66_512_mib_take_little_memory_and_a_byte_of_them_one_group";
        alone.args(["--exact", name, "--nocapture"]).env(ALONE, "1");
        let output = alone.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        return;
    }
    let place = Place::local();
    let database = TestDatabase::Sqlite.fresh(place.folder()).await.expect("a database");
    let db = Db::open(&database).await.expect("opens");
    let tenant = installation::get(&db, AllTenants::Instance).await.expect("answers").operating_tenant;
    let (store, scope) = (place.open(), TenantScope::of(tenant));

    // Both as others compute them, over the same pieces.
    let (mut expected, mut piece) = (blake3::Hasher::new(), vec![0; 1 << 16]);
    let mut spool = store.spool(SIZE_BYTES).expect("begun");
    let before = peak_bytes();
    for i in 0..SIZE_BYTES >> 16 {
        piece[..8].copy_from_slice(&i.to_le_bytes());
        expected.update(&piece);
        spool.write(&piece).await.expect("written");
    }
    let upload = spool.finish().await.expect("spooled");
    let address = objects::keep(&db, &store, scope, upload, "model/gltf-binary").await.expect("kept");
    assert_eq!(address.hex(), expected.finalize().to_hex().as_str());
    let column = group_hashes(&db, scope, address).await.expect("a record").expect("several groups");
    let hashes = GroupHashes::from_bytes(&column).expect("hashes of groups");
    assert_eq!((hashes.len(), hashes.address()), (512, Some(address)));

    let reading = objects::open(&db, &store, scope, &address).await.expect("whole");
    let mut pieces = reading.stream(0..SIZE_BYTES).await.expect("whole");
    let mut arrived = blake3::Hasher::new();
    while let Some(piece) = pieces.try_next().await.expect("whole") {
        arrived.update(&piece);
    }
    assert_eq!(arrived.finalize(), expected.finalize());
    if let (Some(before), Some(after)) = (before, peak_bytes()) {
        assert!(after - before < 32 << 20, "memory grew by {} bytes", after - before);
    }

    let (middle, read) = (SIZE_BYTES / 2 + 3, store.bytes_read());
    let reading = objects::open(&db, &store, scope, &address).await.expect("whole");
    let one: Vec<_> = reading.stream(middle..middle + 1).await.expect("whole").try_collect().await.expect("whole");
    assert_eq!((one.len(), one[0].len()), (1, 1));
    assert!(store.bytes_read() - read <= GROUP_BYTES, "a byte takes one group");

    let mut beyond = store.spool(SIZE_BYTES).expect("begun");
    for _ in 0..SIZE_BYTES >> 16 {
        beyond.write(&piece).await.expect("as many as allowed");
    }
    assert!(matches!(beyond.write(&[0]).await, Err(StoreError::TooLarge { bytes_max: SIZE_BYTES })));
}
