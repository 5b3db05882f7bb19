//! `--shot`: pictures as a shot file says them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use packshot::error::Error;
use packshot::plan::{Kind, Names, OptionId, Options, Series};
use packshot::product::{PartMaterials, Product};
use packshot::request::PartFilter;
use packshot_pipeline::pictures::Pictures;
use packshot_pipeline::shot_file::{self, FilmOverrides, ShotFile};
use packshot_renderer::backend::CancelToken;
use packshot_renderer::import::ImportOptions;
use packshot_renderer::inspect::{unseen, weak_lights};
use packshot_renderer::shot::Shot;
use packshot_words::why_unread;

use super::args::{LutFile, PictureArgs, Planned};
use super::source::{Origin, Subject};
use crate::cli::failure::Failure;
use crate::cli::files::{self, InputKind};
use crate::cli::places::Places;
use crate::cli::table::CommandNames;

/// What may stand beside a shot: how it is sampled and written, and lines. All else the shot says itself.
const BESIDE: [OptionId; 22] = [
    OptionId::Width,
    OptionId::Height,
    OptionId::Samples,
    OptionId::NoiseThreshold,
    OptionId::MaxTimeS,
    OptionId::Seed,
    OptionId::Denoise,
    OptionId::Look,
    OptionId::Fps,
    OptionId::Formats,
    OptionId::BitDepth,
    OptionId::Exr,
    OptionId::Quality,
    OptionId::Dpi,
    OptionId::Aovs,
    OptionId::Device,
    OptionId::Edges,
    OptionId::Wireframe,
    OptionId::LinesOnly,
    OptionId::LineWidthPx,
    OptionId::LineColor,
    OptionId::CreaseDeg,
];

/// A shot file, read.
#[derive(Clone, Debug)]
pub(crate) struct OpenShot {
    path: PathBuf,
    pub(crate) file: ShotFile,
}

impl OpenShot {
    /// Reads the shot that is asked for, with the files that it names.
    ///
    /// # Errors
    /// `shot.…`; `usage.conflict` for options that the shot says itself, and for a shot of another command.
    pub(crate) fn read(path: Option<&Path>, args: &PictureArgs, kind: Kind) -> Result<Option<Self>, Failure> {
        let Some(path) = path else { return Ok(None) };
        if let Some(id) = args.options.ids().find(|id| !BESIDE.contains(id)) {
            let option = CommandNames.option(id);
            let message = format!(
                "`{option}` cannot be combined with `--shot`: the shot file already describes the picture completely"
            );
            return Err(Failure::usage("conflict", message, option, "leave it out, or change it in the shot file"));
        }
        let given = args.options.read(kind)?.options;
        let bytes = files::read(path, InputKind::Shot)?;
        let folder = folder(path);
        let unopened = shot_file::parse(&bytes, &stem(path), &overrides(&given))?;
        let is_of = unopened.kind();
        if is_of != kind {
            let (what, command) = match is_of {
                Kind::Still => ("one picture", "render"),
                Kind::Views => ("views", "views"),
                Kind::Turntable => ("a turntable", "turntable"),
            };
            let message = format!("the shot is of {what}");
            return Err(Failure::usage("conflict", message, "--shot", format!("use `packshot {command} --shot`")));
        }
        let mut open = |name: &str| {
            let path = folder.join(name);
            let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
            let kind = match extension.as_deref() {
                Some("exr" | "hdr") => InputKind::Environment,
                Some("cube") => InputKind::Lut,
                Some("png" | "jpg" | "jpeg" | "webp") => InputKind::Texture,
                _ => InputKind::Glb,
            };
            // The path as it was tried: that of the shot is relative to a folder that may not be the one that was
            // thought of.
            let told = |reason: io::Error| match path.as_os_str() == name {
                true => reason,
                false => io::Error::new(reason.kind(), format!("{}: {}", path.display(), why_unread(&reason))),
            };
            if files::is_special(&path) || path.is_dir() {
                return Err(told(io::Error::other("this is not a file")));
            }
            let opened = std::fs::File::open(&path).map_err(told)?;
            let bytes = files::read_at_most(&mut { opened }, kind.bytes_max()).map_err(told)?;
            bytes.ok_or_else(|| told(io::Error::other("the file is too large")))
        };
        Ok(Some(Self { path: path.to_owned(), file: unopened.open(&mut open)? }))
    }

