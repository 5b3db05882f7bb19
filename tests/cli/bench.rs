//! What benchmarks read.

use crate::workplace::Workplace;

#[test]
fn repetitions_are_warm() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "--dump-shot", "shot.json"]);
    // As the peers' harness calls it.
    let options =
        ["--noise", "0", "--denoise", "off", "--samples", "8", "--seed", "3", "--threads", "1", "-o", "out.exr"];
    let command = [&["render", "--json", "--shot", "shot.json"], &options[..], &["--repeat", "3"]].concat();
    let result = workplace.run(&command).done().json();
    let warm = result["warm"].as_array().expect("a list");
    assert_eq!(warm.len(), 2);
    for seconds in warm {
        assert!(seconds["total"].as_f64().expect("a number") > 0.0);
        assert_eq!((&seconds["import"], &seconds["prepare"]), (&0.0.into(), &0.0.into()));
    }
    assert_eq!(result["samples_mean"], 8.0);
    if cfg!(unix) {
        assert!(result["seconds"]["render_cpu"].as_f64().is_some_and(|seconds| seconds > 0.0));
    }
    assert!(result["seconds"]["render"].as_f64().expect("a number") > 0.0);
}
