//! A47, A48: objects of which a bit is flipped, that are cut off or removed. No reader gets a bad byte, and a scrub
//! finds each of them, and no other.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use futures_util::TryStreamExt;
use packshot_db::artifacts::files;
use packshot_domain::artifact::{FileState, RetentionClass};
use packshot_domain::hash::ContentAddress;
use packshot_service::chores::scrub::Scrub;
use packshot_service::objects::{self, ObjectError};
use packshot_service::store::Pace;

use crate::stage::{Stage, bytes};

/// How many objects are damaged.
const DAMAGED: &str = "PACKSHOT_DAMAGED";
/// Objects that stay as they are.
const SOUND: u32 = 10;
const FILES_OF_A_PACKAGE: usize = 100;
const MIB: usize = 1 << 20;

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    None,
    Flipped(usize),
    Cut(usize),
    Removed,
}

impl Harm {
    fn of(i: u32, n_damaged: u32, len: usize) -> Self {
        // Anywhere in the object, by the golden ratio.
        let at = ((f64::from(i) * 0.618_033_988).fract() * len as f64) as usize;
        match i % 3 {
            _ if i >= n_damaged => Self::None,
            0 => Self::Flipped(at),
            1 => Self::Cut(at),
            _ => Self::Removed,
        }
    }

    fn apply(self, path: &Path) {
        match self {
            Self::None => {}
            Self::Flipped(at) => {
                let mut bytes = std::fs::read(path).expect("readable");
                bytes[at] ^= 1 << (at % 8);
                std::fs::write(path, bytes).expect("written");
            }
            Self::Cut(len) => {
                let file = std::fs::File::options().write(true).open(path).expect("there");
                file.set_len(len as u64).expect("cut");
            }
            Self::Removed => std::fs::remove_file(path).expect("removed"),
        }
    }

    const fn state(self) -> FileState {
        match self {
            Self::None => FileState::Intact,
            Self::Flipped(_) | Self::Cut(_) => FileState::Corrupt,
            Self::Removed => FileState::Missing,
        }
    }
}

/// What arrives of a range, and the error at which it ends.
async fn arrived(stage: &Stage, address: ContentAddress, range: Range<usize>) -> (Vec<u8>, Option<ObjectError>) {
    let reading = match objects::open(&stage.db, &stage.store, stage.scope, &address).await {
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
            Err(error) => return (arrived, Some(error)),
        }
    }
}

/// Ranges of an object: its ends, its middle, what lies across two groups, all of it.
fn ranges(len: usize) -> Vec<Range<usize>> {
    let across = if len > MIB { MIB - 5..MIB + 5 } else { len / 3..len / 2 };
    vec![0..10, len - 1..len, len / 2..len / 2 + 50, across, 0..len]
}

/// Reads a damaged object in every way: only bytes that it had arrive, and in the end none at all.
async fn expect_no_bad_byte(stage: &Stage, address: ContentAddress, bytes: &[u8], harm: Harm) {
    for range in ranges(bytes.len()) {
        let (arrived, error) = arrived(stage, address, range.clone()).await;
        let expected = &bytes[range.clone()];
        assert!(expected.starts_with(&arrived), "{harm:?}: a bad byte of {range:?} of {address} arrived");
        let is_whole = arrived.len() == expected.len();
        assert_eq!(is_whole, error.is_none(), "{harm:?}: {range:?} of {address}: {error:?}");
        // Only a flipped bit leaves groups that are as they were.
        assert!(!is_whole || (matches!(harm, Harm::Flipped(_)) && range.len() < bytes.len()), "{harm:?}: {range:?}");
    }
    for range in ranges(bytes.len()) {
        let (arrived, error) = arrived(stage, address, range).await;
        assert!(arrived.is_empty() && matches!(error, Some(ObjectError::Damaged { .. })), "{harm:?}: {error:?}");
    }
    let whole = objects::read(&stage.db, &stage.store, stage.scope, &address).await;
    assert!(matches!(whole, Err(ObjectError::Damaged { .. })), "{harm:?}: {whole:?}");
}

/// Reads every object; says how many there were, and how many files are damaged.
async fn scrub_all(stage: &Stage) -> (usize, usize) {
    let scrub = Scrub { db: &stage.db, store: &stage.store, pace: Pace::unlimited() };
    let found = scrub.everything(&[stage.scope.tenant], &|_| {}).await.expect("all was read");
    assert_eq!((found.healed, found.orphans), (0, 0));
    (found.objects as usize, found.n_damaged as usize)
}

cases! {
    async fn a47_a48_each_damage_is_found_and_no_bad_byte_is_read(engine) {
        let folder = tempfile::tempdir().expect("a folder");
        let config = engine.fresh(folder.path()).await.expect("a database");
        let root = folder.path().join("store");
        let stage = Stage::open(&config, &root, 0).await;
        let n_damaged = crate::count(DAMAGED, 30);
        // Every tenth has several groups.
        let size = |i: u32| if i.is_multiple_of(10) { 2 * MIB + i as usize } else { 1_000 + 13 * i as usize };
        let (mut kept, mut harms) = (Vec::new(), BTreeMap::new());
        for i in 0..n_damaged + SOUND {
            let new = stage.keep(&format!("files/{i}"), bytes(size(i), [i, 0, 0])).await;
            harms.insert(new.file.address, (i, Harm::of(i, n_damaged, size(i))));
            kept.push(new);
        }
        assert_eq!(harms.len(), kept.len(), "all are different");
        let mut packages = Vec::new();
        for files in kept.chunks(FILES_OF_A_PACKAGE) {
            packages.push(stage.whole_package(RetentionClass::RawEvidence, files.to_vec()).await);
        }
        for (address, (_, harm)) in &harms {
            let hex = address.hex();
            let object = format!("objects/{}/{}/{}", stage.scope.tenant, &hex[..2], &hex[2..]);
            harm.apply(&root.join(object));
        }
        // A half of them are read before the scrub, which finds the others by itself.
        let half = harms.iter().filter(|(_, (i, harm))| i % 2 == 0 && *harm != Harm::None);
        for (address, (i, harm)) in half {
            expect_no_bad_byte(&stage, *address, &bytes(size(*i), [*i, 0, 0]), *harm).await;
        }
        assert_eq!(scrub_all(&stage).await, (harms.len(), n_damaged as usize), "objects read, files that are damaged");
        for package in &packages {
            for record in files::all_of_package(&stage.db, stage.scope, *package).await.expect("files") {
                let (_, harm) = harms[&record.file.address];
                assert_eq!(record.state, harm.state(), "{} ({harm:?})", record.file.path);
            }
        }
        for (address, (i, harm)) in harms.iter().filter(|(_, (i, _))| i % 2 == 1) {
            if *harm == Harm::None {
                let (arrived, error) = arrived(&stage, *address, 0..size(*i)).await;
                assert!(error.is_none() && arrived == bytes(size(*i), [*i, 0, 0]), "{address}: {error:?}");
            } else {
                expect_no_bad_byte(&stage, *address, &bytes(size(*i), [*i, 0, 0]), *harm).await;
            }
        }
        stage.expect_no_difference().await;
        println!("{n_damaged} damaged objects of {}: all found, no bad byte read", harms.len());
        stage.close().await;
        engine.remove(&config).await.expect("its end");
    }
}
