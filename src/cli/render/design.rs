//! `--design`: a picture on a printable area of the product.

use std::path::PathBuf;

use clap::Args;
use packshot::designs::design::{DesignLimits, check};
use packshot::designs::{Design, DesignRequest};
use packshot::error::Fault;
use packshot_pipeline::design::{refused, way_out};

use crate::cli::failure::Failure;
use crate::cli::files::{self, InputKind};

/// A design on the product.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Design")]
pub(crate) struct DesignArgs {
    /// A picture on the product: PNG, JPEG, WebP or SVG (docs/designs.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) design: Option<PathBuf>,
    /// The part or material that it lies on; part=NAME or material=NAME where both have the name
    #[arg(long, value_name = "NAME", requires = "design")]
    pub(crate) on: Option<String>,
    /// How it lies there: NAME=VALUE with commas between, such as width=60mm,at=front,rotation_deg=15
    #[arg(long, value_name = "PLACEMENT", requires = "design", allow_hyphen_values = true)]
    pub(crate) place: Option<String>,
}

/// A design that has been read, and how it is to lie.
#[derive(Clone, Debug)]
pub(crate) struct OpenDesign {
    pub(crate) design: Design,
    pub(crate) request: DesignRequest,
}

impl DesignArgs {
    /// Reads the design and checks it.
    ///
    /// # Errors
    /// `design…`; `placement_invalid`, with the member in question.
    pub(crate) fn read(&self) -> Result<Option<OpenDesign>, Failure> {
        let Some(path) = &self.design else { return Ok(None) };
        let request = self.request()?;
        let bytes = files::read(path, InputKind::Design)?;
        let design = check(&bytes, &DesignLimits::default()).map_err(|error| {
            let at = match error.at.as_str() {
                "" => path.display().to_string(),
                within => format!("{}: {within}", path.display()),
            };
            Failure::from(packshot::Error::from(packshot::designs::DesignError { at, ..error }))
        })?;
        Ok(Some(OpenDesign { design, request }))
    }

    /// How it is to lie.
    ///
    /// # Errors
    /// `placement_invalid`, with the member in question.
    pub(crate) fn request(&self) -> Result<DesignRequest, Failure> {
        DesignRequest::from_text(self.on.as_deref(), self.place.as_deref()).map_err(|faults| {
            let helps: Vec<String> = faults.iter().map(way_out).collect();
            let mut error = refused(faults);
            for (Fault { at, help, .. }, way_out) in error.faults.iter_mut().zip(helps) {
                (*at, *help) = match at.as_str() {
                    // The name that was not given as a member.
                    "name" => ("--on".to_owned(), "give the name of a part or of a material".to_owned()),
                    member => (format!("--place {member}").trim_end().to_owned(), way_out),
                };
            }
            Failure::from(error)
        })
    }
}
