use std::io::{self, Read, Seek, SeekFrom, Write};
use std::process::Command;

use proptest::prelude::*;
use zip::ZipArchive;

use super::*;

const AT: Timestamp = Timestamp::from_unix_ms(1_795_089_845_500);

/// An archive that is nowhere: files have zeros.
struct Sparse<'l> {
    layout: &'l Layout,
    at: u64,
}

impl Read for Sparse<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = match self.layout.piece(self.at) {
            None => 0,
            Some(Piece::Own(bytes)) => {
                let n = bytes.len().min(out.len());
                out[..n].copy_from_slice(&bytes[..n]);
                n
            }
            Some(Piece::OfFile { range, .. }) => {
                let n = usize::try_from(range.end - range.start).expect("64 bits").min(out.len());
                out[..n].fill(0);
                n
            }
        };
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Sparse<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.layout.size_bytes().saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

fn zeros(name: &str, size_bytes: u64) -> Entry {
    // Only of a small file is the CRC ever compared here.
    let crc32 = if size_bytes < 1 << 20 { crc_of(&vec![0; size_bytes as usize]) } else { 0 };
    Entry { name: name.to_owned(), size_bytes, crc32, modified_at: AT }
}

fn crc_of(bytes: &[u8]) -> u32 {
    packshot_domain::hash::Digests::of(bytes).crc32
}

/// The whole archive, with zeros for the files.
fn whole(layout: &Layout) -> Vec<u8> {
    let mut bytes = Vec::new();
    Sparse { layout, at: 0 }.read_to_end(&mut bytes).expect("memory");
    bytes
}

#[test]
fn m45_archives_beyond_4_gib_open_and_files_behind_them_are_found() {
    let layout = Layout::of(vec![
        zeros("P/first.png", 100),
        zeros("P/large.exr", 5 << 30),
        zeros("P/Gehäuse.png", 200),
        zeros("P/empty.png", 0),
    ]);
    assert!(layout.size_bytes() > 5 << 30);
    let mut zip = ZipArchive::new(Sparse { layout: &layout, at: 0 }).expect("an archive");
    assert_eq!(zip.len(), 4);
    for (name, size_bytes) in
        [("P/first.png", 100), ("P/large.exr", 5 << 30), ("P/Gehäuse.png", 200), ("P/empty.png", 0)]
    {
        let mut file = zip.by_name(name).expect("in it");
        assert_eq!(file.size(), size_bytes, "{name}");
        if size_bytes < 1 << 20 {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).expect("its CRC fits");
            assert_eq!(bytes, vec![0; bytes.len()]);
        }
        assert_eq!(file.last_modified().expect("a time").to_string(), "2026-11-19 12:04:04", "{name}: in UTC");
    }
    // The same as a file on the disk, which has holes where the large one is.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.zip");
    let mut file = std::fs::File::create(&path).expect("made");
    let mut at = 0;
    while let Some(piece) = layout.piece(at) {
        match piece {
            Piece::Own(bytes) => {
                file.write_all(&bytes).expect("written");
                at += bytes.len() as u64;
            }
            Piece::OfFile { range, .. } => {
                at += range.end - range.start;
                file.seek(SeekFrom::Start(at)).expect("a hole");
            }
        }
    }
    assert_eq!(file.metadata().expect("known").len(), layout.size_bytes());
    let read = "import sys, zipfile\n\
                with zipfile.ZipFile(sys.argv[1]) as z:\n    \
                print([(i.filename, i.file_size) for i in z.infolist()], len(z.read('P/Gehäuse.png')))";
    let python = Command::new("python3").args(["-c", read]).arg(&path).output().expect("python3 is there");
    let told = String::from_utf8_lossy(&python.stdout).into_owned();
    assert!(python.status.success(), "{told}{}", String::from_utf8_lossy(&python.stderr));
    assert!(told.contains("('P/large.exr', 5368709120)") && told.trim().ends_with(" 200"), "{told}");
}

#[test]
fn m43_the_time_of_an_entry_is_utc() {
    for (ms, expected) in [
        (0, [0, (1 << 5) | 1]),
        (315_532_800_000, [0, (1 << 5) | 1]),
        // 2000-02-29 12:34:56.
        (951_827_696_000, [(12 << 11) | (34 << 5) | 28, (20 << 9) | (2 << 5) | 29]),
        (i64::from(u32::MAX) * 10_000, [(23 << 11) | (59 << 5) | 29, (127 << 9) | (12 << 5) | 31]),
    ] {
        assert_eq!(dos_time(Timestamp::from_unix_ms(ms)), expected, "{ms}");
    }
}

proptest! {
    #[test]
    fn m44_any_part_of_an_archive_is_that_of_the_whole(
        files in prop::collection::vec(("[a-z]{1,9}", 0_u64..300), 1..9),
        (from, until) in (0.0..1.0_f64, 0.0..1.0_f64),
    ) {
        let numbered = (0..).zip(&files).map(|(n, (name, size_bytes))| zeros(&format!("{n}/{name}"), *size_bytes));
        let layout = Layout::of(numbered.collect());
        let bytes = whole(&layout);
        prop_assert_eq!(bytes.len() as u64, layout.size_bytes());
        let place = |part: f64| (part * bytes.len() as f64) as usize;
        let (from, until) = (place(from.min(until)), place(from.max(until)));
        let mut part = vec![0; until - from];
        let mut reading = Sparse { layout: &layout, at: from as u64 };
        reading.read_exact(&mut part).expect("there");
        prop_assert_eq!(&part[..], &bytes[from..until]);
        let mut zip = ZipArchive::new(io::Cursor::new(&bytes)).expect("an archive");
        prop_assert_eq!(zip.len(), files.len());
        for at in 0..files.len() {
            io::copy(&mut zip.by_index(at).expect("an entry"), &mut io::sink()).expect("its CRC fits");
        }
    }
}
