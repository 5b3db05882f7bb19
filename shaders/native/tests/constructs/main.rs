//! Every WGSL construct has the same meaning in translated code as on a device, and for every instruction set.
//!
//! The functions are in `wgsl/`. The device is Mesa's software Vulkan driver (lavapipe), so that no GPU is needed;
//! without that driver these tests fail.

#![expect(unreachable_pub, reason = "generated code makes public what it emits, and a test has no users")]

mod buffers;
mod device;
mod inputs;

use packshot_processor::SimdLevel;

/// The translated files and their cases.
mod constructs {
    include!(concat!(env!("OUT_DIR"), "/constructs.rs"));
}

/// A WGSL file of functions.
#[derive(Clone, Copy)]
pub struct File {
    name: &'static str,
    /// The file with an entry point that calls every case.
    wgsl: &'static str,
    cases: &'static [Case],
}

/// A function under test.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    /// `f`, `u`, `i` or `b` for each word.
    inputs: &'static str,
    outputs: &'static str,
    /// Limits of float inputs; without limits, any finite number.
    range: Option<(f32, f32)>,
    /// How far float results may differ: either of these.
    ulps: u32,
    absolute: f32,
    baseline: fn(&[u32], &mut [u32]),
    #[cfg(target_arch = "x86_64")]
    avx2: unsafe fn(&[u32], &mut [u32]),
    #[cfg(target_arch = "x86_64")]
    avx512: unsafe fn(&[u32], &mut [u32]),
    /// For each of [`LANES`]; empty for what has no translation in lanes.
    #[cfg(target_arch = "x86_64")]
    in_lanes: &'static [InLanes],
}

/// For the lanes of a mask, from a row of words for each lane to as many.
#[cfg(target_arch = "x86_64")]
type InLanes = unsafe fn(&[bool], &[u32], &mut [u32]);

/// The instruction sets with lanes, and how many.
#[cfg(target_arch = "x86_64")]
const LANES: [(SimdLevel, usize); 2] = [(SimdLevel::Avx2, 8), (SimdLevel::Avx512, 16)];

/// How many inputs each function gets.
const N_INPUTS: usize = 4096;

/// For each case, where its input or output words are in a row of the file, after those of the previous cases.
fn spans(file: &File, kinds: fn(&Case) -> &'static str) -> (Vec<std::ops::Range<usize>>, usize) {
    let mut end = 0;
    let spans = file.cases.iter().map(|case| {
        let start = end;
        end += kinds(case).len();
        start..end
    });
    (spans.collect(), end)
}

/// Whether a device's word is close enough to the translated function's; `None` if WGSL guarantees nothing.
fn agrees(case: &Case, kind: u8, native: u32, device: u32) -> Option<bool> {
    if kind != b'f' || native == device {
        return Some(native == device);
    }
    let float = |word| {
        let x = f32::from_bits(word);
        // Devices may flush subnormal numbers to zero.
        if x.is_subnormal() { 0.0 } else { x }
    };
    let (native, device) = (float(native), float(device));
    if !native.is_finite() {
        return None;
    }
    // The order of floats is that of their bits, so ulps can be counted; both zeros are the same place.
    let position = |x: f32| {
        let bits = i64::from(x.to_bits() & 0x7fff_ffff);
        if x.is_sign_negative() { -bits } else { bits }
    };
    let ulps = position(native).abs_diff(position(device));
    Some(!device.is_nan() && (ulps <= u64::from(case.ulps) || (native - device).abs() <= case.absolute))
}

