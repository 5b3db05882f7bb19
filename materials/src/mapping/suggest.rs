//! Materials that a person may have meant: likeness of names, for people to choose from and never applied.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::table::PartTable;
use super::{PartNames, Suggestion};
use crate::finding::{Finding, Severity};
use crate::library::{Library, LibraryMaterialIdx, Status};
use crate::likeness::{Likeness, SCORE_MIN};
use crate::name::is_unnamed;
use crate::name::suffix::strip_all;

/// The way out where nothing is suggested.
pub(crate) const SEE_LIST: &str = "see `packshot materials list`";
/// Suggestions per part.
const SHOWN_MAX: usize = 3;
/// Pairs of characters that are compared per job, about a second's work; then further unknown names go without
/// suggestions.
const CHARACTER_PAIRS_MAX: usize = 200_000_000;

/// Finds suggestions, remembering what it found for a name.
pub(super) struct Suggester<'a> {
    library: &'a Library,
    table: &'a PartTable<'a>,
    /// Built when first needed: most jobs need none.
    known: Option<Known>,
    found: HashMap<Query, Vec<Suggestion>>,
    /// Names and paths of the parts, built when first needed.
    parts: Option<[Vec<(Likeness, String)>; 2]>,
    /// Pairs of characters that may still be compared; `None` when they are used up.
    budget: Option<usize>,
}

/// What can be suggested.
struct Known {
    /// By its names in the map and the library.
    names: Vec<(Likeness, LibraryMaterialIdx)>,
    /// The words in the names that the library has for it.
    words: HashMap<LibraryMaterialIdx, HashSet<String>>,
}

/// What a material is wanted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Query {
    /// A part that has these names.
    Part(Vec<String>),
    /// A name that somebody gave to a material.
    Material(String),
}

impl Query {
    /// The names to look for.
    fn names(&self) -> &[String] {
        match self {
            Self::Part(names) => names,
            Self::Material(name) => std::slice::from_ref(name),
        }
    }

    /// How alike one of the names is to a name of a material. Somebody may say more of a material than its name does:
    /// clear glass is glass. And steel 304 is what the library calls AISI 304, and steel.
    fn score(&self, wanted: &Likeness, name: &Likeness, words: Option<&HashSet<String>>) -> f64 {
        if let Self::Part(_) = self {
            return wanted.score(name);
        }
        if !wanted.may_mean(name) {
            return 0.0;
        }
        let score = wanted.score_of_words(name);
        let is_of_its_kind = || words.is_some_and(|words| wanted.words().any(|word| words.contains(word)));
        if wanted.has_grade_of(name) && is_of_its_kind() { score.max(SCORE_MIN) } else { score }
    }
}

impl<'a> Suggester<'a> {
    pub(super) fn new(library: &'a Library, table: &'a PartTable<'a>) -> Self {
        Self { library, table, known: None, found: HashMap::new(), parts: None, budget: Some(CHARACTER_PAIRS_MAX) }
    }

    /// Suggestions for a part by its names, as they are and without the suffixes of tools.
    pub(super) fn for_part(&mut self, part: &PartNames) -> Vec<Suggestion> {
        let names = [&part.node, &part.mesh].into_iter().filter_map(|name| name.as_deref());
        let mut queries = Vec::new();
        for name in names.filter(|name| !is_unnamed(name)) {
            for query in [name, strip_all(name)] {
                if !queries.iter().any(|known| known == query) {
                    queries.push(query.to_owned());
                }
            }
        }
        self.find(Query::Part(queries))
    }

    /// Suggestions for a material string that no library has.
    pub(super) fn for_string(&mut self, string: &str) -> Vec<Suggestion> {
        self.find(Query::Material(string.to_owned()))
    }

    /// Names of parts that are much like one that no part has, the likest first.
    pub(super) fn near_names(&mut self, name: &str, parts: &[PartNames]) -> Vec<String> {
        self.near(0, name, parts)
    }

    /// The same of paths.
    pub(super) fn near_paths(&mut self, path: &str, parts: &[PartNames]) -> Vec<String> {
        self.near(1, path, parts)
    }

    fn near(&mut self, of: usize, wanted: &str, parts: &[PartNames]) -> Vec<String> {
        let known = &self.parts.get_or_insert_with(|| [names_of(parts), paths_of(parts)])[of];
        let wanted = Likeness::new(wanted);
        let mut near = Vec::new();
        for (likeness, name) in known.iter().filter(|(likeness, _)| likeness.digits == wanted.digits) {
            self.budget = self.budget.and_then(|budget| budget.checked_sub(wanted.key.len() * likeness.key.len()));
            if self.budget.is_none() {
                return Vec::new();
            }
            let score = wanted.score(likeness);
            if score >= SCORE_MIN {
                near.push((score, name));
            }
        }
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        near.into_iter().take(SHOWN_MAX).map(|(_, name)| name.clone()).collect()
    }

