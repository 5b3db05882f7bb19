use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt;

use super::*;
use packshot_domain::hash::Digests;

fn store(folder: &std::path::Path) -> Store {
    Store::open(&StoreConfig::Local { root: folder.to_owned() }).expect("opens")
}

async fn upload(store: &Store, tenant: TenantId, pieces: &[&[u8]]) -> Result<ContentAddress, StoreError> {
    let mut spool = store.spool(1 << 24)?;
    for piece in pieces {
        spool.write(piece).await?;
    }
    store.keep(tenant, spool.finish().await?).await
}

async fn names(store: &Store) -> Vec<ContentAddress> {
    store.list().map_ok(|info| info.address).try_collect().await.expect("lists")
}

fn spooled_files(folder: &std::path::Path) -> usize {
    let below =
        |folder: PathBuf| std::fs::read_dir(folder).expect("there").map(|entry| entry.expect("readable").path());
    let all =
        below(folder.join("spool")).flat_map(|path| if path.is_dir() { below(path).collect() } else { vec![path] });
    all.filter(|path| !path.ends_with(spool_folder::LOCK_FILE)).count()
}

#[tokio::test]
async fn what_was_kept_is_read_by_its_tenant_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, [tenant, other]) = (store(folder.path()), [TenantId::new(), TenantId::new()]);
    let large = vec![7; 3 << 20];
    for bytes in [&b""[..], b"abc", &large] {
        let spooled = upload(&store, tenant, &bytes.chunks(65_000).collect::<Vec<_>>()).await.expect("kept");
        assert_eq!(spooled, ContentAddress::of(bytes));
        assert_eq!(store.put(tenant, Bytes::copy_from_slice(bytes)).await.expect("put"), spooled);
        assert_eq!(store.read(tenant, &spooled).await.expect("read"), bytes);
        assert_eq!(store.size(tenant, &spooled).await.expect("there"), bytes.len() as u64);
        assert!(matches!(store.read(other, &spooled).await, Err(StoreError::NotFound)));
        assert!(!store.has(other, &spooled).await.expect("answered"));
    }
    assert_eq!(names(&store).await.len(), 3, "equal contents are one object");
    assert_eq!(spooled_files(folder.path()), 0);
}

#[tokio::test]
async fn an_upload_beyond_its_limit_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let mut spool = store.spool(1000).expect("begun");
    spool.write(&[0; 1000]).await.expect("as many as allowed");
    assert!(matches!(spool.write(&[0]).await, Err(StoreError::TooLarge { bytes_max: 1000 })));
    drop(spool);
    assert_eq!(spooled_files(folder.path()), 0);
    assert!(names(&store).await.is_empty());
}

#[tokio::test]
async fn a_file_of_one_piece_is_spooled_like_its_pieces() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let bytes = Bytes::from(vec![7; 3 << 20]);
    let mut spool = store.spool(bytes.len() as u64 + 2).expect("begun");
    spool.write(b"<").await.expect("written");
    spool.write_whole(bytes.clone()).await.expect("written");
    spool.write(b">").await.expect("written");
    let spooled = spool.finish().await.expect("spooled");
    let expected = [&b"<"[..], &bytes, b">"].concat();
    assert_eq!((spooled.address(), spooled.size_bytes()), (ContentAddress::of(&expected), expected.len() as u64));
    assert_eq!(*spooled.digests(), Digests::of(&expected));
    assert_eq!(spooled.read().await.expect("there"), expected);
    let mut small = store.spool(10).expect("begun");
    assert!(matches!(small.write_whole(bytes).await, Err(StoreError::TooLarge { bytes_max: 10 })));
}

#[tokio::test]
async fn a48_a_group_is_read_and_compared_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, tenant) = (store(folder.path()), TenantId::new());
    let bytes: Vec<u8> = (0..=250).cycle().take((2 << 20) + 1100).collect();
    let hashed = Hashed::of(bytes.clone().into()).await.expect("hashed");
    let digests = Arc::new(hashed.digests().clone());
    let address = store.put_hashed(tenant, hashed).await.expect("put");
    for (group, expected) in (0..).zip(bytes.chunks(1 << 20)) {
        let before = store.bytes_read();
        assert_eq!(store.group(tenant, &digests, group).await.expect("whole"), expected);
        assert_eq!(store.bytes_read() - before, expected.len() as u64);
    }
    assert_eq!(store.verify(tenant, &address).await.expect("whole"), *digests);
    let file = folder.path().join(object_path(tenant, &address).as_ref());
    let mut flipped = bytes.clone();
    flipped[1 << 20] ^= 1;
    std::fs::write(&file, &flipped).expect("written");
    let group = async |group| store.group(tenant, &digests, group).await;
    assert!(group(0).await.is_ok() && matches!(group(1).await, Err(StoreError::Corrupt { .. })));
    assert!(matches!(store.verify(tenant, &address).await, Err(StoreError::Corrupt { .. })));
    // Also where the groups before the end are as they were.
    for size_bytes in [(2 << 20) + 1099, 2 << 20, 5] {
        std::fs::write(&file, &bytes[..size_bytes]).expect("written");
        for i in 0..3 {
            assert!(matches!(group(i).await, Err(StoreError::Corrupt { .. })), "{i} of {size_bytes}");
        }
        assert!(matches!(store.verify(tenant, &address).await, Err(StoreError::Corrupt { .. })));
    }
    std::fs::remove_file(&file).expect("removed");
    assert!(matches!(group(0).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn damaged_bytes_are_never_given_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, tenant) = (store(folder.path()), TenantId::new());
    let digests = Arc::new(Digests::of(b"a picture"));
    let address = store.put(tenant, Bytes::from_static(b"a picture")).await.expect("put");
    let file = folder.path().join(object_path(tenant, &address).as_ref());
    for damaged in [&b"a pictura"[..], b"a pict", b""] {
        std::fs::write(&file, damaged).expect("written");
        assert!(matches!(store.read(tenant, &address).await, Err(StoreError::Corrupt { .. })));
        assert!(matches!(store.group(tenant, &digests, 0).await, Err(StoreError::Corrupt { .. })));
    }
    // The same upload heals it.
    upload(&store, tenant, &[b"a picture"]).await.expect("kept");
    assert_eq!(store.read(tenant, &address).await.expect("whole"), &b"a picture"[..]);
}

