//! Sets of media assets as one ZIP (media.md §7): made of what their owner may read, opened with a ticket by whoever
//! has it, and sent while they are read. Nothing is written: an archive's layout is computed from what is known of its
//! files.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::filter::Given;
use super::zip::{Entry, Layout, Piece};
use super::{listing, owner};
use crate::app::{App, AppError, Code};
use crate::objects;
use crate::tenancy::authentication::{self, Returning};
use packshot_contract::media_download::{MediaDownload, SkippedAsset};
use packshot_db::media::downloads::{self as rows, Candidate, NewSet, SetFile, SetOwner};
use packshot_db::{AllTenants, TenantScope};
use packshot_domain::access::Permission;
use packshot_domain::download::{BYTES_MAX, EntryNames, FILES_MAX, Ticket};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::AssetId;
use packshot_domain::principal::{Authentication, Principal};

/// Where archives are fetched.
pub const PATH: &str = "/api/v1/media-downloads";

/// What somebody wants in one archive.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// These assets.
    Assets(Vec<AssetId>),
    /// All that a list with this filter shows.
    Filter(Given),
}

/// Makes a set, with the ticket that opens it.
///
/// # Errors
/// [`Code::DownloadTooLarge`], [`Code::DownloadEmpty`]; [`Code::ContentCorrupt`] where a file has to be read first, and
/// is damaged.
pub async fn create(app: &App, who: &Principal, wanted: Wanted) -> Result<MediaDownload, AppError> {
    let scope = TenantScope::of(who.tenant);
    let (ids, is_list) = match wanted {
        Wanted::Assets(ids) => (ids, false),
        Wanted::Filter(filter) => (listed(app, who, filter).await?, true),
    };
    check_count(ids.len())?;
    let mut found = rows::candidates(&app.db, scope, owner(who), ids.clone()).await?;
    let (mut chosen, mut skipped, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for id in ids.into_iter().filter(|id| seen.insert(*id)) {
        let skip = |code: Code| SkippedAsset { asset_id: id.uuid(), code: code.as_str().to_owned() };
        match found.remove(&id) {
            Some(candidate) if candidate.is_damaged => skipped.push(skip(Code::ContentCorrupt)),
            Some(candidate) if candidate.is_kept => chosen.push(candidate),
            Some(_) => skipped.push(skip(Code::AssetExpired)),
            None => skipped.push(skip(Code::AssetNotFound)),
        }
    }
    if chosen.is_empty() {
        return Err(AppError::new(Code::DownloadEmpty, "none of these assets can be fetched"));
    }
    // A set is the same whatever the order in which its assets are named: that of the list.
    if !is_list {
        chosen.sort_by_key(|candidate| std::cmp::Reverse((candidate.created_at, candidate.asset)));
    }
    let size_bytes = chosen.iter().fold(0, |sum: u64, candidate| sum.saturating_add(candidate.size_bytes));
    if size_bytes > BYTES_MAX {
        let detail = format!("the files have {size_bytes} bytes together: at most {BYTES_MAX} are sent as one ZIP");
        return Err(AppError::new(Code::DownloadTooLarge, detail));
    }
    let (mut names, mut files) = (EntryNames::default(), Vec::with_capacity(chosen.len()));
    for candidate in chosen {
        let crc32 = match candidate.crc32 {
            Some(crc32) => crc32,
            None => objects::open(&app.db, &app.store, scope, &candidate.address).await?.crc32(),
        };
        let Candidate { asset, file_name, folder, address, size_bytes, created_at, .. } = candidate;
        let name = names.name(folder.as_deref(), &file_name);
        files.push(SetFile { asset, name, address, size_bytes, crc32, created_at });
    }
    let n_files = files.len();
    let size_bytes = layout(&files).size_bytes();
    let ticket = Ticket::generate().map_err(AppError::internal)?;
    let key = match who.authentication {
        Authentication::Key(key) => Some(key),
        Authentication::Local | Authentication::Session(_) => None,
    };
    let owner = SetOwner { home: who.home, user: who.user, key };
    let stored = rows::create(&app.db, scope, NewSet { ticket: ticket.hash(), owner, files, size_bytes }).await?;
    Ok(MediaDownload {
        id: stored.id.uuid(),
        url: format!("{PATH}/{}.zip", ticket.reveal()),
        files: u32::try_from(n_files).unwrap_or(u32::MAX),
        size_bytes,
        skipped,
        expires_at: stored.expires_at.into(),
    })
}

fn check_count(n_files: usize) -> Result<(), AppError> {
    if n_files > FILES_MAX {
        let detail = format!("{n_files} files or more: at most {FILES_MAX} are sent as one ZIP");
        return Err(AppError::new(Code::DownloadTooLarge, detail));
    }
    Ok(())
}

/// The assets that a list shows, in its order.
async fn listed(app: &App, who: &Principal, given: Given) -> Result<Vec<AssetId>, AppError> {
    // One more than is sent, so that too many are noticed.
    let max = u32::try_from(FILES_MAX).map_or(u32::MAX, |max| max.saturating_add(1));
    Ok(listing::found(app, who, &given, max).await?.into_iter().map(|asset| asset.id).collect())
}

fn layout(files: &[SetFile]) -> Layout {
    let entry = |file: &SetFile| Entry {
        name: file.name.clone(),
        size_bytes: file.size_bytes,
        crc32: file.crc32,
        modified_at: file.created_at,
    };
    Layout::of(files.iter().map(entry).collect())
}

/// An archive that can be sent.
#[derive(Clone)]
pub struct Archive {
    app: App,
    who: Principal,
    set: Arc<Set>,
}

struct Set {
    files: Vec<SetFile>,
    layout: Layout,
    tag: ContentAddress,
}

/// Bytes of an archive, on their way.
pub type Sent = BoxStream<'static, Result<Bytes, AppError>>;

/// Opens the set of a ticket, as its owner may read it now.
///
/// # Errors
/// [`Code::DownloadNotFound`] for an unknown ticket, one whose time is over, and one whose owner may not read any more.
pub async fn open(app: &App, ticket: &str) -> Result<Archive, AppError> {
    let not_found = || AppError::new(Code::DownloadNotFound, "there is no such download, or its time is over");
    let ticket = Ticket::parse(ticket).map_err(|_| not_found())?;
    let stored = rows::find(&app.db, AllTenants::Authentication, ticket.hash()).await?.ok_or_else(not_found)?;
    let SetOwner { home, user, key } = stored.owner;
    let who = authentication::returning(app, Returning { home, tenant: stored.tenant, user, key }).await?;
    let who = who.filter(|who| who.allows(Permission::ReadMedia).is_ok()).ok_or_else(not_found)?;
    let layout = layout(&stored.files);
    let set = Arc::new(Set { tag: tag_of(&stored.files), files: stored.files, layout });
    Ok(Archive { app: app.clone(), who, set })
}

/// What two archives with the same bytes have in common, and no others.
fn tag_of(files: &[SetFile]) -> ContentAddress {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"packshot zip 1");
    for SetFile { asset: _, name, address, size_bytes, crc32, created_at } in files {
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(address.hash());
        hasher.update(&size_bytes.to_le_bytes()).update(&crc32.to_le_bytes());
        hasher.update(&created_at.unix_ms().to_le_bytes());
    }
    ContentAddress::from_hash(*hasher.finalize().as_bytes())
}

