use packshot_renderer::backend::CancelToken;
use packshot_renderer::import::ImportOptions;
use packshot_renderer::layers::{MatteKind, Quantity};
use packshot_renderer::shot::request;

use super::*;
use crate::plan::Options;
use crate::plan::words::FileFormat;
use crate::product::Product;
use crate::request::{PartFilter, RenderRequest};

/// The need for pictures of the sample bearing, without the scene.
fn need(options: Options, n_pictures: u32, device: DeviceKind) -> MemoryNeed {
    let plan = RenderRequest { options, ..RenderRequest::default() }.plan().expect("a plan");
    let glb = packshot_renderer::sample::bearing().glb;
    let product = Product::import(&glb, &ImportOptions::default(), &PartFilter::default(), &CancelToken::default());
    let shot = plan.shot_request(None).expect("a request");
    let (shot, _) = request::build(&shot, &product.expect("sound").scene).expect("a shot");
    let taking = plan.taking([shot.film.width_px, shot.film.height_px]);
    MemoryNeed::new(&taking, &shot, n_pictures, 0, device)
}

/// A picture of 1000 x 1000 pixels, so that a megabyte is a byte per pixel.
fn megapixel(formats: &[FileFormat], aovs: &[Aov]) -> Options {
    Options {
        width: Some(1000),
        height: Some(1000),
        formats: Some(formats.to_vec()),
        aovs: Some(aovs.to_vec()),
        ..Options::default()
    }
}

fn per_pixel(options: Options, n_pictures: u32, device: DeviceKind) -> u64 {
    need(options, n_pictures, device).pictures_bytes / 1_000_000
}

const SEEN: [Aov; 6] = [
    Aov::Seen(Quantity::Albedo),
    Aov::Seen(Quantity::Normal),
    Aov::Seen(Quantity::Depth),
    Aov::Seen(Quantity::Position),
    Aov::Seen(Quantity::Uv),
    Aov::Seen(Quantity::Emission),
];

#[test]
fn r77_a_large_exr_with_layers_is_beyond_a_small_container() {
    let options = Options {
        width: Some(8000),
        height: Some(8000),
        exr: Some(ExrPrecision::Float),
        ..megapixel(&[FileFormat::Exr], &SEEN)
    };
    let need = need(options, 1, DeviceKind::Cpu);
    let limit = MemoryLimit { bytes: 1_500_000_000, whose: LimitOf::Machine };
    let error = need.check(limit).expect_err("refused");
    assert_eq!((error.code(), error.kind), ("device.out_of_memory", ErrorKind::Device));
    let message = &error.faults[0].message;
    let estimate = format!("about {} MiB of memory", need.bytes().div_ceil(MIB));
    assert!(message.contains(&estimate) && message.contains("1430 MiB are available on this machine"), "{message}");
    // The layers twice in addition to the film, or the picture, the encoder's copy of it and its file.
    assert!(need.pictures_bytes > 64_000_000 * (4 + 15) * 4 * 3, "{need:?}");

    need.check(MemoryLimit { bytes: 64 << 30, ..limit }).expect("a large machine has room");
    let small = self::need(megapixel(&[FileFormat::Png], &[]), 1, DeviceKind::Cpu);
    small.check(limit).expect("a usual picture fits");
}

#[test]
fn films_layers_encoders_and_the_denoiser_count() {
    let of = |formats: &[FileFormat], aovs: &[Aov]| per_pixel(megapixel(formats, aovs), 1, DeviceKind::Cpu);
    let exr = of(&[FileFormat::Exr], &[]);
    assert!(exr >= SAMPLED, "a film: {exr}");
    let png = of(&[FileFormat::Png], &[]);
    assert!(png >= exr + 150, "what is shown has no noise: {png}, {exr}");
    let layered = of(&[FileFormat::Exr], &SEEN);
    assert!(layered >= 3 * 15 * 4, "{layered}");
    let matte = Aov::Seen(Quantity::Matte(MatteKind::Part));
    let matted = of(&[FileFormat::Exr], &[SEEN[0], matte]);
    assert!(matted > of(&[FileFormat::Exr], &SEEN[..2]), "a matte is several planes of four numbers: {matted}");
    assert_eq!(of(&[FileFormat::Exr], &[matte, matte]), of(&[FileFormat::Exr], &[matte]), "twice is once");
    let both = of(&[FileFormat::Exr, FileFormat::Png], &SEEN);
    assert!(both > layered && both > png, "what is kept with its noise: {both}");
    // With networks of the same size.
    let sharp = Options { samples: Some(8), ..megapixel(&[FileFormat::Png], &[]) };
    let blurred = Options { dof: Some(2.0), ..sharp.clone() };
    let [sharp, blurred] = [sharp, blurred].map(|options| per_pixel(options, 1, DeviceKind::Cpu));
    assert_eq!(blurred, sharp + OUTLINES, "outlines are denoised by themselves");
    let groups = of(&[FileFormat::Exr], &[Aov::LightGroups]);
    assert!(groups > exr + FILM, "films of light groups are taken beside the picture's: {groups}");
}

