//! Materials that are proposed for names that nothing matched, for people to choose from (suggested-fixes.md §6).
//!
//! In: a name with what its file says about it, the library in force, and what is known besides: which names were given
//! which materials before. Out: at most five materials, each with its reasons and a confidence that follows from them.
//! Nothing is ever applied here.

use std::collections::{BTreeMap, HashMap};

use packshot_words::words;

use crate::library::{Library, LibraryMaterialIdx, MaterialMethod, Status};
use crate::likeness::{Likeness, SCORE_CONTAINED, SCORE_MIN};
use crate::name::suffix::strip_all;
use crate::name::{is_unnamed, match_key, one_line};

mod colour;
mod kinds;

/// Proposals for one name.
const SHOWN_MAX: usize = 5;
/// The least confidence worth showing, in percent.
const CONFIDENCE_PCT_MIN: u8 = 30;
/// The highest confidence: what was computed from names is never certain.
const CONFIDENCE_MAX: f64 = 0.97;
/// Names of fewer characters are alike only where they are the same.
const LETTERS_MIN: usize = 4;
/// Colours that differ by more have nothing to do with each other, in ΔE2000.
const DELTA_E_MAX: f64 = 20.0;
/// Pairs of characters that are compared for all names of a job; then further names go without reasons of names.
const CHARACTER_PAIRS_MAX: usize = 200_000_000;

words! {
    /// Why a material is proposed.
    pub enum SignalKind {
        /// The tenant gave it to this name, or to one like it
        TenantChoice = "tenant_choice",
        /// It is called so, or nearly
        Name = "name",
        /// Somebody who has published their library calls it so, or nearly
        PublicAlias = "public_alias",
        /// The file's material is called so, or nearly
        GltfMaterial = "gltf_material",
        /// The CAD system's material or layer is called so, or nearly
        Metadata = "metadata",
        /// It has the colour of the part in the file
        Colour = "colour",
        /// Parts of this name wear it in products of the same category
        ProductFamily = "product_family",
        /// Parts of its kind are usually made of it
        PartKind = "part_kind",
    }
}

impl SignalKind {
    /// How much a reason of this kind counts: starting values, to be calibrated by what people say of proposals.
    #[must_use]
    pub const fn weight(self) -> f64 {
        match self {
            Self::TenantChoice => 0.95,
            Self::Name => 0.85,
            Self::PublicAlias => 0.80,
            Self::GltfMaterial | Self::Metadata => 0.70,
            Self::PartKind => 0.55,
            Self::Colour => 0.25,
            Self::ProductFamily => 0.20,
        }
    }
}

/// A reason for a material.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// What kind of reason.
    pub kind: SignalKind,
    /// How strong, 0 to 1.
    pub score: f64,
    /// In words.
    pub detail: String,
}

/// A material that is proposed.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The id of the material.
    pub material: String,
    /// How sure it is, 30 to 97.
    pub confidence_pct: u8,
    /// The two strongest reasons as a sentence.
    pub description: String,
    /// All reasons, the strongest first.
    pub signals: Vec<Signal>,
}

/// A name that nothing matched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unmatched<'n> {
    /// What it is called: the name itself, first.
    pub names: Vec<&'n str>,
    /// The name of its material in the file.
    pub gltf_material: Option<&'n str>,
    /// The base colour of that, linear Rec.709.
    pub gltf_color: Option<[f64; 3]>,
    /// CAD materials or layers that the file names for it.
    pub cad_names: Vec<&'n str>,
}

/// A name that was given a material before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The name.
    pub name: String,
    /// The material, by id, code, name or alias.
    pub material: String,
    /// How often.
    pub n: u32,
}

/// What a published library calls one of its materials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedName {
    /// Its id.
    pub id: String,
    /// Its code.
    pub code: String,
    /// Its name and its aliases.
    pub names: Vec<String>,
}

/// What is known besides the library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// What the tenant gave to names.
    pub choices: Vec<Given>,
    /// What published libraries call their materials.
    pub published: Vec<PublishedName>,
    /// What parts of products of the same category wear.
    pub family: Vec<Given>,
}

