//! Light groups are the same on both backends.

use packshot_renderer::prepare::LightGroup;

use crate::arrangement::Placement;
use crate::scenes::{Prepared, arranged, cpu, gpu, render};

#[test]
fn groups_add_up_and_are_those_of_the_cpu() {
    let sketch = arranged(&Placement::default(), 32, 8);
    let whole = sketch.prepare();
    let groups = LightGroup::all(&sketch.shot, &whole.product);
    assert_eq!(groups, [LightGroup::Environment, LightGroup::Light(0), LightGroup::Emission]);
    let lit = |group: &LightGroup| {
        let shot = whole.shot.clone().lit_by(&sketch.shot, *group);
        Prepared { product: whole.product.clone(), shot }
    };
    let on_gpu: Vec<Vec<[f32; 4]>> = groups.iter().map(|group| render(gpu(), &lit(group)).film.resolve()).collect();
    for (pixel, expected) in render(gpu(), &whole).film.resolve().iter().enumerate() {
        for channel in 0..3 {
            let sum: f32 = on_gpu.iter().map(|group| group[pixel][channel]).sum();
            let expected = expected[channel];
            assert!((sum - expected).abs() <= 2e-5 * (1.0 + expected), "pixel {pixel}: {sum} instead of {expected}");
        }
    }
    for (group, on_gpu) in groups.iter().zip(&on_gpu) {
        let on_cpu = render(cpu(), &lit(group)).film.resolve();
        let close = |a: &[f32; 4], b: &[f32; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3 * (1.0 + b));
        let n_close = on_gpu.iter().zip(&on_cpu).filter(|(a, b)| close(a, b)).count();
        // A path that rounding sends elsewhere is another sample.
        assert!(n_close * 100 >= on_cpu.len() * 90, "{group:?}: {n_close} of {} pixels are equal", on_cpu.len());
        let mean = |film: &[[f32; 4]]| film.iter().map(|pixel| pixel[1]).sum::<f32>() / film.len() as f32;
        assert!(mean(&on_cpu) > 1e-4, "{group:?} brings nothing");
    }
}
