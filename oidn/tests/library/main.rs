//! Libraries that can be loaded, and those that cannot. What needs the library takes its file from `PACKSHOT_OIDN`, and
//! says that it is skipped without.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use packshot_denoiser::transfer::{encode, exposure};
use packshot_denoiser::{Control, Denoiser, Picture, WeightSet};
use packshot_oidn::{Device, Library, Quality, Settings};

const SIDES_PX: [u32; 2] = [211, 157];
const CLEAN: Settings = Settings { has_clean_guides: true, quality: Quality::Balanced };

/// A ball before a chequered wall under noise, with its guides.
struct Shot {
    color: Vec<[f32; 4]>,
    albedo: Vec<[f32; 3]>,
    normal: Vec<[f32; 3]>,
}

impl Shot {
    fn new() -> Self {
        let [width_px, height_px] = SIDES_PX;
        let (mut color, mut albedo, mut normal) = (Vec::new(), Vec::new(), Vec::new());
        let mut state = 1_u32;
        for i in 0..width_px * height_px {
            let (x, y) = ((i % width_px) as f32 / 60.0 - 1.7, (i / width_px) as f32 / 60.0 - 1.3);
            let r2 = x * x + y * y;
            let checker = if ((x * 4.0).floor() + (y * 4.0).floor()) % 2.0 == 0.0 { 0.8 } else { 0.2 };
            let (base, facing) = match r2 < 0.9 {
                true => ([0.7, 0.3, 0.1], [x, -y, (1.0 - r2).sqrt()]),
                false => ([checker; 3], [0.0, 0.0, 1.0]),
            };
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            let uniform = (state >> 8) as f32 / (1 << 24) as f32;
            let light = -2.0 * (1.0 - uniform * 0.999).ln() * (facing[1] * 0.4 + 0.6);
            color.push([base[0] * light, base[1] * light, base[2] * light, uniform]);
            albedo.push(base);
            normal.push(facing);
        }
        Self { color, albedo, normal }
    }

    fn picture(&self) -> Picture<'_> {
        let [width_px, height_px] = SIDES_PX;
        let (albedo, normal) = (Some(&self.albedo[..]), Some(&self.normal[..]));
        Picture { width_px, height_px, color: &self.color, albedo, normal }
    }

    /// How near two denoised pictures of it are on the perceptual curve after exposure, where 1 stands for 65504.
    fn psnr_db(&self, a: &[[f32; 4]], b: &[[f32; 4]]) -> f64 {
        let exposure = exposure(SIDES_PX[0] as usize, &self.color);
        let squares = a.iter().zip(b).flat_map(|(a, b)| {
            (0..3).map(move |i| f64::from(encode(a[i] * exposure) - encode(b[i] * exposure)).powi(2))
        });
        -10.0 * (squares.sum::<f64>() / (3 * a.len()) as f64).max(1e-30).log10()
    }
}

/// A device of the installed library with so many threads.
fn device(n_threads: usize) -> Option<Device> {
    let Some(path) = std::env::var_os("PACKSHOT_OIDN") else {
        println!("skipped: PACKSHOT_OIDN does not name a library of Open Image Denoise 2");
        return None;
    };
    let library = Library::open(Some(Path::new(&path))).expect("the library that PACKSHOT_OIDN names");
    Some(Device::new(library, n_threads).expect("a processor that it knows"))
}

fn refused(path: &Path) -> (&'static str, String) {
    let error = Library::open(Some(path)).expect_err("no Open Image Denoise");
    assert!(!error.to_string().is_empty() && !error.help().is_empty());
    (error.code(), error.at().to_owned())
}

#[test]
fn a_library_that_is_not_there_is_missing() {
    let path = PathBuf::from("no-such-folder/libOpenImageDenoise.so.2");
    assert_eq!(refused(&path), ("denoise.oidn_missing", path.display().to_string()));
}

#[test]
fn a_file_that_is_no_library_is_invalid() {
    for (name, bytes) in [("text", &b"This is a letter.\n"[..]), ("empty", b""), ("cut", b"\x7fELF\x02\x01\x01")] {
        let path = std::env::temp_dir().join(format!("packshot-oidn-{}-{name}.so", std::process::id()));
        std::fs::write(&path, bytes).expect("written");
        let found = refused(&path);
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(found, ("denoise.oidn_invalid", path.display().to_string()));
    }
    assert_eq!(refused(&std::env::temp_dir()).0, "denoise.oidn_invalid");
}

#[cfg(target_os = "linux")]
#[test]
fn another_library_is_invalid_and_says_what_it_lacks() {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("this process");
    let libc = maps.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.contains("/libc"));
    let Some(libc) = libc else {
        println!("skipped: this program has no library that could be taken for another");
        return;
    };
    let error = Library::open(Some(Path::new(libc))).expect_err("libc");
    assert_eq!(error.code(), "denoise.oidn_invalid");
    assert!(error.to_string().contains("oidnNewDevice"), "{error}");
}

