//! Where pictures go and in which format, decided and checked before anything is rendered.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use packshot::picture::{Encoding, FileKind, Format};
use packshot::template::OutputTemplate;
use packshot_renderer::encode::Quality;

use super::args::OutputArgs;
use super::taken::Taken;
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::interrupt::Interrupt;
use crate::cli::options::ExrWord;
use crate::cli::places::Places;

/// A picture's place and format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) encoding: Encoding,
    /// More files of the same picture, as a template asks for them.
    pub(crate) more: Vec<(PathBuf, Encoding)>,
}

impl Target {
    fn new(path: PathBuf, encoding: Encoding) -> Self {
        Self { path, encoding, more: Vec::new() }
    }

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

    /// Writes all its files, and says how many bytes the first has.
    pub(crate) fn write(&self, taken: &Taken, interrupt: &Interrupt) -> Result<usize, Failure> {
        let encoded = |encoding: Encoding| taken.of(encoding.format).encode(encoding);
        let bytes = encoded(self.encoding)?;
        files::write(&self.path, &bytes, interrupt)?;
        for (path, encoding) in &self.more {
            files::write(path, &encoded(*encoding)?, interrupt)?;
        }
        Ok(bytes.len())
    }
}

/// The target of each input, named by its stem; empty when nothing is written.
pub(crate) fn targets(args: &OutputArgs, stems: &[String]) -> Result<Vec<Target>, Failure> {
    let Some(output) = &args.output else { return Ok(Vec::new()) };
    if files::is_stream(output) {
        if args.json {
            let message = "the picture and the JSON cannot both go to standard output";
            return Err(Failure::usage("conflict", message, "-o -", "write the picture to a file"));
        }
        one_input(stems, output)?;
        return Ok(vec![Target::new(output.clone(), encoding(args, named_kind(args)?, None)?)]);
    }
    if !is_folder(output) {
        one_input(stems, output)?;
        let target = Target::new(output.clone(), encoding_of_file(args, output)?);
        files::check_writable(output)?;
        return Ok(vec![target]);
    }
    let wishes = outputs(args)?;
    files::make_folder(output)?;
    let mut taken = HashSet::new();
    let mut file = |stem: &String, wish: &OutputTemplate| {
        let path = output.join(format!("{stem}{}.{}", wish.suffix, wish.extension));
        if !taken.insert(path.clone()) {
            let message = format!("two inputs would both be written to {}", path.display());
            return Err(Failure::usage("conflict", message, "-o", "render them into folders of their own"));
        }
        files::check_writable(&path)?;
        Ok((path, wish.encoding))
    };
    let target = |stem: &String| {
        let mut files = wishes.iter().map(|wish| file(stem, wish)).collect::<Result<Vec<_>, _>>()?;
        let (path, encoding) = files.remove(0);
        Ok(Target { path, encoding, more: files })
    };
    stems.iter().map(target).collect()
}

/// The formats that each picture will have, as far as the options tell; empty when nothing is written. Nothing is looked at or made.
pub(crate) fn formats(args: &OutputArgs) -> Vec<Format> {
    let Some(output) = &args.output else { return Vec::new() };
    let of_one = |encoding: Encoding| vec![encoding.format];
    let formats = match output {
        stream if files::is_stream(stream) => named_kind(args).and_then(|kind| encoding(args, kind, None)).map(of_one),
        folder if is_folder(folder) => {
            outputs(args).map(|wishes| wishes.iter().map(|wish| wish.encoding.format).collect())
        }
        file => encoding_of_file(args, file).map(of_one),
    };
    // The frames of movies are lossless pictures.
    formats.unwrap_or_else(|_| vec![Format::default()])
}

/// The files of each picture in a folder, at least one: those of the template, unless an option names a format. Options count for those of them that
/// they say something about.
fn outputs(args: &OutputArgs) -> Result<Vec<OutputTemplate>, Failure> {
    if args.of_template.is_empty() || args.format.is_some() {
        let kind = named_kind(args)?;
        let extension = kind.extensions()[0].to_owned();
        let encoding = encoding(args, kind, wish_of(args, kind))?;
        return Ok(vec![OutputTemplate { extension, suffix: String::new(), encoding }]);
    }
    let kind = |wish: &OutputTemplate| wish.encoding.format.kind();
    let means_none = |option: &str| args.of_template.iter().all(|wish| strangers(args, kind(wish)).contains(&option));
    let first = &args.of_template[0];
    if let Some(option) = strangers(args, kind(first)).into_iter().find(|option| means_none(option)) {
        return Err(says_nothing(option, kind(first)));
    }
    let with_options = |wish: &OutputTemplate| {
        Ok(OutputTemplate { encoding: with_options(args, kind(wish), Some(wish.encoding))?, ..wish.clone() })
    };
    args.of_template.iter().map(with_options).collect()
}

