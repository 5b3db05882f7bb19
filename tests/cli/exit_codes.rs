//! One kind of mistake has one exit code, whichever command or option it is made with.

use crate::choices::glb_with_choices;
use crate::workplace::{TINY, Workplace};

/// Command lines of one kind of mistake, with the beginning of their error codes.
type Mistakes = &'static [(&'static str, &'static str)];

/// Files that are not there: bad input.
const MISSING: Mistakes = &[
    ("render gone.glb", "glb.file_missing"),
    ("views gone.glb", "glb.file_missing"),
    ("turntable gone.glb", "glb.file_missing"),
    ("preflight gone.glb", "glb.file_missing"),
    ("map init gone.glb", "glb.file_missing"),
    ("render boxes.glb --material-map gone.json", "map.file_missing"),
    ("preflight boxes.glb --material-map gone.json", "map.file_missing"),
    ("map init boxes.glb --material-map gone.json", "map.file_missing"),
    ("render boxes.glb --library gone", "library.file_missing"),
    ("materials list --library gone", "library.file_missing"),
    ("materials show Steel --library gone", "library.file_missing"),
    ("materials validate gone", "library.file_missing"),
    ("render --shot gone.json", "shot.file_missing"),
    ("views --shot gone.json", "shot.file_missing"),
    ("turntable --shot gone.json", "shot.file_missing"),
    ("render boxes.glb --light gone.hdr", "env.file_missing"),
    ("render boxes.glb --lut gone.cube", "lut.file_missing"),
    ("render boxes.glb --template gone.toml", "template.file_missing"),
    ("template show gone.toml", "template.file_missing"),
    ("template validate gone.toml", "template.file_missing"),
];

/// Folders in place of files, and files that are something else: bad input as well.
const UNREADABLE: Mistakes = &[
    ("render .", "glb.file_missing"),
    ("render boxes.glb --material-map .", "map.file_missing"),
    ("render --shot .", "shot.file_missing"),
    ("render boxes.glb --library text.json", "library.file_missing"),
    ("render text.json", "glb."),
    ("preflight text.json", "glb."),
    ("render shot.json", "glb.header"),
    ("views shot.json", "glb.header"),
    ("render boxes.glb --material-map text.json", "map."),
    ("preflight boxes.glb --material-map text.json", "map."),
    ("render --shot text.json", "shot."),
    ("render --shot boxes.glb", "shot."),
    ("render boxes.glb --light text.hdr", "env."),
    ("render boxes.glb --lut text.cube", "lut."),
    ("render boxes.glb --template text.toml", "template."),
    ("template validate text.toml", "template."),
    ("render boxes.glb --library acme", "library."),
    ("materials validate acme", "library."),
];

/// What is asked of a file or of the library, and is not in it: bad input.
const NOT_IN_IT: Mistakes = &[
    ("render boxes.glb --only Gasket", "shot.part_not_found"),
    ("preflight boxes.glb --only Gasket", "shot.part_not_found"),
    ("views boxes.glb --only Gasket", "shot.part_not_found"),
    ("render boxes.glb --crop-to Gasket", "shot.part_not_found"),
    ("render boxes.glb --dof 2.8 --focus Gasket", "shot.part_not_found"),
    ("turntable boxes.glb --dof 2.8 --focus Gasket", "shot.part_not_found"),
    ("render boxes.glb --camera Gasket", "shot.camera_not_found"),
    ("render choices.glb --variant Gasket", "glb.variant"),
    ("render choices.glb --animation Gasket", "glb.animation"),
    ("render boxes.glb --time 1", "glb.no_animation"),
    ("materials show Gasket", "library.unknown_material"),
];

/// Parts without a material where that is not accepted, whatever names the material.
const UNMAPPED: Mistakes = &[
    ("render boxes.glb --material Base=Gasket --on-unmapped fail", "unmapped_parts"),
    ("render boxes.glb --material-map unknown.json --on-unmapped fail", "unmapped_parts"),
    ("preflight boxes.glb --material Base=Gasket --on-unmapped fail", "unmapped_parts"),
    ("preflight boxes.glb --material-map unknown.json --on-unmapped fail", "unmapped_parts"),
];