fn check_against_device(file: &File) {
    let (input_spans, input_words) = spans(file, |case| case.inputs);
    let (output_spans, output_words) = spans(file, |case| case.outputs);
    let inputs = inputs::rows(file, N_INPUTS);
    let device = device::run(file, &inputs, N_INPUTS * output_words);
    let mut failures = Vec::new();
    for ((case, input_span), output_span) in file.cases.iter().zip(input_spans).zip(output_spans) {
        let (mut compared, mut differing, mut first) = (0, 0, None);
        for (input, device) in inputs.chunks_exact(input_words).zip(device.chunks_exact(output_words)) {
            let (input, device) = (&input[input_span.clone()], &device[output_span.clone()]);
            let mut native = vec![0; device.len()];
            (case.baseline)(input, &mut native);
            for ((&kind, &native), &device) in case.outputs.as_bytes().iter().zip(&native).zip(device) {
                let agrees = agrees(case, kind, native, device);
                compared += usize::from(agrees.is_some());
                if agrees == Some(false) {
                    differing += 1;
                    first.get_or_insert_with(|| {
                        let shown: Vec<_> =
                            case.inputs.bytes().zip(input).map(|(kind, &word)| inputs::show(kind, word)).collect();
                        let (native, device) = (inputs::show(kind, native), inputs::show(kind, device));
                        format!("{}({}) is {native} translated, {device} on the device", case.name, shown.join(", "))
                    });
                }
            }
        }
        if compared < N_INPUTS * case.outputs.len() / 3 {
            failures.push(format!("{}: only {compared} results could be compared", case.name));
        }
        failures.extend(first.map(|first| format!("{first} ({differing} of {compared} results differ)")));
    }
    assert!(failures.is_empty(), "{}\n{}", file.name, failures.join("\n"));
}

#[test]
fn operators() {
    check_against_device(&constructs::arithmetic::FILE);
}

#[test]
fn conversions_and_packing() {
    check_against_device(&constructs::conversions::FILE);
}

#[test]
fn functions_of_numbers() {
    check_against_device(&constructs::functions::FILE);
}

#[test]
fn vectors_and_matrices() {
    check_against_device(&constructs::geometry::FILE);
}

#[test]
fn control_flow_variables_and_calls() {
    check_against_device(&constructs::statements::FILE);
}

#[test]
fn buffers_are_read() {
    check_against_device(&constructs::bindings::FILE);
}

