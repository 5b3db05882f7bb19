//! What to render: everything about a picture but the file itself.

use std::sync::Arc;

use packshot_materials::library::Library;
use packshot_materials::map::MaterialMap;
use packshot_materials::mapping::Policy;
use packshot_renderer::diagnostic::{Diagnostic, Severity, option_place};
use packshot_renderer::part_pattern::PartPattern;
use packshot_renderer::scene::{Part, Scene};
use packshot_renderer::shot::EnvironmentMap;

use crate::error::{Error, ErrorKind, Fault};
use crate::plan::{self, Base, Limits, Options, PicturePlan, PlainNames};
use crate::template::Overrides;

/// A picture to make of a file. The default is a packshot: three quarters from the front, soft studio light,
/// transparent background, 1024 pixels a side.
#[derive(Clone, Debug)]
pub struct RenderRequest {
    /// What the picture is told; what is not given has its default.
    pub options: Options,
    /// Where materials come from.
    pub library: Arc<Library>,
    /// What lights the product in place of a rig.
    pub environment: Option<Arc<EnvironmentMap>>,
}

impl Default for RenderRequest {
    fn default() -> Self {
        Self { options: Options::default(), library: Arc::new(Library::builtin().clone()), environment: None }
    }
}

impl RenderRequest {
    /// What is to be made.
    ///
    /// # Errors
    /// `usage.…` with everything that is wrong with the options.
    pub fn plan(&self) -> Result<PicturePlan, Error> {
        let base = Base { has_environment: self.environment.is_some(), ..Base::default() };
        plan::resolve(&base, &self.options, &Limits::default()).map_err(|faults| plan::refused(&faults, &PlainNames))
    }
}

/// Which part gets which material.
#[derive(Clone, Debug)]
pub struct MaterialRequest {
    /// Where materials come from.
    pub library: Arc<Library>,
    /// Which part gets which; `None` is not the same as an empty map, which leaves every part unmapped.
    pub map: Option<MaterialMap>,
    /// How parts are treated that the map says nothing about.
    pub policy: Policy,
    /// Materials of a template in place of those that were found.
    pub overrides: Overrides,
}

impl Default for MaterialRequest {
    fn default() -> Self {
        Self {
            library: Arc::new(Library::builtin().clone()),
            map: None,
            policy: Policy::default(),
            overrides: Overrides::default(),
        }
    }
}

impl MaterialRequest {
    /// The same of a product that has a map of its own, as samples have: it counts unless another is given, below
    /// entries by hand.
    #[must_use]
    pub fn with_own_map(mut self, own: Option<MaterialMap>) -> Self {
        self.map = match (self.map, own) {
            (Some(map), Some(own)) if map.is_by_hand() => Some(map.over(own)),
            (map, own) => map.or(own),
        };
        self
    }
}

/// Which parts of a file are shown.
#[derive(Clone, Debug, Default)]
pub struct PartFilter {
    only: Vec<PartPattern>,
    hide: Vec<PartPattern>,
}

impl PartFilter {
    /// Of the parts that a pattern of `only` matches (all when it is empty), those that no pattern of `hide` matches.
    pub fn new<S: AsRef<str>>(only: &[S], hide: &[S]) -> Self {
        let patterns = |texts: &[S]| texts.iter().map(|text| PartPattern::new(text.as_ref())).collect();
        Self { only: patterns(only), hide: patterns(hide) }
    }

