//! Options of what the product stands on.

use clap::{Args, ValueEnum};
use packshot_renderer::color::srgb;
use packshot_renderer::shot::Background;
use packshot_renderer::shot::ground::{Ground, GroundKind};

use crate::cli::failure::Failure;
use crate::cli::options::number;

/// The ground.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Ground")]
pub(crate) struct GroundArgs {
    /// What the product stands on [default: none]
    #[arg(long, value_name = "WHAT", value_enum)]
    ground: Option<GroundWord>,
    /// The same as `--ground shadow`
    #[arg(long, conflicts_with = "ground")]
    shadow_catcher: bool,
    /// Its colour, #RRGGBB; of a catcher, which is not seen, the light that it throws back onto the product [default: 80 % white]
    #[arg(long, value_name = "COLOR", value_parser = albedo)]
    ground_color: Option<Albedo>,
    /// Roughness of its gloss, 0 to 1 [default: matte; of a reflection 0.1]
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = number(0.0, 1.0))]
    ground_roughness: Option<f64>,
}

/// `--ground`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroundWord {
    /// Nothing: it floats
    None,
    /// Its shadows alone, for laying over other pictures
    Shadow,
    /// Its shadows and its reflection in a polished ground
    Reflection,
    /// An endless floor
    Floor,
    /// A floor that rises to a wall behind it, as a photographer's roll of paper does
    Sweep,
}

/// Share of light given back, linear Rec.709.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Albedo([f32; 3]);

fn albedo(text: &str) -> Result<Albedo, String> {
    match text.parse() {
        Ok(Background::Color { srgb }) => Ok(Albedo(srgb.map(srgb::decode))),
        _ => Err("expected white, or a colour such as #F0F0F0".to_owned()),
    }
}

impl GroundArgs {
    /// The ground that is asked for, where `default` says it otherwise.
    ///
    /// # Errors
    /// Gloss for a shadow alone, colour or gloss for none.
    pub(crate) fn ground(&self, default: Option<Ground>) -> Result<Option<Ground>, Failure> {
        let word = if self.shadow_catcher { Some(GroundWord::Shadow) } else { self.ground };
        let base = default.unwrap_or(Ground::SHADOWS);
        let of = |kind, roughness| Some(Ground { kind, roughness, ..base });
        let ground = match word {
            None => default,
            Some(GroundWord::None) => None,
            Some(GroundWord::Shadow) => of(GroundKind::Catcher, None),
            Some(GroundWord::Reflection) => of(GroundKind::Catcher, Some(Ground::POLISHED)),
            Some(GroundWord::Floor) => of(GroundKind::Floor, None),
            Some(GroundWord::Sweep) => of(GroundKind::Sweep, None),
        };
        let is_shadow = ground.is_some_and(|ground| ground.kind == GroundKind::Catcher && ground.roughness.is_none());
        if self.ground_roughness.is_some() && is_shadow {
            let message = "a matte ground that catches shadows alone has no gloss";
            return Err(Failure::usage("conflict", message, "--ground-roughness", "use `--ground reflection`"));
        }
        let Some(ground) = ground else {
            let options = [
                ("--ground-color", self.ground_color.is_some()),
                ("--ground-roughness", self.ground_roughness.is_some()),
            ];
            return match options.iter().find(|(_, is_given)| *is_given) {
                Some((option, _)) => {
                    let message = format!("`{option}` is about a ground, and there is none");
                    Err(Failure::usage(
                        "missing",
                        message,
                        *option,
                        "add `--ground shadow`, reflection, floor or sweep",
                    ))
                }
                None => Ok(None),
            };
        };
        Ok(Some(Ground {
            albedo: self.ground_color.map_or(ground.albedo, |Albedo(albedo)| albedo),
            roughness: self.ground_roughness.map(|roughness| roughness as f32).or(ground.roughness),
            ..ground
        }))
    }
}
