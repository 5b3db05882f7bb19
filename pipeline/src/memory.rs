//! Estimates how much memory pictures take, so that what does not fit is refused before rendering instead of being
//! killed by the system.
//!
//! Input: what is to be rendered and written, for which shot. Output: a [`MemoryNeed`], which is compared with a
//! [`MemoryLimit`]. A picture goes through phases, each with arrays of its own; the need per pixel is that of the
//! largest phase.

use std::fmt;

use packshot_renderer::backend::device::picture_bytes;
use packshot_renderer::backend::{DeviceInfo, DeviceKind};
use packshot_renderer::encode::{AvifDepth, ExrPrecision, PngDepth, TiffDepth};
use packshot_renderer::shot::{Floor, Shot};
use packshot_shaders::layout::film::FilmPixel;

use crate::error::{Error, ErrorKind, Fault};
use crate::picture::{Aov, Format};
use crate::sequence::IN_MEMORY_MAX;
use crate::taken::Taking;

const MIB: u64 = 1 << 20;

/// The program itself: code, threads and tables.
const PROGRAM_BYTES: u64 = 64 * MIB;

// Bytes per pixel.

/// Four numbers.
const RGBA: u64 = size_of::<[f32; 4]>() as u64;
/// A number of a layer.
const NUMBER: u64 = size_of::<f32>() as u64;
/// A film: sums and sample counts.
const FILM: u64 = (size_of::<FilmPixel>() + size_of::<u32>()) as u64;
/// A film during sampling: a device keeps it in blocks, with the active pixels, and the whole film is assembled from
/// them.
const SAMPLED: u64 = 2 * FILM + NUMBER;
/// What remains of three films of a catcher: two values per colour channel, the share that they hold for, and the
/// backdrop.
const CAUGHT: u64 = 2 * 12 + NUMBER + RGBA;
/// What comparing the films of a polished floor takes in addition to them: three times light, light alone and noise for
/// each colour channel, and the result.
const COMPARED: u64 = 3 * 36 + 12;
/// A denoiser on the processor besides its network's layers: guides and padded copies, and the extended picture and
/// result for a bright border.
const DENOISER: u64 = 302 - 220;
/// What any denoiser takes besides: the picture without outliers, the one that goes on beyond outlines, and what that
/// was laid over. Where films are denoised by themselves, their coverage and its result take the place of the first
/// two.
const CONTINUED: u64 = 3 * RGBA;
/// What a lens adds to any denoiser: a copy of the picture with refined outlines, their coverage as grey values, that
/// coverage denoised, and the list of their pixels.
const OUTLINES: u64 = 3 * RGBA + 2 * NUMBER;
/// Host memory for a denoiser on a GPU: guides, picture, result and transfer buffers.
const DENOISER_OF_GPU: u64 = 96;

/// Estimate of the memory for pictures, including the scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryNeed {
    /// Memory of the scene.
    pub scene_bytes: u64,
    /// All pictures that are in memory at the same time.
    pub pictures_bytes: u64,
    /// The film and the unfinished paths on an adapter, in addition to the scene; 0 on the processor.
    pub device_film_bytes: u64,
}

impl MemoryNeed {
    /// For `n_pictures` rendered like this shot, one after the other, by a device of this kind; the scene takes
    /// `scene_bytes`.
    pub fn new(taking: &Taking, shot: &Shot, n_pictures: u32, scene_bytes: u64, device: DeviceKind) -> Self {
        let n_pixels = u64::from(shot.film.width_px) * u64::from(shot.film.height_px);
        let per_pixel = PerPixel::new(taking, shot, device).of_pictures(n_pictures);
        let device_film_bytes = match device {
            DeviceKind::Cpu => 0,
            _ if taking.is_drawing => 0,
            DeviceKind::Gpu | DeviceKind::Software => picture_bytes(n_pixels),
        };
        Self { scene_bytes, pictures_bytes: n_pixels.saturating_mul(per_pixel), device_film_bytes }
    }

    /// The total, including the program itself.
    pub fn bytes(self) -> u64 {
        self.scene_bytes.saturating_add(self.pictures_bytes).saturating_add(PROGRAM_BYTES)
    }

