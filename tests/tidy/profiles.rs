//! What is counted is compiled alike in every build.

use crate::tree::{expect_none, root};

/// The crates of this workspace that a manifest depends on.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(manifest)).expect("a manifest");
    let section = text.split("\n[dependencies]\n").nth(1).expect("dependencies");
    let section = section.split("\n[").next().unwrap_or_default();
    let names = section.lines().filter_map(|line| line.strip_prefix("packshot-")?.split(['.', ' ']).next());
    names.map(|name| format!("packshot-{name}")).collect()
}

#[test]
fn crates_whose_instructions_are_counted_are_not_compiled_incrementally() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let mut counted = dependencies("renderer/Cargo.toml");
    counted.push("packshot-renderer".to_owned());
    let unpinned = counted.iter().filter_map(|name| {
        // Without a section of its own a crate is not optimised, and nothing of it is inlined anywhere.
        let profile = text.split(&format!("\n[profile.dev.package.{name}]\n")).nth(1)?;
        let profile: Vec<&str> = profile.lines().take_while(|line| !line.starts_with('[')).collect();
        (!profile.contains(&"incremental = false")).then(|| name.clone())
    });
    expect_none("crates whose code depends on how they are built", unpinned);
    assert!(counted.len() > 5, "{counted:?}");
}
