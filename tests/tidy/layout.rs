//! How files and crates are laid out.

use std::collections::BTreeSet;

use crate::tree::{File, expect_none, files};

const RUST_LINES_MAX: usize = 500;
const KERNEL_LINES_MAX: usize = 150;
const COMMENT_COLUMNS_MAX: usize = 120;

#[test]
fn files_are_short() {
    let limit = |file: &File| match () {
        () if file.is_below("shaders/wgsl/kernels/") => Some(KERNEL_LINES_MAX),
        () if file.is("rs") || file.is("wgsl") => Some(RUST_LINES_MAX),
        () => None,
    };
    let files = files();
    let long = files.iter().filter_map(|file| {
        let (lines, max) = (file.lines().count(), limit(file)?);
        (lines > max).then(|| format!("{}: {lines} lines, at most {max}", file.path))
    });
    expect_none("long files", long);
}

/// Whether the whole line is a comment, in the language of the file. Scripts without an extension are shell's.
fn is_comment(file: &File, line: &str) -> bool {
    let line = line.trim_start();
    let is_script = !file.path.rsplit('/').next().unwrap_or_default().contains('.') && file.text.starts_with("#!");
    match () {
        () if ["rs", "wgsl", "js", "mjs"].iter().any(|extension| file.is(extension)) => line.starts_with("//"),
        () if is_script || ["py", "toml"].iter().any(|extension| file.is(extension)) => line.starts_with('#'),
        () => false,
    }
}

#[test]
fn comments_are_narrow() {
    let files = files();
    let wide = files.iter().flat_map(|file| {
        let wide =
            file.lines().filter(|(_, line)| is_comment(file, line) && line.chars().count() > COMMENT_COLUMNS_MAX);
        wide.map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim()))
    });
    expect_none(&format!("comments beyond column {COMMENT_COLUMNS_MAX}"), wide);
}

#[test]
fn modules_are_named_by_their_files() {
    let files = files();
    let named = files.iter().filter(|file| file.path.ends_with("/mod.rs"));
    expect_none("mod.rs instead of a file beside the folder", named.map(|file| file.path.clone()));
}

/// A folder of sources, and the file that its modules are declared in, for a Rust file below some `src`.
fn declaring_files(path: &str) -> Vec<String> {
    let (folder, _) = path.rsplit_once('/').expect("below src");
    match folder.ends_with("/src") || folder == "src" {
        true => vec![format!("{folder}/lib.rs"), format!("{folder}/main.rs")],
        false => vec![format!("{folder}.rs")],
    }
}

#[test]
fn every_source_file_is_part_of_its_crate() {
    let files = files();
    let text_of = |path: &str| files.iter().find(|file| file.path == path).map_or("", |file| &file.text);
    let in_src = |file: &&File| file.is("rs") && (file.path.starts_with("src/") || file.path.contains("/src/"));
    let roots = ["lib.rs", "main.rs"];
    let dead = files.iter().filter(in_src).filter(|file| {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let module = name.trim_end_matches(".rs");
        let is_root = roots.contains(&name) && declaring_files(&file.path).contains(&file.path);
        let declares = |text: &str| {
            let declaration = format!("mod {module};");
            let by_path = format!("/{name}\"]");
            text.lines().any(|line| line.trim_end().ends_with(&declaration) || line.contains(&by_path))
        };
        !is_root && !declaring_files(&file.path).iter().any(|path| declares(text_of(path)))
    });
    expect_none("source files that nothing declares", dead.map(|file| file.path.clone()));
}

/// Crates of this repository that a manifest depends on to build its library.
fn own_dependencies(manifest: &str) -> BTreeSet<&str> {
    let section = manifest.split("\n[").find_map(|section| section.strip_prefix("dependencies]"));
    let lines = section.unwrap_or_default().lines();
    lines.filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| name.starts_with("packshot")).collect()
}

#[test]
fn dependencies_point_one_way() {
    let files = files();
    for (manifest, allowed) in [
        ("words/Cargo.toml", &[][..]),
        ("json/Cargo.toml", &["packshot-words"]),
        ("processor/Cargo.toml", &[]),
        ("denoiser/Cargo.toml", &["packshot-processor"]),
        ("oidn/Cargo.toml", &["packshot-denoiser", "packshot-words"]),
        ("shaders/Cargo.toml", &[]),
        ("shaders/native/Cargo.toml", &["packshot-processor", "packshot-shaders"]),
        ("traversal/Cargo.toml", &["packshot-processor", "packshot-shaders"]),
        ("simplify/Cargo.toml", &[]),
        ("texels/Cargo.toml", &[]),
        ("materials/Cargo.toml", &["packshot-json", "packshot-texels", "packshot-words"]),
        (
            "renderer/Cargo.toml",
            &[
                "packshot-denoiser",
                "packshot-materials",
                "packshot-native",
                "packshot-processor",
                "packshot-shaders",
                "packshot-simplify",
                "packshot-texels",
                "packshot-traversal",
                "packshot-words",
            ],
        ),
        (
            "designs/Cargo.toml",
            &["packshot-json", "packshot-materials", "packshot-renderer", "packshot-texels", "packshot-words"],
        ),
        (
            "pipeline/Cargo.toml",
            &[
                "packshot-denoiser",
                "packshot-designs",
                "packshot-json",
                "packshot-materials",
                "packshot-oidn",
                "packshot-renderer",
                "packshot-shaders",
                "packshot-texels",
                "packshot-traversal",
                "packshot-words",
            ],
        ),
        ("kit/Cargo.toml", &["packshot-materials", "packshot-pipeline", "packshot-renderer"]),
        (
            "bench/Cargo.toml",
            &["packshot-materials", "packshot-pipeline", "packshot-processor", "packshot-renderer", "packshot-words"],
        ),
        (
            "service/contract/Cargo.toml",
            &[
                "packshot-designs",
                "packshot-domain",
                "packshot-json",
                "packshot-materials",
                "packshot-pipeline",
                "packshot-renderer",
                "packshot-words",
            ],
        ),
        ("service/domain/Cargo.toml", &["packshot-words"]),
        ("service/db/Cargo.toml", &["packshot-domain"]),
        (
            "service/worker/Cargo.toml",
            &[
                "packshot-contract",
                "packshot-designs",
                "packshot-domain",
                "packshot-json",
                "packshot-materials",
                "packshot-pipeline",
                "packshot-renderer",
                "packshot-words",
            ],
        ),
        (
            "service/Cargo.toml",
            &[
                "packshot-contract",
                "packshot-db",
                "packshot-designs",
                "packshot-domain",
                "packshot-json",
                "packshot-materials",
                "packshot-pipeline",
                "packshot-renderer",
                "packshot-texels",
                "packshot-words",
                "packshot-worker",
            ],
        ),
        (
            "Cargo.toml",
            &[
                "packshot-contract",
                "packshot-domain",
                "packshot-json",
                "packshot-bench",
                "packshot-kit",
                "packshot-materials",
                "packshot-pipeline",
                "packshot-renderer",
                "packshot-service",
                "packshot-words",
                "packshot-worker",
            ],
        ),
    ] {
        let file = files.iter().find(|file| file.path == manifest).unwrap_or_else(|| panic!("{manifest}"));
        let found = own_dependencies(&file.text);
        assert_eq!(found, allowed.iter().copied().collect(), "{manifest}");
        assert!(file.text.contains("[lints]\nworkspace = true"), "{manifest} has the workspace's lints");
    }
}
