//! Archives whose every byte is known before the first is sent: entries are stored as they are, with sizes and CRC-32
//! known beforehand (PKWARE APPNOTE 6.3.10). So an archive has a length, and any part of it can be made by itself.

use std::ops::Range;

use packshot_domain::time::Timestamp;

/// A size or a place from which on the 64-bit forms are needed (APPNOTE 4.4.8).
const ZIP64_FROM: u64 = u32::MAX as u64;
/// A number of entries from which on the 64-bit form is needed.
const MANY_ENTRIES: u64 = u16::MAX as u64;
/// What reads an entry needs at least: version 2.0, and 4.5 for the 64-bit forms.
const NEEDS: [u16; 2] = [20, 45];
/// Made on a system with Unix permissions.
const MADE_ON_UNIX: u16 = 3 << 8;
/// Names are UTF-8 (general purpose bit 11).
const UTF8_NAMES: u16 = 1 << 11;
/// A regular file with mode 0644, in the upper half of the external attributes.
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// The id of the extra field with 64-bit sizes.
const ZIP64_FIELD: u16 = 1;
/// The id of the extra field with the time in seconds since 1970, UTC: the other time has no time zone, and half of the
/// precision.
const TIME_FIELD: u16 = 0x5455;

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its name, with `/` between folders: at most 65,535 bytes.
    pub(super) name: String,
    /// Its size.
    pub(super) size_bytes: u64,
    /// The CRC-32 of its bytes.
    pub(super) crc32: u32,
    /// When it was last changed.
    pub(super) modified_at: Timestamp,
}

/// Where everything of an archive is.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    entries: Vec<Placed>,
    /// Where the central directory begins and ends.
    directory: Range<u64>,
    size_bytes: u64,
}

/// An entry in its places.
#[derive(Clone, Debug)]
struct Placed {
    entry: Entry,
    /// Where its local header begins.
    at: u64,
    /// Where its header in the central directory begins.
    directory_at: u64,
}

/// A piece of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Bytes of the archive itself.
    Own(Vec<u8>),
    /// Bytes of a file.
    OfFile {
        /// The number of its entry.
        entry: usize,
        /// Which of its bytes.
        range: Range<u64>,
    },
}

impl Layout {
    /// The layout of an archive with these files, in this order.
    pub(super) fn of(entries: Vec<Entry>) -> Self {
        let mut at = 0;
        let mut placed = Vec::with_capacity(entries.len());
        for entry in entries {
            let length = local_header(&entry).len() as u64 + entry.size_bytes;
            placed.push(Placed { entry, at, directory_at: 0 });
            at += length;
        }
        let begin = at;
        for own in &mut placed {
            own.directory_at = at;
            at += directory_header(own).len() as u64;
        }
        let mut layout = Self { entries: placed, directory: begin..at, size_bytes: at };
        layout.size_bytes += layout.end().len() as u64;
        layout
    }

    /// The size of the archive.
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The piece that begins at a place of the archive, and goes as far as it belongs together; `None` at its end.
    pub(super) fn piece(&self, at: u64) -> Option<Piece> {
        let from = |bytes: Vec<u8>, begin: u64| Piece::Own(bytes[(at - begin) as usize..].to_vec());
        if at >= self.size_bytes {
            return None;
        }
        if at >= self.directory.end {
            return Some(from(self.end(), self.directory.end));
        }
        if at >= self.directory.start {
            let entry = self.entries.partition_point(|own| own.directory_at <= at).checked_sub(1)?;
            let own = &self.entries[entry];
            return Some(from(directory_header(own), own.directory_at));
        }
        let entry = self.entries.partition_point(|own| own.at <= at).checked_sub(1)?;
        let Placed { entry: file, at: begin, .. } = &self.entries[entry];
        let header = local_header(file);
        let data = begin + header.len() as u64;
        Some(match at < data {
            true => from(header, *begin),
            false => Piece::OfFile { entry, range: at - data..file.size_bytes },
        })
    }

    /// What follows the central directory.
    fn end(&self) -> Vec<u8> {
        let n_entries = self.entries.len() as u64;
        let size = self.directory.end - self.directory.start;
        let mut end = Vec::new();
        if n_entries >= MANY_ENTRIES || self.directory.start >= ZIP64_FROM || size >= ZIP64_FROM {
            // The 64-bit record (4.3.14), and where it is (4.3.15).
            put(&mut end, [u32::to_le_bytes(0x0606_4b50)]);
            put(&mut end, [44_u64.to_le_bytes()]);
            put(&mut end, [(MADE_ON_UNIX | NEEDS[1]).to_le_bytes(), NEEDS[1].to_le_bytes()]);
            put(&mut end, [0_u32.to_le_bytes(); 2]);
            put(&mut end, [n_entries, n_entries, size, self.directory.start].map(u64::to_le_bytes));
            put(&mut end, [0x0706_4b50_u32, 0].map(u32::to_le_bytes));
            put(&mut end, [self.directory.end.to_le_bytes()]);
            put(&mut end, [1_u32.to_le_bytes()]);
        }
        let n_short = n_entries.min(MANY_ENTRIES) as u16;
        put(&mut end, [0x0605_4b50_u32.to_le_bytes()]);
        put(&mut end, [0, 0, n_short, n_short].map(u16::to_le_bytes));
        put(&mut end, [short(size), short(self.directory.start)].map(u32::to_le_bytes));
        put(&mut end, [0_u16.to_le_bytes()]);
        end
    }
}

