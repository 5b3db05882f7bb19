//! Reading input and writing output: paths, `-` for the standard streams, and files that appear whole or not at all.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use packshot::error::Fault;
use packshot_materials::library::TEXTURE_BYTES_MAX;
use packshot_words::why_unread;
use tempfile::NamedTempFile;

use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;

/// What an input file is, for its error codes and the most bytes it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputKind {
    Glb,
    Map,
    Library,
    Shot,
    Environment,
    Lut,
    /// A picture of a material.
    Texture,
    /// A picture on a product.
    Design,
    Template,
    /// A request to the service.
    #[cfg(feature = "service")]
    Request,
    /// The lines of an order.
    #[cfg(feature = "service")]
    Sheet,
    /// A GLB or a STEP file for the service.
    #[cfg(feature = "service")]
    Cad,
}

impl InputKind {
    /// What its error codes begin with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Glb => "glb",
            Self::Map => "map",
            Self::Library | Self::Texture => "library",
            Self::Shot => "shot",
            Self::Environment => "env",
            Self::Lut => "lut",
            Self::Template => "template",
            Self::Design => "design",
            #[cfg(feature = "service")]
            Self::Request => "request",
            #[cfg(feature = "service")]
            Self::Sheet => "sheet",
            #[cfg(feature = "service")]
            Self::Cad => "glb",
        }
    }

    /// The format's own limit for a GLB (32-bit lengths); far beyond what is sensible for the others.
    pub(crate) fn bytes_max(self) -> u64 {
        match self {
            Self::Glb => u32::MAX.into(),
            Self::Environment => 2 << 30,
            Self::Texture => TEXTURE_BYTES_MAX as u64,
            Self::Map | Self::Library | Self::Shot | Self::Lut | Self::Template | Self::Design => 64 << 20,
            #[cfg(feature = "service")]
            Self::Request | Self::Sheet => 64 << 20,
            #[cfg(feature = "service")]
            Self::Cad => u32::MAX.into(),
        }
    }
}

/// Whether a path means a standard stream.
pub(crate) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// All bytes of a file, or of stdin for `-`.
pub(crate) fn read(path: &Path, kind: InputKind) -> Result<Vec<u8>, Failure> {
    let refused = |code: &str, message: String, help: &str| {
        let fault = Fault::new(format!("{}.{code}", kind.prefix()), message).at(path.display().to_string()).help(help);
        Failure::new(Exit::Input, fault)
    };
    if path.as_os_str().is_empty() {
        return Err(refused("file_missing", "the path of the file is empty".to_owned(), "give the path of a file"));
    }
    let bytes_max = kind.bytes_max();
    let read = |source: &mut dyn Read, is_endless: bool| match kind {
        InputKind::Glb => read_gltf(source, bytes_max, is_endless),
        _ => read_at_most(source, bytes_max),
    };
    let bytes = match is_stream(path) {
        true => read(&mut io::stdin().lock(), true),
        false => File::open(path).and_then(|mut file| read(&mut file, is_special(path))),
    };
    match bytes {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => {
            let max_mib = bytes_max.div_ceil(1 << 20);
            Err(refused("limit", format!("the file has more than {max_mib} MiB"), "give a smaller file"))
        }
        Err(reason) => {
            let (why, help) = not_readable(&reason);
            Err(refused("file_missing", format!("cannot be read: {why}"), help))
        }
    }
}

/// Why a file could not be read, and what to do about it.
fn not_readable(reason: &io::Error) -> (String, &'static str) {
    let help = match reason.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "check the path",
        io::ErrorKind::IsADirectory => "give the path of a file in it",
        io::ErrorKind::PermissionDenied => "make the file readable for the user who runs packshot",
        _ => "check the path and the disk",
    };
    (why_unread(reason), help)
}