/// A name that stands for a material.
struct Known {
    likeness: Likeness,
    material: LibraryMaterialIdx,
    text: String,
    /// How often it was chosen, where it was.
    n: u32,
}

/// Makes proposals for the names of a job.
pub struct Proposer<'l> {
    library: &'l Library,
    names: Vec<Known>,
    choices: Vec<Known>,
    published: Vec<Known>,
    family: HashMap<String, BTreeMap<LibraryMaterialIdx, u32>>,
    /// Pairs of characters that may still be compared; `None` when they are used up.
    budget: Option<usize>,
}

impl<'l> Proposer<'l> {
    /// Prepares what is known.
    pub fn new(library: &'l Library, knowledge: &Knowledge) -> Self {
        let offered = |idx: LibraryMaterialIdx| {
            let material = library.material(idx);
            material.status == Status::Active && idx != library.fallback()
        };
        let known =
            |text: &str, material, n| Known { likeness: Likeness::new(text), material, text: text.to_owned(), n };
        let all = (0..).map(LibraryMaterialIdx).zip(library.materials()).filter(|(idx, _)| offered(*idx));
        let names = all.flat_map(|(idx, material)| {
            let names = [&material.id, &material.code, &material.name].into_iter().chain(&material.aliases);
            names.map(move |name| known(name, idx, 0))
        });
        let found = |text: &str| library.find(text).map(|(idx, _)| idx).filter(|idx| offered(*idx));
        let chosen = |given: &Given| {
            Some(known(&given.name, found(&given.material)?, given.n)).filter(|_| !is_unnamed(&given.name))
        };
        let of_published = |published: &PublishedName| {
            let by = |text: &str| {
                let (idx, method) = library.find(text)?;
                matches!(method, MaterialMethod::Id | MaterialMethod::Code).then_some(idx).filter(|idx| offered(*idx))
            };
            let idx = by(&published.id).or_else(|| by(&published.code));
            let names = idx.into_iter().flat_map(|idx| published.names.iter().map(move |name| known(name, idx, 0)));
            names.collect::<Vec<_>>()
        };
        let mut family: HashMap<String, BTreeMap<LibraryMaterialIdx, u32>> = HashMap::new();
        for given in &knowledge.family {
            if let Some(idx) = found(&given.material) {
                *family.entry(match_key(&given.name)).or_default().entry(idx).or_default() += given.n;
            }
        }
        Self {
            library,
            names: names.collect(),
            choices: knowledge.choices.iter().filter_map(chosen).collect(),
            published: knowledge.published.iter().flat_map(of_published).collect(),
            family,
            budget: Some(CHARACTER_PAIRS_MAX),
        }
    }

