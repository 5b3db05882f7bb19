//! A product stays on the device from shot to shot.

mod groups;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use packshot_materials::openpbr::OpenPbr;
use packshot_pipeline::denoise::{Denoise, Network};
use packshot_pipeline::error::ErrorKind;
use packshot_pipeline::picture::{Aov, Format, Picture};
use packshot_pipeline::plan::words::FileFormat;
use packshot_pipeline::plan::{Kind, Options};
use packshot_pipeline::product::{PartMaterials, Product};
use packshot_pipeline::render::{PREVIEW_SIDE_MAX_PX, ReadyShot, Renderer, RendererOptions};
use packshot_pipeline::request::{MaterialRequest, PartFilter, RenderRequest};
use packshot_pipeline::taken::NeededVersions;
use packshot_renderer::backend::device::DeviceRequest;
use packshot_renderer::backend::{CancelToken, Progress, RenderControl, Snapshot, Snapshots};
use packshot_renderer::color::LinearImage;
use packshot_renderer::import::ImportOptions;
use packshot_renderer::layers::Quantity;
use packshot_renderer::layers::lines::LineStyle;
use packshot_renderer::shot::request::{Framing, ShotRequest, build};
use packshot_renderer::shot::{Environment, Floor, FloorRole, Shot};

/// The sample bearing with its materials, on the CPU.
struct Studio {
    renderer: Renderer,
    product: Product,
    materials: PartMaterials,
}

impl Studio {
    fn new() -> Self {
        let renderer = Renderer::new(&DeviceRequest::Cpu, RendererOptions::default()).expect("the CPU");
        let sample = packshot_renderer::sample::bearing();
        let product =
            Product::import(&sample.glb, &ImportOptions::default(), &PartFilter::default(), &CancelToken::default());
        let product = product.expect("sound");
        let materials = PartMaterials::resolve(&product, &MaterialRequest::default());
        Self { renderer, product, materials }
    }

    /// A view of the product from this side, 48 pixels wide.
    fn shot(&self, azimuth_deg: f64) -> Shot {
        let mut request = ShotRequest::default();
        if let Framing::Auto { direction, .. } = &mut request.framing {
            direction.azimuth_deg = azimuth_deg;
        }
        (request.film.width_px, request.film.height_px, request.film.samples) = (48, 48, 4);
        build(&request, &self.product.scene).expect("a sound request").0
    }

    /// A square one with as many samples in each pixel.
    fn sampled_shot(&self, side_px: u32, samples: u32, seed: u32) -> Shot {
        let mut shot = self.shot(35.0);
        (shot.film.width_px, shot.film.height_px) = (side_px, side_px);
        (shot.film.samples, shot.film.seed, shot.film.noise_threshold) = (samples, seed, 0.0);
        shot
    }
}

fn render(ready: &ReadyShot) -> Picture {
    ready.render(&RenderControl::new(&CancelToken::default())).expect("nobody cancels")
}

/// Who embeds Packshot gets what the command writes: noise is removed from pictures for eyes, and from no other.
#[test]
fn one_call_removes_noise_as_the_options_say() {
    let renderer = Renderer::new(&DeviceRequest::Cpu, RendererOptions::default()).expect("the CPU");
    let glb = packshot_renderer::sample::bearing().glb;
    let picture = |formats, denoise| {
        let (width, height, samples) = (Some(48), Some(48), Some(4));
        let options = Options { width, height, samples, formats: Some(vec![formats]), denoise, ..Options::default() };
        renderer.render(&glb, &RenderRequest { options, ..RenderRequest::default() }).expect("a picture")
    };
    let denoised = picture(FileFormat::Png, None);
    let noisy = picture(FileFormat::Png, Some(Denoise::Off));
    assert!(denoised.denoised.is_some() && noisy.denoised.is_none());
    assert_ne!(denoised.linear, noisy.linear);
    assert_eq!(picture(FileFormat::Exr, None).linear, noisy.linear);
    assert_eq!(picture(FileFormat::Exr, Some(Denoise::On)).linear, denoised.linear);
}

#[test]
fn every_shot_of_a_resident_product_is_the_shot_that_it_would_be_alone() {
    let studio = Studio::new();
    let Studio { renderer, product, materials } = &studio;
    let cancel = CancelToken::default();
    let resident = renderer.prepare(product, materials, None, &cancel).expect("room");
    assert!(resident.size_bytes() > 1 << 20, "{} bytes", resident.size_bytes());
    for azimuth_deg in [0.0, 35.0, 200.0] {
        let shot = studio.shot(azimuth_deg);
        let again = render(&resident.ready(shot.clone(), NeededVersions::SAMPLED).expect("a shot of this product"));
        let alone = render(&renderer.load(product, materials, shot, NeededVersions::SAMPLED, &cancel).expect("room"));
        assert_eq!(again.linear.rgba, alone.linear.rgba, "from {azimuth_deg}°");
    }
}

