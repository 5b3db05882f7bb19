//! What is written beside a picture: the shot in effect, so that `packshot render --shot` makes the same picture again, and the
//! environment map that it names where no client has it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use packshot_pipeline::dump;
use packshot_pipeline::error::Error;
use packshot_pipeline::plan::LightPlan;
use packshot_renderer::shot::document::write::{Dump, write};
use packshot_renderer::shot::document::{FileReference, Geometry, LeftOut};
use packshot_renderer::shot::{Environment, EnvironmentMap, Shot, environment};

use super::protocol::{DocumentFile, RenderInput};
use super::subject::Subject;
use packshot_domain::hash::ContentAddress;

/// The name of a rig's map.
const ENVIRONMENT_NAME: &str = "environment.exr";

/// The maps of light rigs as files. There are only a few rigs, and their maps are the same for every shot: each is encoded once.
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

/// The files about a shot; `denoise` says whether its noise is removed.
///
/// # Errors
/// When a rig's map cannot be encoded.
pub(super) fn documents(
    input: &RenderInput,
    subject: &Subject,
    shot: &Shot,
    denoise: bool,
    rigs: &RigFiles,
) -> Result<Vec<DocumentFile>, Error> {
    let mut files = Vec::new();
    let environment_file = match &shot.environment {
        Environment::None | Environment::Uniform { .. } => None,
        Environment::LatLong { map, .. } => {
            match input.environment.filter(|_| input.plan.light() == LightPlan::Environment) {
                Some(uploaded) => Some(reference("environment", &uploaded)),
                None => {
                    let RigFile { bytes, address, .. } = rigs.of(map)?;
                    let file = document(ENVIRONMENT_NAME, "environment", "image/x-exr", bytes);
                    files.push(DocumentFile { address: Some(address), ..file });
                    Some(reference(ENVIRONMENT_NAME, &address))
                }
            }
        }
    };
    let options = input.plan.import_options();
    let (file, up_axis, unit_scale) = (reference("product.glb", &input.scene), options.up_axis, options.unit_scale);
    let hidden = dump::hidden();
    let left_out = LeftOut { shot: dump::left_out(&options), ..LeftOut::default() };
    let text = write(&Dump {
        name: "render",
        geometry: &Geometry { file, up_axis, unit_scale },
        shot,
        denoise,
        environment_file: environment_file.as_ref(),
        left_out: &left_out,
        parts: &dump::parts(&subject.product, &subject.materials, &hidden),
    });
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
