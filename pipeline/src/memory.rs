//! About how much memory pictures take, so that what does not fit is refused before it is rendered and not ended by the
//! system.
//!
//! Input: what is to be taken and written, of which shot. Output: a [`MemoryNeed`], which is held against a
//! [`MemoryLimit`]. A picture goes through phases, each with arrays of its own; what one pixel takes is what it takes
//! in the greatest of them.

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

/// The program itself: its code, threads and tables.
const PROGRAM_BYTES: u64 = 64 * MIB;

// Bytes that one pixel takes.

/// Four numbers.
const RGBA: u64 = size_of::<[f32; 4]>() as u64;
/// A number of a layer.
const NUMBER: u64 = size_of::<f32>() as u64;
/// A film: sums, and how many samples they are of.
const FILM: u64 = (size_of::<FilmPixel>() + size_of::<u32>()) as u64;
/// A film under way: a device has it in blocks, with what says which pixels want more, and it is put together from
/// them.
const SAMPLED: u64 = 2 * FILM + NUMBER;
/// What a catcher keeps of three films: two numbers for each colour, and what is behind.
const CAUGHT: u64 = 2 * 12 + RGBA;
/// A denoiser on the processor, at most: guides, padded copies and the layers of its network (270, see
/// `benches/NOTES.md`), and the larger picture and result of one that is bright at its border.
const DENOISER: u64 = 302;
/// What the host has of a denoiser that works on a GPU: guides, picture, result and what they travel in.
const DENOISER_OF_GPU: u64 = 96;

/// About how much memory pictures take, the scene included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryNeed {
    /// Of the scene.
    pub scene_bytes: u64,
    /// Of all pictures that are in memory at once.
    pub pictures_bytes: u64,
    /// Of the film and the paths under way on an adapter, beside the scene; nothing on the processor.
    pub device_film_bytes: u64,
}

impl MemoryNeed {
    /// Of `n_pictures` that are taken as this shot is, one after the other, by a device of this kind; its scene takes
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

    /// All of it, with the program itself.
    pub fn bytes(self) -> u64 {
        self.scene_bytes.saturating_add(self.pictures_bytes).saturating_add(PROGRAM_BYTES)
    }

    /// Whether the device has room for what lies on it; the processor is held to [`Self::check`] alone.
    ///
    /// # Errors
    /// `device.out_of_memory` with the estimate.
    pub fn check_device(self, device: &DeviceInfo) -> Result<(), Error> {
        let Some(bytes) = device.memory_bytes else { return Ok(()) };
        let needed_bytes = self.scene_bytes.saturating_add(self.device_film_bytes);
        // The driver's own part is not known; wgpu gives out as much.
        if device.kind == DeviceKind::Cpu || needed_bytes <= bytes / 100 * 95 {
            return Ok(());
        }
        let message = format!(
            "rendering needs about {} MiB on the device ({} for the scene, {} for the film), and {} has {} MiB, of which Packshot uses at most 95 %",
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

    /// Whether there is room for it.
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
             {} MiB are available {}",
            mib(self.bytes()),
            mib(self.pictures_bytes),
            mib(self.scene_bytes),
            mib(PROGRAM_BYTES),
            limit.bytes / MIB,
            limit.whose
        );
        let help = "ask for fewer pixels, layers or formats, or render where there is more memory";
        Err(Error::new(ErrorKind::Device, Fault::new("device.out_of_memory", message).help(help)))
    }
}

/// How much memory there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// So much.
    pub bytes: u64,
    /// Who says so.
    pub whose: LimitOf,
}

/// Who limits memory.
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
    /// The lesser of what the machine offers, as far as it says, and of what is set, if anything is.
    pub fn least(machine: Option<u64>, setting: Option<u64>) -> Option<Self> {
        let limit = |whose| move |bytes| Self { bytes, whose };
        let limits = [machine.map(limit(LimitOf::Machine)), setting.map(limit(LimitOf::Setting))];
        limits.into_iter().flatten().min_by_key(|limit| limit.bytes)
    }
}

