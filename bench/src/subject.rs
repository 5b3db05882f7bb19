//! A shot, read: what all renderers are given.
//!
//! Input: the path of a shot file. Output: a [`Subject`], with the files that renderers read in a folder of its own.

use std::path::{Path, PathBuf};

use glam::DVec3;
use packshot_pipeline::error::{Error, ErrorKind, Fault};
use packshot_pipeline::pictures::Pictures;
use packshot_pipeline::product::{PartMaterials, Product};
use packshot_pipeline::request::PartFilter;
use packshot_pipeline::shot_file::write::{Dump, parts, texture_name, textures, write};
use packshot_pipeline::shot_file::{self, FileReference, FilmOverrides, Geometry, Noise, ShotFile};
use packshot_renderer::backend::CancelToken;
use packshot_renderer::shot::Shot;
use packshot_renderer::shot::turntable::{Turntable, TurntableShots};

use crate::peer_scene;

/// A shot and the files of it.
#[derive(Debug)]
pub struct Subject {
    /// Its name in reports.
    pub name: String,
    /// The shot file.
    pub shot: PathBuf,
    /// The same shot as that of a turntable.
    pub turntable: PathBuf,
    /// The same for peers.
    pub peer_scene: PathBuf,
    /// What is in the shot file.
    pub still: Shot,
    /// Its product.
    pub product: Product,
    /// The materials of the product's parts.
    pub materials: PartMaterials,
    /// Triangles that are seen, each instance counted.
    pub triangles: u64,
}

impl Subject {
    /// Reads a shot, and writes what renderers need of it into `folder`; `frames` are those of its turntable.
    ///
    /// # Errors
    /// `shot.…`, `glb.…`, `env.…`; `usage.conflict` for a shot of several pictures; `output.not_written`.
    pub fn read(path: &Path, folder: &Path, frames: u32, cancel: &CancelToken) -> Result<Self, Error> {
        // Renderers may start elsewhere.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder_of_shot = path.parent().unwrap_or(Path::new("")).to_owned();
        let bytes = std::fs::read(&path).map_err(|reason| {
            let fault = Fault::new("shot.file_missing", format!("cannot be read: {reason}"));
            Error::new(ErrorKind::Input, fault.help("check the path"))
        })?;
        let mut open = |name: &str| std::fs::read(folder_of_shot.join(name));
        let file = shot_file::read(&bytes, &name, &FilmOverrides::default(), &mut open)?;
        let mut product = Product::import(&file.glb, &file.geometry.import, &PartFilter::default(), cancel)?;
        let materials = PartMaterials::of_shot(&file, &mut product)?;
        let Pictures::Still(still) = &file.pictures else {
            let message = "the shot has several pictures";
            let help = "the benchmark takes shots of one picture: `packshot render … --dump-shot FILE` writes one";
            return Err(Error::new(ErrorKind::Request, Fault::new("usage.conflict", message).help(help)));
        };
        let still = Shot::clone(still);
        let scene = &product.scene;
        let center = scene.bounds().map_or(DVec3::ZERO, |bounds| 0.5 * (bounds.min + bounds.max));
        let of_part = |part: &packshot_renderer::scene::Part| scene.meshes[part.mesh.0 as usize].triangle_count();
        let triangles = scene.parts.iter().map(of_part).sum();
        let subject = Self {
            turntable: folder.join("turntable.json"),
            peer_scene: folder.join("scene.json"),
            name,
            shot: path,
            still,
            triangles,
            product,
            materials,
        };
        let turntable = Turntable { frames, ..Turntable::default() };
        let text =
            subject.turntable(&file, &folder_of_shot, TurntableShots::new(turntable, center, subject.still.clone()))?;
        std::fs::create_dir_all(folder).map_err(|reason| not_written(folder, &reason))?;
        std::fs::write(&subject.turntable, text).map_err(|reason| not_written(&subject.turntable, &reason))?;
        peer_scene::write(&subject, center).map_err(|reason| not_written(&subject.peer_scene, &reason))?;
        Ok(subject)
    }

    /// The shot file of a turn.
    fn turntable(&self, file: &ShotFile, folder: &Path, shots: TurntableShots) -> Result<String, Error> {
        let found = |file: &FileReference| {
            let path = folder.join(&file.path).to_string_lossy().into_owned();
            FileReference { path, blake3: file.blake3.clone() }
        };
        let geometry = Geometry { file: found(&file.geometry.file), import: file.geometry.import.clone() };
        let worn = parts(&self.product, &self.materials);
        let mut texture_files = Vec::new();
        for texture in textures(&worn) {
            let path = self.turntable.with_file_name(texture_name(texture));
            std::fs::write(&path, texture.bytes()).map_err(|reason| not_written(&path, &reason))?;
            texture_files.push(FileReference::new(texture_name(texture), texture.bytes()));
        }
        write(&Dump {
            name: &self.name,
            library: self.materials.library.as_deref(),
            geometry: &geometry,
            pictures: &Pictures::Turntable { shots: Box::new(shots), fps: 24 },
            noise: Noise::default(),
            lines: None,
            environment_file: file.environment_file.as_ref().map(found).as_ref(),
            lut_file: file.lut_file.as_ref().map(|(file, _)| found(file)).as_ref(),
            texture_files: &texture_files,
            parts: worn,
        })
    }
}

/// The code of files that cannot be written.
pub const NOT_WRITTEN: &str = "output.not_written";

/// A file of the benchmark that is not there.
pub(crate) fn not_written(path: &Path, reason: &std::io::Error) -> Error {
    let fault = Fault::new(NOT_WRITTEN, format!("cannot be written: {reason}"));
    let help = "give a folder that you may write to, on a disk with free space";
    Error::new(ErrorKind::Input, fault.at(path.display().to_string()).help(help))
}