    fn find(&mut self, query: Query) -> Vec<Suggestion> {
        if let Some(found) = self.found.get(&query) {
            return found.clone();
        }
        let known = self.known.get_or_insert_with(|| known_names(self.library, self.table));
        let mut best: HashMap<LibraryMaterialIdx, f64> = HashMap::new();
        for wanted in query.names().iter().map(|name| Likeness::new(name)).filter(|wanted| !wanted.key.is_empty()) {
            // Other digits cap the score below what is shown, so those names need no comparison.
            for (name, material) in known.names.iter().filter(|(name, _)| name.digits == wanted.digits) {
                self.budget = self.budget.and_then(|budget| budget.checked_sub(wanted.key.len() * name.key.len()));
                if self.budget.is_none() {
                    return Vec::new();
                }
                let score = query.score(&wanted, name, known.words.get(material));
                if score >= SCORE_MIN {
                    let entry = best.entry(*material).or_insert(score);
                    *entry = entry.max(score);
                }
            }
        }
        let mut ranked: Vec<_> = best.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(SHOWN_MAX);
        let suggestion = |(material, score): (LibraryMaterialIdx, f64)| Suggestion {
            material: self.library.material(material).id.clone(),
            score: (score * 1000.0).round() / 1000.0,
        };
        let suggestions: Vec<_> = ranked.into_iter().map(suggestion).collect();
        self.found.insert(query, suggestions.clone());
        suggestions
    }

    /// What to say when not every unknown name was compared.
    pub(super) fn limit_finding(&self) -> Option<Finding> {
        let message = "there are too many unknown part names to look for suggestions for all of them";
        self.budget.is_none().then(|| Finding::new(Severity::Info, "suggestions_limited", "", message))
    }
}

/// What parts are called, each name once.
fn names_of(parts: &[PartNames]) -> Vec<(Likeness, String)> {
    let names = parts.iter().flat_map(|part| [&part.node, &part.mesh]).filter_map(|name| name.as_deref());
    distinct(names.filter(|name| !is_unnamed(name)))
}

fn paths_of(parts: &[PartNames]) -> Vec<(Likeness, String)> {
    distinct(parts.iter().map(|part| part.path.as_str()))
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(Likeness, String)> {
    let names: BTreeSet<&str> = names.collect();
    names.into_iter().map(|name| (Likeness::new(name), name.to_owned())).collect()
}

/// The names that can be suggested: those of the map, and those of active materials other than the fallback.
fn known_names(library: &Library, table: &PartTable<'_>) -> Known {
    let mut names: Vec<_> = table.known_names().map(|(name, material)| (Likeness::new(name), material)).collect();
    let mut words: HashMap<LibraryMaterialIdx, HashSet<String>> = HashMap::new();
    for (idx, material) in (0..).map(LibraryMaterialIdx).zip(library.materials()) {
        if material.status == Status::Active && idx != library.fallback() {
            for name in [&material.id, &material.name].into_iter().chain(&material.aliases) {
                let name = Likeness::new(name);
                words.entry(idx).or_default().extend(name.words().map(str::to_owned));
                names.push((name, idx));
            }
        }
    }
    Known { names, words }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::MaterialMap;

    #[test]
    fn unknown_names_cost_bounded_work() {
        let map = MaterialMap::default();
        let library = Library::builtin();
        let table = PartTable::new(&map.entries, library);
        let mut suggester = Suggester::new(library, &table);
        assert_eq!(suggester.for_string("Steal")[0].material, "STD_010101_Steel-Bare");
        assert_eq!(suggester.limit_finding(), None);
        suggester.budget = Some(100);
        assert_eq!(suggester.for_string("Kopper"), []);
        assert_eq!(suggester.limit_finding().map(|finding| finding.code), Some("suggestions_limited"));
        // What was found before is still known.
        assert_eq!(suggester.for_string("Steal")[0].material, "STD_010101_Steel-Bare");
    }

    #[test]
    fn a_string_that_says_more_than_a_name_means_the_most_special_one() {
        let map = MaterialMap::default();
        let library = Library::builtin();
        let table = PartTable::new(&map.entries, library);
        let mut suggester = Suggester::new(library, &table);
        for (wanted, first) in [
            ("Clear glass", "STD_040101_Glass-Boro"),
            ("Brushed stainless steel", "Stainless-Brushed"),
            ("Deep black leather", "Leather-Black"),
            ("Chrome plated steel", "Chrome"),
            ("Hardened tool steel", "Steel-Tool"),
            ("Mirror polished brass", "Brass-Polished"),
            ("Steel 304", "Stainless-Polished"),
            ("Titan", "Titanium"),
            ("Messingblech", "Brass-CuZn30"),
            ("Kupferrohr", "Copper"),
            ("Powder coating 9005", "PowderCoat-RAL9005"),
        ] {
            let found = suggester.for_string(wanted);
            assert!(found.first().is_some_and(|near| near.material.ends_with(first)), "{wanted}: {found:?}");
        }
        assert_eq!(suggester.for_string("Weißblech"), [], "it is no babbitt, whose name begins alike");
        for number in ["Shaft 250", "Housing 304", "Model 2004"] {
            assert_eq!(suggester.for_string(number), [], "a number alone is no grade");
        }
    }
}
