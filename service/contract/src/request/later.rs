//! Options of the command that a request does not have, because they are about files, folders, threads or programs of
//! one machine, or because a request says it otherwise. Using one is refused by name: it is neither ignored nor called
//! unknown.

use packshot_json::{FaultKind, Members};

/// The options, with what there is instead.
const OF_THE_COMMAND: [(&str, &str); 16] = [
    ("threads", "the service divides its processors itself"),
    ("repeat", "send the request again with `Cache-Control: no-cache`"),
    ("report", "every job has one: `links.report`"),
    ("material_map", "send its entries as `materials.parts`"),
    ("shot", "it names files beside it: send the members of the picture themselves"),
    ("dump_shot", "every job has one: `/api/v1/renders/{id}/shot.json`"),
    ("output", "every job lists its files: `result.files`"),
    ("lut", "it is a file, which a request cannot bring; `view_transform` has the looks of AgX"),
    ("lut_input", "it is about `lut`, a file that a request cannot bring"),
    ("overwrite", "every job has files of its own"),
    ("denoise_with", "the service has its own denoiser, so that equal requests have equal files: `denoise` says when"),
    (
        "oidn_quality",
        "it is about a denoiser that a machine has installed: `denoise` says when the service's own is used",
    ),
    ("stride", "ask for as many frames as you want of the turn with `frame_count`"),
    ("frames_range", "a job makes the frames of a whole turn: `frame_count` says how many"),
    ("set", "name the set as `views`"),
    ("sample", "send its file as `glb`: the command `packshot sample` writes it"),
];

/// Reports what of it was used.
pub(super) fn refuse(members: &mut Members<'_>) {
    for (name, instead) in OF_THE_COMMAND {
        if let Some(option) = members.given(name) {
            option.report(not_available(), format!("it is an option of the command: {instead}"));
        }
    }
}

/// It is known, and not to be had here.
pub(super) fn not_available() -> FaultKind {
    FaultKind::Named("option_not_available".to_owned())
}
