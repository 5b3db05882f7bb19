//! Whatever exceeds the memory is refused before it is rendered.

use crate::workplace::Workplace;

const LARGE: [&str; 10] = [
    "--width",
    "8000",
    "--height",
    "8000",
    "--exr",
    "float",
    "--aov",
    "albedo,normal,depth,position,uv,emission",
    "--max-memory-bytes",
    "1500000000",
];

#[test]
fn pictures_that_do_not_fit_are_exit_5_with_their_estimate() {
    let workplace = Workplace::new();
    for command in [
        &["render", "boxes.glb", "-o", "large.exr"][..],
        &["views", "boxes.glb", "-o", "views/", "--format", "exr"],
        &["turntable", "boxes.glb", "-o", "turn/", "--format", "exr", "--frames", "2"],
    ] {
        let outcome = workplace.run(&[command, &LARGE].concat());
        outcome.expect_error(5, "device.out_of_memory", "--max-memory-bytes");
        for told in ["needs about ", " MiB of memory (", "1430 MiB are available"] {
            assert!(outcome.stderr.contains(told), "{told} in\n{}", outcome.stderr);
        }
    }
    assert!(!workplace.path("large.exr").exists());
}

#[test]
fn the_limit_may_be_a_variable_and_usual_pictures_fit() {
    let workplace = Workplace::new();
    let args = ["render", "boxes.glb", "--width", "16", "--height", "16", "--samples", "1", "-o", "small.png"];
    let run = |bytes: &str| {
        let output = workplace.command(&args).env("PACKSHOT_MAX_MEMORY_BYTES", bytes).output().expect("runs");
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    };
    let codes = ["1000000", "1500000000", "2 GiB", "2GiB"].map(|bytes| run(bytes).0);
    assert_eq!(codes, [Some(5), Some(0), Some(0), Some(0)]);
    let told = run("1000").1;
    assert!(told.contains(" and 1000 bytes are available"), "{told}");
    // Where the value came from is where it is wrong.
    for bytes in ["1 MiB", "6 GB"] {
        let told = run(bytes).1;
        assert!(told.contains("\n  at: PACKSHOT_MAX_MEMORY_BYTES\n"), "{bytes}: {told}");
    }
    assert!(workplace.read("small.png").starts_with(b"\x89PNG"));
}
