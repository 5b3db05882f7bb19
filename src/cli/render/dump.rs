//! `--dump-shot`: the shot in effect as a file, with the files that it names beside it where they have none of their
//! own.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use packshot_materials::library::Texture;
use packshot_pipeline::pictures::Pictures;
use packshot_pipeline::shot_file::write::{Dump, parts, texture_name, textures, write};
use packshot_pipeline::shot_file::{FileReference, Geometry, Noise, ShotLines};
use packshot_renderer::shot::{EnvironmentMap, environment};

use super::args::LutFile;
use super::shot::stem;
use super::source::{Origin, Subject};
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::interrupt::Interrupt;
use crate::cli::places::Places;

/// The settings in a shot file besides its product and its pictures.
pub(crate) struct DumpSettings<'a> {
    pub(crate) noise: Noise,
    pub(crate) lines: Option<&'a ShotLines>,
}

/// Writes the shot to `path`: all files of it, or none.
pub(crate) fn dump(
    path: &Path,
    subject: &Subject,
    pictures: &Pictures,
    settings: &DumpSettings<'_>,
    (places, interrupt): (&mut Places, &Interrupt),
) -> Result<(), Failure> {
    files::check_writable(path)?;
    let origin = &subject.origin;
    let mut beside = Beside { shot: path, places, new: Vec::new() };
    let geometry = Geometry { file: beside.product(origin)?, import: subject.product.import.clone() };
    let environment_file = pictures.environment_map().map(|map| beside.environment(origin, map)).transpose()?;
    let lut_file = origin.lut.as_ref().map(|lut| beside.lut(lut)).transpose()?;
    let worn = parts(&subject.product, &subject.materials);
    let texture_files: Vec<FileReference> =
        textures(&worn).into_iter().map(|texture| beside.texture(texture)).collect::<Result<_, _>>()?;
    let text = write(&Dump {
        name: &origin.name,
        library: subject.materials.library.as_deref(),
        geometry: &geometry,
        pictures,
        noise: settings.noise,
        lines: settings.lines,
        environment_file: environment_file.as_ref(),
        lut_file: lut_file.as_ref(),
        texture_files: &texture_files,
        parts: worn,
    })?;
    // The shot is last: it names no file that is not there.
    let written = beside.new.iter().map(|(path, bytes)| (path.as_path(), bytes.as_slice()));
    let written = written.chain([(path, text.as_bytes())]);
    let mut done: Vec<&Path> = Vec::new();
    for (path, bytes) in written {
        if let Err(failure) = files::write(path, bytes, interrupt) {
            // They are this run's own: nothing else had these places.
            done.iter().for_each(|path| _ = std::fs::remove_file(path));
            return Err(failure);
        }
        done.push(path);
    }
    Ok(())
}

/// The folder and name of the shot file, by which the others are named.
struct Beside<'a> {
    shot: &'a Path,
    places: &'a mut Places,
    /// Files to be written, whose places are free.
    new: Vec<(PathBuf, Vec<u8>)>,
}

