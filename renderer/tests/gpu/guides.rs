//! Guides for a denoiser and layers are the same on both backends.

use packshot_renderer::backend::{Backend, CancelToken};
use packshot_renderer::guides::{GuideSamples, Guides};
use packshot_renderer::layers::lines::{LineKind, LineStyle};
use packshot_renderer::layers::{LayerNames, LayerRequest, MatteKind, Quantity};

use crate::arrangement::Placement;
use crate::scenes::{Prepared, arranged, cpu, gpu, lamps, still_life};

fn guides(backend: &dyn Backend, prepared: &Prepared) -> Guides {
    let loaded = prepared.load(backend).expect("the scene fits");
    loaded.guides(&GuideSamples::most(16), &CancelToken::default()).expect("nobody cancels")
}

#[test]
fn both_backends_tell_the_same() {
    let prepared = still_life(48, 4).prepare();
    let (on_cpu, on_gpu) = (guides(cpu(), &prepared), guides(gpu(), &prepared));
    for (name, a, b) in [("albedo", &on_cpu.albedo, &on_gpu.albedo), ("normal", &on_cpu.normal, &on_gpu.normal)] {
        let (a, b) = (a.as_flattened(), b.as_flattened());
        assert_eq!(a.len(), b.len());
        assert!(a.iter().any(|value| value.abs() > 0.3), "the {name} is black");
        let equal = a.iter().zip(b).filter(|(a, b)| (*a - *b).abs() < 1e-3).count();
        assert!(equal * 100 >= a.len() * 99, "{name}: {equal} of {} values are equal", a.len());
    }
    assert!(on_cpu.coverage.contains(&1.0) && on_cpu.coverage.iter().any(|&share| share < 1.0));
    let differ = on_cpu.coverage.iter().zip(&on_gpu.coverage).filter(|(a, b)| a != b).count();
    assert!(differ * 100 <= on_cpu.coverage.len(), "the coverage of {differ} pixels differs");
}

#[test]
fn both_backends_know_where_surfaces_are_partly_opaque() {
    let prepared = lamps(48, 4).prepare();
    let (on_cpu, on_gpu) = (guides(cpu(), &prepared), guides(gpu(), &prepared));
    assert!(on_cpu.partly.contains(&1.0) && on_cpu.partly.contains(&0.0));
    let n_partly = on_cpu.partly.iter().filter(|&&share| share > 0.0).count();
    let differ = on_cpu.partly.iter().zip(&on_gpu.partly).filter(|(a, b)| a != b).count();
    assert!(differ * 10 <= n_partly, "{differ} pixels differ, and {n_partly} have a film");
}

#[test]
fn layers_are_the_same_bits() {
    let sketch = arranged(&Placement::default(), 48, 4);
    let prepared = sketch.prepare();
    let palette: Vec<String> = (0..sketch.palette.len()).map(|i| i.to_string()).collect();
    let palette: Vec<&str> = palette.iter().map(String::as_str).collect();
    let names = LayerNames::new(&sketch.scene, &prepared.product, &palette);
    let edges = Quantity::Lines(LineKind::Edges);
    let quantities = [Quantity::Albedo, edges, Quantity::Depth, Quantity::Matte(MatteKind::Material)];
    let lines = LineStyle { width_px: 1.0, crease_rad: LineStyle::CREASE_RAD };
    let request = LayerRequest { quantities: &quantities, names: &names, n_samples: 16, lines };
    let layers = |backend: &dyn Backend| {
        let loaded = prepared.load(backend).expect("the scene fits");
        let bits = |layer: Vec<f32>| layer.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
        let layers = loaded.layers(&request, &CancelToken::default()).expect("nobody cancels");
        layers.into_iter().map(bits).collect::<Vec<_>>()
    };
    assert!(layers(cpu()) == layers(gpu()));
}