    /// The materials that are proposed for a name: the surest first, of equals the one that the tenant chose for the
    /// whole name, not for it without a number, then the one that it chose more often, then by id.
    pub fn propose(&mut self, part: &Unmatched<'_>) -> Vec<Proposal> {
        let mut reasons: BTreeMap<LibraryMaterialIdx, Vec<Signal>> = BTreeMap::new();
        let forms = |texts: &[&str]| -> Vec<Likeness> {
            let named = texts.iter().filter(|text| !is_unnamed(text));
            let mut forms: Vec<&str> = named.flat_map(|text| [*text, strip_all(text)]).collect();
            forms.dedup();
            forms.into_iter().map(Likeness::new).filter(|form| !form.key.is_empty()).collect()
        };
        let own = forms(&part.names);
        for (idx, (score, text)) in self.chosen(&own) {
            let detail = match score {
                1.0.. => format!("this name was given to it before, as `{text}`"),
                _ => format!("name is {} similar to `{text}`, which was given to it before", percent(score)),
            };
            reasons.entry(idx).or_default().push(Signal { kind: SignalKind::TenantChoice, score, detail });
        }
        let similar = [
            (SignalKind::Name, own.clone(), false, "name is"),
            (SignalKind::PublicAlias, own, true, "name is"),
            (
                SignalKind::GltfMaterial,
                forms(&part.gltf_material.into_iter().collect::<Vec<_>>()),
                false,
                "the file's material is",
            ),
            (SignalKind::Metadata, forms(&part.cad_names), false, "the CAD system's material is"),
        ];
        for (kind, forms, is_published, subject) in similar {
            for (idx, (score, text)) in self.alike(&forms, is_published) {
                let of = if is_published { " of a public library" } else { "" };
                let what = self.kind_of(idx, &text, is_published);
                let detail = format!("{subject} {} similar to {what} \"{text}\"{of}", percent(score));
                reasons.entry(idx).or_default().push(Signal { kind, score, detail });
            }
        }
        if let Some(worn) = part.names.first().and_then(|name| self.family.get(&match_key(name))) {
            let total: u32 = worn.values().sum();
            for (idx, n) in worn {
                let score = f64::from(*n) / f64::from(total.max(1));
                let detail = format!("{} of such parts in products of the category wear it", percent(score));
                reasons.entry(*idx).or_default().push(Signal { kind: SignalKind::ProductFamily, score, detail });
            }
        }
        if let Some(kind) = part.names.iter().find_map(|name| kinds::kind_of(name)) {
            let offered = |idx: LibraryMaterialIdx| {
                self.library.material(idx).status == Status::Active && idx != self.library.fallback()
            };
            for (idx, score, detail) in kind.materials(self.library).into_iter().filter(|(idx, ..)| offered(*idx)) {
                let signals = reasons.entry(idx).or_default();
                // What the tenant has chosen needs no textbook, nor is it to be outweighed by one.
                if signals.iter().all(|signal| signal.kind != SignalKind::TenantChoice) {
                    signals.push(Signal { kind: SignalKind::PartKind, score, detail });
                }
            }
        }
        if let Some(color) = part.gltf_color.filter(|color| !colour::is_default_grey(*color)) {
            for (idx, material) in (0..).map(LibraryMaterialIdx).zip(self.library.materials()) {
                let delta_e = colour::delta_e(color, material.openpbr.base_color.map(f64::from));
                let score = 1.0 - delta_e.min(DELTA_E_MAX) / DELTA_E_MAX;
                // A colour alone is no reason: it is too little for a proposal.
                if let Some(signals) = reasons.get_mut(&idx).filter(|_| score > 0.0) {
                    let detail = format!("colour differs by ΔE {delta_e:.0}");
                    signals.push(Signal { kind: SignalKind::Colour, score, detail });
                }
            }
        }
        self.ranked(reasons, part)
    }

