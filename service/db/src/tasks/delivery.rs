//! Results of tasks.

use crate::Json;
use crate::artifacts::WholePackage;
use crate::cad_files::CadDelivery;
use crate::reviews::ProposedPart;
use packshot_domain::hash::ContentAddress;

/// The result of a task. Its files are in the store already.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delivery {
    /// Its output, as clients see it.
    pub output: Json,
    /// Its files, in order.
    pub files: Vec<OutputFile>,
    /// Packages that are made in the transaction that completes the task; a rejected result makes none.
    pub packages: Vec<WholePackage>,
    /// The names of parts without a material, with the materials that are proposed for them; `None` where it is not
    /// known which parts have one.
    pub unmapped: Option<Vec<ProposedPart>>,
    /// What was read of a CAD file, when the task read one.
    pub cad: Option<Box<CadDelivery>>,
}

/// A file of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFile {
    /// Its name, unique among those of its task.
    pub name: String,
    /// Its format: `png`, `exr`, `json` …
    pub format: String,
    /// Its media type.
    pub media_type: String,
    /// Its content.
    pub address: ContentAddress,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// Width in pixels, when it is a picture.
    pub width: Option<i32>,
    /// Height in pixels, when it is a picture.
    pub height: Option<i32>,
    /// What is special about a movie.
    pub movie: Option<Movie>,
}

/// How long a movie is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movie {
    /// How many frames it has.
    pub frames: i32,
    /// How long it lasts, in milliseconds.
    pub duration_ms: i64,
}