impl Beside<'_> {
    /// The product's file: its own, or a copy where it has no path or a name that says nothing.
    fn product(&mut self, origin: &Origin) -> Result<FileReference, Failure> {
        let (glb, suffix) = (&origin.glb, if origin.glb.starts_with(b"glTF") { "product.glb" } else { "product.gltf" });
        let own = origin.glb_path.as_ref().and_then(|path| self.own(path, &["glb", "gltf"]));
        match own {
            Some(path) => Ok(FileReference::new(path, glb)),
            None => self.write(suffix, glb),
        }
    }

    /// The lookup table's file.
    fn lut(&mut self, LutFile { path, bytes }: &LutFile) -> Result<FileReference, Failure> {
        match self.own(path, &["cube"]) {
            Some(path) => Ok(FileReference::new(path, bytes)),
            None => self.write("lut.cube", bytes),
        }
    }

    /// A picture of a material. Libraries change; the shot has a copy.
    fn texture(&mut self, texture: &Texture) -> Result<FileReference, Failure> {
        self.write(&texture_name(texture), texture.bytes())
    }

    /// The environment map's file: its own, or a new one.
    fn environment(&mut self, origin: &Origin, map: &EnvironmentMap) -> Result<FileReference, Failure> {
        let own = origin.environment.as_ref().and_then(|(path, blake3)| {
            Some(FileReference { path: self.own(path, &["exr", "hdr"])?, blake3: blake3.clone() })
        });
        match own {
            Some(reference) => Ok(reference),
            None => {
                let bytes = environment::encode_exr(map).map_err(packshot::Error::from)?;
                self.write("environment.exr", &bytes)
            }
        }
    }

    /// The path of a file as the shot names it, if the file can be named: it is no stream, and ends as files of its
    /// kind do.
    fn own(&self, path: &Path, extensions: &[&str]) -> Option<String> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        let is_named = extensions.contains(&extension.as_str()) && !files::is_stream(path);
        relative(self.folder(), path).filter(|_| is_named)
    }

    fn folder(&self) -> &Path {
        self.shot.parent().unwrap_or(Path::new(""))
    }

    /// A file called like the shot. One that is there already stays: it is the same, or the new one has the beginning
    /// of its digest in its name, for another shot may need the old one, or a person.
    fn write(&mut self, suffix: &str, bytes: &[u8]) -> Result<FileReference, Failure> {
        if files::is_stream(self.shot) || files::is_special(self.shot) {
            let message =
                format!("the shot needs another file beside it ({suffix}), which {} cannot have", self.shot.display());
            return Err(Failure::usage(
                "conflict",
                message,
                "--dump-shot",
                "write the shot to a file, not to a stream or device",
            ));
        }
        let reference = FileReference::new(String::new(), bytes);
        let (name, extension) = suffix.rsplit_once('.').unwrap_or((suffix, ""));
        let stem = stem(self.shot);
        let with_digest = format!("{stem}.{name}-{}.{extension}", &reference.blake3[..DIGEST_DIGITS]);
        for name in [format!("{stem}.{suffix}"), with_digest] {
            let path = self.shot.with_file_name(&name);
            match std::fs::read(&path) {
                Ok(there) if there == bytes => return Ok(FileReference { path: name, ..reference }),
                Err(reason) if reason.kind() == ErrorKind::NotFound && !path.is_symlink() => {
                    self.places.write(&path, "--dump-shot")?;
                    self.new.push((path, bytes.to_owned()));
                    return Ok(FileReference { path: name, ..reference });
                }
                Ok(_) | Err(_) => {}
            }
        }
        let message =
            format!("the files that go beside {} would overwrite other files of the same names", self.shot.display());
        Err(Failure::usage("conflict", message, "--dump-shot", "give the shot another name"))
    }
}

/// Hexadecimal digits of a digest that keep files of one shot apart.
const DIGEST_DIGITS: usize = 8;

/// The path of a file as seen from a folder, with `/`; absolute where there is no way from one to the other, and `None`
/// where it is no text. The file keeps its name: what a link leads to may have another.
fn relative(folder: &Path, file: &Path) -> Option<String> {
    let absolute = |path: &Path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
    };
    let file = absolute(file.parent().unwrap_or(Path::new(""))).join(file.file_name()?);
    let folder = absolute(folder);
    let (from, to): (Vec<_>, Vec<_>) = (folder.components().collect(), file.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 || !matches!(from[0], Component::RootDir) {
        return file.to_str().map(str::to_owned);
    }
    let up = from[shared..].iter().map(|_| Some(".."));
    let down = to[shared..].iter().map(|component| component.as_os_str().to_str());
    Some(up.chain(down).collect::<Option<Vec<_>>>()?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_shot() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(root.path().join("shots/a")).expect("made");
        let file = root.path().join("product.glb");
        std::fs::write(&file, b"").expect("written");
        assert_eq!(relative(&root.path().join("shots/a"), &file).as_deref(), Some("../../product.glb"));
        assert_eq!(relative(root.path(), &file).as_deref(), Some("product.glb"));
    }
}