    /// Whether the device's memory suffices; the processor is only subject to [`Self::check`].
    ///
    /// # Errors
    /// `device.out_of_memory` with the estimate.
    pub fn check_device(self, device: &DeviceInfo) -> Result<(), Error> {
        let Some(bytes) = device.memory_bytes else { return Ok(()) };
        let needed_bytes = self.scene_bytes.saturating_add(self.device_film_bytes);
        // The driver's own share is unknown; wgpu allocates up to the same fraction.
        if device.kind == DeviceKind::Cpu || needed_bytes <= bytes / 100 * 95 {
            return Ok(());
        }
        let message = format!(
            "rendering needs about {} MiB on the device ({} for the scene, {} for the picture), and {} has {} MiB, of which Packshot uses at most 95 %",
            needed_bytes.div_ceil(MIB),
            self.scene_bytes.div_ceil(MIB),
            self.device_film_bytes.div_ceil(MIB),
            device.name,
            bytes / MIB
        );
        let help =
            "ask for fewer pixels, use a product with fewer triangles, or render on the processor (device `cpu`)";
        Err(Error::new(ErrorKind::Device, Fault::new("device.out_of_memory", message).help(help)))
    }

    /// Whether memory suffices.
    ///
    /// # Errors
    /// `device.out_of_memory` with the estimate.
    pub fn check(self, limit: MemoryLimit) -> Result<(), Error> {
        if self.bytes() <= limit.bytes {
            return Ok(());
        }
        let mib = |bytes: u64| bytes.div_ceil(MIB);
        let message = format!(
            "rendering needs about {} MiB of memory ({} for pictures with their layers and files, {} for the scene, {} for the program), and \
             {} are available {}",
            mib(self.bytes()),
            mib(self.pictures_bytes),
            mib(self.scene_bytes),
            mib(PROGRAM_BYTES),
            if limit.bytes < MIB { format!("{} bytes", limit.bytes) } else { format!("{} MiB", limit.bytes / MIB) },
            limit.whose
        );
        let help = match limit.whose {
            LimitOf::Setting => "ask for fewer pixels, layers or formats, or raise this limit",
            LimitOf::Machine => "ask for fewer pixels, layers or formats, or render where there is more memory",
        };
        Err(Error::new(ErrorKind::Device, Fault::new("device.out_of_memory", message).help(help)))
    }
}

/// How much memory there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// The limit in bytes.
    pub bytes: u64,
    /// Where the limit comes from.
    pub whose: LimitOf,
}

/// The source of a memory limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitOf {
    /// The machine, or the container that this process runs in.
    Machine,
    /// The setting `max_memory_bytes`.
    Setting,
}

impl fmt::Display for LimitOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "on this machine, in its container or under `ulimit -v`",
            Self::Setting => "under the setting max_memory_bytes",
        })
    }
}

impl MemoryLimit {
    /// The lower of the machine's limit, if known, and the setting, if there is one.
    pub fn least(machine: Option<u64>, setting: Option<u64>) -> Option<Self> {
        let limit = |whose| move |bytes| Self { bytes, whose };
        let limits = [machine.map(limit(LimitOf::Machine)), setting.map(limit(LimitOf::Setting))];
        limits.into_iter().flatten().min_by_key(|limit| limit.bytes)
    }
}

/// What [`parse_bytes`] takes, for messages.
pub const BYTES: &str = "a number of bytes, at least 1, such as 536870912 or \"512 MiB\"";

/// Bytes as settings and options give them: a whole number, alone or with `B`, `KiB`, `MiB` or `GiB`.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim() {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// Bytes per pixel in each phase of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PerPixel {
    sampling: u64,
    layers: u64,
    denoising: u64,
    /// Including the picture itself.
    encoding: u64,
    /// A finished picture that waits, with what is kept beside it.
    finished: u64,
}