/// A glTF file as [`read_at_most`], but of what cannot be one only the beginning, which is enough to refuse it; and of
/// a binary one whose source may be endless not more than it declares to have.
fn read_gltf(source: &mut dyn Read, bytes_max: u64, is_endless: bool) -> io::Result<Option<Vec<u8>>> {
    const HEADER_BYTES: u64 = 12;
    let mut bytes = Vec::new();
    source.take(HEADER_BYTES).read_to_end(&mut bytes)?;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes).trim_ascii_start();
    let limit = match bytes.as_slice() {
        [b'g', b'l', b'T', b'F', _, _, _, _, length @ ..] if is_endless => {
            length.try_into().map_or(0, |length| u64::from(u32::from_le_bytes(length)).min(bytes_max))
        }
        [b'g', b'l', b'T', b'F', ..] => bytes_max,
        _ if text.is_empty() || text.starts_with(b"{") => bytes_max,
        _ => return Ok(Some(bytes)),
    };
    let rest_max = limit.saturating_sub(bytes.len() as u64);
    let is_declared = is_endless && bytes.starts_with(b"glTF");
    source.take(rest_max + u64::from(!is_declared)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}

/// `None` when there is more.
pub(crate) fn read_at_most(source: &mut dyn Read, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    source.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}

/// Writes text to stdout, all at once. Who reads its beginning alone, such as `head`, has what was wanted.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(reason) if reason.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|reason| not_written("standard output", &reason)),
    }
}

/// Prints a value as one line of JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(format!("{}\n", to_json(value)?).as_bytes())
}

/// A value as JSON.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value)
        .map_err(|reason| Failure::new(Exit::Internal, Fault::new("internal", format!("no JSON: {reason}"))))
}

/// Fails early, before hours of rendering, when a file could not be written at the end.
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    if is_stream(path) || is_special(path) {
        return Ok(());
    }
    let names_a_folder = path.as_os_str().as_encoded_bytes().last().is_some_and(|&b| std::path::is_separator(b.into()));
    let tried = match path.is_dir() || names_a_folder {
        true => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        false => tempfile::tempfile_in(folder_of(path)).map(drop).map_err(|reason| io::Error::from(reason.kind())),
    };
    tried.map_err(|reason| not_written(&path.display().to_string(), &reason))
}

/// Makes sure that a folder for output is there.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|reason| not_written(&path.display().to_string(), &reason))
}

/// Puts a file in its place: whole, or not at all. An older file is replaced. `-` is stdout. Nothing is written once
/// somebody asked to stop.
pub(crate) fn write(path: &Path, bytes: &[u8], interrupt: &Interrupt) -> Result<(), Failure> {
    interrupt.check()?;
    if is_stream(path) {
        return print(bytes);
    }
    write_whole(path, bytes, interrupt)
}

/// The same for what must be said even then: what is finished. `-` is a file like others.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], interrupt: &Interrupt) -> Result<(), Failure> {
    let _until_done = interrupt.writing();
    let written = if is_special(path) { std::fs::write(path, bytes) } else { replace(path, bytes) };
    written.map_err(|reason| not_written(&path.display().to_string(), &reason))
}

/// A temporary file beside it, on the disk, then renamed.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Where the path is a link, the file it leads to is replaced and the link stays.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut file = begin(&path)?;
    file.as_file_mut().write_all(bytes)?;
    end(file, &path)
}

/// A temporary file beside a path, which is gone again unless it is put there.
pub(crate) fn begin(path: &Path) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".packshot-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file: everybody, less what the process's mask takes away.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    // Errors that name the temporary file would only puzzle.
    builder.tempfile_in(&folder).map_err(|reason| io::Error::from(reason.kind()))
}

/// Puts a temporary file that is finished in its place. An older one is replaced.
pub(crate) fn end(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder_of(path);
    Ok(())
}

/// A new name must survive a crash too. Not every system can sync a folder.
fn sync_folder_of(path: &Path) {
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
}

