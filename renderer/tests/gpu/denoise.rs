//! The denoiser on the device compared with the one on the processor.

use std::sync::OnceLock;

use packshot_denoiser::{Denoiser, Picture, WeightSet};
use packshot_renderer::backend::denoise::DenoisingError;
use packshot_renderer::backend::gpu::SliceLimits;
use packshot_renderer::backend::{Backend, CancelToken, RenderError};

use crate::scenes::{ADAPTER_STATE, cpu, gpu, open_alone};

fn small() -> &'static Denoiser {
    static DENOISER: OnceLock<Denoiser> = OnceLock::new();
    DENOISER.get_or_init(|| Denoiser::new(WeightSet::Small))
}

/// Noisy stripes with their guides.
struct Stripes {
    width_px: u32,
    height_px: u32,
    color: Vec<[f32; 4]>,
    albedo: Vec<[f32; 3]>,
    normal: Vec<[f32; 3]>,
}

impl Stripes {
    fn new(width_px: u32, height_px: u32) -> Self {
        let n_px = width_px * height_px;
        let noise =
            |i: u32| (i.wrapping_mul(2_654_435_769) ^ (i << 7)).wrapping_mul(747_796_405) as f32 / u32::MAX as f32;
        let albedo = |i: u32| {
            if (i % width_px / 12 + i / width_px / 20).is_multiple_of(2) { [0.7, 0.4, 0.2] } else { [0.1, 0.3, 0.5] }
        };
        let light = |i: u32| noise(i) * 2.0 * (0.5 + i as f32 / n_px as f32);
        let color = |i: u32| [albedo(i)[0] * light(i), albedo(i)[1] * light(i), albedo(i)[2] * light(i), noise(i + 1)];
        Self {
            width_px,
            height_px,
            color: (0..n_px).map(color).collect(),
            albedo: (0..n_px).map(albedo).collect(),
            normal: vec![[0.0, 0.6, 0.8]; n_px as usize],
        }
    }

    fn denoised(&self, backend: &dyn Backend, memory_max_bytes: Option<u64>) -> Result<Vec<[f32; 4]>, DenoisingError> {
        self.denoised_by(small(), backend, memory_max_bytes)
    }

    fn denoised_by(
        &self,
        denoiser: &Denoiser,
        backend: &dyn Backend,
        memory_max_bytes: Option<u64>,
    ) -> Result<Vec<[f32; 4]>, DenoisingError> {
        let Self { width_px, height_px, ref color, ref albedo, ref normal } = *self;
        let picture = Picture { width_px, height_px, color, albedo: Some(albedo), normal: Some(normal) };
        backend.denoise(denoiser, &picture, memory_max_bytes, &CancelToken::default())
    }
}

#[test]
fn the_device_denoises_as_the_processor_does() {
    // Sides that are not multiples of anything, and a picture smaller than a workgroup.
    let large = Denoiser::new(WeightSet::CleanGuidesLarge);
    for (denoiser, width_px, height_px) in [(small(), 75, 43), (small(), 3, 2), (&large, 50, 37)] {
        let stripes = Stripes::new(width_px, height_px);
        let [found, expected] = [gpu() as &dyn Backend, cpu()]
            .map(|backend| stripes.denoised_by(denoiser, backend, None).expect("denoised"));
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            for channel in 0..4 {
                let error = (found[channel] - expected[channel]).abs();
                assert!(error <= 1e-4 * (expected[channel] + 0.1), "pixel {i}: {found:?}, not {expected:?}");
            }
        }
    }
}

#[test]
fn tiles_change_no_bit_on_the_device() {
    let stripes = Stripes::new(60, 300);
    let whole = stripes.denoised(gpu(), None).expect("denoised");
    // What is too little for the picture is enough for its parts.
    let tiled = stripes.denoised(gpu(), Some(8 << 20)).expect("denoised");
    assert!(whole == tiled);
    let refused = stripes.denoised(gpu(), Some(1 << 20)).expect_err("too little for any tile");
    assert!(matches!(&refused, DenoisingError::Picture(error) if error.code() == "denoise.memory"), "{refused:?}");
}

#[test]
fn a_cancelled_picture_ends_at_once() {
    let cancel = CancelToken::default();
    cancel.cancel();
    let stripes = Stripes::new(32, 32);
    let Stripes { width_px, height_px, ref color, ref albedo, ref normal } = stripes;
    let picture = Picture { width_px, height_px, color, albedo: Some(albedo), normal: Some(normal) };
    for backend in [gpu() as &dyn Backend, cpu()] {
        let error = backend.denoise(small(), &picture, None, &cancel).expect_err("cancelled");
        assert!(matches!(&error, DenoisingError::Picture(error) if error.code() == "denoise.cancelled"), "{error:?}");
    }
}

#[test]
fn a_lost_device_is_opened_again() {
    let _alone = ADAPTER_STATE.write();
    let backend = open_alone(SliceLimits::default());
    let stripes = Stripes::new(32, 32);
    let before = stripes.denoised(&backend, None).expect("denoised");
    backend.lose_device();
    let after = stripes.denoised(&backend, None).expect("the device is opened again");
    assert!(before == after);
    assert!(!matches!(stripes.denoised(&backend, Some(0)), Err(DenoisingError::Device(RenderError::DeviceLost(_)))));
}
