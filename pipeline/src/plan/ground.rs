//! What the product stands on.

use packshot_renderer::shot::ground::{Ground, GroundKind};

use super::PicturePlan;
use super::fault::{OptionFault, say};
use super::option::Kind;
use super::table::{OptionId as O, Options};
use super::words::GroundWord;

/// Resolves the ground.
pub(super) fn complete(kind: Kind, given: &Options, options: &mut Options, faults: &mut Vec<OptionFault>) {
    match options.ground.unwrap_or(GroundWord::None) {
        GroundWord::None => {
            for id in [O::GroundColor, O::GroundRoughness] {
                if given.has(id) {
                    let help = say!["add ", (O::Ground, "shadow"), ", reflection, floor or sweep"];
                    let message = say![id, " needs a ground, and there is none"];
                    faults.push(OptionFault::missing(id, message).help(help));
                }
                options.clear(id);
            }
        }
        GroundWord::Shadow if options.ground_roughness.is_some() => {
            let message = say!["the ground `shadow` is matte and has no roughness"];
            let help = say!["use ", (O::Ground, "reflection")];
            faults.push(OptionFault::conflict(O::GroundRoughness, message).help(help));
        }
        GroundWord::Sweep if kind == Kind::Turntable => {
            let message = match given.has(O::Ground) {
                true => say!["a sweep rises behind the product for one camera, so a turntable cannot have it"],
                false => say![
                    "the template's ground is a sweep, which rises behind the product for one camera, so a turntable \
                     cannot have it"
                ],
            };
            let help = say!["use ", (O::Ground, "shadow"), ", reflection or floor"];
            faults.push(OptionFault::conflict(O::Ground, message).help(help));
        }
        GroundWord::Shadow | GroundWord::Reflection | GroundWord::Floor | GroundWord::Sweep => {}
    }
    if options.ground != Some(GroundWord::Shadow) {
        options.shadow_catcher = Some(false);
    }
}

impl PicturePlan {
    pub(super) fn ground(&self) -> Option<Ground> {
        let options = &self.options;
        let (kind, roughness) = match options.ground? {
            GroundWord::None => return None,
            GroundWord::Shadow => (GroundKind::Catcher, None),
            GroundWord::Reflection => (GroundKind::Catcher, Some(Ground::POLISHED)),
            GroundWord::Floor => (GroundKind::Floor, None),
            GroundWord::Sweep => (GroundKind::Sweep, None),
        };
        Some(Ground {
            kind,
            albedo: options.ground_color.map_or(Ground::PAPER, super::value::Color::linear),
            roughness: options.ground_roughness.map(|roughness| roughness as f32).or(roughness),
        })
    }
}