/// A number, or all ones where its 64-bit form is elsewhere.
fn short(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn put<const N: usize, const M: usize>(bytes: &mut Vec<u8>, numbers: [[u8; N]; M]) {
    bytes.extend_from_slice(numbers.as_flattened());
}

/// What precedes a file (4.3.7).
fn local_header(entry: &Entry) -> Vec<u8> {
    let mut extra = Vec::new();
    let is_large = entry.size_bytes >= ZIP64_FROM;
    if is_large {
        put(&mut extra, [ZIP64_FIELD, 16].map(u16::to_le_bytes));
        put(&mut extra, [entry.size_bytes; 2].map(u64::to_le_bytes));
    }
    put_time(&mut extra, entry.modified_at);
    let mut header = 0x0403_4b50_u32.to_le_bytes().to_vec();
    put(&mut header, [NEEDS[usize::from(is_large)].to_le_bytes()]);
    put_common(&mut header, entry, &extra);
    header.extend_from_slice(entry.name.as_bytes());
    header.extend_from_slice(&extra);
    header
}

/// An entry of the central directory (4.3.12).
fn directory_header(own: &Placed) -> Vec<u8> {
    let Placed { entry, at, .. } = own;
    let (is_large, is_far) = (entry.size_bytes >= ZIP64_FROM, *at >= ZIP64_FROM);
    let mut large = Vec::new();
    if is_large {
        put(&mut large, [entry.size_bytes; 2].map(u64::to_le_bytes));
    }
    if is_far {
        put(&mut large, [at.to_le_bytes()]);
    }
    let mut extra = Vec::new();
    if !large.is_empty() {
        put(&mut extra, [ZIP64_FIELD, large.len() as u16].map(u16::to_le_bytes));
        extra.extend_from_slice(&large);
    }
    put_time(&mut extra, entry.modified_at);
    let needs = NEEDS[usize::from(is_large || is_far)];
    let mut header = 0x0201_4b50_u32.to_le_bytes().to_vec();
    put(&mut header, [MADE_ON_UNIX | needs, needs].map(u16::to_le_bytes));
    put_common(&mut header, entry, &extra);
    // No comment, the first disk, no text.
    put(&mut header, [0_u16.to_le_bytes(); 3]);
    put(&mut header, [ATTRIBUTES, short(*at)].map(u32::to_le_bytes));
    header.extend_from_slice(entry.name.as_bytes());
    header.extend_from_slice(&extra);
    header
}

/// The fields that both headers of an entry have.
fn put_common(header: &mut Vec<u8>, entry: &Entry, extra: &[u8]) {
    // Stored, without compression.
    put(header, [UTF8_NAMES, 0].map(u16::to_le_bytes));
    put(header, dos_time(entry.modified_at).map(u16::to_le_bytes));
    let size = short(entry.size_bytes);
    put(header, [entry.crc32, size, size].map(u32::to_le_bytes));
    let name = u16::try_from(entry.name.len()).unwrap_or(u16::MAX);
    put(header, [name, extra.len() as u16].map(u16::to_le_bytes));
}

/// The time in seconds since 1970, where it fits.
fn put_time(extra: &mut Vec<u8>, at: Timestamp) {
    if let Ok(seconds) = u32::try_from(at.unix_ms().div_euclid(1_000)) {
        put(extra, [TIME_FIELD, 5].map(u16::to_le_bytes));
        // The time of the last change alone.
        extra.push(1);
        put(extra, [seconds.to_le_bytes()]);
    }
}

/// Time and date in UTC as MS-DOS has them: 1980 to 2107, every other second.
fn dos_time(at: Timestamp) -> [u16; 2] {
    const DAY_S: i64 = 86_400;
    // 1980-01-01, and 2107-12-31 23:59:58.
    let seconds = at.unix_ms().div_euclid(1_000).clamp(315_532_800, 4_354_819_198);
    let (days, second) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
    // Howard Hinnant, "chrono-compatible low-level date algorithms": years begin with March.
    let shifted = days + 719_468;
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + shifted.div_euclid(146_097) * 400 + i64::from(month <= 2);
    let time = ((second / 3_600) << 11) | ((second / 60 % 60) << 5) | (second % 60 / 2);
    let date = ((year - 1980) << 9) | (month << 5) | day;
    [time as u16, date as u16]
}

#[cfg(test)]
mod tests;
