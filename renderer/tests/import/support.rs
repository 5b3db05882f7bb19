//! The tests that the documentation's support table refers to exist.

use std::path::Path;

#[test]
fn the_support_table_names_tests_that_are_there() {
    let renderer = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read =
        |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let table = read(&renderer.join("../docs/gltf-support.md"));
    let named: Vec<(&str, &str)> = table.split('`').filter_map(|code| code.split_once("::")).collect();
    let mut found = 0;
    for (module, function) in named {
        // It contains fields of types too.
        if module.chars().all(|letter| letter.is_lowercase() || letter == '_') {
            let folders = ["tests/import", "tests/physics", "tests/physics/scattering", "src/prepare"];
            let place = folders.map(|folder| renderer.join(folder).join(format!("{module}.rs")));
            let place = place.iter().find(|place| place.exists()).unwrap_or_else(|| panic!("no module {module}"));
            assert!(read(place).contains(&format!("fn {function}()")), "{module}::{function}");
            found += 1;
        }
    }
    assert!(found >= 30, "{found} tests");
}
