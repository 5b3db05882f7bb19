//! The options that say with what noise is removed: a matter of this machine. When it is removed is an option of
//! pictures.

use std::path::Path;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use packshot::denoise::{Denoise, DenoiseWith, Oidn};
use packshot::oidn::{Library, Quality};
use packshot::plan::PicturePlan;
use packshot::template::Template;
use packshot_pipeline::shot_file::Noise;
use packshot_words::Word;

use crate::cli::failure::Failure;

/// Names the library's file where the system's loader does not find it, or finds another.
const LIBRARY: &str = "PACKSHOT_OIDN";

/// With what noise is removed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Size and sampling")]
pub(crate) struct DenoiserArgs {
    /// What removes noise: Packshot's own denoiser, or an installed Open Image Denoise 2 (PACKSHOT_OIDN may name its
    /// library file) [default: packshot]
    #[arg(long, value_name = "WHAT", value_parser = word::<DenoiseWith>())]
    denoise_with: Option<DenoiseWith>,
    /// How much work Open Image Denoise does [default: high]
    #[arg(long, value_name = "NAME", value_parser = word::<Quality>())]
    oidn_quality: Option<Quality>,
}

/// A parser for the words of an enumeration, with what each means in the help.
fn word<W: Word + Send + Sync>() -> impl TypedValueParser<Value = W> {
    let values = W::ENTRIES.iter().map(|entry| PossibleValue::new(entry.word).help(entry.meaning));
    PossibleValuesParser::new(values).try_map(|word| W::by_word(&word).ok_or_else(|| format!("expected {}", W::list())))
}

/// With what noise is removed, decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChosenDenoiser {
    /// With what.
    pub(crate) with: DenoiseWith,
    /// How much work Open Image Denoise spends, where somebody says it.
    pub(crate) quality: Option<Quality>,
}

impl DenoiserArgs {
    /// Options win over the template or the shot.
    ///
    /// # Errors
    /// What the types of the options cannot say.
    pub(super) fn choose(
        &self,
        plan: &PicturePlan,
        template: Option<&Template>,
        of_shot: Option<Noise>,
    ) -> Result<ChosenDenoiser, Failure> {
        if self.denoise_with.is_some() && plan.denoise() == Denoise::Off {
            let message = "noise is not removed, so no denoiser can be chosen";
            return Err(Failure::usage(
                "conflict",
                message,
                "--denoise-with",
                "add `--denoise on`, or leave out --denoise-with",
            ));
        }
        let film = template.map(|template| &template.film);
        let below = film.and_then(|film| film.denoise_with).or(of_shot.map(|noise| noise.with));
        let with = self.denoise_with.or(below).unwrap_or_default();
        if self.oidn_quality.is_some() && with != DenoiseWith::Oidn {
            let message = "`--oidn-quality` only applies to Open Image Denoise";
            return Err(Failure::usage("missing", message, "--oidn-quality", "add `--denoise-with oidn`"));
        }
        let below = film.and_then(|film| film.oidn_quality).or(of_shot.and_then(|noise| noise.quality));
        let quality = self.oidn_quality.or(below).filter(|_| with == DenoiseWith::Oidn);
        Ok(ChosenDenoiser { with, quality })
    }
}

impl ChosenDenoiser {
    /// Loads the library where it is asked for.
    pub(super) fn open(self) -> Result<Option<Oidn>, Failure> {
        if self.with == DenoiseWith::Packshot {
            return Ok(None);
        }
        let path = std::env::var_os(LIBRARY).filter(|path| !path.is_empty());
        let library = Library::open(path.as_deref().map(Path::new)).map_err(packshot::Error::from);
        let library = library.map_err(|error| Failure::from(error).at_option("--denoise-with"))?;
        Ok(Some(Oidn { library, quality: self.quality.unwrap_or_default() }))
    }
}