/// Puts a finished file, on the same disk, in its place. An older one is replaced.
pub(crate) fn move_whole(from: &Path, to: &Path, interrupt: &Interrupt) -> Result<(), Failure> {
    let _until_done = interrupt.writing();
    let moved = File::open(from).and_then(|file| file.sync_all()).and_then(|()| std::fs::rename(from, to));
    moved.map_err(|reason| not_written(&to.display().to_string(), &reason))?;
    sync_folder_of(to);
    Ok(())
}

/// A device, pipe or socket: written into, never replaced.
pub(crate) fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// The one path of a file, whether it is there or not, however it is written: absolute, without links.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let of_new = || Some(folder_of(path).canonicalize().ok()?.join(path.file_name()?));
    let found = path.canonicalize().ok().or_else(of_new).or_else(|| std::path::absolute(path).ok());
    found.unwrap_or_else(|| path.to_owned())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Why something could not be written.
pub(crate) fn not_written(at: &str, reason: &io::Error) -> Failure {
    let help = match reason.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space, or write to another disk",
        io::ErrorKind::BrokenPipe => "keep the program that reads this open until everything is written",
        _ => "give a path in a folder that exists and that you may write to",
    };
    let why = match reason.kind() {
        io::ErrorKind::NotFound if folder_of(Path::new(at)).is_dir() => "its folder takes no such file".to_owned(),
        io::ErrorKind::NotFound => "its folder does not exist".to_owned(),
        io::ErrorKind::IsADirectory => "this is a folder".to_owned(),
        io::ErrorKind::NotADirectory => "its path goes through a file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the quota of the disk is used up".to_owned(),
        _ => reason.to_string(),
    };
    let fault = Fault::new("output.not_written", format!("cannot be written: {why}")).at(at);
    Failure::new(Exit::Output, fault.help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.png");
        let interrupt = Interrupt::default();
        for bytes in [&b"first"[..], b"2"] {
            write(&path, bytes, &interrupt).expect("written");
            assert_eq!(std::fs::read(&path).expect("there"), bytes);
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "no temporary file stays");
        let missing = folder.path().join("no/such/a.png");
        assert_eq!(check_writable(&missing).expect_err("no folder").exit, Exit::Output);
        assert_eq!(write(&missing, b"x", &interrupt).expect_err("no folder").exit, Exit::Output);
        assert_eq!(check_writable(folder.path()).expect_err("a folder").exit, Exit::Output);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_devices_devices() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("real.png"), folder.path().join("link.png"));
        std::fs::write(&file, b"old").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        write(&link, b"new", &Interrupt::default()).expect("written");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&file).expect("there"), b"new");
        write(Path::new("/dev/null"), b"nothing", &Interrupt::default()).expect("written");
        assert!(is_special(Path::new("/dev/null")));
    }

    #[test]
    fn what_is_no_gltf_is_not_read_to_its_end() {
        let read = |bytes: &[u8], is_endless| {
            let mut source = bytes.chain(io::repeat(0)).take(1 << 20);
            read_gltf(&mut source, 1000, is_endless).expect("read").map(|bytes| bytes.len())
        };
        assert_eq!(read(b"", false), Some(12), "zeros");
        assert_eq!(read(b"\x89PNG\r\n\x1a\n....", true), Some(12));
        let binary = |length: u32| [b"glTF\x02\0\0\0", &length.to_le_bytes()[..]].concat();
        assert_eq!(read(&binary(100), true), Some(100), "a stream ends where it declares to");
        assert_eq!(read(&binary(u32::MAX), true), Some(1000));
        assert_eq!(read(&binary(100), false), None, "a file is read as a whole");
        assert_eq!(read(&binary(3), true), Some(12));
        assert_eq!(read(b"\xEF\xBB\xBF {\"asset\"", true), None);
        assert_eq!(read_gltf(&mut &b" {}"[..], 1000, true).expect("read"), Some(b" {}".to_vec()));
    }

    #[test]
    fn too_long_is_not_truncated() {
        assert_eq!(read_at_most(&mut &b"abc"[..], 3).expect("read"), Some(b"abc".to_vec()));
        assert_eq!(read_at_most(&mut &b"abcd"[..], 3).expect("read"), None);
    }
}
