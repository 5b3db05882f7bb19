//! What only the worker knows about how pictures came about: the program, the materials, the denoiser, the driver. It
//! is the worker's part of a provenance.

use packshot_json::canonical;
use packshot_pipeline::denoise::DenoiseWith;
use packshot_pipeline::taken::{NeededVersions, Taking};
use packshot_renderer::digest;
use packshot_renderer::prepare::PartMaterial;
use packshot_renderer::shot::Shot;
use packshot_words::Word;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::device::Device;
use super::engine::{Attempt, Engine};
use super::failure::Stopped;
use super::library::Resolved;
use super::protocol::text;
use super::subject::Subject;
use packshot_domain::hash::ContentAddress;

/// A program that renders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its version.
    pub version: &'static str,
    /// The commit that it was built from, if that is known.
    pub commit: Option<&'static str>,
}

impl Program {
    /// This version, of an unknown commit.
    pub const UNNAMED: Self = Self { version: env!("CARGO_PKG_VERSION"), commit: None };
}

/// How pictures came about, as far as only their worker knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeWith {
    /// The version of the renderer.
    pub version: String,
    /// The commit that it was built from, if that is known.
    pub commit: Option<String>,
    /// The digest of its shaders.
    #[serde(with = "text")]
    pub shader_digest: ContentAddress,
    /// The material library, all layers together; `None` for clay.
    pub library: Option<MadeWithLibrary>,
    /// The digest of the list of parts with their materials, in canonical JSON: of each part its path and the id of its
    /// material, `null` for the file's own, or a list with one for each primitive.
    #[serde(with = "text")]
    pub map_digest: ContentAddress,
    /// What removed the noise; `None` if nothing did.
    pub denoiser: Option<MadeWithDenoiser>,
    /// Name and version of the adapter's driver; `None` for the processor.
    pub driver: Option<String>,
}

/// The material library of pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeWithLibrary {
    /// The name of the topmost layer.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of all materials and rules.
    #[serde(with = "text")]
    pub digest: ContentAddress,
    /// The material for parts that nothing matches.
    pub fallback: String,
}

/// What removed the noise of pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeWithDenoiser {
    /// The denoiser, a word of `--denoise-with`.
    pub method: String,
    /// The digest of its network's weights.
    #[serde(with = "text")]
    pub weights_digest: ContentAddress,
}

impl MadeWith {
    /// How the pictures of an attempt come about; `first` is the shot of the first of them.
    ///
    /// # Errors
    /// What the store says about a library.
    pub(super) fn of(
        engine: &Engine,
        job: &Attempt<'_>,
        subject: &Subject,
        device: &Device,
        first: &Shot,
    ) -> Result<Self, Stopped> {
        let taking = job.input.plan.taking([first.film.width_px, first.film.height_px]);
        Ok(Self {
            version: engine.program.version.to_owned(),
            commit: engine.program.commit.map(str::to_owned),
            shader_digest: ContentAddress::from_hash(digest::of_shaders()),
            library: engine.library(job)?.as_deref().map(library),
            map_digest: map_digest(subject),
            denoiser: denoiser(&taking, first),
            driver: device.adapter.as_ref().map(|adapter| adapter.driver.clone()),
        })
    }
}

pub(super) fn library(resolved: &Resolved) -> MadeWithLibrary {
    let library = &*resolved.library;
    let digest = format!("blake3:{}", library.digest());
    MadeWithLibrary {
        name: library.id().to_owned(),
        version: library.version().to_string(),
        digest: digest.parse().expect("64 hexadecimal digits"),
        fallback: library.material(library.fallback()).id.clone(),
    }
}

/// The denoiser of a worker is always Packshot's own.
fn denoiser(taking: &Taking, first: &Shot) -> Option<MadeWithDenoiser> {
    let NeededVersions { denoised, .. } = taking.needed_versions(first.view.transform);
    (denoised && !taking.is_drawing).then(|| MadeWithDenoiser {
        method: DenoiseWith::Packshot.word().to_owned(),
        weights_digest: ContentAddress::from_hash(taking.network(first).digest()),
    })
}

/// The digest of which part has which material.
pub(super) fn map_digest(subject: &Subject) -> ContentAddress {
    ContentAddress::of(canonical(&parts(subject)).as_bytes())
}

/// Which part has which material.
fn parts(subject: &Subject) -> Value {
    let materials = &subject.materials;
    let id = |idx: usize| materials.palette.get(idx).map(|material| material.id.as_str());
    let pairs = subject.product.scene.parts.iter().zip(&materials.parts).map(|(part, material)| match material {
        PartMaterial::Own => json!([part.path, null]),
        PartMaterial::Palette(idx) => json!([part.path, id(*idx)]),
        PartMaterial::PerPrimitive(each) => {
            json!([part.path, each.iter().map(|idx| idx.and_then(id)).collect::<Vec<_>>()])
        }
    });
    pairs.collect()
}
