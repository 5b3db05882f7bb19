//! A18, A24, A35, A47–A49, A57, A66: stored files, on the local disk and in a bucket.

use std::ops::Range;

use futures_util::TryStreamExt;
use packshot_db::testing::{group_hashes, set_group_hashes};
use packshot_db::{AllTenants, Db, TenantScope, installation, objects as rows};
use packshot_domain::hash::{ContentAddress, Digests, GroupHashes};
use packshot_domain::id::{StoreId, TenantId};
use packshot_domain::object::Condition;
use packshot_service::objects::{self, ObjectError};
use packshot_service::store::{Identity, ObjectInfo, Store};

use crate::app::TestDatabase;
use crate::places::Place;

const MIB: usize = 1 << 20;

/// A store and the records of its files.
struct Stage {
    place: Place,
    store: Store,
    db: Db,
    scope: TenantScope,
}

/// Bytes of which no two groups are equal.
fn bytes(size_bytes: usize) -> Vec<u8> {
    let mut bytes = vec![0; size_bytes];
    blake3::Hasher::new().update(&size_bytes.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// The same with one bit flipped.
fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 4;
    bytes
}

impl Stage {
    async fn new(place: Place) -> Self {
        let database = TestDatabase::Sqlite.fresh(place.folder()).await.expect("a database");
        let db = Db::open(&database).await.expect("opens");
        let tenant = installation::get(&db, AllTenants::Instance).await.expect("answers").operating_tenant;
        let store = place.open();
        store.claim(Identity { store: StoreId::new(), tenant }).await.expect("claimed");
        Self { store, place, db, scope: TenantScope::of(tenant) }
    }

    fn tenant(&self) -> TenantId {
        self.scope.tenant
    }

    /// Keeps bytes that come in pieces, as uploads do.
    async fn keep(&self, bytes: &[u8]) -> ContentAddress {
        let mut spool = self.store.spool(bytes.len() as u64).expect("begun");
        for piece in bytes.chunks(300_001) {
            spool.write(piece).await.expect("written");
        }
        let upload = spool.finish().await.expect("spooled");
        objects::keep(&self.db, &self.store, self.scope, upload, "model/gltf-binary").await.expect("kept")
    }

    /// What arrives of a range, and the error at which it ends.
    async fn read(&self, address: ContentAddress, range: Range<usize>) -> (Vec<u8>, Option<ObjectError>) {
        let reading = match objects::open(&self.db, &self.store, self.scope, &address).await {
            Ok(reading) => reading,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let mut pieces = match reading.stream(range.start as u64..range.end as u64).await {
            Ok(pieces) => pieces,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let mut arrived = Vec::new();
        loop {
            match pieces.try_next().await {
                Ok(Some(piece)) => arrived.extend_from_slice(&piece),
                Ok(None) => return (arrived, None),
                Err(error) => {
                    assert!(pieces.try_next().await.expect("it has ended").is_none(), "nothing comes after an error");
                    return (arrived, Some(error));
                }
            }
        }
    }

    /// A range of a good object.
    async fn read_good(&self, address: ContentAddress, range: Range<usize>) -> Vec<u8> {
        let (arrived, error) = self.read(address, range).await;
        assert!(error.is_none(), "{error:?}");
        arrived
    }

    async fn check(&self, address: ContentAddress) -> Condition {
        objects::check(&self.db, &self.store, self.scope, &address).await.expect("checked")
    }

    async fn recorded(&self, address: ContentAddress) -> Option<Vec<u8>> {
        group_hashes(&self.db, self.scope, address).await.expect("a record")
    }

    async fn listed(&self) -> Vec<ContentAddress> {
        let infos: Vec<ObjectInfo> = self.store.list().try_collect().await.expect("lists");
        infos.into_iter().map(|info| info.address).collect()
    }
}

fn is_damaged(error: Option<ObjectError>, expected: Condition) -> bool {
    matches!(error, Some(ObjectError::Damaged { condition, .. }) if condition == expected)
}

places! {
    async fn a18_a23_a24_what_is_written_has_its_digests_and_comes_back(place) {
        let stage = Stage::new(place).await;
        for size_bytes in [0, 1, 1100, MIB - 1, MIB, MIB + 1, 10 * MIB + 7] {
            let bytes = bytes(size_bytes);
            let address = stage.keep(&bytes).await;
            assert_eq!(address.hex(), blake3::hash(&bytes).to_hex().as_str());
            let row = rows::find(&stage.db, stage.scope, address).await.expect("a search").expect("recorded");
            assert_eq!(row.digests(), Some(Digests::of(&bytes)), "{size_bytes}");
            assert_eq!(stage.store.size(stage.tenant(), &address).await.expect("there"), size_bytes as u64);
            assert_eq!(stage.read_good(address, 0..size_bytes).await, bytes, "{size_bytes}");
            assert_eq!(stage.check(address).await, Condition::Whole);
            let middle = size_bytes / 3..size_bytes - size_bytes / 4;
            assert_eq!(stage.read_good(address, middle.clone()).await, bytes[middle], "{size_bytes}");
            let other = TenantScope::of(TenantId::new());
            let foreign = objects::open(&stage.db, &stage.store, other, &address).await;
            assert!(matches!(foreign, Err(ObjectError::Gone)), "{foreign:?}");
        }
        let empty = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(stage.keep(b"").await.to_string(), empty);
    }

    async fn a48_no_bad_byte_leaves(place) {
        let stage = Stage::new(place).await;
        let bytes = bytes(10 * MIB);
        let address = stage.keep(&bytes).await;
        stage.place.damage(stage.tenant(), address, flipped(&bytes, 9 * MIB + 500_000)).await;
        assert_eq!(stage.read_good(address, 1000..2000).await, bytes[1000..2000], "of a good group");
        let (arrived, error) = stage.read(address, 0..10 * MIB).await;
        assert_eq!(arrived, bytes[..9 * MIB], "all good groups, and nothing of the bad one");
        assert!(is_damaged(error, Condition::Corrupt));
        for range in [0..10 * MIB, 1000..2000] {
            let (arrived, error) = stage.read(address, range).await;
            assert!(arrived.is_empty() && is_damaged(error, Condition::Corrupt), "from then on");
        }

        let small = stage.keep(&bytes[..1000]).await;
        stage.place.damage(stage.tenant(), small, flipped(&bytes[..1000], 999)).await;
        let (arrived, error) = stage.read(small, 0..10).await;
        assert!(arrived.is_empty() && is_damaged(error, Condition::Corrupt));
        let lost = stage.keep(&bytes[..MIB + 1]).await;
        stage.place.remove(stage.tenant(), lost).await;
        for _ in 0..2 {
            let (arrived, error) = stage.read(lost, 0..10).await;
            assert!(arrived.is_empty() && is_damaged(error, Condition::Missing));
        }
    }

    async fn a48_a_range_reads_the_groups_that_it_touches(place) {
        let stage = Stage::new(place).await;
        let bytes = bytes(10 * MIB + 7);
        let address = stage.keep(&bytes).await;
        for (range, n_groups) in [(5 * MIB + 9..5 * MIB + 10, 1), (MIB - 1..MIB + 1, 2), (3 * MIB..4 * MIB, 1)] {
            let before = stage.store.bytes_read();
            assert_eq!(stage.read_good(address, range.clone()).await, bytes[range]);
            assert_eq!(stage.store.bytes_read() - before, n_groups * MIB as u64);
        }
    }

    async fn a66_the_column_proves_and_heals_itself(place) {
        let stage = Stage::new(place).await;
        for (size_bytes, n_hashes) in [(0, 0), (MIB, 0), (MIB + 1, 2), (3 * MIB + 7, 4)] {
            let bytes = bytes(size_bytes);
            let address = stage.keep(&bytes).await;
            let good = stage.recorded(address).await;
            let hashes = GroupHashes::from_bytes(good.as_deref().unwrap_or_default()).expect("hashes of groups");
            assert_eq!((hashes.len(), hashes.prove(&address, size_bytes as u64)), (n_hashes, true));
            let mut bad = vec![None, Some(vec![]), Some(vec![7; 33]), Some(vec![7; 64]), Some(vec![7; 320])];
            bad.extend(good.as_ref().map(|good| Some(flipped(good, 40))));
            for bad in bad {
                set_group_hashes(&stage.db, stage.scope, address, bad.clone()).await.expect("written");
                assert_eq!(stage.read_good(address, 0..size_bytes).await, bytes, "{bad:?} of {size_bytes}");
                // Nothing is also said by a column without bytes.
                let healed = stage.recorded(address).await.filter(|hashes| !hashes.is_empty());
                assert_eq!(healed, good, "{bad:?} of {size_bytes}");
            }
            assert_eq!(stage.check(address).await, Condition::Whole);
        }
    }

    async fn a66_a_record_without_digests_gets_them_from_the_bytes(place) {
        let stage = Stage::new(place).await;
        let bytes = bytes(2 * MIB + 5);
        let address = stage.store.put(stage.tenant(), bytes.clone().into()).await.expect("put");
        let unread = rows::NewObject::unread(address, bytes.len() as i64, "image/png");
        rows::record(&stage.db, stage.scope, unread).await.expect("recorded");
        assert_eq!(stage.read_good(address, 0..5).await, bytes[..5]);
        let row = rows::find(&stage.db, stage.scope, address).await.expect("a search").expect("recorded");
        assert_eq!(row.digests(), Some(Digests::of(&bytes)));
    }

    async fn a47_a_check_finds_each_damage(place) {
        let stage = Stage::new(place).await;
        let mut expected = Vec::new();
        for i in 0..8 {
            let bytes = bytes(if i < 4 { 2 * MIB + 10 + i } else { 1000 + i });
            let (address, tenant) = (stage.keep(&bytes).await, stage.tenant());
            let condition = match i % 4 {
                0 => Condition::Whole,
                1 => {
                    stage.place.damage(tenant, address, flipped(&bytes, bytes.len() / 2)).await;
                    Condition::Corrupt
                }
                2 => {
                    stage.place.damage(tenant, address, bytes[..bytes.len() - 7].to_vec()).await;
                    Condition::Corrupt
                }
                _ => {
                    stage.place.remove(tenant, address).await;
                    Condition::Missing
                }
            };
            expected.push((address, condition));
        }
        for _ in 0..2 {
            for &(address, condition) in &expected {
                assert_eq!(stage.check(address).await, condition);
                let row = rows::find(&stage.db, stage.scope, address).await.expect("a search").expect("recorded");
                assert_eq!(row.condition, condition);
            }
        }
        let unknown = objects::check(&stage.db, &stage.store, stage.scope, &ContentAddress::of(b"?")).await;
        assert!(matches!(unknown, Err(ObjectError::Gone)), "{unknown:?}");
    }

    async fn a49_the_same_bytes_heal(place) {
        let stage = Stage::new(place).await;
        let bytes = bytes(2 * MIB + 1);
        let address = stage.keep(&bytes).await;
        for damaged in [Some(flipped(&bytes, MIB)), Some(bytes[..MIB].to_vec()), None] {
            match damaged {
                Some(bytes) => stage.place.damage(stage.tenant(), address, bytes).await,
                None => stage.place.remove(stage.tenant(), address).await,
            }
            assert_ne!(stage.check(address).await, Condition::Whole);
            assert_eq!(stage.keep(&bytes).await, address);
            assert_eq!(stage.read_good(address, 0..bytes.len()).await, bytes);
        }
        // A missing file that is there again is looked at again.
        stage.place.remove(stage.tenant(), address).await;
        assert!(is_damaged(stage.read(address, 0..1).await.1, Condition::Missing));
        stage.place.damage(stage.tenant(), address, bytes.clone()).await;
        assert_eq!(stage.read_good(address, 0..1).await, bytes[..1]);
        // Other bytes that were brought back by other means are found whole by the next check.
        stage.place.damage(stage.tenant(), address, Vec::new()).await;
        assert_eq!(stage.check(address).await, Condition::Corrupt);
        stage.place.damage(stage.tenant(), address, bytes.clone()).await;
        assert!(is_damaged(stage.read(address, 0..1).await.1, Condition::Corrupt));
        assert_eq!(stage.check(address).await, Condition::Whole);
        assert_eq!(stage.read_good(address, 0..1).await, bytes[..1]);
    }

    async fn a35_what_was_not_kept_is_not_there(place) {
        let stage = Stage::new(place).await;
        let kept = stage.keep(b"acknowledged").await;
        let bytes = bytes(9 * MIB);
        // Ended while it was received, and before it was kept: a process that is killed removes nothing.
        let dies = stage.place.open();
        for n_bytes in [5, bytes.len()] {
            let mut spool = dies.spool(1 << 30).expect("begun");
            spool.write(&bytes[..n_bytes]).await.expect("written");
            std::mem::forget(spool.finish().await.expect("spooled"));
        }
        assert_eq!(stage.listed().await, [kept]);
        // Ended after the record, before the bytes: they are missing for whoever asks, and may be sent again.
        let address = ContentAddress::of(&bytes);
        let new = rows::NewObject::hashed(&Digests::of(&bytes), "model/gltf-binary");
        rows::record(&stage.db, stage.scope, new).await.expect("recorded");
        assert!(is_damaged(stage.read(address, 0..1).await.1, Condition::Missing));
        assert_eq!(stage.listed().await, [kept]);
        assert_eq!(stage.keep(&bytes).await, address);
        assert_eq!(stage.read_good(address, 0..bytes.len()).await, bytes);
        // Ended after the bytes: they are an orphan that the list shows, whole.
        let orphan = dies.put(stage.tenant(), bytes[1..].to_vec().into()).await.expect("put");
        drop(dies);
        let again = stage.place.open();
        assert_eq!(again.verify(stage.tenant(), &orphan).await.expect("whole").address, orphan);
        let mut listed = stage.listed().await;
        listed.sort();
        let mut expected = [kept, address, orphan];
        expected.sort();
        assert_eq!(listed, expected);
    }

    async fn a57_files_of_any_size_are_stored_listed_and_removed(place) {
        let stage = Stage::new(place).await;
        let tenant = stage.tenant();
        // Above and below the size of a part.
        let mut kept = Vec::new();
        for size_bytes in [0, 8 * MIB, 8 * MIB + 1, 17 * MIB + 3] {
            let bytes = bytes(size_bytes);
            let address = stage.keep(&bytes).await;
            assert_eq!(stage.store.put(tenant, bytes.clone().into()).await.expect("put"), address);
            assert_eq!(stage.store.read(tenant, &address).await.expect("read"), bytes);
            kept.push(address);
        }
        let mut listed = stage.listed().await;
        listed.sort();
        kept.sort();
        assert_eq!(listed, kept);
        let of_tenant: Vec<ObjectInfo> = stage.store.list_of(tenant).try_collect().await.expect("lists");
        assert_eq!(of_tenant.len(), kept.len());
        let of_nobody: Vec<ObjectInfo> = stage.store.list_of(TenantId::new()).try_collect().await.expect("lists");
        assert!(of_nobody.is_empty(), "{of_nobody:?}");
        for _ in 0..2 {
            stage.store.delete(tenant, &kept[0]).await.expect("removed, or gone already");
        }
        assert!(!stage.store.has(tenant, &kept[0]).await.expect("answers"));
        let other = stage.store.put(TenantId::new(), bytes(5).into()).await.expect("put");
        stage.store.delete_all(tenant).await.expect("removed");
        assert_eq!(stage.listed().await, [other], "what other tenants have stays");
    }

    async fn a57_a_store_keeps_its_first_owner(place) {
        let new = || Identity { store: StoreId::new(), tenant: TenantId::new() };
        let (store, first, second) = (place.open(), new(), new());
        assert_eq!(store.identity().await.expect("read"), None);
        assert_eq!(store.claim(first).await.expect("claimed"), first);
        assert_eq!(store.claim(second).await.expect("claimed before"), first);
        assert_eq!(place.open().identity().await.expect("read"), Some(first));
        store.assign(second).await.expect("assigned");
        assert_eq!(store.identity().await.expect("read"), Some(second));
    }
}