/// How a file of this name is written: where no option says it, as the template writes files of its extension.
fn encoding_of_file(args: &OutputArgs, path: &Path) -> Result<Encoding, Failure> {
    let kind = kind_of_file(args, path)?;
    encoding(args, kind, wish_of(args, kind))
}

/// How the template writes files of a kind.
fn wish_of(args: &OutputArgs, kind: FileKind) -> Option<Encoding> {
    args.of_template.iter().map(|wish| wish.encoding).find(|encoding| encoding.format.kind() == kind)
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

/// The kind that `--format` names, PNG without it.
fn named_kind(args: &OutputArgs) -> Result<FileKind, Failure> {
    args.format.as_deref().map_or(Ok(FileKind::Png), |name| kind(name, "--format"))
}

fn kind_of_file(args: &OutputArgs, path: &Path) -> Result<FileKind, Failure> {
    if args.format.is_some() {
        let message = "the format follows the file's extension";
        return Err(Failure::usage("conflict", message, "--format", "leave it out, or write to a folder or to `-`"));
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    kind(extension.as_deref().unwrap_or(""), "-o")
}

fn kind(name: &str, at: &str) -> Result<FileKind, Failure> {
    FileKind::by_extension(name).ok_or_else(|| {
        let known = FileKind::ALL.map(|kind| kind.extensions()[0]).join(", ");
        let (message, help) = match name {
            "" => (
                "the file's name has no extension, which says the format".to_owned(),
                format!("end it in one of {known}"),
            ),
            name => (format!("`{name}` is no format of pictures"), known),
        };
        Failure::usage("invalid_value", message, at, help)
    })
}

/// The options given that say nothing about a kind of files.
fn strangers(args: &OutputArgs, kind: FileKind) -> Vec<&'static str> {
    // An EXR has an option of its own.
    let has_depths = kind != FileKind::Exr && kind.bit_depths().len() > 1;
    let options = [
        ("--exr", args.exr.is_some() && kind != FileKind::Exr),
        ("--aov", !args.aov.is_empty() && kind != FileKind::Exr),
        ("--bit-depth", args.bit_depth.is_some() && !has_depths),
        ("--quality", args.quality.is_some() && !kind.has_quality()),
    ];
    options.into_iter().filter_map(|(option, is_strange)| is_strange.then_some(option)).collect()
}

fn says_nothing(option: &'static str, kind: FileKind) -> Failure {
    let help = if kind == FileKind::Exr && option == "--bit-depth" {
        "use --exr half or --exr float"
    } else {
        "leave it out, or choose a format that has it (--format, or the file's extension)"
    };
    Failure::usage("conflict", format!("`{option}` says nothing about {}", kind.a_file()), option, help)
}

/// The format with what the options say of it, and where they say nothing as `like`; an option that says nothing about it is a contradiction.
fn encoding(args: &OutputArgs, kind: FileKind, like: Option<Encoding>) -> Result<Encoding, Failure> {
    match strangers(args, kind).first() {
        Some(option) => Err(says_nothing(option, kind)),
        None => with_options(args, kind, like),
    }
}

/// The format with those options that say something about it.
fn with_options(args: &OutputArgs, kind: FileKind, like: Option<Encoding>) -> Result<Encoding, Failure> {
    let depth = args.bit_depth.as_deref().filter(|_| !strangers(args, kind).contains(&"--bit-depth"));
    let bits = match (kind, args.exr, depth) {
        (FileKind::Exr, Some(ExrWord::Float), _) => Some(32),
        (FileKind::Exr, Some(ExrWord::Half), _) => Some(16),
        (_, _, Some(depth)) => depth.parse().ok(),
        (_, _, None) => like.map(|like| like.format.bit_depth()),
    };
    let quality = args.quality.and_then(Quality::new).or_else(|| like.and_then(|like| like.format.quality()));
    let Some(format) = kind.format(bits, quality) else {
        let message = format!("{} does not have {} bits per channel", kind.a_file(), depth.unwrap_or_default());
        let depths: Vec<String> = kind.bit_depths().iter().map(u8::to_string).collect();
        return Err(Failure::usage("conflict", message, "--bit-depth", depths.join(" or ")));
    };
    Ok(Encoding { format, dpi: args.dpi.or(like.and_then(|like| like.dpi)) })
}
