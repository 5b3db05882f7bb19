//! Guides for a denoiser are the same on both backends.

use packshot_renderer::backend::{Backend, CancelToken};
use packshot_renderer::guides::Guides;

use crate::arrangement::Placement;
use crate::scenes::{Prepared, arranged, cpu, gpu};

fn guides(backend: &dyn Backend, prepared: &Prepared) -> Guides {
    let loaded = prepared.load(backend).expect("the scene fits");
    loaded.guides(4, &CancelToken::default()).expect("nobody cancels")
}

#[test]
fn both_backends_tell_the_same() {
    let prepared = arranged(&Placement::default(), 48, 4).prepare();
    let (on_cpu, on_gpu) = (guides(cpu(), &prepared), guides(gpu(), &prepared));
    for (name, a, b) in [("albedo", &on_cpu.albedo, &on_gpu.albedo), ("normal", &on_cpu.normal, &on_gpu.normal)] {
        let (a, b) = (a.as_flattened(), b.as_flattened());
        assert_eq!(a.len(), b.len());
        assert!(a.iter().any(|value| value.abs() > 0.3), "the {name} is black");
        let equal = a.iter().zip(b).filter(|(a, b)| (*a - *b).abs() < 1e-3).count();
        assert!(equal * 100 >= a.len() * 99, "{name}: {equal} of {} values are equal", a.len());
    }
}
