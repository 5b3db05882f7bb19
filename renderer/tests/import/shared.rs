//! The files of the folder `PACKSHOT_SHARED`: models of CAD systems, and broken and odd files with their expected
//! results.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use packshot_renderer::import::{ImportError, ImportOptions, ImportReport, load};
use packshot_renderer::scene::Scene;
use serde_json::Value;

fn assets() -> Option<PathBuf> {
    let folder = std::env::var_os("PACKSHOT_SHARED").map(|folder| PathBuf::from(folder).join("assets"));
    if folder.is_none() {
        println!("skipped: PACKSHOT_SHARED is not set (the folder with assets/*.glb and assets/broken)");
    }
    folder
}

fn load_file(path: &std::path::Path) -> Result<(Scene, ImportReport), ImportError> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let start = Instant::now();
    let result = load(&bytes, &ImportOptions::default(), &|| false);
    assert!(start.elapsed() < Duration::from_secs(1), "{} took {:?}", path.display(), start.elapsed());
    result
}

/// File, triangles drawn, triangles counted once per geometry, parts. The files' own description counts once per array
/// of indices, which differs for the grid: one of its spheres has vertex colours, and some need tangents.
const MODELS: [(&str, u64, u64, usize); 15] = [
    ("bearing_6205", 102_528, 75_924, 14),
    ("bearing_6205_colour", 57_155, 43_061, 14),
    ("bearing_6205_faces", 49_108, 37_376, 14),
    ("bearing_6205_open", 92_100, 75_924, 13),
    ("cylindrical_roller_NU205", 89_112, 31_704, 16),
    ("cylindrical_roller_NU205_colour", 48_456, 20_280, 16),
    ("cylindrical_roller_NU205_faces", 37_530, 16_842, 16),
    ("screw_M8x30", 21_651, 21_651, 1),
    ("screw_M8x30_colour", 13_593, 13_593, 1),
    ("screw_M8x30_zup", 12_307, 12_307, 1),
    ("gear_reducer", 267_976, 149_411, 60),
    ("conveyor_10k", 6_452_664, 6_624, 10_000),
    ("mug", 21_180, 21_180, 7),
    ("textured_crate", 4_938, 2_022, 12),
    ("materials_grid", 184_032, 12_348, 350),
];

#[test]
fn models_have_the_triangles_and_parts_of_their_makers() {
    let Some(assets) = assets() else { return };
    for (name, drawn, unique, parts) in MODELS {
        let (_, report) =
            load_file(&assets.join(format!("{name}.glb"))).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let stats = report.stats;
        assert_eq!((name, stats.triangles, stats.unique_triangles, stats.instances), (name, drawn, unique, parts));
    }
}

#[test]
fn broken_files_are_refused_at_the_expected_place_and_odd_ones_load() {
    let Some(assets) = assets() else { return };
    let folder = assets.join("broken");
    let expected = std::fs::read_to_string(folder.join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_str(&expected).expect("expected.json is JSON");
    let mut faults = Vec::new();
    for file in expected["files"].as_array().expect("a list of files") {
        let name = file["file"].as_str().expect("a file name");
        let result = load_file(&folder.join(name));
        // Some tools write this, so it is noted and not refused.
        if name == "scene_names_child.glb" {
            let (_, report) = result.expect("it loads");
            let found: Vec<_> = report.diagnostics.iter().map(|finding| (finding.code, finding.at.as_str())).collect();
            assert_eq!(found, [("scene_names_child", "/scenes/0/nodes/1")]);
            continue;
        }
        let fault = if file["load"] == true { check_tolerated(file, &result) } else { check_refused(file, &result) };
        faults.extend(fault.map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{} files:\n{}", faults.len(), faults.join("\n"));
}

fn check_refused(file: &Value, result: &Result<(Scene, ImportReport), ImportError>) -> Option<String> {
    let Err(error) = result else { return Some("loads".to_owned()) };
    let found = format!("{} at {}: {}", error.code().as_str(), error.at(), error.message());
    // The collection uses one code for URIs that are not followed and for embedded data that is broken.
    let code = error.code().as_str().replace("glb.external_uri", "glb.uri");
    if file["code"] != code || !is_place(file, error.at()) {
        return Some(format!("{found}, expected {} at {}", file["code"], file["place"]));
    }
    if error.message().chars().any(char::is_control) || error.message().is_empty() || error.help().is_empty() {
        return Some(format!("{found}: the message is not one line of text"));
    }
    None
}

fn check_tolerated(file: &Value, result: &Result<(Scene, ImportReport), ImportError>) -> Option<String> {
    let diagnostics = match result {
        Ok((_, report)) => &report.diagnostics,
        Err(error) => return Some(format!("refused: {} at {}: {error}", error.code().as_str(), error.at())),
    };
    let is_expected = match (file["code"].as_str(), diagnostics.as_slice()) {
        (None, []) => true,
        (Some(code), [one]) => one.code == code && is_place(file, &one.at),
        _ => false,
    };
    (!is_expected).then(|| format!("{diagnostics:?}, expected {} at {}", file["code"], file["place"]))
}

/// Whether a place is the expected one; a pointer may be longer or shorter by one step.
fn is_place(file: &Value, at: &str) -> bool {
    let place = file["place"].as_str().unwrap_or_default();
    let Some(pointer) = file["pointer"].as_str() else {
        // Only some of the places without a pointer name the byte.
        return if place.starts_with("byte ") { at == place } else { at.starts_with("byte ") || at == place };
    };
    if let Some(element) = file["element"].as_u64() {
        return at == format!("{pointer}, element {element}");
    }
    let shorter = |long: &str, short: &str| long.rsplit_once('/').is_some_and(|(parent, _)| parent == short);
    at == pointer || shorter(at, pointer) || shorter(pointer, at)
}
