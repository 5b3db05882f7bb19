//! Given options that exclude each other, whatever a template or a preset says.

use super::fault::{OptionFault, Phrase, say};
use super::option::Kind;
use super::table::{OptionId as O, Options};
use super::words::{GroundWord, Lay};

/// Options that replace each other: the second of each pair cannot be combined with the first.
const ALTERNATIVES: [(O, O); 15] = [
    (O::View, O::AzimuthDeg),
    (O::View, O::ElevationDeg),
    (O::View, O::Camera),
    (O::Camera, O::AzimuthDeg),
    (O::Camera, O::ElevationDeg),
    (O::Camera, O::Fill),
    (O::Camera, O::MarginPx),
    (O::Camera, O::Trim),
    (O::Camera, O::CropTo),
    (O::Camera, O::LensMm),
    (O::Camera, O::Ortho),
    (O::Fill, O::MarginPx),
    (O::Fill, O::Trim),
    (O::Ortho, O::LensMm),
    (O::RotateDeg, O::Lay),
];

/// What is wrong with the options on their own.
pub(super) fn of_given(kind: Kind, given: &Options) -> Vec<OptionFault> {
    let mut faults = Vec::new();
    for id in O::all().filter(|id| given.has(*id) && !id.spec().is_of(kind)) {
        faults.push(OptionFault::conflict(id, Phrase::only_for(id, id.spec().of, kind)));
    }
    for (first, second) in ALTERNATIVES {
        if counts(given, first) && counts(given, second) {
            let message = say![second, " cannot be combined with ", first];
            faults.push(OptionFault::conflict(second, message).help(say!["leave out one of them"]));
        }
    }
    if given.shadow_catcher == Some(true) && given.ground.is_some_and(|word| word != GroundWord::Shadow) {
        let message = say![O::ShadowCatcher, " means the ground `shadow`, but ", O::Ground, " chooses another"];
        faults.push(OptionFault::conflict(O::ShadowCatcher, message).help(say!["leave out one of them"]));
    }
    faults
}

impl Options {
    /// The options that are given at last, by layers of which an earlier one counts more: each by the first that gives
    /// it. An option that excludes one of an earlier layer is not given at all: who asks for a `view` above a template
    /// with `azimuth_deg` gets the view. `is_taken` says which options are wanted.
    pub fn overlaid<'o>(first_to_last: impl IntoIterator<Item = &'o Self>, is_taken: impl Fn(O) -> bool) -> Self {
        let mut at_last = Self::default();
        for layer in first_to_last {
            let earlier = at_last.clone();
            let is_new = |id: &O| is_taken(*id) && !earlier.has(*id) && !is_excluded(&earlier, layer, *id);
            for id in O::all().filter(is_new) {
                if let Some(value) = layer.json(id) {
                    // It was read from JSON like this.
                    let _known = at_last.set_json(id, &value);
                }
            }
        }
        at_last
    }
}

/// Whether an option of a layer excludes one that counts more.
fn is_excluded(earlier: &Options, layer: &Options, id: O) -> bool {
    let other = |&(first, second): &(O, O)| match id {
        id if id == first => Some(second),
        id if id == second => Some(first),
        _ => None,
    };
    let is_other_ground = |word: GroundWord| word != GroundWord::Shadow;
    let grounds = match id {
        O::ShadowCatcher => layer.shadow_catcher == Some(true) && earlier.ground.is_some_and(is_other_ground),
        O::Ground => layer.ground.is_some_and(is_other_ground) && earlier.shadow_catcher == Some(true),
        _ => false,
    };
    grounds || counts(layer, id) && ALTERNATIVES.iter().filter_map(other).any(|other| counts(earlier, other))
}

/// Whether an option has an effect: `false` and an empty list are the same as leaving it out.
fn counts(given: &Options, id: O) -> bool {
    match id {
        O::Trim => given.trim == Some(true),
        O::Ortho => given.ortho == Some(true),
        O::Lay => given.lay == Some(Lay::Flat),
        O::CropTo => given.crop_to.as_ref().is_some_and(|parts| !parts.is_empty()),
        id => given.has(id),
    }
}