#[tokio::test]
async fn the_sweep_sees_objects_and_removes_them_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, tenant) = (store(folder.path()), TenantId::new());
    let address = store.put(tenant, Bytes::from_static(b"x")).await.expect("put");
    std::fs::write(folder.path().join("objects/stray"), b"?").expect("written");
    let infos: Vec<ObjectInfo> = store.list().try_collect().await.expect("lists");
    assert_eq!(infos.iter().map(|info| (info.tenant, info.address)).collect::<Vec<_>>(), [(tenant, address)]);
    for _ in 0..2 {
        store.delete(tenant, &address).await.expect("removed, or gone already");
    }
    assert!(names(&store).await.is_empty());
}

#[tokio::test]
async fn what_is_not_written_yet_lies_apart_from_objects() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, tenant) = (store(folder.path()), TenantId::new());
    std::fs::remove_dir_all(folder.path().join("spool")).expect("there");
    assert!(matches!(store.put(tenant, Bytes::from_static(b"x")).await, Err(StoreError::Io(_))));
    assert!(upload(&store, tenant, &[b"x"]).await.is_err());
    let objects = std::fs::read_dir(folder.path().join("objects")).expect("there");
    assert_eq!(objects.count(), 0, "a process that dies while it writes leaves nothing among the objects");
}

#[tokio::test]
async fn what_an_ended_process_spooled_is_thrown_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let spooled = async |store: &Store| {
        let mut spool = store.spool(1 << 20).expect("begun");
        spool.write_whole(Bytes::from_static(b"a frame")).await.expect("written");
        spool.finish().await.expect("spooled")
    };
    let (lives, dies) = (store(folder.path()), store(folder.path()));
    let kept = spooled(&lives).await;
    // A process that is killed removes nothing; the system lets go of its lock.
    std::mem::forget(spooled(&dies).await);
    drop(store(folder.path()));
    assert_eq!(spooled_files(folder.path()), 2, "both live");
    drop(dies);
    lives.clean().await.expect("cleaned");
    assert_eq!(spooled_files(folder.path()), 1, "the dead one's is gone at once, the other's is not");
    lives.keep(TenantId::new(), kept).await.expect("kept");
    let folders = std::fs::read_dir(folder.path().join("spool")).expect("there").count();
    assert_eq!(folders, 1, "those of ended processes are gone too");
}

#[tokio::test]
async fn what_has_no_lock_is_thrown_away_after_a_day() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(store(folder.path()));
    let path = folder.path().join("spool/.tmpAbc");
    std::fs::write(&path, b"half").expect("written");
    drop(store(folder.path()));
    assert_eq!(spooled_files(folder.path()), 1, "somebody may be at it");
    let file = std::fs::File::options().write(true).open(path).expect("there");
    file.set_modified(SystemTime::now() - Duration::from_secs(90_000)).expect("set");
    drop(store(folder.path()));
    assert_eq!(spooled_files(folder.path()), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_whose_process_ended_before_it_had_a_lock_is_removed_after_a_day() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(store(folder.path()));
    let left = folder.path().join("spool/left");
    std::fs::create_dir(&left).expect("made");
    std::fs::write(left.join("frame"), b"half").expect("written");
    drop(store(folder.path()));
    assert!(left.exists(), "it may be about to get one");
    let opened = std::fs::File::open(&left).expect("there");
    opened.set_modified(SystemTime::now() - Duration::from_secs(90_000)).expect("set");
    drop(store(folder.path()));
    assert!(!left.exists());
}

#[test]
fn a_full_disk_is_told_from_a_broken_one() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    assert!(matches!(StoreError::from(full), StoreError::Full));
    let nested = object_store::Error::Generic {
        store: "test",
        source: Box::new(std::io::Error::from(std::io::ErrorKind::QuotaExceeded)),
    };
    assert!(matches!(StoreError::from(nested), StoreError::Full));
    let broken = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    assert!(matches!(StoreError::from(broken), StoreError::Io(_)));
}
