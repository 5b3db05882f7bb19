//! What may stand where in source files.

use crate::tree::{File, expect_none, files};

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

#[test]
fn graphics_stay_in_the_graphics_backend() {
    let is_backend = |file: &File| file.is_below("renderer/src/backend/gpu");
    let is_wgpu = |line: &str| code(line).contains(concat!("wgpu", "::"));
    let found = lines(&files(), |file, line| is_wgpu(line) && !is_backend(file) && !file.is_test());
    expect_none("wgpu outside of renderer/src/backend/gpu", found);
}

#[test]
fn the_scene_knows_neither_formats_nor_devices() {
    let foreign = ["serde", concat!("wgpu", "::"), "packshot_shaders", "bytemuck"];
    let found = lines(&files(), |file, line| {
        file.path == "renderer/src/scene.rs" && foreign.iter().any(|name| code(line).contains(name))
    });
    expect_none("serde or device types in the scene", found);
}

#[test]
fn the_renderer_takes_bytes_and_gives_bytes() {
    let foreign = ["tokio", "axum", "std::path", "std::fs", "std::net", "PathBuf", "std::process"];
    let found = lines(&files(), |file, line| {
        let counts = file.is_below("renderer/src/") && !file.is_test();
        // What the operating system says of the machine is not a file anybody chose.
        counts && !line.contains("\"/proc/") && foreign.iter().any(|name| code(line).contains(name))
    });
    expect_none("paths, processes, networks or async in the renderer", found);
}

#[test]
fn the_denoiser_knows_pictures_alone() {
    let foreign = ["std::path", "std::fs", "std::net", "PathBuf", "packshot_renderer", "packshot_shaders"];
    let found = lines(&files(), |file, line| {
        file.is_below("denoiser/src/") && !file.is_test() && foreign.iter().any(|name| code(line).contains(name))
    });
    expect_none("paths, networks or other crates in the denoiser", found);
}

#[test]
fn materials_open_nothing() {
    let foreign = ["std::path", "std::fs", "std::net", "PathBuf", "packshot_renderer", "packshot_shaders"];
    let found = lines(&files(), |file, line| {
        file.is_below("materials/src/") && !file.is_test() && foreign.iter().any(|name| code(line).contains(name))
    });
    expect_none("paths, networks or other crates in materials", found);
}

#[test]
fn the_domain_of_the_service_knows_no_edges() {
    let foreign = ["serde", "axum", "hyper", "tokio", "sea_orm", "std::fs", "std::net", "SystemTime"];
    let found = lines(&files(), |file, line| {
        file.is_below("service/src/domain") && !file.is_test() && foreign.iter().any(|name| code(line).contains(name))
    });
    expect_none("HTTP, SQL, JSON, files or clocks in the service's domain", found);
}

#[test]
fn sql_and_statuses_have_one_place_each() {
    let in_service = |file: &File| file.is_below("service/src/") && !file.is_test();
    let found = lines(&files(), |file, line| {
        in_service(file) && code(line).contains("sea_orm") && !file.is_below("service/src/db")
    });
    expect_none("SQL outside of service/src/db", found);
    let found = lines(&files(), |file, line| {
        in_service(file) && code(line).contains("StatusCode") && !file.is_below("service/src/api")
    });
    expect_none("HTTP statuses outside of service/src/api", found);
}

/// Where `unsafe` may stand. Each place says its reason.
const UNSAFE: [&str; 7] = [
    "denoiser/src/cpu/x86.rs",
    "oidn/src/api.rs",
    "renderer/src/backend/cpu/simd/",
    "renderer/src/backend/gpu/program.rs",
    "renderer/src/backend/gpu/context.rs",
    "shaders/native/tests/constructs/main.rs",
    "src/main.rs",
];

#[test]
fn unsafe_is_where_it_must_be_and_has_a_reason() {
    let files = files();
    let uses = |line: &str| {
        let line = code(line);
        [" {", " fn", " impl", " extern"].iter().any(|rest| line.contains(&format!("{}{rest}", concat!("un", "safe"))))
    };
    let is_allowed = |file: &File| UNSAFE.iter().any(|place| file.is_below(place));
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
    let shaders: Vec<&File> = files.iter().filter(|file| file.is("wgsl") && file.is_below("shaders/wgsl/")).collect();
    let bound = shaders.iter().filter(|file| file.is_below("shaders/wgsl/lib/"));
    let bound = bound.filter(|file| file.text.contains("@group") || file.text.contains("@compute"));
    expect_none("bindings or entry points in library shaders", bound.map(|file| file.path.clone()));
    let kernels = shaders.iter().filter(|file| file.is_below("shaders/wgsl/kernels/"));
    let crowded = kernels.filter(|file| file.text.matches("@compute").count() != 1);
    expect_none("kernels without exactly one entry point", crowded.map(|file| file.path.clone()));
    assert!(shaders.len() > 10, "the shaders were looked at");
}
