//! The light of a picture.

use std::sync::{Arc, Mutex, PoisonError};

use packshot_json::FaultKind;
use packshot_renderer::shot::EnvironmentMap;
use packshot_renderer::shot::request::LightChoice;
use packshot_renderer::shot::rig::{Rig, RigName};

use super::fault::{OptionFault, say};
use super::table::{OptionId as O, Options};
use super::words::Light;
use super::{Base, PicturePlan};
use crate::error::{Error, ErrorKind, Fault};
use crate::template::{LightSource, Template};

/// The source of a picture's light.
#[derive(Clone, Debug, PartialEq)]
pub enum LightPlan<'a> {
    /// A built-in rig.
    Rig(RigName),
    /// The template's own rig.
    Painted(&'a Rig),
    /// A map in a file that the template refers to, relative to its folder.
    TemplateMap {
        /// The file.
        path: &'a str,
        /// Brightens the map by this many stops.
        exposure_ev: f64,
    },
    /// The environment map that comes with the picture.
    Environment,
    /// The lights of the product's file.
    SceneLights,
}

/// Resolves the light.
pub(super) fn complete(
    base: &Base,
    given: &Options,
    template: &Option<Arc<Template>>,
    options: &mut Options,
    faults: &mut Vec<OptionFault>,
) {
    let paints = matches!(
        template.as_ref().and_then(|template| template.light.source.as_ref()),
        Some(LightSource::Rig(_) | LightSource::Map { .. })
    );
    match given.light {
        Some(Light::Environment) if !base.has_environment => {
            let message = say![O::Light, " is `environment`, but no environment map is given"];
            faults.push(OptionFault::missing(O::Light, message).help(say!["give the map itself, a .hdr or .exr file"]));
        }
        Some(light) if base.has_environment && light != Light::Environment => {
            let message = say![O::Light, " cannot be combined with an environment map"];
            faults.push(OptionFault::conflict(O::Light, message).help(say!["leave out one of them"]));
        }
        Some(Light::Template) if !paints => {
            let message = say![O::Light, " is `template`, but there is no template with a light of its own"];
            let help = say!["choose a template that has a dome, panels or a map, or another light"];
            faults.push(OptionFault::new(O::Light, FaultKind::Missing, message).help(help));
        }
        Some(_) => {}
        None if base.has_environment => options.light = Some(Light::Environment),
        None => {}
    }
}

impl PicturePlan {
    /// The source of the light.
    pub fn light(&self) -> LightPlan<'_> {
        match self.options.light.unwrap_or(Light::StudioSoft) {
            Light::StudioSoft => LightPlan::Rig(RigName::StudioSoft),
            Light::StudioContrast => LightPlan::Rig(RigName::StudioContrast),
            Light::ThreePoint => LightPlan::Rig(RigName::ThreePoint),
            Light::White => LightPlan::Rig(RigName::White),
            Light::Glb => LightPlan::SceneLights,
            Light::Environment => LightPlan::Environment,
            Light::Template => match self.template.as_ref().and_then(|template| template.light.source.as_ref()) {
                Some(LightSource::Rig(rig)) => LightPlan::Painted(rig),
                Some(LightSource::Map { path, exposure_ev }) => {
                    LightPlan::TemplateMap { path, exposure_ev: *exposure_ev }
                }
                Some(LightSource::Named(_) | LightSource::SceneLights) | None => {
                    unreachable!("refused when the plan was made: the template paints no light")
                }
            },
        }
    }

    /// The light for the renderer. `map` is the environment map or the template's map, if the plan needs one.
    ///
    /// # Errors
    /// `shot.missing` if the plan needs a map and there is none.
    pub(super) fn light_choice(&self, map: Option<Arc<EnvironmentMap>>) -> Result<LightChoice, Error> {
        Ok(match self.light() {
            LightPlan::Rig(rig) => LightChoice::Rig(rig),
            LightPlan::Painted(rig) => LightChoice::Painted(painted(rig)),
            LightPlan::SceneLights => LightChoice::SceneLights,
            LightPlan::Environment | LightPlan::TemplateMap { .. } => {
                let missing = || Fault::new("shot.missing", "the light is an environment map, and none was given");
                LightChoice::Map(map.ok_or_else(|| Error::new(ErrorKind::Request, missing().at("light")))?)
            }
        })
    }

    /// Whether the light is an environment map, which has to be supplied.
    pub fn needs_map(&self) -> bool {
        matches!(self.light(), LightPlan::Environment | LightPlan::TemplateMap { .. })
    }
}

/// Most painted rigs that are kept: enough for the built-in templates and a few more.
const PAINTED_MAX: usize = 24;

/// The map painted for a rig. Equal rigs get the same map, so that the tables made from it serve all shots.
fn painted(rig: &Rig) -> Arc<EnvironmentMap> {
    static PAINTED: Mutex<Vec<(Rig, Arc<EnvironmentMap>)>> = Mutex::new(Vec::new());
    let kept = || PAINTED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = |kept: &[(Rig, Arc<EnvironmentMap>)]| {
        kept.iter().find(|(other, _)| other == rig).map(|(_, map)| Arc::clone(map))
    };
    if let Some(map) = known(&kept()) {
        return map;
    }
    // Painted while not holding the lock: painting uses all threads.
    let map = Arc::new(rig.map());
    let mut kept = kept();
    if let Some(map) = known(&kept) {
        return map;
    }
    if kept.len() == PAINTED_MAX {
        kept.remove(0);
    }
    kept.push((rig.clone(), Arc::clone(&map)));
    map
}