/// What a pixel takes in each phase of its picture, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PerPixel {
    sampling: u64,
    layers: u64,
    denoising: u64,
    /// The picture itself included.
    encoding: u64,
    /// The picture that is done and waits, with what is kept beside it.
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
        let wishes = taking.noise_wishes(shot.view.transform);
        let kept = if wishes.denoised && wishes.noisy { RGBA + layers + caught } else { 0 };
        let denoiser = match device {
            DeviceKind::Cpu | DeviceKind::Software => DENOISER,
            DeviceKind::Gpu => DENOISER_OF_GPU,
        };
        // Light groups are films that are taken while the picture's own is kept.
        let of_groups = if taking.aovs.contains(&Aov::LightGroups) { FILM + RGBA + layers } else { 0 };
        let of_catcher = if catches { 2 * FILM } else { 0 };
        Self {
            sampling: SAMPLED + (of_groups + caught).max(of_catcher),
            // They are traced in blocks, all of them, and then put together.
            layers: FILM + caught + 2 * (layers + lines),
            denoising: if wishes.denoised { kept + picture + denoiser } else { 0 },
            encoding: picture + kept + encoding(taking, layers, caught),
            finished: picture + kept,
        }
    }

    /// Of so many pictures, each of which is encoded while the next one is taken and another one may wait.
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

/// The layers of a picture, each once.
fn layers(taking: &Taking, shot: &Shot) -> u64 {
    let is_first = |(i, aov): &(usize, &Aov)| !taking.aovs[..*i].contains(aov);
    let n_numbers = |(_, aov): (usize, &Aov)| match aov {
        Aov::Samples | Aov::Variance => 1,
        // One for each light, the environment and what shines, about.
        Aov::LightGroups => 3 * (shot.lights.len() as u64 + 2),
        Aov::Seen(quantity) => quantity.shape().into_iter().product::<usize>() as u64,
    };
    NUMBER * taking.aovs.iter().enumerate().filter(is_first).map(n_numbers).sum::<u64>()
}

/// What encoders take beside the picture: the copy of the greatest of them, and all files.
fn encoding(taking: &Taking, layers: u64, caught: u64) -> u64 {
    let costs = || taking.formats.iter().map(|format| Cost::of(*format, layers, caught));
    let copies = costs().map(|cost| cost.copies).max().unwrap_or(0);
    // A file grows in a buffer that may be twice as long, and is copied on its way to where it is kept.
    copies + costs().map(|cost| 2 * cost.file).sum::<u64>()
}

/// What an encoder takes, and its file where it is no smaller than its pixels.
struct Cost {
    copies: u64,
    file: u64,
}

impl Cost {
    fn of(format: Format, layers: u64, caught: u64) -> Self {
        // What is shown, and the encoder's own copy of it.
        let shown = |copy: u64, file: u64| Self { copies: RGBA + copy, file };
        match format {
            Format::Png(PngDepth::Eight) | Format::Tiff(TiffDepth::Eight) => shown(8, 4),
            Format::Png(PngDepth::Sixteen) | Format::Tiff(TiffDepth::Sixteen) => shown(16, 8),
            Format::Jpeg(_) => shown(12, 4),
            // Chains of equal pixels and their costs.
            Format::WebP(_) => shown(48, 4),
            // Planes, their reconstruction and what is searched in.
            Format::Avif(_, AvifDepth::Eight | AvifDepth::Ten) => shown(96, 4),
            Format::TiffLinear => Self { copies: 2 * RGBA, file: RGBA },
            Format::Exr(precision) => {
                let radiance = match precision {
                    ExrPrecision::Half => RGBA / 2,
                    ExrPrecision::Float => RGBA,
                };
                // With a catcher what is written is put together first.
                let channels = radiance + layers + caught;
                Self { copies: channels + caught, file: channels }
            }
        }
    }
}

#[cfg(test)]
mod tests;