#[test]
fn rigs_share_one_map() {
    let studio = Studio::new();
    let map = |azimuth_deg| match studio.shot(azimuth_deg).environment {
        Environment::LatLong { map, .. } => map,
        other => panic!("a rig is a map, not {other:?}"),
    };
    assert!(Arc::ptr_eq(&map(0.0), &map(90.0)));
}

#[test]
fn a_floor_belongs_to_the_product() {
    let studio = Studio::new();
    let Studio { renderer, product, materials } = &studio;
    let floor = Floor::square(-0.02, 1.0, "floor", OpenPbr::default());
    let cancel = CancelToken::default();
    let bare = renderer.prepare(product, materials, None, &cancel).expect("room");
    let standing = renderer.prepare(product, materials, Some(&floor), &cancel).expect("room");
    let shot = Shot { floor: Some(floor), ..studio.shot(0.0) };
    assert_eq!(
        bare.ready(shot.clone(), NeededVersions::SAMPLED).expect_err("no floor under it").kind,
        ErrorKind::Internal
    );
    let with_floor = render(&standing.ready(shot, NeededVersions::SAMPLED).expect("its floor"));
    let without = render(&bare.ready(studio.shot(0.0), NeededVersions::SAMPLED).expect("no floor"));
    assert_ne!(with_floor.linear.rgba, without.linear.rgba);
}

#[test]
fn shadows_that_are_denoised_get_half_of_the_samples() {
    let studio = Studio::new();
    let Studio { renderer, product, materials } = &studio;
    let cancel = CancelToken::default();
    let floor = Floor { role: FloorRole::Catcher, ..Floor::square(-0.02, 1.0, "floor", OpenPbr::default()) };
    let standing = renderer.prepare(product, materials, Some(&floor), &cancel).expect("room");
    let shot = Shot { floor: Some(floor), ..studio.shot(0.0) };
    let picture = |needed| {
        let told = Mutex::new(Vec::new());
        let progress = |progress: Progress| told.lock().expect("not poisoned").push(progress.samples_max);
        let control = RenderControl { progress: &progress, ..RenderControl::new(&cancel) };
        let ready = standing.ready(shot.clone(), needed).expect("a shot of this product");
        let picture = ready.render(&control).expect("nobody cancels");
        assert!(told.into_inner().expect("not poisoned").iter().all(|&n| n == 4), "told in samples of the product");
        picture
    };
    let whole = picture(NeededVersions::SAMPLED);
    let beside = picture(NeededVersions { denoised: true, noisy: true });
    let half = picture(NeededVersions { denoised: true, noisy: false });
    assert!(whole.caught == beside.caught && whole.caught != half.caught);
    assert_eq!(whole.linear.rgba, half.linear.rgba, "the product has all of its samples");
}

#[test]
fn a_cancelled_preparation_ends() {
    let studio = Studio::new();
    let Studio { renderer, product, materials } = &studio;
    let cancel = CancelToken::default();
    cancel.cancel();
    let error = renderer.prepare(product, materials, None, &cancel).expect_err("cancelled");
    assert_eq!(error.kind, ErrorKind::Cancelled);
}

#[test]
fn previews_refine_to_the_picture() {
    let studio = Studio::new();
    let Studio { renderer, product, materials } = &studio;
    let cancel = CancelToken::default();
    let ready = renderer.load(product, materials, studio.shot(0.0), NeededVersions::SAMPLED, &cancel).expect("room");
    let previews: Mutex<Vec<Vec<u8>>> = Mutex::default();
    let receive = |snapshot: Snapshot| {
        let png = ready.preview(&snapshot).expect("a small picture");
        previews.lock().expect("not poisoned").push(png);
    };
    let snapshots = Some(Snapshots { pause: Duration::ZERO, side_max_px: PREVIEW_SIDE_MAX_PX, receive: &receive });
    let control = RenderControl { snapshots, ..RenderControl::new(&cancel) };
    let picture = ready.render(&control).expect("nobody cancels").encode(Format::default()).expect("small");
    let previews = previews.into_inner().expect("not poisoned");
    assert_eq!(previews.len(), 2, "after 1 and 2 of 4 samples");
    assert!(previews[0] != previews[1] && previews[1] != picture);
}