    fn ranked(&self, reasons: BTreeMap<LibraryMaterialIdx, Vec<Signal>>, part: &Unmatched<'_>) -> Vec<Proposal> {
        let whole: Vec<String> = part.names.iter().map(|name| Likeness::new(name).key).collect();
        let mut ranked: Vec<(f64, bool, u32, Proposal)> = Vec::new();
        for (idx, mut signals) in reasons {
            signals.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
            let confidence = confidence(&signals);
            let confidence_pct = (100.0 * confidence).round() as u8;
            if confidence_pct < CONFIDENCE_PCT_MIN {
                continue;
            }
            let chosen = || self.choices.iter().filter(|known| known.material == idx);
            let n = chosen().map(|known| known.n).sum();
            let is_exact = chosen().any(|known| whole.contains(&known.likeness.key));
            let material = self.library.material(idx).id.clone();
            let description = sentence(&signals);
            signals.iter_mut().for_each(|signal| signal.score = (signal.score * 1000.0).round() / 1000.0);
            ranked.push((confidence, is_exact, n, Proposal { material, confidence_pct, description, signals }));
        }
        let by_name = |a: &Proposal, b: &Proposal| a.material.cmp(&b.material);
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then((b.1, b.2).cmp(&(a.1, a.2))).then_with(|| by_name(&a.3, &b.3)));
        ranked.truncate(SHOWN_MAX);
        ranked.into_iter().map(|(.., proposal)| proposal).collect()
    }

    /// For each material that the tenant has chosen, how alike the likest name is that it was chosen for.
    fn chosen(&mut self, forms: &[Likeness]) -> BTreeMap<LibraryMaterialIdx, (f64, String)> {
        let mut best = BTreeMap::new();
        for known in &self.choices {
            let score = forms
                .iter()
                .map(|form| if form.key == known.likeness.key { 1.0 } else { form.score(&known.likeness).min(0.999) });
            let score = score.fold(0.0, f64::max);
            if spent(&mut self.budget, forms, known) {
                return BTreeMap::new();
            }
            if score >= SCORE_MIN {
                keep_best(&mut best, known, score);
            }
        }
        best
    }

    /// For each material how alike the likest of its names is.
    fn alike(&mut self, forms: &[Likeness], is_published: bool) -> BTreeMap<LibraryMaterialIdx, (f64, String)> {
        let mut best = BTreeMap::new();
        let known = if is_published { &self.published } else { &self.names };
        for known in known {
            if spent(&mut self.budget, forms, known) {
                return BTreeMap::new();
            }
            let score = forms.iter().map(|form| similarity(form, &known.likeness)).fold(0.0, f64::max);
            if score > 0.0 {
                keep_best(&mut best, known, score);
            }
        }
        best
    }

    /// What a name of a material is to it, in a word.
    fn kind_of(&self, idx: LibraryMaterialIdx, text: &str, is_published: bool) -> &'static str {
        let material = self.library.material(idx);
        match text {
            _ if is_published => "the name",
            _ if text == material.id || text == material.code => "its id",
            _ if text == material.name => "its name",
            _ => "alias",
        }
    }
}

/// How alike a name is to that of a material; 0 where they have nothing to do with each other: by their letters alone,
/// unrelated words reach 0.8 (`SOLID` and `Solder tin`).
fn similarity(name: &Likeness, of_material: &Likeness) -> f64 {
    let contained = if name.contains(of_material) { SCORE_CONTAINED } else { 0.0 };
    // The beginning weighs so much that three letters are like any word which begins with them.
    let is_short = name.key.chars().count() < LETTERS_MIN || of_material.key.chars().count() < LETTERS_MIN;
    let score = match is_short {
        true if name.key == of_material.key => 1.0,
        true => contained,
        false => name.uncapped(of_material).max(contained),
    };
    if score < SCORE_MIN { 0.0 } else { name.capped(score, of_material) }
}

fn keep_best(best: &mut BTreeMap<LibraryMaterialIdx, (f64, String)>, known: &Known, score: f64) {
    let entry = best.entry(known.material).or_insert((0.0, String::new()));
    if score > entry.0 {
        *entry = (score, one_line(&known.text));
    }
}

/// Takes the work of a comparison from the budget; whether it is used up.
fn spent(budget: &mut Option<usize>, forms: &[Likeness], known: &Known) -> bool {
    let pairs: usize = forms.iter().map(|form| form.key.len() * known.likeness.key.len()).sum();
    *budget = budget.and_then(|budget| budget.checked_sub(pairs));
    budget.is_none()
}

fn strength(signal: &Signal) -> f64 {
    signal.kind.weight() * signal.score
}

/// The confidence that follows from reasons: each makes it less likely that the material is wrong.
fn confidence(signals: &[Signal]) -> f64 {
    let doubt: f64 = signals.iter().map(|signal| 1.0 - strength(signal)).product();
    (1.0 - doubt).min(CONFIDENCE_MAX)
}

/// The two strongest reasons as a sentence.
fn sentence(signals: &[Signal]) -> String {
    let details: Vec<&str> = signals.iter().take(2).map(|signal| signal.detail.as_str()).collect();
    let text = details.join("; ");
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), chars.as_str()))
}

fn percent(score: f64) -> String {
    format!("{:.0} %", 100.0 * score)
}

#[cfg(test)]
mod tests;