    /// Takes the parts that are not shown out of a scene. A pattern that matches no part is a finding.
    ///
    /// # Errors
    /// `usage.nothing_left` when no part remains.
    pub(crate) fn apply(&self, scene: &mut Scene) -> Result<(Vec<Part>, Vec<Diagnostic>), Error> {
        if self.only.is_empty() && self.hide.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let names: Vec<[String; 2]> = scene.parts.iter().map(|part| [part.name(), part.path.clone()]).collect();
        let is_one = |pattern: &PartPattern, names: &[String; 2]| names.iter().any(|name| pattern.is_match(name));
        let only = self.only.iter().map(|pattern| ("only", pattern));
        let patterns = only.chain(self.hide.iter().map(|pattern| ("hide", pattern)));
        let unused = patterns.filter(|(_, pattern)| !names.iter().any(|names| is_one(pattern, names)));
        let diagnostics = unused.map(|(option, pattern)| Diagnostic {
            code: "pattern_unmatched",
            severity: Severity::Warning,
            at: format!("{} {}", option_place(option), pattern.text()),
            message: "the pattern matches no part".to_owned(),
        });
        let diagnostics = diagnostics.collect();
        let is_shown = |names: &[String; 2]| {
            (self.only.is_empty() || self.only.iter().any(|pattern| is_one(pattern, names)))
                && !self.hide.iter().any(|pattern| is_one(pattern, names))
        };
        let (shown, hidden): (Vec<_>, Vec<_>) =
            std::mem::take(&mut scene.parts).into_iter().zip(&names).partition(|(_, names)| is_shown(names));
        scene.parts = shown.into_iter().map(|(part, _)| part).collect();
        if scene.parts.is_empty() {
            let listed: Vec<&str> = names.iter().map(|[name, _]| name.as_str()).take(20).collect();
            let option = if self.only.is_empty() { "hide" } else { "only" };
            let fault =
                Fault::new("usage.nothing_left", "no part of the file is left to show").at(option_place(option));
            return Err(Error::new(
                ErrorKind::Request,
                fault.help(format!("the file has the parts {}", listed.join(", "))),
            ));
        }
        Ok((hidden.into_iter().map(|(part, _)| part).collect(), diagnostics))
    }
}

#[cfg(test)]
mod tests {
    use glam::DAffine3;
    use packshot_renderer::scene::MeshIdx;

    use super::*;

    fn scene(names: &[&str]) -> Scene {
        let part = |(i, name): (usize, &&str)| Part {
            node_idx: i as u32,
            path: format!("Asm/{name}"),
            node_name: Some((*name).to_owned()),
            mesh_name: None,
            cad_names: Vec::new(),
            mesh: MeshIdx(0),
            world_from_part: DAffine3::IDENTITY,
        };
        Scene { parts: names.iter().enumerate().map(part).collect(), ..Scene::default() }
    }

    fn shown(only: &[&str], hide: &[&str]) -> Result<Vec<String>, String> {
        let mut scene = scene(&["Ring", "Spring", "Ball_01", "Ball_02", "Cap[1]"]);
        match PartFilter::new(only, hide).apply(&mut scene) {
            Ok(_) => Ok(scene.parts.iter().map(Part::name).collect()),
            Err(error) => Err(error.code().to_owned()),
        }
    }

    #[test]
    fn globs_are_anchored_and_names_are_names() {
        let names = |names: &[&str]| Ok(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(shown(&["Ring"], &[]), names(&["Ring"]));
        assert_eq!(shown(&["*ing"], &["S*"]), names(&["Ring"]));
        assert_eq!(shown(&[], &["Ball_0?"]), names(&["Ring", "Spring", "Cap[1]"]));
        assert_eq!(shown(&["Cap[1]"], &[]), names(&["Cap[1]"]));
        assert_eq!(shown(&["Asm/{Ring,Ball_01}"], &[]), names(&["Ring", "Ball_01"]));
        assert_eq!(shown(&["ring"], &[]), Err("usage.nothing_left".to_owned()));
        assert_eq!(shown(&[], &["*"]), Err("usage.nothing_left".to_owned()));
    }

    #[test]
    fn a_pattern_without_a_part_is_a_finding() {
        let (hidden, found) =
            PartFilter::new(&[], &["Ring", "Screw*", "["]).apply(&mut scene(&["Ring", "Cap"])).expect("a part is left");
        assert_eq!(hidden.len(), 1);
        assert_eq!(found.iter().map(|f| f.at.as_str()).collect::<Vec<_>>(), ["option:hide Screw*", "option:hide ["]);
    }
}
