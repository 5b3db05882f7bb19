//! The options that say when and with what noise is removed.

use std::path::Path;

use clap::Args;
use packshot::denoise::{Denoise, DenoiseWith, Oidn};
use packshot::oidn::{Library, Quality};
use packshot::template::Template;

use crate::cli::failure::Failure;
use crate::cli::options::{DenoiseWithWord, DenoiseWord, OidnQualityWord};

/// Names the library's file where the system's loader does not find it, or finds another.
const LIBRARY: &str = "PACKSHOT_OIDN";

/// When and with what noise is removed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Film")]
pub(crate) struct DenoiseArgs {
    /// Remove noise: auto does so where a picture is for eyes [default: auto]
    #[arg(long, value_name = "WHEN", value_enum)]
    denoise: Option<DenoiseWord>,
    /// With Packshot's own denoiser, or with an installed Open Image Denoise 2, whose file PACKSHOT_OIDN may name [default: packshot]
    #[arg(long, value_name = "WHAT", value_enum)]
    denoise_with: Option<DenoiseWithWord>,
    /// How much work Open Image Denoise spends [default: high]
    #[arg(long, value_name = "NAME", value_enum)]
    oidn_quality: Option<OidnQualityWord>,
}

impl DenoiseArgs {
    /// What the types of the options cannot say.
    pub(super) fn check(&self, template: Option<&Template>) -> Result<(), Failure> {
        if self.denoise_with.is_some() && self.when(template) == Denoise::Off {
            let (who, help) = match self.denoise {
                Some(_) => ("`--denoise off`", "leave one of both out"),
                None => ("the template's `denoise = \"off\"`", "add `--denoise on`, or leave it out"),
            };
            let message = format!("{who} leaves nothing to denoise with");
            return Err(Failure::usage("conflict", message, "--denoise-with", help));
        }
        if self.oidn_quality.is_some() && self.with(template) != DenoiseWith::Oidn {
            let message = "`--oidn-quality` is about Open Image Denoise";
            return Err(Failure::usage("missing", message, "--oidn-quality", "add `--denoise-with oidn`"));
        }
        Ok(())
    }

    /// When noise is removed.
    pub(crate) fn when(&self, template: Option<&Template>) -> Denoise {
        let of_template = template.and_then(|template| template.film.denoise);
        self.denoise.map(Denoise::from).or(of_template).unwrap_or_default()
    }

    /// What a shot file's own wish gives way to.
    pub(super) fn of_shot(&self) -> Option<bool> {
        match self.denoise {
            // `auto` leaves it in force.
            None | Some(DenoiseWord::Auto) => None,
            Some(DenoiseWord::On) => Some(true),
            Some(DenoiseWord::Off) => Some(false),
        }
    }

    /// With what.
    pub(super) fn with(&self, template: Option<&Template>) -> DenoiseWith {
        let of_template = template.and_then(|template| template.film.denoise_with);
        self.denoise_with.map(DenoiseWith::from).or(of_template).unwrap_or_default()
    }

    /// Loads the library where it is asked for.
    pub(super) fn oidn(&self, template: Option<&Template>) -> Result<Option<Oidn>, Failure> {
        if self.with(template) == DenoiseWith::Packshot {
            return Ok(None);
        }
        let path = std::env::var_os(LIBRARY).filter(|path| !path.is_empty());
        let library = Library::open(path.as_deref().map(Path::new)).map_err(packshot::Error::from);
        let library = library.map_err(|error| Failure::from(error).at_option("--denoise-with"))?;
        let of_template = template.and_then(|template| template.film.oidn_quality);
        let quality = self.oidn_quality.map(Quality::from).or(of_template).unwrap_or_default();
        Ok(Some(Oidn { library, quality }))
    }
}