#[test]
fn the_shares_of_light_that_shadows_leave_are_denoised_too() {
    let studio = Studio::new();
    let Studio { renderer, product, materials } = &studio;
    let cancel = CancelToken::default();
    let resident = renderer.prepare(product, materials, None, &cancel).expect("room");
    let taken = |samples: u32, seed: u32| {
        let shot = studio.sampled_shot(96, samples, seed);
        let ready = resident.ready(shot, NeededVersions::SAMPLED).expect("a shot of this product");
        let control = RenderControl::new(&cancel);
        let layers = [Aov::Seen(Quantity::Shadow), Aov::Seen(Quantity::Albedo)];
        let picture = ready.render_layers(&control, &layers, LineStyle::of_size([96, 96])).expect("nobody cancels");
        (ready, picture)
    };
    let (_, reference) = taken(512, 1);
    let (ready, noisy) = taken(8, 0);
    let network = Network::of(ready.shot(), Kind::Still);
    let denoised = ready.denoised(noisy.clone(), network, &cancel).expect("nobody cancels");
    let layer = |picture: &Picture, quantity: Quantity| {
        let found = picture.layers.iter().find(|layer| layer.aov == Aov::Seen(quantity));
        found.expect("it was asked for").values.clone()
    };
    let shares = |picture: &Picture| layer(picture, Quantity::Shadow);
    let [of_reference, of_noisy, of_denoised] = [&reference, &noisy, &denoised].map(shares);
    let error = |values: &[f32]| {
        let squares = values.iter().zip(&of_reference).map(|(a, b)| f64::from(a - b).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let (with_noise, without) = (error(&of_noisy), error(&of_denoised));
    assert!(without < 0.75 * with_noise, "{without} after, {with_noise} before");
    assert!(of_denoised.iter().all(|share| (0.0..=1.0).contains(share)));
    let background = denoised.linear.rgba.iter().position(|pixel| pixel[3] == 0.0).expect("a background");
    assert_eq!(of_denoised[3 * background..][..3], [1.0; 3]);
    let [before, after] = [&noisy, &denoised].map(|picture| layer(picture, Quantity::Albedo));
    assert!(before == after, "other layers have no noise to lose");
}

#[test]
fn a_denoised_picture_is_nearer_to_that_of_many_samples() {
    let studio = Studio::new();
    let Studio { renderer, product, materials } = &studio;
    let cancel = CancelToken::default();
    let resident = renderer.prepare(product, materials, None, &cancel).expect("room");
    let taken = |samples: u32, seed: u32| {
        let shot = studio.sampled_shot(128, samples, seed);
        let ready = resident.ready(shot, NeededVersions::SAMPLED).expect("a shot of this product");
        let picture = render(&ready);
        (ready, picture)
    };
    let (_, reference) = taken(512, 1);
    let (ready, noisy) = taken(8, 0);
    let alpha: Vec<f32> = noisy.linear.rgba.iter().map(|pixel| pixel[3]).collect();
    let before = noisy.clone();
    let denoised = ready.denoised(noisy, Network::of(ready.shot(), Kind::Still), &cancel).expect("nobody cancels");
    assert_eq!(denoised.denoised.expect("it was").guide_samples, 8);
    assert!(denoised.linear.rgba.iter().zip(&alpha).all(|(pixel, alpha)| pixel[3] == *alpha), "alpha stays");
    // As eyes see it, nearly: in brightness that saturates.
    let seen = |value: f32| f64::from(value / (1.0 + value));
    let error = |picture: &Picture| {
        let pairs = picture.linear.rgba.as_flattened().iter().zip(reference.linear.rgba.as_flattened());
        pairs.map(|(&a, &b)| (seen(a) - seen(b)).powi(2)).sum::<f64>().sqrt()
    };
    let (with_noise, without) = (error(&before), error(&denoised));
    assert!(without < 0.6 * with_noise, "{without} after, {with_noise} before");
}

#[test]
fn outlines_in_front_of_their_shadow_are_even() {
    let studio = Studio::new();
    let Studio { renderer, product, materials } = &studio;
    let cancel = CancelToken::default();
    let floor = Floor { role: FloorRole::Catcher, ..Floor::square(-0.02, 1.0, "floor", OpenPbr::default()) };
    let standing = renderer.prepare(product, materials, Some(&floor), &cancel).expect("room");
    let taken = |samples: u32, seed: u32| {
        let shot = Shot { floor: Some(floor.clone()), ..studio.sampled_shot(128, samples, seed) };
        let ready =
            standing.ready(shot, NeededVersions { denoised: true, noisy: true }).expect("a shot of this product");
        let picture = render(&ready);
        (ready, picture)
    };
    let (_, reference) = taken(256, 1);
    let (ready, noisy) = taken(8, 0);
    let before = noisy.clone();
    let denoised = ready.denoised(noisy, Network::of(ready.shot(), Kind::Still), &cancel).expect("nobody cancels");
    // Over a page that is about as bright as the product.
    let page = LinearImage { rgba: vec![[0.5, 0.5, 0.5, 1.0]; 128 * 128], ..reference.linear.clone() };
    let over = |picture: &Picture| picture.caught.as_ref().expect("a catcher").over(&picture.linear, &page).rgba;
    let expected = over(&reference);
    let error = |picture: &Picture| {
        let laid = over(picture);
        let partly = (0..expected.len()).filter(|&i| (0.02..0.98).contains(&reference.linear.rgba[i][3]));
        partly.map(|i| f64::from(laid[i][1] - expected[i][1]).powi(2)).sum::<f64>().sqrt()
    };
    let (with_noise, without) = (error(&before), error(&denoised));
    println!("{without} after, {with_noise} before");
    assert!(without < 0.6 * with_noise, "{without} after, {with_noise} before");
}
