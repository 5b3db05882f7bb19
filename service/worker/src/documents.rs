//! What is written beside pictures: the shot in effect, so that the command's `--shot` makes the same pictures again,
//! and the environment map that it names where no client has it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use packshot_pipeline::error::Error;
use packshot_pipeline::pictures::Pictures;
use packshot_pipeline::plan::LightPlan;
use packshot_pipeline::shot_file::write::{Dump, parts, texture_name, textures, write};
use packshot_pipeline::shot_file::{FileReference, Geometry, Noise};
use packshot_pipeline::taken::NeededVersions;
use packshot_renderer::shot::{EnvironmentMap, environment};

use super::protocol::{DocumentFile, RenderInput};
use super::subject::Subject;
use packshot_domain::hash::ContentAddress;

/// The name of a rig's map.
const ENVIRONMENT_NAME: &str = "environment.exr";

/// The maps of light rigs as files. There are only a few rigs, and their maps are the same for every shot: each is
/// encoded once.
#[derive(Debug, Default)]
pub(super) struct RigFiles(Mutex<Vec<RigFile>>);

#[derive(Clone, Debug)]
struct RigFile {
    map: Arc<EnvironmentMap>,
    bytes: Bytes,
    address: ContentAddress,
}

impl RigFiles {
    fn of(&self, map: &Arc<EnvironmentMap>) -> Result<RigFile, Error> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.iter().find(|file| Arc::ptr_eq(&file.map, map)) {
            return Ok(file.clone());
        }
        let bytes = Bytes::from(environment::encode_exr(map)?);
        let file = RigFile { map: map.clone(), address: ContentAddress::of(&bytes), bytes };
        files.push(file.clone());
        Ok(file)
    }
}

/// The files about the pictures of a job.
///
/// # Errors
/// When a rig's map cannot be encoded.
pub(super) fn documents(
    input: &RenderInput,
    subject: &Subject,
    pictures: &Pictures,
    needed: NeededVersions,
    rigs: &RigFiles,
) -> Result<Vec<DocumentFile>, Error> {
    let mut files = Vec::new();
    let environment_file = match pictures.environment_map() {
        None => None,
        Some(map) => {
            match input.environment.filter(|_| input.plan.light() == LightPlan::Environment) {
                // The client has it.
                Some(uploaded) => Some(reference(ENVIRONMENT_NAME, &uploaded)),
                None => {
                    let RigFile { bytes, address, .. } = rigs.of(map)?;
                    let file = document(ENVIRONMENT_NAME, "environment", "image/x-exr", bytes);
                    files.push(DocumentFile { address: Some(address), ..file });
                    Some(reference(ENVIRONMENT_NAME, &address))
                }
            }
        }
    };
    let worn = parts(&subject.product, &subject.materials);
    let mut texture_files = Vec::new();
    for texture in textures(&worn) {
        let (name, bytes) = (texture_name(texture), Bytes::copy_from_slice(texture.bytes()));
        texture_files.push(FileReference::new(&name, &bytes));
        files.push(document(&name, "texture", texture.format().mime_type(), bytes));
    }
    let lines = input.plan.shot_lines();
    let text = write(&Dump {
        name: "render",
        library: subject.materials.library.as_deref(),
        geometry: &Geometry { file: reference("product.glb", &input.scene), import: subject.product.import.clone() },
        pictures,
        noise: Noise { when: needed.when(), ..Noise::default() },
        lines: lines.as_ref(),
        environment_file: environment_file.as_ref(),
        lut_file: None,
        texture_files: &texture_files,
        parts: worn,
    })?;
    files.insert(0, document("shot.json", "json", "application/json", text.into()));
    Ok(files)
}

fn document(name: &str, format: &str, media_type: &str, bytes: Bytes) -> DocumentFile {
    let [name, format, media_type] = [name, format, media_type].map(str::to_owned);
    DocumentFile { name, format, media_type, address: None, bytes }
}

fn reference(path: &str, address: &ContentAddress) -> FileReference {
    FileReference { path: path.to_owned(), blake3: address.hex() }
}