#[test]
fn pictures_that_wait_count_up_to_three() {
    let of = |n| per_pixel(megapixel(&[FileFormat::Png], &[]), n, DeviceKind::Cpu);
    let [one, two, three] = [1, 2, 3].map(of);
    assert!(one < two && two < three, "{one}, {two}, {three}");
    assert_eq!((of(0), of(72)), (one, three));
}

#[test]
fn the_host_of_a_gpu_has_less_of_the_denoiser() {
    let of = |device| per_pixel(megapixel(&[FileFormat::Png], &[]), 1, device);
    assert!(of(DeviceKind::Gpu) < of(DeviceKind::Cpu));
    assert_eq!(of(DeviceKind::Software), of(DeviceKind::Cpu), "its memory is the processor's");
}

#[test]
fn the_lesser_limit_counts() {
    let least = |machine, setting| MemoryLimit::least(machine, setting).map(|limit| (limit.bytes, limit.whose));
    assert_eq!(least(None, None), None);
    assert_eq!(least(Some(5), None), Some((5, LimitOf::Machine)));
    assert_eq!(least(None, Some(5)), Some((5, LimitOf::Setting)));
    assert_eq!(least(Some(5), Some(4)), Some((4, LimitOf::Setting)));
    assert_eq!(least(Some(4), Some(5)), Some((4, LimitOf::Machine)), "no setting makes a container larger");
}

#[test]
fn what_is_beyond_all_numbers_is_refused_too() {
    let need = MemoryNeed { scene_bytes: u64::MAX, pictures_bytes: u64::MAX, device_film_bytes: u64::MAX };
    let limit = MemoryLimit { bytes: u64::MAX - 1, whose: LimitOf::Setting };
    let error = need.check(limit).expect_err("refused");
    assert!(error.faults[0].message.contains("max_memory_bytes"), "{error}");
}

#[test]
fn an_adapter_is_held_to_the_memory_that_it_has() {
    let device = |kind, memory_bytes| DeviceInfo {
        kind,
        name: "Small Card".to_owned(),
        backend: "vulkan".to_owned(),
        reason: String::new(),
        memory_bytes,
    };
    let need = need(megapixel(&[FileFormat::Png], &[]), 1, DeviceKind::Gpu);
    assert_eq!(need.device_film_bytes, picture_bytes(1_000_000));
    let need = MemoryNeed { scene_bytes: 200 * MIB, ..need };
    let needed_bytes = need.scene_bytes + need.device_film_bytes;
    let error = need.check_device(&device(DeviceKind::Gpu, Some(needed_bytes))).expect_err("drivers need some of it");
    assert_eq!(error.code(), "device.out_of_memory");
    for told in ["(200 for the scene", "on the device", "Small Card has "] {
        assert!(error.faults[0].message.contains(told), "{error}");
    }
    assert!(need.check_device(&device(DeviceKind::Gpu, Some(needed_bytes * 11 / 10))).is_ok());
    assert!(need.check_device(&device(DeviceKind::Gpu, None)).is_ok(), "its driver does not say");
    assert!(need.check_device(&device(DeviceKind::Cpu, Some(1))).is_ok(), "that is held to the machine's");
}

#[test]
fn bytes_are_given_with_or_without_a_unit() {
    for (text, bytes) in [
        ("6442450944", Some(6 << 30)),
        ("6 GiB", Some(6 << 30)),
        ("6GiB", Some(6 << 30)),
        (" 3 KiB ", Some(3 << 10)),
        ("7 B", Some(7)),
        ("6 GB", None),
        ("GiB", None),
        ("-1", None),
        ("99999999999999 GiB", None),
    ] {
        assert_eq!(parse_bytes(text), bytes, "{text}");
    }
}