/// Words that an option does not have: wrong usage.
const WORDS: Mistakes = &[
    ("render boxes.glb --view gasket", "usage.invalid_value"),
    ("views boxes.glb --set gasket", "usage.invalid_value"),
    ("render boxes.glb --light gasket", "usage.invalid_value"),
    ("render boxes.glb --preset gasket", "usage.invalid_value"),
    ("render boxes.glb --template gasket", "usage.invalid_value"),
    ("template show gasket", "usage.invalid_value"),
    ("template validate gasket", "usage.invalid_value"),
    ("render --sample gasket", "usage.invalid_value"),
    ("views --sample gasket", "usage.invalid_value"),
    ("preflight --sample gasket", "usage.invalid_value"),
    ("sample gasket -o a.glb", "usage.invalid_value"),
];

/// Places that cannot be written to.
const NOT_WRITTEN: Mistakes = &[
    ("render boxes.glb -o no/such/a.png", "output.not_written"),
    ("render boxes.glb -o text.json/", "output.not_written"),
    ("views boxes.glb -o text.json/views/", "output.not_written"),
    ("turntable boxes.glb --frames 2 -o text.json/turn/", "output.not_written"),
    ("render boxes.glb --report no/such/a.json", "output.not_written"),
    ("render boxes.glb --dump-shot no/such/a.json", "output.not_written"),
    ("sample bearing -o no/such/a.glb", "output.not_written"),
    ("map init boxes.glb -o no/such/a.json", "output.not_written"),
    ("man -o text.json/man/", "output.not_written"),
];

/// The same of the commands of the service; none of these gets as far as asking one.
#[cfg(feature = "service")]
const OF_THE_SERVICE: [(i32, Mistakes); 2] = [
    (
        3,
        &[
            ("client submit gone.glb", "glb.file_missing"),
            ("client submit boxes.glb --material-map gone.json", "map.file_missing"),
            ("client submit boxes.glb --material-map text.json", "map.syntax"),
            ("client submit boxes.glb --request gone.json", "request.file_missing"),
            ("client submit boxes.glb --request text.json", "request.syntax"),
            ("client submit boxes.glb --environment gone.hdr", "env.file_missing"),
            ("admin restore gone.zip --data new", "admin.file_missing"),
            ("admin restore text.json --data new", "admin.damaged_backup"),
        ],
    ),
    (6, &[("client submit boxes.glb -o no/such/a.png", "output.not_written")]),
];
#[cfg(not(feature = "service"))]
const OF_THE_SERVICE: [(i32, Mistakes); 0] = [];

#[test]
fn a_kind_of_mistake_has_one_exit_code() {
    let workplace = Workplace::new();
    workplace.write("choices.glb", &glb_with_choices());
    workplace.write("unknown.json", br#"{"parts": [{"part_name": "Base", "material": "Gasket"}]}"#);
    workplace.write("shot.json", br#"{"schema": "packshot-shot/2"}"#);
    for name in ["text.json", "text.hdr", "text.cube", "text.toml", "acme/text.toml"] {
        workplace.write(name, b"this is plain text, and nothing else");
    }
    let kinds = [(3, MISSING), (3, UNREADABLE), (3, NOT_IN_IT), (4, UNMAPPED), (2, WORDS), (6, NOT_WRITTEN)];
    for (exit, mistakes) in kinds.into_iter().chain(OF_THE_SERVICE) {
        for (line, code) in mistakes {
            let takes_pictures = ["render", "views", "turntable"].iter().any(|name| line.starts_with(name));
            // Where a mistake is not noticed, the pictures are small at least.
            let small = if takes_pictures && !line.contains("--shot") { &TINY[..] } else { &[] };
            let args: Vec<&str> = line.split_whitespace().chain(small.iter().copied()).collect();
            let outcome = workplace.run(&args);
            assert_eq!(outcome.code, exit, "{line}: {}", outcome.stderr);
            assert!(outcome.stderr.contains(&format!("error[{code}")), "{line}: {}", outcome.stderr);
        }
    }
}
