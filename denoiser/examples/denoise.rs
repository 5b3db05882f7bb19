//! Denoises pictures in NumPy files, for comparison with other denoisers: `denoise [--weights FILE] [--threads N]
//! [--memory-mib N] [--repeat N] [--small|--noisy-guides] COLOR ALBEDO NORMAL OUT`, arrays of float32 with height,
//! width and 3 or 4 channels. Prints the seconds of each repetition, then the peak of its memory in KiB, inputs
//! included.

use std::error::Error;
use std::time::Instant;

use packshot_denoiser::{Control, Denoiser, Picture, WeightSet};

/// A picture with `N` channels.
struct Array<const N: usize> {
    height_px: u32,
    width_px: u32,
    pixels: Vec<[f32; N]>,
}

fn read<const N: usize>(path: &str) -> Result<Array<N>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let length = bytes.get(8..10).ok_or("too short")?;
    let end = 10 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    let header = std::str::from_utf8(bytes.get(10..end).ok_or("too short")?)?;
    if !header.contains("'<f4'") || header.contains("'fortran_order': True") {
        return Err(format!("{path} has no float32 in C order").into());
    }
    let shape = header.split_once("'shape': (").and_then(|(_, rest)| rest.split_once(')')).ok_or("no shape")?.0;
    let shape: Vec<u32> = shape.split(',').filter_map(|length| length.trim().parse().ok()).collect();
    let &[height_px, width_px, channels] = shape.as_slice() else { return Err("not three dimensions".into()) };
    if channels as usize != N {
        return Err(format!("{path} has {channels} channels, not {N}").into());
    }
    let values: Vec<f32> = bytes[end..].as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
    Ok(Array { height_px, width_px, pixels: values.as_chunks().0.to_vec() })
}

fn write(path: &str, height_px: u32, width_px: u32, pixels: &[[f32; 4]]) -> std::io::Result<()> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({height_px}, {width_px}, 4), }}");
    let header = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(pixels.as_flattened().iter().flat_map(|value| value.to_le_bytes()));
    std::fs::write(path, bytes)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut paths, mut weights, mut set) = (Vec::new(), None, WeightSet::CleanGuides);
    let (mut threads, mut repeat, mut memory_max_bytes) = (0, 1, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or("a value is missing");
        match argument.as_str() {
            "--weights" => weights = Some(std::fs::read(value()?)?),
            "--threads" => threads = value()?.parse()?,
            "--repeat" => repeat = value()?.parse()?,
            "--memory-mib" => memory_max_bytes = Some(value()?.parse::<u64>()? << 20),
            "--small" => set = WeightSet::Small,
            "--noisy-guides" => set = WeightSet::NoisyGuides,
            _ => paths.push(argument),
        }
    }
    let [color, albedo, normal, out] = paths.as_slice() else { return Err("COLOR ALBEDO NORMAL OUT".into()) };
    let Array { height_px, width_px, pixels: color } = read::<4>(color)?;
    let albedo = read::<3>(albedo)?.pixels;
    let normal = read::<3>(normal)?.pixels;
    let denoiser = match weights {
        Some(bytes) => Denoiser::from_weights(&bytes)?,
        None => Denoiser::new(set),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let picture = Picture { width_px, height_px, color: &color, albedo: Some(&albedo), normal: Some(&normal) };
    let control = Control { memory_max_bytes, ..Control::default() };
    let mut pixels = Vec::new();
    for _ in 0..repeat {
        let start = Instant::now();
        pixels = pool.install(|| denoiser.denoise(&picture, control))?;
        println!("{:.4}", start.elapsed().as_secs_f64());
    }
    write(out, height_px, width_px, &pixels)?;
    // The operating system's figures for this process, on Linux.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    println!("{}", peak.split_whitespace().nth(1).unwrap_or("0"));
    Ok(())
}
