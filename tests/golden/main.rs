//! Pictures that stay as they are: small shots rendered on the CPU and compared with committed PNGs.
//!
//! A shot fails when its mean FLIP error (Andersson et al. 2020, "FLIP: A Difference Evaluator for Alternating Images")
//! to the committed picture is above [`FLIP_MAX`]; what was rendered and where it differs are then written below
//! Cargo's folder for test output, and the message says where. `UPDATE_GOLDEN=1 cargo test --test golden` accepts what
//! is rendered: look at every picture before you commit it.

mod balls;
mod compare;
mod shots;

use packshot::picture::Format;
use packshot::{DeviceRequest, Renderer, RendererOptions};

/// Equal pictures have 0, two with different noise about 0.1. Processors differ only in rounding.
const FLIP_MAX: f32 = 0.01;

/// Renders a shot and compares it, or accepts it.
fn check(shot: &shots::GoldenShot) {
    let renderer = Renderer::new(&DeviceRequest::Cpu, RendererOptions::default()).expect("the CPU");
    let picture = renderer.render(&shot.glb, &shot.request).expect("a sound product");
    let actual = picture.encode(Format::default()).expect("a small picture");
    let golden = compare::committed(shot.name);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(&golden, actual).expect("the pictures can be written");
        return;
    }
    let expected = std::fs::read(&golden).unwrap_or_else(|reason| panic!("{}: {reason}", golden.display()));
    let flip = compare::flip(&expected, &actual);
    if flip.mean > FLIP_MAX {
        let kept = flip.keep(shot.name, &actual);
        panic!("{}: mean FLIP {:.4}, at most {FLIP_MAX}; see {kept}", shot.name, flip.mean);
    }
}

#[test]
fn bearing_in_soft_light() {
    check(&shots::bearing_soft());
}

#[test]
fn bearing_in_hard_light_on_white() {
    check(&shots::bearing_contrast());
}

#[test]
fn metals() {
    check(&shots::metals());
}

#[test]
fn glass_and_plastics() {
    check(&shots::dielectrics());
}

#[test]
fn the_file_s_own_materials() {
    check(&shots::own_materials());
}

#[test]
fn another_picture_fails() {
    let shot = shots::metals();
    let golden = std::fs::read(compare::committed(shot.name)).expect("committed");
    let other = std::fs::read(compare::committed(shots::dielectrics().name)).expect("committed");
    let flip = compare::flip(&golden, &other);
    assert!(flip.mean > 10.0 * FLIP_MAX, "{}", flip.mean);
    assert_eq!(compare::flip(&golden, &golden).mean, 0.0);
}