impl Archive {
    /// Its size.
    pub fn size_bytes(&self) -> u64 {
        self.set.layout.size_bytes()
    }

    /// Names its bytes.
    pub fn tag(&self) -> &ContentAddress {
        &self.set.tag
    }

    /// Some of its bytes, which lie within it. Files are read as they are sent, each only if its owner may still read
    /// it then. The first bytes of the first file are there when this returns, so that what is wrong with it is
    /// answered instead of breaking the connection off; the stream ends with its first error.
    ///
    /// # Errors
    /// [`Code::DownloadNotFound`] when the first file has gone, [`Code::ContentCorrupt`] when it is damaged.
    pub async fn stream(&self, range: Range<u64>) -> Result<Sent, AppError> {
        let mut sending = Sending { archive: self.clone(), at: range.start, end: range.end, file: None };
        let mut first = Vec::new();
        // A range may begin before a file: then what precedes the file comes first.
        while first.len() < 2 && sending.file.is_none() {
            let Some(piece) = sending.next().await.map_err(gone_first)? else { break };
            first.push(Ok(piece));
        }
        let rest = stream::try_unfold(sending, |mut sending| async move {
            match sending.next().await {
                Ok(piece) => Ok(piece.map(|piece| (piece, sending))),
                Err(error) => {
                    // Gives the connection a turn: it throws away what it has not written yet when a body fails.
                    tokio::task::yield_now().await;
                    Err(error)
                }
            }
        });
        Ok(stream::iter(first).chain(rest).boxed())
    }

    /// Some bytes of a file, if it is still there as it was.
    async fn read(
        &self,
        entry: usize,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, objects::ObjectError>>, AppError> {
        let Self { app, who, set } = self;
        let file = &set.files[entry];
        let address = super::content(app, who, file.asset).await?.address;
        let reading = objects::open(&app.db, &app.store, TenantScope::of(who.tenant), &address).await?;
        if address != file.address || reading.size_bytes() != file.size_bytes {
            return Err(AppError::new(Code::ContentCorrupt, "the stored file is another one"));
        }
        Ok(reading.stream(range).await?)
    }
}

/// A file that has gone before anything was sent.
fn gone_first(error: AppError) -> AppError {
    match [Code::AssetNotFound, Code::AssetExpired].iter().any(|code| error.code() == code.as_str()) {
        true => AppError::new(Code::DownloadNotFound, "a file of the download has gone"),
        false => error,
    }
}

/// An archive while it is sent.
struct Sending {
    archive: Archive,
    /// Where the next byte is, and where the last one was.
    at: u64,
    end: u64,
    /// The rest of the file that is being sent.
    file: Option<BoxStream<'static, Result<Bytes, objects::ObjectError>>>,
}

impl Sending {
    /// The next bytes; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, AppError> {
        while self.at < self.end {
            if let Some(file) = &mut self.file {
                match file.next().await.transpose()? {
                    Some(bytes) => {
                        self.at += bytes.len() as u64;
                        return Ok(Some(bytes));
                    }
                    None => self.file = None,
                }
            }
            if self.at >= self.end {
                break;
            }
            match self.archive.set.layout.piece(self.at) {
                None => break,
                Some(Piece::Own(mut bytes)) => {
                    bytes.truncate(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
                    self.at += bytes.len() as u64;
                    return Ok(Some(bytes.into()));
                }
                Some(Piece::OfFile { entry, range }) => {
                    let end = range.end.min(range.start + (self.end - self.at));
                    self.file = Some(self.archive.read(entry, range.start..end).await?);
                }
            }
        }
        Ok(None)
    }
}
