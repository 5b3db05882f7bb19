//! The options that say with what noise is removed: a matter of this machine. When it is removed is an option of pictures.

use std::path::Path;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use packshot::denoise::{Denoise, DenoiseWith, Oidn};
use packshot::oidn::{Library, Quality};
use packshot::plan::PicturePlan;
use packshot::template::Template;
use packshot_words::Word;

use crate::cli::failure::Failure;

/// Names the library's file where the system's loader does not find it, or finds another.
const LIBRARY: &str = "PACKSHOT_OIDN";

/// With what noise is removed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Film")]
pub(crate) struct DenoiserArgs {
    /// With Packshot's own denoiser, or with an installed Open Image Denoise 2, whose file PACKSHOT_OIDN may name [default: packshot]
    #[arg(long, value_name = "WHAT", value_parser = word::<DenoiseWith>())]
    denoise_with: Option<DenoiseWith>,
    /// How much work Open Image Denoise spends [default: high]
    #[arg(long, value_name = "NAME", value_parser = word::<Quality>())]
    oidn_quality: Option<Quality>,
}

/// A parser for the words of an enumeration, with what each means in the help.
fn word<W: Word + Send + Sync>() -> impl TypedValueParser<Value = W> {
    let values = W::ENTRIES.iter().map(|entry| PossibleValue::new(entry.word).help(entry.meaning));
    PossibleValuesParser::new(values).try_map(|word| W::by_word(&word).ok_or_else(|| format!("expected {}", W::list())))
}

impl DenoiserArgs {
    /// What the types of the options cannot say.
    pub(super) fn check(&self, plan: &PicturePlan, template: Option<&Template>) -> Result<(), Failure> {
        if self.denoise_with.is_some() && plan.denoise() == Denoise::Off {
            let message = "no noise is removed, which leaves nothing to denoise with";
            return Err(Failure::usage("conflict", message, "--denoise-with", "add `--denoise on`, or leave it out"));
        }
        if self.oidn_quality.is_some() && self.with(template) != DenoiseWith::Oidn {
            let message = "`--oidn-quality` is about Open Image Denoise";
            return Err(Failure::usage("missing", message, "--oidn-quality", "add `--denoise-with oidn`"));
        }
        Ok(())
    }

    /// With what.
    pub(super) fn with(&self, template: Option<&Template>) -> DenoiseWith {
        let of_template = template.and_then(|template| template.film.denoise_with);
        self.denoise_with.or(of_template).unwrap_or_default()
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
        let quality = self.oidn_quality.or(of_template).unwrap_or_default();
        Ok(Some(Oidn { library, quality }))
    }
}
