//! What source files may contain, and where.

use crate::tree::{File, below, expect_none, files};

/// Lines of Rust files that fulfil a condition, as `path:line: text`.
fn lines(files: &[File], condition: impl Fn(&File, &str) -> bool) -> Vec<String> {
    let of_file = |file: &&File| -> Vec<String> {
        let hits = file.lines().filter(|(_, line)| condition(file, line));
        hits.map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim())).collect()
    };
    files.iter().filter(|file| file.is("rs")).flat_map(|file| of_file(&file)).collect()
}

/// The line without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Words that must not be in the code of some places. Tests may contain them.
struct Rule {
    /// What is found where the rule is broken.
    says: &'static str,
    /// The places that the rule is about.
    within: &'static [&'static str],
    /// Places among them that it is not about.
    but: &'static [&'static str],
    /// The words.
    words: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        says: "wgpu outside of renderer/src/backend/gpu",
        within: &[""],
        but: &["renderer/src/backend/gpu"],
        words: &[concat!("wgpu", "::")],
    },
    Rule {
        says: "serde or device types in the scene",
        within: &["renderer/src/scene.rs"],
        but: &[],
        words: &["serde", concat!("wgpu", "::"), "packshot_shaders", "bytemuck"],
    },
    Rule {
        says: "paths, processes, networks or async in the renderer",
        within: &["renderer/src/"],
        but: &[],
        words: &["tokio", "axum", "std::path", "std::fs", "std::net", "PathBuf", "std::process"],
    },
    Rule {
        says: "paths, networks or other crates in the denoiser and in materials",
        within: &["denoiser/src/", "materials/src/"],
        but: &[],
        words: &["std::path", "std::fs", "std::net", "PathBuf", "packshot_renderer", "packshot_shaders"],
    },
    Rule {
        says: "HTTP, SQL, JSON, files or clocks in the service's domain",
        within: &["service/domain/src/"],
        but: &[],
        words: &["serde", "axum", "hyper", "tokio", "sea_orm", "std::fs", "std::net", "SystemTime"],
    },
    Rule { says: "SQL outside of service/db", within: &["service/"], but: &["service/db/src/"], words: &["sea_orm"] },
    Rule {
        says: "HTTP statuses outside of service/src/api",
        within: &["service/src/"],
        // It is a client of others.
        but: &["service/src/api", "service/src/executors/http.rs", "service/src/webhooks/sender.rs"],
        words: &["StatusCode"],
    },
    Rule {
        says: "the database or the store in HTTP handlers",
        within: &["service/src/api"],
        but: &[],
        words: &["state.db", "state.store", "app.db", "app.store"],
    },
];

#[test]
fn foreign_words_stay_out() {
    let files = files();
    for Rule { says, within, but, words } in RULES {
        let excepted: Vec<&str> = but.iter().flat_map(|place| below(&files, place)).map(|f| f.path.as_str()).collect();
        let concerned = within
            .iter()
            .flat_map(|place| below(&files, place))
            .filter(|file| file.is("rs") && !file.is_test() && !excepted.contains(&file.path.as_str()));
        let found = concerned.flat_map(|file| {
            // What the operating system says of the machine is not a file that anybody chose.
            let hits = file
                .lines()
                .filter(|(_, line)| !line.contains("\"/proc/") && words.iter().any(|word| code(line).contains(word)));
            hits.map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim()))
        });
        expect_none(says, found);
    }
}

/// Where `unsafe` may stand. Each place says its reason.
const UNSAFE: [&str; 10] = [
    "denoiser/src/cpu/x86.rs",
    "oidn/src/api.rs",
    "renderer/src/backend/gpu/program.rs",
    "renderer/src/backend/gpu/context.rs",
    "renderer/src/backend/gpu/memory.rs",
    "shaders/native/src/loops.rs",
    "shaders/native/src/rt/simd/vectors.rs",
    "shaders/native/tests/constructs/main.rs",
    "src/main.rs",
    "traversal/src/simd/",
];

#[test]
fn unsafe_is_where_it_must_be_and_has_a_reason() {
    let files = files();
    let uses = |line: &str| {
        let line = code(line);
        [" {", " fn", " impl", " extern"].iter().any(|rest| line.contains(&format!("{}{rest}", concat!("un", "safe"))))
    };
    let is_allowed = |file: &File| UNSAFE.iter().any(|place| file.is_below(place));
    UNSAFE.iter().for_each(|place| drop(below(&files, place)));
    expect_none("unsafe code", lines(&files, |file, line| uses(line) && !line.contains('"') && !is_allowed(file)));
    let unreasoned = files
        .iter()
        .filter(|file| file.is("rs") && is_allowed(file))
        .filter(|file| file.lines().any(|(_, line)| uses(line)) && !file.text.contains("unsafe_code, reason = "));
    expect_none("unsafe code without a reason", unreasoned.map(|file| file.path.clone()));
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("XX", "X:"),
        concat!("HA", "CK"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("db", "g!("),
        concat!("#[ign", "ore"),
    ];
    let files = files();
    let found = files.iter().filter(|file| !file.is("md")).flat_map(|file| {
        let hits = file.lines().filter(|(_, line)| marks.iter().any(|mark| line.contains(mark)));
        hits.map(move |(number, line)| format!("{}:{number}: {}", file.path, line.trim()))
    });
    expect_none("marks of unfinished work", found);
}

#[test]
fn the_product_needs_nothing_from_beside_it() {
    let files = files();
    let outside = [concat!("../", "shared"), concat!("/wo", "rk/")];
    let found = files.iter().filter(|file| !file.is_below(".ci/")).flat_map(|file| {
        let hits = file.lines().filter(|(_, line)| outside.iter().any(|place| line.contains(place)));
        hits.map(move |(number, line)| format!("{}:{number}: {}", file.path, line.trim()))
    });
    expect_none("files outside of the repository", found);
}

#[test]
fn library_shaders_have_no_bindings_and_kernels_one_entry_point() {
    let files = files();
    let bound = below(&files, "shaders/wgsl/lib/")
        .into_iter()
        .filter(|file| file.text.contains("@group") || file.text.contains("@compute"));
    expect_none("bindings or entry points in library shaders", bound.map(|file| file.path.clone()));
    let kernels = below(&files, "shaders/wgsl/kernels/").into_iter();
    let crowded = kernels.filter(|file| file.text.matches("@compute").count() != 1);
    expect_none("kernels without exactly one entry point", crowded.map(|file| file.path.clone()));
}
