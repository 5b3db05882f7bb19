//! What to render: everything about a picture except the file itself.

use std::sync::Arc;

use packshot_materials::library::Library;
use packshot_materials::map::MaterialMap;
use packshot_materials::mapping::Policy;
use packshot_renderer::diagnostic::{Diagnostic, Severity, option_place};
use packshot_renderer::part_pattern::{CalledParts, PartPattern};
use packshot_renderer::scene::{Part, Scene};
use packshot_renderer::shot::EnvironmentMap;

use crate::error::{Error, ErrorKind, Fault};
use crate::plan::{self, Base, Limits, Options, PicturePlan, PlainNames};
use crate::template::Overrides;

/// Most names in a message.
const NAMED_MAX: usize = 20;

/// A picture to render of a file. The default is a packshot: three quarters from the front, soft studio light,
/// transparent background, 1024 pixels a side.
#[derive(Clone, Debug)]
pub struct RenderRequest {
    /// The options of the picture; those not given have their defaults.
    pub options: Options,
    /// Where materials come from.
    pub library: Arc<Library>,
    /// Lights the product instead of a rig.
    pub environment: Option<Arc<EnvironmentMap>>,
}

impl Default for RenderRequest {
    fn default() -> Self {
        Self { options: Options::default(), library: Arc::new(Library::builtin().clone()), environment: None }
    }
}

impl RenderRequest {
    /// Resolves the options.
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
    /// The material map; `None` is not the same as an empty map, which leaves every part unmapped.
    pub map: Option<MaterialMap>,
    /// What happens to parts that the map does not mention.
    pub policy: Policy,
    /// Materials of a template that replace the ones found.
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
    /// The same for a product with a map of its own, as samples have: it is used unless another one is given, and below
    /// entries given by hand.
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
    /// The parts that match a pattern in `only` (all if it is empty) and no pattern in `hide`.
    pub fn new<S: AsRef<str>>(only: &[S], hide: &[S]) -> Self {
        let patterns = |texts: &[S]| texts.iter().map(|text| PartPattern::new(text.as_ref())).collect();
        Self { only: patterns(only), hide: patterns(hide) }
    }

    /// Removes the parts that are not shown from a scene. A pattern that matches no part is a finding.
    ///
    /// # Errors
    /// `shot.part_not_found` when no part matches any of the patterns to show; `usage.nothing_left` when the others
    /// hide every part.
    pub(crate) fn apply(&self, scene: &mut Scene) -> Result<(Vec<Part>, Vec<Diagnostic>), Error> {
        if self.only.is_empty() && self.hide.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let names: Vec<[String; 2]> = scene.parts.iter().map(|part| [part.name(), part.path.clone()]).collect();
        let is_one = |pattern: &PartPattern, names: &[String; 2]| names.iter().any(|name| pattern.is_match(name));
        let only = self.only.iter().map(|pattern| ("only", pattern));
        let patterns = only.chain(self.hide.iter().map(|pattern| ("hide", pattern)));
        let unused = patterns.filter(|(_, pattern)| !names.iter().any(|names| is_one(pattern, names)));
        let mut called = None;
        let mut asked = |pattern: &PartPattern| {
            called.get_or_insert_with(|| CalledParts::new(&scene.parts)).did_you_mean(pattern.text())
        };
        let unused: Vec<_> = unused.map(|(option, pattern)| (option, pattern, asked(pattern))).collect();
        let diagnostics = unused.iter().map(|(option, pattern, question)| Diagnostic {
            code: "pattern_unmatched",
            severity: Severity::Warning,
            at: format!("{} {}", option_place(option), pattern.text()),
            message: match question {
                Some(question) => format!("no part has a name or path like {}; {question}", pattern.quoted()),
                None => format!("no part has a name or path like {}; preflight lists all parts", pattern.quoted()),
            },
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
            let listed: Vec<&str> = names.iter().map(|[name, _]| name.as_str()).take(NAMED_MAX).collect();
            let is_wanted = |names| self.only.iter().any(|pattern| is_one(pattern, names));
            let (kind, fault) = if self.only.is_empty() || names.iter().any(is_wanted) {
                let fault = Fault::new("usage.nothing_left", "no part of the file is left to show");
                (ErrorKind::Request, fault.at(option_place("hide")))
            } else {
                // As with `--focus` and `--crop-to`, the file lacks what is asked of it.
                let wanted = self.only.iter().take(NAMED_MAX).map(PartPattern::quoted);
                let wanted: Vec<String> = wanted.collect();
                let message = format!("no part has a name or path like {}", wanted.join(" or "));
                (ErrorKind::Input, Fault::new("shot.part_not_found", message).at(option_place("only")))
            };
            let listed = format!("file has the parts {}", listed.join(", "));
            let option = if kind == ErrorKind::Input { "only" } else { "hide" };
            let asked = unused.iter().filter(|(of, _, _)| *of == option);
            let help = match asked.filter_map(|(_, _, question)| question.as_ref()).next() {
                Some(question) => format!("{question} The {listed}"),
                None => format!("the {listed}"),
            };
            return Err(Error::new(kind, fault.help(help)));
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
        assert_eq!(shown(&["ring"], &[]), Err("shot.part_not_found".to_owned()));
        assert_eq!(shown(&["Ring"], &["R*"]), Err("usage.nothing_left".to_owned()));
        assert_eq!(shown(&[], &["*"]), Err("usage.nothing_left".to_owned()));
    }

    #[test]
    fn a_pattern_without_a_part_is_a_finding() {
        let (hidden, found) =
            PartFilter::new(&[], &["Ring", "Screw*", "["]).apply(&mut scene(&["Ring", "Cap"])).expect("a part is left");
        assert_eq!(hidden.len(), 1);
        assert_eq!(found.iter().map(|f| f.at.as_str()).collect::<Vec<_>>(), ["option:hide Screw*", "option:hide ["]);
        let is_unsound = |finding: &Diagnostic| finding.message.contains("not a valid pattern");
        assert_eq!(found.iter().map(is_unsound).collect::<Vec<_>>(), [false, true]);
    }
}