impl PerPixel {
    fn new(taking: &Taking, shot: &Shot, device: DeviceKind) -> Self {
        let lines = if taking.lines.is_some() { NUMBER } else { 0 };
        if taking.is_drawing {
            let finished = RGBA + lines;
            let encoding = finished + encoding(taking, 0, 0);
            return Self { sampling: 0, layers: finished + 2 * lines, denoising: 0, encoding, finished };
        }
        let catches = shot.floor.as_ref().is_some_and(Floor::catches);
        let caught = if catches { CAUGHT } else { 0 };
        let layers = layers(taking, shot);
        let picture = RGBA + layers + lines + caught;
        let needed = taking.needed_versions(shot.view.transform);
        let kept = if needed.denoised && needed.noisy { RGBA + layers + caught } else { 0 };
        let denoiser = match device {
            DeviceKind::Cpu | DeviceKind::Software => DENOISER + taking.network(shot).bytes_per_pixel(),
            DeviceKind::Gpu => DENOISER_OF_GPU,
        };
        let of_lens = if shot.camera.aperture.is_some() { OUTLINES } else { 0 };
        // Light groups are films that are rendered while the picture's own is kept.
        let of_groups = if taking.aovs.contains(&Aov::LightGroups) { FILM + RGBA + layers } else { 0 };
        let of_catcher = if catches { 2 * FILM + COMPARED } else { 0 };
        Self {
            sampling: SAMPLED + (of_groups + caught).max(of_catcher),
            // All of them are traced in blocks and then assembled.
            layers: FILM + caught + 2 * (layers + lines),
            denoising: if needed.denoised { kept + picture + denoiser + CONTINUED + of_lens } else { 0 },
            encoding: picture + kept + encoding(taking, layers, caught),
            finished: picture + kept,
        }
    }

    /// For this many pictures, each encoded while the next is rendered and another may be waiting.
    fn of_pictures(self, n: u32) -> u64 {
        let Self { sampling, layers, denoising, encoding, finished } = self;
        let taking = sampling.max(layers).max(denoising);
        let n_waiting = u64::from(n).min(IN_MEMORY_MAX as u64).saturating_sub(2);
        match n {
            0 | 1 => taking.max(encoding),
            _ => taking + encoding + n_waiting * finished,
        }
    }
}

/// The values of a picture's layers, counting each once.
fn layers(taking: &Taking, shot: &Shot) -> u64 {
    let is_first = |(i, aov): &(usize, &Aov)| !taking.aovs[..*i].contains(aov);
    let n_numbers = |(_, aov): (usize, &Aov)| match aov {
        Aov::Samples | Aov::Variance => 1,
        // About one for each light, one for the environment and one for emissive surfaces.
        Aov::LightGroups => 3 * (shot.lights.len() as u64 + 2),
        Aov::Seen(quantity) => quantity.shape().into_iter().product::<usize>() as u64,
    };
    NUMBER * taking.aovs.iter().enumerate().filter(is_first).map(n_numbers).sum::<u64>()
}

/// What encoders need beside the picture: the largest copy of any of them, and all files.
fn encoding(taking: &Taking, layers: u64, caught: u64) -> u64 {
    let costs = || taking.formats.iter().map(|format| Cost::of(*format, layers, caught));
    let copies = costs().map(|cost| cost.copies).max().unwrap_or(0);
    // A file grows in a buffer that may have twice its length, and is copied on its way to storage.
    copies + costs().map(|cost| 2 * cost.file).sum::<u64>()
}

/// What an encoder needs, and its file if that is as large as its pixels.
struct Cost {
    copies: u64,
    file: u64,
}

impl Cost {
    fn of(format: Format, layers: u64, caught: u64) -> Self {
        // A catcher's light, and how it fades.
        let of_catcher = if caught > 0 { RGBA + 3 * NUMBER } else { 0 };
        // The display image, and the encoder's own copy of it.
        let shown = |copy: u64, file: u64| Self { copies: RGBA + of_catcher + copy, file };
        match format {
            Format::Png(PngDepth::Eight) | Format::Tiff(TiffDepth::Eight) => shown(8, 4),
            Format::Png(PngDepth::Sixteen) | Format::Tiff(TiffDepth::Sixteen) => shown(16, 8),
            Format::Jpeg(_) => shown(12, 4),
            // Chains of equal pixels, and their costs.
            Format::WebP(_) => shown(48, 4),
            // Planes, their reconstruction, and search buffers.
            Format::Avif(_, AvifDepth::Eight | AvifDepth::Ten) => shown(96, 4),
            Format::TiffLinear => Self { copies: 2 * RGBA, file: RGBA },
            Format::Exr(precision) => {
                let radiance = match precision {
                    ExrPrecision::Half => RGBA / 2,
                    ExrPrecision::Float => RGBA,
                };
                // With a catcher the picture is combined before it is written.
                let channels = radiance + layers + caught;
                Self { copies: channels + caught, file: channels }
            }
        }
    }
}

#[cfg(test)]
mod tests;