#[test]
fn the_library_and_packshot_denoise_alike() {
    let Some(device) = device(0) else { return };
    assert_eq!(device.version().major, 2);
    let shot = Shot::new();
    for (set, settings) in [
        (WeightSet::CleanGuides, CLEAN),
        (WeightSet::CleanGuidesLarge, Settings { quality: Quality::High, ..CLEAN }),
        (WeightSet::NoisyGuides, Settings { has_clean_guides: false, ..CLEAN }),
        (WeightSet::Small, Settings { has_clean_guides: false, quality: Quality::Fast }),
    ] {
        let ours = Denoiser::new(set).denoise(&shot.picture(), Control::default()).expect("denoised");
        let theirs = device.denoise(&shot.picture(), settings, Control::default()).expect("denoised");
        let psnr_db = shot.psnr_db(&ours, &theirs);
        println!("Open Image Denoise {}, {}: {psnr_db:.1} dB", device.version(), set.name());
        assert!(psnr_db >= 50.0, "{set:?}: {psnr_db} dB");
        assert!(shot.psnr_db(&shot.color, &theirs) < 40.0, "something was done");
        let alpha_stays = theirs.iter().zip(&shot.color).all(|(denoised, noisy)| denoised[3] == noisy[3]);
        assert!(alpha_stays, "alpha goes around the network");
    }
    let high = Settings { quality: Quality::High, ..CLEAN };
    let [balanced, high] =
        [CLEAN, high].map(|settings| device.denoise(&shot.picture(), settings, Control::default()).expect("denoised"));
    let psnr_db = shot.psnr_db(&balanced, &high);
    assert!((30.0..90.0).contains(&psnr_db), "another network: {psnr_db} dB");
}

#[test]
fn threads_and_memory_change_no_picture_that_one_could_see() {
    let Some(all) = device(0) else { return };
    let one = device(1).expect("as before");
    let shot = Shot::new();
    let whole = all.denoise(&shot.picture(), CLEAN, Control::default()).expect("denoised");
    let bounded = Control { memory_max_bytes: Some(20 << 20), ..Control::default() };
    for (name, device, control) in
        [("one thread", &one, Control::default()), ("20 MiB", &all, bounded), ("both", &one, bounded)]
    {
        let other = device.denoise(&shot.picture(), CLEAN, control).expect("denoised");
        assert!(shot.psnr_db(&whole, &other) > 80.0, "{name}: {} dB", shot.psnr_db(&whole, &other));
    }
}

#[test]
fn who_wants_it_no_more_gets_an_error() {
    let Some(device) = device(0) else { return };
    let shot = Shot::new();
    let asked = AtomicUsize::new(0);
    // Before it begins, and when a part is done.
    for n_asked in [0, 3] {
        asked.store(0, Ordering::Relaxed);
        let is_cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= n_asked;
        let control = Control { is_cancelled: &is_cancelled, ..Control::default() };
        let error = device.denoise(&shot.picture(), CLEAN, control).expect_err("cancelled");
        assert_eq!(error.code(), "denoise.cancelled");
        assert!(asked.load(Ordering::Relaxed) < n_asked + 8, "it goes on after it was cancelled");
    }
    // The device is as good as before.
    assert!(device.denoise(&shot.picture(), CLEAN, Control::default()).is_ok());
}

#[test]
fn pictures_that_do_not_fit_are_refused_with_a_code() {
    let Some(device) = device(0) else { return };
    let shot = Shot::new();
    let whole = shot.picture();
    let denoise = |picture: Picture<'_>| device.denoise(&picture, CLEAN, Control::default());
    let refused = |picture| {
        let error = denoise(picture).expect_err("refused");
        (error.code(), error.at().to_owned())
    };
    assert_eq!(refused(Picture { width_px: 1, ..whole }), ("denoise.size", "color".to_owned()));
    assert_eq!(refused(Picture { albedo: Some(&shot.albedo[1..]), ..whole }), ("denoise.size", "albedo".to_owned()));
    assert_eq!(refused(Picture { normal: Some(&[]), ..whole }), ("denoise.size", "normal".to_owned()));
    // The library itself refuses a normal without an albedo.
    assert_eq!(refused(Picture { albedo: None, ..whole }).0, "denoise.oidn_failed");
    assert!(denoise(Picture { albedo: None, normal: None, ..whole }).is_ok(), "colour alone is enough");
}

#[test]
fn threads_share_a_device() {
    let Some(device) = device(0) else { return };
    let shot = Shot::new();
    let expected = device.denoise(&shot.picture(), CLEAN, Control::default()).expect("denoised");
    std::thread::scope(|scope| {
        let denoise = || device.denoise(&shot.picture(), CLEAN, Control::default()).expect("denoised");
        let threads = [0; 3].map(|_| scope.spawn(denoise));
        for thread in threads {
            let found = thread.join().expect("no panic");
            assert!(shot.psnr_db(&expected, &found) > 80.0);
        }
    });
}
