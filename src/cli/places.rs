//! The files that a command reads and writes. None that is written may be one that is read, or that is written as
//! something else: it would be lost, without a word and after hours of rendering.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::files;

/// Files that have a use, each by a path that is the same for every way to write it (`-` for a standard stream), with
/// the option or argument that gives it that use.
#[derive(Debug, Default)]
pub(crate) struct Places {
    read: HashMap<PathBuf, &'static str>,
    written: HashMap<PathBuf, &'static str>,
}

impl Places {
    /// A file is read.
    ///
    /// # Errors
    /// `usage.conflict` when it is standard input for the second time, or a file that is written.
    pub(crate) fn read(&mut self, path: &Path, option: &'static str) -> Result<(), Failure> {
        let Some(place) = place(path) else { return Ok(()) };
        if files::is_stream(path) {
            if let Some(other) = self.read.get(&place) {
                let message = format!("{other} and {option} cannot both be read from standard input");
                return Err(Failure::usage("conflict", message, option, "give one of them as a file"));
            }
        } else if let Some(written) = self.written.get(&place) {
            return Err(replaces(written, option, path));
        }
        self.read.entry(place).or_insert(option);
        Ok(())
    }

    /// A file, or standard output, is written.
    ///
    /// # Errors
    /// `usage.conflict` when something else is written there, or it is a file that is read.
    pub(crate) fn write(&mut self, path: &Path, option: &'static str) -> Result<(), Failure> {
        let Some(place) = place(path) else { return Ok(()) };
        if let Some(other) = self.written.get(&place) {
            let message = format!("{other} and {option} cannot both go to {}", path.display());
            return Err(Failure::usage("conflict", message, option, "give each its own file"));
        }
        if let Some(read) = self.read.get(&place).filter(|_| !files::is_stream(path)) {
            return Err(replaces(option, read, path));
        }
        self.written.insert(place, option);
        Ok(())
    }
}

/// `None` for devices and pipes, which lose nothing.
fn place(path: &Path) -> Option<PathBuf> {
    if files::is_stream(path) {
        return Some(path.to_owned());
    }
    (!files::is_special(path)).then(|| files::resolved(path))
}

fn replaces(written: &'static str, read: &'static str, path: &Path) -> Failure {
    let message = format!("{written} would overwrite {}, which is read as {read}", path.display());
    Failure::usage("conflict", message, written, "write to another file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_however_its_path_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("product.glb");
        std::fs::write(&file, b"x").expect("written");
        std::fs::create_dir(folder.path().join("sub")).expect("made");
        let detour = folder.path().join("sub/../product.glb");
        let mut places = Places::default();
        places.read(&file, "<INPUT>").expect("nothing is written yet");
        places.read(&file, "--light").expect("what is read twice stays");
        let failure = places.write(&detour, "-o").expect_err("it would be lost");
        assert!(failure.faults[0].message.ends_with("which is read as <INPUT>"), "{failure:?}");
        // What is not there yet has a place too.
        places.write(&folder.path().join("a.png"), "-o").expect("free");
        places.write(&folder.path().join("sub/../a.png"), "--report").expect_err("taken");
        places.read(&folder.path().join("a.png"), "--shot").expect_err("it would be lost");
    }

    #[test]
    fn standard_streams_have_one_use_each_and_devices_any() {
        let mut places = Places::default();
        for path in ["/dev/null", "/dev/null"] {
            places.write(Path::new(path), "-o").expect("nothing is lost");
        }
        places.read(Path::new("-"), "<INPUT>").expect("free");
        places.write(Path::new("-"), "-o").expect("another stream");
        places.read(Path::new("-"), "--material-map").expect_err("it is read once");
        places.write(Path::new("-"), "--report").expect_err("it is written once");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_what_it_leads_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("a.png"), folder.path().join("b.json"));
        std::fs::write(&file, b"x").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        let mut places = Places::default();
        places.write(&file, "-o").expect("free");
        places.write(&link, "--report").expect_err("taken");
    }
}