#[test]
fn every_file_has_a_test() {
    let names: Vec<_> = constructs::FILES.iter().map(|file| file.name).collect();
    assert_eq!(names, ["arithmetic", "bindings", "conversions", "functions", "geometry", "statements"]);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn every_instruction_set_gives_the_same_bits() {
    let has_avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt");
    let has_avx512 = has_avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    println!("compared with the baseline: avx2 {has_avx2}, avx512 {has_avx512}");
    for file in constructs::FILES {
        let (input_spans, input_words) = spans(file, |case| case.inputs);
        let rows = inputs::rows(file, N_INPUTS);
        for (case, span) in file.cases.iter().zip(input_spans) {
            for row in rows.chunks_exact(input_words) {
                let input = &row[span.clone()];
                // The bits of a NaN are unspecified, but whether the result is NaN is not.
                let outputs = |f: &dyn Fn(&[u32], &mut [u32])| {
                    let mut words = vec![0; case.outputs.len()];
                    f(input, &mut words);
                    for (word, kind) in words.iter_mut().zip(case.outputs.bytes()) {
                        if kind == b'f' && f32::from_bits(*word).is_nan() {
                            *word = f32::NAN.to_bits();
                        }
                    }
                    words
                };
                let baseline = outputs(&case.baseline);
                if has_avx2 {
                    #[expect(unsafe_code, reason = "the processor has been asked for the features")]
                    let avx2 = outputs(&|input, words| unsafe { (case.avx2)(input, words) });
                    assert_eq!(avx2, baseline, "avx2 {} {input:x?}", case.name);
                }
                if has_avx512 {
                    #[expect(unsafe_code, reason = "the processor has been asked for the features")]
                    let avx512 = outputs(&|input, words| unsafe { (case.avx512)(input, words) });
                    assert_eq!(avx512, baseline, "avx512 {} {input:x?}", case.name);
                }
            }
        }
    }
}

/// As many inputs at a time as there are lanes, by all lanes together and by two halves of them after each other.
#[cfg(target_arch = "x86_64")]
fn lanes_give_the_bits_of_single_values(level: SimdLevel) {
    if !level.is_supported() {
        println!("skipped: this processor lacks the instructions of {level:?}");
        return;
    }
    let place = LANES.iter().position(|lanes| lanes.0 == level).expect("it has lanes");
    let n_lanes = LANES[place].1;
    let all = vec![true; n_lanes];
    let half: Vec<bool> =
        [true, false, false, true, true, true, false, false].into_iter().cycle().take(n_lanes).collect();
    let other: Vec<bool> = half.iter().map(|lane| !lane).collect();
    let mut compared = 0;
    for file in constructs::FILES {
        let (input_spans, input_words) = spans(file, |case| case.inputs);
        let rows = inputs::rows(file, N_INPUTS);
        for (case, span) in file.cases.iter().zip(input_spans) {
            let Some(in_lanes) = case.in_lanes.get(place) else { continue };
            let n = case.outputs.len();
            let cut = |row: &[u32]| row[span.clone()].to_vec();
            for rows in rows.chunks_exact(n_lanes * input_words) {
                let inputs: Vec<u32> = rows.chunks_exact(input_words).flat_map(cut).collect();
                let mut single = vec![0; n_lanes * n];
                for (input, output) in inputs.chunks_exact(span.len()).zip(single.chunks_exact_mut(n)) {
                    (case.baseline)(input, output);
                }
                let outputs = |masks: &[&[bool]]| {
                    let mut words = vec![0; n_lanes * n];
                    for &mask in masks {
                        #[expect(unsafe_code, reason = "the processor has been asked for the features")]
                        unsafe {
                            in_lanes(mask, &inputs, &mut words);
                        }
                    }
                    same_nan(words, case)
                };
                let single = same_nan(single, case);
                assert_eq!(outputs(&[&all]), single, "{} {inputs:x?}", case.name);
                assert_eq!(outputs(&[&half, &other]), single, "{} by halves {inputs:x?}", case.name);
                compared += n_lanes;
            }
        }
    }
    assert!(compared > 100 * N_INPUTS, "only {compared} results were compared");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn eight_lanes_give_the_bits_of_single_values() {
    lanes_give_the_bits_of_single_values(SimdLevel::Avx2);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn sixteen_lanes_give_the_bits_of_single_values() {
    lanes_give_the_bits_of_single_values(SimdLevel::Avx512);
}

/// Cases with what no stage uses, and so has no translation in lanes.
#[cfg(target_arch = "x86_64")]
const WITHOUT_LANES: &[&str] = &[
    "component_of_member",
    "vector_element",
    "uniform_matrix",
    "matrix_column",
    "pack_half",
    "unpack_snorm",
    "pack_unorm",
    "pack_snorm",
    "pack_unorm16",
    "pack_snorm16",
    "quantize",
    "extract_u32",
    "extract_i32",
    "extract_vec3u",
    "insert_u32",
    "insert_vec2i",
    "modf_f32",
    "frexp_f32",
    "ldexp_f32",
    "cosh_f32",
    "sinh_tanh",
    "asinh_f32",
    "acosh_f32",
    "atanh_f32",
    "dot_vec3i",
    "dot_vec4u",
    "length_f32",
    "face_forward",
    "reflect_vec3f",
    "refract_vec3f",
    "mat3_times_vector",
    "vector_times_mat3",
    "mat4_times_vector",
    "mat2_times_mat2",
    "mat3_of_scalars",
    "mat3_arithmetic",
    "determinant_mat3",
    "dynamic_column",
];

#[cfg(target_arch = "x86_64")]
#[test]
fn what_has_no_lanes_is_listed() {
    let cases = constructs::FILES.iter().flat_map(|file| file.cases);
    let without: Vec<_> = cases.filter(|case| case.in_lanes.is_empty()).map(|case| case.name).collect();
    assert_eq!(without, WITHOUT_LANES);
}

/// Floats at which functions have cases of their own.
#[cfg(target_arch = "x86_64")]
const ENDS: [f32; 16] = [
    0.0,
    -0.0,
    1e-45,
    -1e-45,
    f32::MIN_POSITIVE,
    1e-30,
    0.5,
    1.0,
    -1.0,
    2.0,
    1e30,
    f32::MAX,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    -2.0,
];

/// Powers of all pairs of [`ENDS`] in lanes.
#[cfg(target_arch = "x86_64")]
macro_rules! powers_of_ends {
    ($name:ident, $simd:ident, $level:ident, $features:literal) => {
        #[test]
        fn $name() {
            use packshot_native::rt::simd::$simd as simd;
            #[target_feature(enable = $features)]
            fn powers(a: f32) -> Vec<f32> {
                let of_chunk = |b: &[f32]| {
                    let b = simd::f32_of(std::array::from_fn(|k| b[k]));
                    simd::array_f32(simd::pow_f32(simd::splat_f32(a), b))
                };
                ENDS.chunks_exact(simd::N_LANES).flat_map(of_chunk).collect()
            }
            if !SimdLevel::$level.is_supported() {
                println!("skipped: this processor lacks the instructions of {:?}", SimdLevel::$level);
                return;
            }
            for a in ENDS {
                #[expect(unsafe_code, reason = "the processor has been asked for the features")]
                let powers = unsafe { powers(a) };
                for (b, power) in ENDS.into_iter().zip(powers) {
                    let single = packshot_native::rt::pow(a, b);
                    let is_equal = power.to_bits() == single.to_bits() || power.is_nan() && single.is_nan();
                    assert!(is_equal, "{a} to the power of {b} is {power} in lanes, and {single}");
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
powers_of_ends!(eight_powers_of_ends_are_those_of_single_floats, avx2, Avx2, "avx2,fma,bmi1,bmi2,lzcnt,popcnt");
#[cfg(target_arch = "x86_64")]
powers_of_ends!(
    sixteen_powers_of_ends_are_those_of_single_floats,
    avx512,
    Avx512,
    "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt"
);

/// Functions of registers that are computed for a lane after the other.
#[cfg(target_arch = "x86_64")]
const LANE_BY_LANE: [&str; 13] = [
    "sin_f32",
    "cos_f32",
    "tan_f32",
    "count_one_bits_u32",
    "count_leading_zeros_u32",
    "count_trailing_zeros_u32",
    "first_leading_bit_u32",
    "first_trailing_bit_u32",
    "count_one_bits_i32",
    "count_leading_zeros_i32",
    "count_trailing_zeros_i32",
    "first_leading_bit_i32",
    "first_trailing_bit_i32",
];

#[cfg(target_arch = "x86_64")]
#[test]
fn no_stage_in_lanes_runs_lane_by_lane() {
    let stages = include_str!(concat!(env!("OUT_DIR"), "/stages.rs"));
    assert!(["mod avx2_lanes", "mod avx512_lanes", "simd::pow_f32("].iter().all(|part| stages.contains(part)));
    let used: Vec<_> =
        LANE_BY_LANE.into_iter().filter(|function| stages.contains(&format!("simd::{function}("))).collect();
    assert!(used.is_empty(), "{used:?}");
}

/// The words of results, in which every NaN has the same bits: those of a NaN are unspecified.
#[cfg(target_arch = "x86_64")]
fn same_nan(mut words: Vec<u32>, case: &Case) -> Vec<u32> {
    for (word, kind) in words.iter_mut().zip(case.outputs.bytes().cycle()) {
        if kind == b'f' && f32::from_bits(*word).is_nan() {
            *word = f32::NAN.to_bits();
        }
    }
    words
}
