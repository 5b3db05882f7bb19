//! Options of the command that a request does not have, because they concern files, folders, threads or programs of one
//! machine, or because a request expresses them differently. Each is refused by name: it is neither ignored nor called
//! unknown.

use packshot_json::{FaultKind, Members};

/// The options, with what to use instead.
const OF_THE_COMMAND: [(&str, &str); 16] = [
    ("threads", "the service decides how many threads a render gets"),
    ("repeat", "send the request again with `Cache-Control: no-cache`"),
    ("report", "every job has one: `links.report`"),
    ("material_map", "send its entries as `materials.parts`"),
    ("shot", "a shot file refers to other files: send its options as members of the request"),
    ("dump_shot", "every job has one: `/api/v1/renders/{id}/shot.json`"),
    ("output", "every job lists its files: `result.files`"),
    ("lut", "a request cannot carry this file; `view_transform` has the AgX looks"),
    ("lut_input", "it belongs to `lut`, a file that a request cannot carry"),
    ("overwrite", "a job never overwrites files"),
    ("denoise_with", "the service uses its own denoiser, so that equal requests give equal files: see `denoise`"),
    ("oidn_quality", "it is for an installed denoiser; the service uses its own: see `denoise`"),
    ("stride", "choose the number of frames with `frame_count`"),
    ("frames_range", "a job renders the whole turn: choose the number of frames with `frame_count`"),
    ("set", "name the set in `views`"),
    ("sample", "send the file as `glb`: `packshot sample` writes it"),
];

/// Reports those that were used.
pub(super) fn refuse(members: &mut Members<'_>) {
    for (name, instead) in OF_THE_COMMAND {
        if let Some(option) = members.unsupported(name) {
            option.report(not_available(), format!("only the command has this option: {instead}"));
        }
    }
}

/// The option is known, but not available here.
pub(super) fn not_available() -> FaultKind {
    FaultKind::Named("option_not_available".to_owned())
}