    /// What its pictures are called.
    pub(crate) fn stem(&self) -> String {
        stem(&self.path)
    }

    /// Takes the places of the shot and of the files that it names.
    pub(crate) fn take_places(&self, places: &mut Places) -> Result<(), Failure> {
        places.read(&self.path, "--shot")?;
        let ShotFile { geometry, environment_file, lut_file, texture_files, .. } = &self.file;
        let lut_file = lut_file.as_ref().map(|(file, _)| file);
        let others = [Some(&geometry.file), environment_file.as_ref(), lut_file];
        others
            .into_iter()
            .flatten()
            .chain(texture_files)
            .try_for_each(|file| places.read(&self.beside(&file.path), "--shot"))
    }

    fn beside(&self, name: &str) -> PathBuf {
        folder(&self.path).join(name)
    }

    /// The product in the shot's materials, and the pictures to take of it.
    pub(crate) fn subject(
        &self,
        args: &PictureArgs,
        planned: &Planned,
        cancel: &CancelToken,
    ) -> Result<(Subject, Pictures), Failure> {
        let file = &self.file;
        let of_shot = file.geometry.import.clone();
        let import = ImportOptions { look: planned.plan.options.look.unwrap_or(of_shot.look), ..of_shot };
        let mut product =
            Product::import(&file.glb, &import, &PartFilter::default(), cancel).map_err(of_shot_member)?;
        let mut materials = PartMaterials::of_shot(file, &mut product)?;
        // What is said of the shot's rules has its place in the shot.
        for found in materials.diagnostics.iter_mut().filter(|found| found.code == "shot.pattern_unmatched") {
            found.at = format!("{}: {}", self.path.display(), found.at);
        }
        let mut diagnostics = file.diagnostics.clone();
        if let Some((bounds, shot)) = product.scene.bounds().zip(file.pictures.first()) {
            diagnostics.extend(weak_lights(shot, &bounds, |i| format!("/lights/{i}")));
            diagnostics.extend(unseen(&product.scene, shot));
        }
        let mut pictures = file.pictures.clone();
        let lut = match args.lut.read()? {
            Some((lut, named)) => {
                pictures = pictures.map(|shot| Shot { lut: Some(Arc::clone(&lut)), ..shot });
                Some(named)
            }
            None => file
                .lut_file
                .as_ref()
                .map(|(named, bytes)| LutFile { path: self.beside(&named.path), bytes: bytes.clone() }),
        };
        let environment = file.environment_file.as_ref();
        if let (Pictures::Turntable { fps, .. }, Series::Turntable { fps: asked, .. }) =
            (&mut pictures, planned.plan.series())
        {
            *fps = asked;
        }
        let origin = Origin {
            name: file.name.clone(),
            glb_path: Some(self.beside(&file.geometry.file.path)),
            glb: file.glb.clone(),
            environment: environment.map(|named| (self.beside(&named.path), named.blake3.clone())),
            lut,
        };
        Ok((Subject { product, materials, diagnostics, origin }, pictures))
    }
}

/// What the shot says of its product and the product does not have has its place in the shot.
fn of_shot_member(mut error: Error) -> Error {
    for fault in &mut error.faults {
        let at = match fault.code.as_str() {
            "glb.variant" => "/geometry/variant",
            "glb.animation" => "/geometry/pose/animation",
            "glb.no_animation" => "/geometry/pose",
            _ => continue,
        };
        fault.at = at.to_owned();
    }
    error
}

fn folder(shot: &Path) -> &Path {
    if files::is_stream(shot) { Path::new("") } else { shot.parent().unwrap_or(Path::new("")) }
}

/// The name of a shot that does not name itself.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "shot".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// What wins over the members of a shot's film.
fn overrides(given: &Options) -> FilmOverrides {
    FilmOverrides {
        width_px: given.width,
        height_px: given.height,
        samples: given.samples,
        noise_threshold: given.noise_threshold.map(|noise| noise as f32),
        seed: given.seed,
    }
}
