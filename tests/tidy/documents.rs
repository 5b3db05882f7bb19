//! Documents say what is there.

use crate::tree::{File, expect_none, files, root};

/// Links `](target)` of a Markdown file to files of the repository.
fn links(file: &File) -> impl Iterator<Item = &str> {
    let targets = file.text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
}

#[test]
fn links_lead_somewhere() {
    let files = files();
    let broken = files.iter().filter(|file| file.is("md")).flat_map(|file| {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_broken = move |target: &&str| !root().join(folder).join(target).exists();
        links(file).filter(is_broken).map(|target| format!("{}: {target}", file.path))
    });
    expect_none("links to nothing", broken);
}

/// What a link from a folder to `target` leads to, from the root of the repository.
fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        if part == ".." {
            parts.pop();
        } else if part != "." {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_to_headings() {
    let files = files();
    let broken = files.iter().filter(|file| file.is("md")).flat_map(|file| {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let targets = file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()?.split_once('#'));
        let is_broken = |(path, name): &(&str, &str)| {
            let target = if path.is_empty() { file.path.clone() } else { joined(folder, path) };
            let document = files.iter().find(|other| other.path == target && other.is("md"));
            document.is_some_and(|other| {
                let mut headings = other.text.lines().filter(|line| line.starts_with('#'));
                !headings.any(|line| anchor(line) == *name)
            })
        };
        targets.filter(is_broken).map(|(path, name)| format!("{}: {path}#{name}", file.path)).collect::<Vec<_>>()
    });
    expect_none("links to headings that are not there", broken);
}

/// Paths in backticks: what has a slash, and only characters of paths.
fn paths(file: &File) -> impl Iterator<Item = &str> {
    let code = file.text.split('`').skip(1).step_by(2);
    code.filter(|text| text.contains('/') && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)))
}

#[test]
fn the_map_shows_what_is_there() {
    let files = files();
    let map = files.iter().find(|file| file.path == "ARCHITECTURE.md").expect("ARCHITECTURE.md");
    let missing: Vec<String> = paths(map).filter(|path| !root().join(path).exists()).map(str::to_owned).collect();
    expect_none("paths in ARCHITECTURE.md that are not there", missing);
    assert!(paths(map).count() > 20, "the map names its places");
}

#[test]
fn the_readme_begins_with_a_picture_and_the_two_commands() {
    let files = files();
    let readme = &files.iter().find(|file| file.path == "README.md").expect("README.md").text;
    let places =
        ["![", "cargo run --release --no-default-features -- render --sample bearing -o bearing.png", "scripts/test"];
    let found: Vec<_> = places.iter().map(|text| readme.find(text).unwrap_or_else(|| panic!("{text}"))).collect();
    assert!(found.is_sorted(), "{found:?}");
    assert!(found[2] < 1500, "the first screen has them");
}

#[test]
fn the_readme_counts_the_materials_that_there_are() {
    let files = files();
    let library = files.iter().filter(|file| file.is_below("materials/library/"));
    let count: usize = library.map(|file| file.text.matches("[[material]]").count()).sum();
    let readme = &files.iter().find(|file| file.path == "README.md").expect("README.md").text;
    assert!(readme.contains(&format!("{count} measured and authored materials")), "there are {count} materials");
}

#[test]
fn the_readme_explains_every_exit_code() {
    let files = files();
    let text = |path: &str| &files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path}")).text;
    let readme = text("README.md");
    let codes = text("src/cli/failure.rs");
    let numbers =
        codes.lines().filter_map(|line| line.trim().split_once(" = ")?.1.strip_suffix(',')?.parse::<u8>().ok());
    let missing =
        numbers.filter(|code| !readme.contains(&format!("| {code} |"))).map(|code| format!("exit code {code}"));
    expect_none("exit codes that README.md does not explain", missing);
}

/// The first string literal after each place where a finding is made.
fn finding_codes(source: &File) -> impl Iterator<Item = &str> {
    let after = |call: &'static str| source.text.split(call).skip(1);
    let made = after(".add(").chain(after(".add_once(")).chain(after("code: "));
    made.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
}

#[test]
fn every_finding_about_a_product_is_explained() {
    let files = files();
    let text = &files.iter().find(|file| file.path == "docs/diagnostics.md").expect("docs/diagnostics.md").text;
    let explained: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let sources =
        files.iter().filter(|file| ["renderer/src/", "pipeline/src/"].iter().any(|place| file.is_below(place)));
    let codes: Vec<&str> = sources.filter(|file| file.is("rs")).flat_map(finding_codes).collect();
    assert!(codes.len() > 50, "{codes:?}");
    let missing = codes.into_iter().filter(|code| !code.is_empty() && !explained.contains(code));
    expect_none("findings that docs/diagnostics.md does not explain", missing.map(str::to_owned));
}
