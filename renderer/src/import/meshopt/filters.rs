//! Filters: decoding of elements after unpacking (appendix B of the extension). All work in place.

use std::f32::consts::FRAC_1_SQRT_2;

/// Rounds half away from zero; the result fits a signed integer of 8 or 16 bits by construction.
fn normalized(value: f32, max: f32) -> i32 {
    (value * max).round() as i32
}

/// Unit vectors in octahedral encoding. The third component holds the value that represents 1; the fourth is passed
/// through.
fn octahedral(element: [i32; 3], max: f32) -> [i32; 3] {
    let [x, y, one] = element.map(|component| component as f32);
    let (mut x, mut y) = (x / one, y / one);
    let z = 1.0 - x.abs() - y.abs();
    let t = z.min(0.0);
    x -= t.copysign(x);
    y -= t.copysign(y);
    let length = (x * x + y * y + z * z).sqrt();
    [x, y, z].map(|component| normalized(component / length, max))
}

pub(super) fn octahedral_8(elements: &mut [u8]) {
    for element in elements.as_chunks_mut::<4>().0 {
        let [x, y, z] = octahedral([element[0], element[1], element[2]].map(|byte| i32::from(byte as i8)), 127.0);
        element[..3].copy_from_slice(&[x as u8, y as u8, z as u8]);
    }
}

pub(super) fn octahedral_16(elements: &mut [u8]) {
    for element in elements.as_chunks_mut::<8>().0 {
        let [x, y, one, w] = words(element).map(|word| i32::from(word as i16));
        let [x, y, z] = octahedral([x, y, one], 32_767.0);
        store(element, [x, y, z, w]);
    }
}

/// Unit quaternions without their largest component. The last word holds the value that represents 1, except for its
/// two lowest bits, which identify that component.
pub(super) fn quaternion(elements: &mut [u8]) {
    for element in elements.as_chunks_mut::<8>().0 {
        let words = words(element);
        let one = f32::from((words[3] | 3) as i16);
        let [x, y, z] = [0, 1, 2].map(|at| f32::from(words[at] as i16) / one * FRAC_1_SQRT_2);
        let w = (1.0 - x * x - y * y - z * z).max(0.0).sqrt();
        let largest = usize::from(words[3] & 3);
        let mut out = [0; 4];
        for (step, value) in [w, x, y, z].into_iter().enumerate() {
            out[(largest + step) % 4] = normalized(value, 32_767.0);
        }
        store(element, out);
    }
}

/// Floats as a signed exponent of 8 bits over a signed mantissa of 24.
pub(super) fn exponential(elements: &mut [u8]) {
    for element in elements.as_chunks_mut::<4>().0 {
        let stored = i32::from_le_bytes(*element);
        let (exponent, mantissa) = (stored >> 24, (stored << 8) >> 8);
        // Exact in double precision, then rounded once.
        let value = (f64::from(mantissa) * 2.0_f64.powi(exponent)) as f32;
        *element = value.to_le_bytes();
    }
}

/// Colours as luma, two chroma differences and alpha, whose highest set bit gives the bit depth.
fn color([y, co, cg, a]: [i32; 4], max: f32) -> [i32; 4] {
    let bits = 32 - a.max(1).leading_zeros();
    let scale = ((1 << bits) - 1) as f32;
    let alpha = a & ((1 << bits) - 1) >> 1;
    let rgba = [y + co - cg, y + cg, y - co - cg, alpha << 1 | alpha & 1];
    rgba.map(|channel| normalized(channel as f32 / scale, max))
}

pub(super) fn color_8(elements: &mut [u8]) {
    for element in elements.as_chunks_mut::<4>().0 {
        let [y, co, cg, a] = *element;
        let rgba = color([y.into(), i32::from(co as i8), i32::from(cg as i8), a.into()], 255.0);
        *element = rgba.map(|channel| channel as u8);
    }
}

pub(super) fn color_16(elements: &mut [u8]) {
    for element in elements.as_chunks_mut::<8>().0 {
        let [y, co, cg, a] = words(element);
        let rgba = color([y.into(), i32::from(co as i16), i32::from(cg as i16), a.into()], 65_535.0);
        store(element, rgba);
    }
}

fn words(element: &[u8; 8]) -> [u16; 4] {
    let (words, _) = element.as_chunks::<2>();
    std::array::from_fn(|at| u16::from_le_bytes(words[at]))
}

fn store(element: &mut [u8; 8], words: [i32; 4]) {
    for (bytes, word) in element.as_chunks_mut::<2>().0.iter_mut().zip(words) {
        *bytes = (word as u16).to_le_bytes();
    }
}
