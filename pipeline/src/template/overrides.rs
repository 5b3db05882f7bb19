//! `[[override]]`: materials that replace those of parts.

use packshot_materials::library::{Library, LibraryMaterialIdx};
use packshot_materials::mapping::{Assignment, Outcome, PartNames};
use packshot_renderer::part_pattern::PartPattern;
use packshot_words::did_you_mean;

use crate::error::{Error, ErrorKind, Fault};

/// A material that replaces those of some parts. At least one of the globs is given; if both are, both must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaterialOverride {
    /// A glob for the name or the path of a part.
    pub part: Option<String>,
    /// A glob for the id or the name of the material that a part has.
    pub material: Option<String>,
    /// Id, code, name or alias of the material to put on.
    pub put_on: String,
    /// `file:line`.
    pub at: String,
}

/// The overrides in force; the first that matches a part applies.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    list: Vec<Found>,
    spared: Vec<String>,
}

/// An override with its material from the library.
#[derive(Clone, Debug)]
struct Found {
    part: Option<PartPattern>,
    material: Option<PartPattern>,
    put_on: LibraryMaterialIdx,
}

impl Overrides {
    /// Finds the materials of overrides in the library of a request. Parts in `spared` (by name or path) keep their
    /// material, because it was chosen by hand.
    ///
    /// # Errors
    /// `template.material` when the library has no such material, `template.range` for an invalid pattern.
    pub fn new(list: &[MaterialOverride], library: &Library, spared: Vec<String>) -> Result<Self, Error> {
        let found = |entry: &MaterialOverride| {
            let refused = |code: &str, message: String, help: &str| {
                Error::new(ErrorKind::Input, Fault::new(code, message).at(&entry.at).help(help))
            };
            let matcher = |text: &Option<String>| {
                let compile = |text: &String| {
                    let message = format!("`{text}` is not a valid pattern");
                    let pattern = Some(PartPattern::new(text)).filter(PartPattern::is_sound);
                    pattern.ok_or_else(|| refused("template.range", message, "write a name or a glob"))
                };
                text.as_ref().map(compile).transpose()
            };
            let Some((put_on, _)) = library.find(&entry.put_on) else {
                let help = "`packshot materials list` shows all; a library of your own can add one";
                let message = format!("no library has a material `{}`", entry.put_on);
                let question = did_you_mean(&library.near(&entry.put_on));
                let help = question.map_or_else(|| help.to_owned(), |question| format!("{question} Otherwise, {help}"));
                return Err(refused("template.material", message, &help));
            };
            if let Some(path) = library.material(put_on).missing_texture() {
                let message = format!("the library of `{}` lacks its texture `{path}`", entry.put_on);
                let help = "put the file into the library's folder, or choose another material";
                return Err(refused("template.material", message, help));
            }
            Ok(Found { part: matcher(&entry.part)?, material: matcher(&entry.material)?, put_on })
        };
        let (mut list_found, mut faults) = (Vec::new(), Vec::new());
        for entry in list {
            match found(entry) {
                Ok(entry) => list_found.push(entry),
                Err(error) => faults.extend(error.faults),
            }
        }
        if faults.is_empty() {
            Ok(Self { list: list_found, spared })
        } else {
            Err(Error { kind: ErrorKind::Input, faults })
        }
    }

    /// Changes the result of a mapping.
    pub(crate) fn apply(&self, library: &Library, parts: &[PartNames], outcome: &mut Outcome) {
        for (part_idx, part) in parts.iter().enumerate() {
            let names = [part.node.as_deref(), part.mesh.as_deref(), Some(part.path.as_str())];
            let names: Vec<&str> = names.into_iter().flatten().collect();
            if names.iter().any(|name| self.spared.iter().any(|spared| spared == name)) {
                continue;
            }
            let assignments = &mut outcome.assignments[part_idx];
            let has = |glob: &PartPattern| {
                let is_match = |assignment: &Assignment| match assignment {
                    Assignment::Library(idx) => {
                        let material = library.material(*idx);
                        glob.is_match(&material.id) || glob.is_match(&material.name)
                    }
                    Assignment::KeepGlb => false,
                };
                !assignments.is_empty() && assignments.iter().all(is_match)
            };
            let is_called = |glob: &PartPattern| names.iter().any(|name| glob.is_match(name));
            let hit = self
                .list
                .iter()
                .find(|found| found.part.as_ref().is_none_or(is_called) && found.material.as_ref().is_none_or(has));
            let Some(&Found { put_on, .. }) = hit else { continue };
            assignments.fill(Assignment::Library(put_on));
            outcome.report.put_on(part_idx, &library.material(put_on).id, part.area);
            // Findings about the previous material of the part no longer apply.
            outcome.findings.retain(|finding| finding.at != part.path || finding.code == "unnamed_part");
        }
    }
}
