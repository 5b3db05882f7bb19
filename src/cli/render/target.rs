//! Where pictures go, decided and checked before anything is rendered.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use packshot::picture::Encoding;
use packshot::plan::{Output, PlannedFile};
use packshot::taken::Taken;

use super::args::OutputArgs;
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::interrupt::Interrupt;
use crate::cli::places::Places;

/// A picture's place and format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) encoding: Encoding,
    /// More files of the same picture.
    pub(crate) more: Vec<(PathBuf, Encoding)>,
}

impl Target {
    /// Its file, as results name it.
    pub(crate) fn output(&self) -> String {
        self.path.display().to_string()
    }

    /// The files beside it.
    pub(crate) fn more_outputs(&self) -> Vec<String> {
        self.more.iter().map(|(path, _)| path.display().to_string()).collect()
    }

    /// Takes its files into the places of the command.
    pub(crate) fn take_places(&self, places: &mut Places) -> Result<(), Failure> {
        let more = self.more.iter().map(|(path, _)| path);
        [&self.path].into_iter().chain(more).try_for_each(|path| places.write(path, "-o"))
    }

    /// Those of its files that hold the picture as it was sampled, where others have it without its noise.
    pub(crate) fn noisy_outputs(&self, taken: &Taken) -> Vec<String> {
        let files = [(&self.path, &self.encoding)].into_iter().chain(self.more.iter().map(|(path, how)| (path, how)));
        let noisy = files.filter(|(_, encoding)| taken.is_noisy_in(encoding.format));
        noisy.map(|(path, _)| path.display().to_string()).collect()
    }

    /// Fails when pictures of this size have no place in one of the formats.
    pub(crate) fn check_size(&self, size_px: [u32; 2]) -> Result<(), Failure> {
        let more = self.more.iter().map(|(_, encoding)| encoding);
        [&self.encoding].into_iter().chain(more).try_for_each(|encoding| Ok(encoding.format.check_size(size_px)?))
    }

    /// Writes all its files, and gives the bytes of the first.
    pub(crate) fn write(&self, taken: &Taken, interrupt: &Interrupt) -> Result<Vec<u8>, Failure> {
        let encoded = |encoding: Encoding| taken.of(encoding.format).encode(encoding);
        let bytes = encoded(self.encoding)?;
        files::write(&self.path, &bytes, interrupt)?;
        for (path, encoding) in &self.more {
            files::write(path, &encoded(*encoding)?, interrupt)?;
        }
        Ok(bytes)
    }
}

/// The target of each picture, named by its stem; empty when nothing is written.
pub(crate) fn targets(args: &OutputArgs, planned: &[PlannedFile], stems: &[String]) -> Result<Vec<Target>, Failure> {
    let Some(output) = &args.output else { return Ok(Vec::new()) };
    let encoded = planned.iter().filter_map(|file| match file.output {
        Output::Picture(encoding) => Some((file, encoding)),
        Output::Movie(_) | Output::Archive(_) => None,
    });
    let encoded: Vec<(&PlannedFile, Encoding)> = encoded.collect();
    let Some((_, first)) = encoded.first() else {
        let message = "this command writes pictures, not an archive of them";
        return Err(Failure::usage("conflict", message, "--format", "choose a picture format, such as png"));
    };
    if !is_folder(output) {
        if files::is_stream(output) && args.json {
            let message = "the picture and the JSON cannot both go to standard output";
            return Err(Failure::usage("conflict", message, "-o -", "write the picture to a file"));
        }
        one_input(stems, output)?;
        if !files::is_stream(output) {
            files::check_writable(output)?;
        }
        return Ok(vec![Target { path: output.clone(), encoding: *first, more: Vec::new() }]);
    }
    let mut taken = HashSet::new();
    let mut place = |stem: &String, (file, encoding): &(&PlannedFile, Encoding)| {
        let path = output.join(format!("{stem}{}.{}", file.suffix, file.extension));
        if !taken.insert(path.clone()) {
            let message = format!("two inputs would both be written to {}", path.display());
            return Err(Failure::usage("conflict", message, "-o", "render them into separate folders"));
        }
        Ok((path, *encoding))
    };
    let target = |stem: &String| {
        let mut files = encoded.iter().map(|file| place(stem, file)).collect::<Result<Vec<_>, _>>()?;
        let (path, encoding) = files.remove(0);
        Ok(Target { path, encoding, more: files })
    };
    let targets = stems.iter().map(target).collect::<Result<Vec<Target>, Failure>>()?;
    // A command line that is wrong leaves no empty folder.
    files::make_folder(output)?;
    for Target { path, more, .. } in &targets {
        [path].into_iter().chain(more.iter().map(|(path, _)| path)).try_for_each(|path| files::check_writable(path))?;
    }
    Ok(targets)
}

/// What ends in a separator, or is there already as a folder.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().last().is_some_and(|&b| std::path::is_separator(b.into()))
}

fn one_input(stems: &[String], output: &Path) -> Result<(), Failure> {
    if stems.len() == 1 {
        return Ok(());
    }
    let message = format!("{} inputs cannot all be written to {}", stems.len(), output.display());
    Err(Failure::usage("conflict", message, "-o", "give a folder: -o DIR/"))
}
