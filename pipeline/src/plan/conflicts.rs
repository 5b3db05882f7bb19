//! Given options that exclude each other, whatever a template or a preset says.

use super::fault::{OptionFault, Phrase, say};
use super::option::Kind;
use super::table::{OptionId as O, Options};
use super::words::GroundWord;

/// Options that replace each other: the second of each pair cannot be combined with the first.
const ALTERNATIVES: [(O, O); 14] = [
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

/// Whether an option has an effect: `false` and an empty list are the same as leaving it out.
fn counts(given: &Options, id: O) -> bool {
    match id {
        O::Trim => given.trim == Some(true),
        O::Ortho => given.ortho == Some(true),
        O::CropTo => given.crop_to.as_ref().is_some_and(|parts| !parts.is_empty()),
        id => given.has(id),
    }
}
