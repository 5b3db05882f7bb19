//! `--dump-shot`: the shot in effect as a file, with the files that it names beside it where they have none of their own.

use std::path::{Component, Path, PathBuf};

use packshot_renderer::shot::document::write::{Dump, write};
use packshot_renderer::shot::document::{FileReference, Geometry};
use packshot_renderer::shot::{Environment, Shot, environment};

use super::source::{Origin, Subject, shot_stem};
use crate::cli::failure::Failure;
use crate::cli::files::{self, InputKind};
use crate::cli::interrupt::Interrupt;
use crate::cli::places::Places;

/// Writes the shot to `path`; `denoise` says whether its noise is removed.
pub(crate) fn dump(
    path: &Path,
    subject: &Subject,
    shot: &Shot,
    denoise: bool,
    (places, interrupt): (&mut Places, &Interrupt),
) -> Result<(), Failure> {
    let origin = &subject.origin;
    let mut beside = Beside { shot: path, places, interrupt };
    let geometry = Geometry { file: beside.product(origin)?, up_axis: origin.up_axis, unit_scale: origin.unit_scale };
    let environment_file = beside.environment(origin, &shot.environment)?;
    let hidden = packshot_pipeline::dump::hidden();
    let parts = packshot_pipeline::dump::parts(&subject.product, &subject.materials, &hidden);
    let text = write(&Dump {
        name: &origin.name,
        geometry: &geometry,
        shot,
        denoise,
        environment_file: environment_file.as_ref(),
        left_out: &origin.left_out,
        parts: &parts,
    });
    files::write(path, text.as_bytes(), interrupt)
}

/// The folder and name of the shot file, by which the others are named.
struct Beside<'a> {
    shot: &'a Path,
    places: &'a mut Places,
    interrupt: &'a Interrupt,
}

impl Beside<'_> {
    /// The product's file: its own, or a copy where it has no path or is no binary glTF.
    fn product(&mut self, origin: &Origin) -> Result<FileReference, Failure> {
        let is_glb = |path: &&PathBuf| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("glb"));
        match origin.glb_path.as_ref().filter(is_glb) {
            Some(path) => Ok(self.reference(path, &origin.glb)),
            None => self.write("product.glb", &as_glb(&origin.glb)),
        }
    }

    /// The environment map's file: its own, or a new one.
    fn environment(&mut self, origin: &Origin, environment: &Environment) -> Result<Option<FileReference>, Failure> {
        let Environment::LatLong { map, .. } = environment else { return Ok(None) };
        match &origin.environment_path {
            Some(path) => Ok(Some(self.reference(path, &files::read(path, InputKind::Environment)?))),
            None => {
                let bytes = environment::encode_exr(map).map_err(packshot::Error::from)?;
                self.write("environment.exr", &bytes).map(Some)
            }
        }
    }

    fn reference(&self, path: &Path, bytes: &[u8]) -> FileReference {
        let folder = self.shot.parent().unwrap_or(Path::new(""));
        FileReference { path: relative(folder, path), blake3: blake3::hash(bytes).to_hex().to_string() }
    }

    /// Writes a file called like the shot.
    fn write(&mut self, suffix: &str, bytes: &[u8]) -> Result<FileReference, Failure> {
        if files::is_stream(self.shot) {
            let message =
                format!("the shot needs a file beside it ({suffix}), and standard output has no place for one");
            return Err(Failure::usage("conflict", message, "--dump-shot -", "give a file"));
        }
        let path = self.shot.with_file_name(format!("{}.{suffix}", shot_stem(self.shot)));
        self.places.write(&path, "--dump-shot")?;
        files::write(&path, bytes, self.interrupt)?;
        Ok(self.reference(&path, bytes))
    }
}

/// A glTF's JSON text as a binary glTF with one chunk; a binary glTF as it is.
fn as_glb(bytes: &[u8]) -> Vec<u8> {
    if bytes.starts_with(b"glTF") {
        return bytes.to_vec();
    }
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let padded = text.len().next_multiple_of(4);
    // Files are read up to 4 GiB, and data URIs never come near that.
    let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut glb = Vec::with_capacity(20 + padded);
    for part in [&b"glTF"[..], &2_u32.to_le_bytes(), &length(20 + padded), &length(padded), b"JSON", text] {
        glb.extend_from_slice(part);
    }
    glb.resize(20 + padded, b' ');
    glb
}

/// The path of a file as seen from a folder, with `/`. Absolute where there is no way from one to the other.
fn relative(folder: &Path, file: &Path) -> String {
    let absolute = |path: &Path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
    };
    let (folder, file) = (absolute(folder), absolute(file));
    let (from, to): (Vec<_>, Vec<_>) = (folder.components().collect(), file.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 || !matches!(from[0], Component::RootDir) {
        return file.to_string_lossy().into_owned();
    }
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..].iter().map(|component| component.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
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
        assert_eq!(relative(&root.path().join("shots/a"), &file), "../../product.glb");
        assert_eq!(relative(root.path(), &file), "product.glb");
    }

    #[test]
    fn gltf_text_becomes_one_chunk() {
        let glb = as_glb(b"{\"asset\":{}}  ");
        assert_eq!(glb.len() % 4, 0);
        assert_eq!(glb[8..12], u32::try_from(glb.len()).expect("small").to_le_bytes());
        assert_eq!(&glb[12..20], &[16, 0, 0, 0, b'J', b'S', b'O', b'N']);
        assert_eq!(as_glb(&glb), glb);
    }
}
