//! OpenEXR: scene-linear, premultiplied, one part with a channel group per layer.
//!
//! Layers are named by a prefix of their channels (`albedo.R`), the convention of one-part files that compositing
//! programs and Blender read alike; the picture itself has no prefix. Compression is ZIP over 16 rows, lossless.

use std::collections::HashSet;
use std::io::Cursor;

use exr::image::write::WritableImage;
use exr::image::{AnyChannel, AnyChannels, Encoding, FlatSamples, Image, Layer};
use exr::math::Vec2;
use exr::meta::attribute::{AttributeValue, Chromaticities, LineOrder, Text};
use exr::meta::header::LayerAttributes;
use exr::prelude::SmallVec;
use half::f16;
use packshot_words::words;
use rayon::prelude::*;

use super::{EncodeError, Metadata, SOFTWARE, check_shape};
use crate::color::LinearImage;

pub(super) mod attributes;

words! {
    /// Bits per sample of an [`ExrLayer`]. Halves are rounded to the nearest, ties to even; finite values beyond ±65504
    /// become ±65504, so that a highlight does not turn into infinity and spoil every filter that touches it.
    #[derive(Default)]
    pub enum ExrPrecision {
        /// 16 bits
        #[default]
        Half = "half",
        /// 32 bits, as they are
        Float = "float",
    }
}

/// Some channels of an OpenEXR file.
#[derive(Clone, Copy, Debug)]
pub struct ExrLayer<'a> {
    /// The prefix of the channel names, such as `albedo`; empty for the picture itself.
    pub name: &'a str,
    /// One letter per channel, in the order of the samples, such as `RGBA`, `XYZ` or `Z`.
    pub channels: &'a str,
    /// How samples are stored.
    pub precision: ExrPrecision,
    /// `width * height` pixels with one sample per channel, row 0 on top. Colours are premultiplied linear Rec.709.
    pub samples: &'a [f32],
}

/// Encodes the picture alone: premultiplied scene-linear RGBA.
///
/// # Errors
/// Those of [`exr()`].
pub fn exr_picture(image: &LinearImage, precision: ExrPrecision, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let picture = ExrLayer { name: "", channels: "RGBA", precision, samples: image.rgba.as_flattened() };
    exr([image.width_px, image.height_px], &[picture], &[], metadata)
}

/// Encodes layers of one size as an OpenEXR file.
///
/// The provenance is in text attributes, `packshot:scene` and so on; the resolution in `xDensity`. `attributes` are
/// more texts by name, such as those of [`Cryptomatte`](crate::layers::cryptomatte::Cryptomatte::attributes); what is
/// not ASCII in them is escaped.
///
/// # Errors
/// [`EncodeError::NoLayer`], [`EncodeError::Empty`], [`EncodeError::Shape`] when a layer's samples do not fill the
/// size, [`EncodeError::ChannelName`] when two channels would have the same name.
pub fn exr(
    size_px: [u32; 2],
    layers: &[ExrLayer<'_>],
    attributes: &[(String, String)],
    metadata: &Metadata,
) -> Result<Vec<u8>, EncodeError> {
    if layers.is_empty() {
        return Err(EncodeError::NoLayer);
    }
    let mut names = HashSet::new();
    let mut list = SmallVec::new();
    for layer in layers {
        let n_channels = layer.channels.chars().count();
        check_shape(layer.name, size_px, n_channels, layer.samples.len())?;
        for (channel_idx, letter) in layer.channels.chars().enumerate() {
            let name = match layer.name {
                "" => letter.to_string(),
                layer => format!("{layer}.{letter}"),
            };
            let text = Text::new_or_none(&name).filter(|_| name.is_ascii() && names.insert(name.clone()));
            let text = text.ok_or(EncodeError::ChannelName(name))?;
            list.push(AnyChannel::new(text, channel(layer, n_channels, channel_idx)));
        }
    }
    if list.is_empty() {
        return Err(EncodeError::NoLayer);
    }
    let provenance = metadata.provenance.entries().into_iter();
    let provenance = provenance.map(|(name, value)| (format!("packshot:{name}"), value));
    let attributes = LayerAttributes {
        software_name: Some(Text::from(SOFTWARE)),
        horizontal_density: metadata.dpi.map(|dpi| f32::from(dpi.get())),
        other: provenance.chain(attributes.iter().cloned()).filter_map(attribute).collect(),
        ..LayerAttributes::default()
    };
    let encoding = Encoding {
        compression: exr::compression::Compression::ZIP16,
        blocks: exr::image::Blocks::ScanLines,
        line_order: LineOrder::Increasing,
    };
    let size = Vec2(size_px[0] as usize, size_px[1] as usize);
    let mut image = Image::from_layer(Layer::new(size, attributes, encoding, AnyChannels::sort(list)));
    image.attributes.chromaticities = Some(REC709);
    let mut bytes = Cursor::new(Vec::new());
    // The codec has a thread pool of its own; a caller with one thread gets one thread.
    let written = match rayon::current_num_threads() {
        1 => image.write().non_parallel().to_buffered(&mut bytes),
        _ => image.write().to_buffered(&mut bytes),
    };
    written.map_err(EncodeError::Exr)?;
    let mut bytes = bytes.into_inner();
    attributes::sort(&mut bytes);
    Ok(bytes)
}

/// A text in the header. Texts are single bytes in this format: characters outside ASCII are escaped.
fn attribute((name, value): (String, String)) -> Option<(Text, AttributeValue)> {
    let ascii: String = value.chars().flat_map(|c| c.is_ascii().then_some(c).into_iter().chain(escaped(c))).collect();
    Some((Text::new_or_none(name)?, AttributeValue::Text(Text::new_or_none(ascii)?)))
}

/// The escape of a character outside ASCII, such as `\u{fc}`; empty for one in ASCII.
fn escaped(c: char) -> impl Iterator<Item = char> {
    (!c.is_ascii()).then(|| c.escape_unicode()).into_iter().flatten()
}

/// Primaries and white (D65) of ITU-R BT.709.
const REC709: Chromaticities = Chromaticities {
    red: Vec2(0.64, 0.33),
    green: Vec2(0.30, 0.60),
    blue: Vec2(0.15, 0.06),
    white: Vec2(0.3127, 0.3290),
};

/// One channel of interleaved samples.
fn channel(layer: &ExrLayer<'_>, n_channels: usize, channel_idx: usize) -> FlatSamples {
    let samples = layer.samples.par_iter().skip(channel_idx).step_by(n_channels);
    match layer.precision {
        ExrPrecision::Half => FlatSamples::F16(samples.map(|&value| half_from(value)).collect()),
        ExrPrecision::Float => FlatSamples::F32(samples.copied().collect()),
    }
}

fn half_from(value: f32) -> f16 {
    let max = f16::MAX.to_f32();
    f16::from_f32(if value.is_finite() { value.clamp(-max, max) } else { value })
}

#[cfg(test)]
mod tests {
    use exr::prelude::{FlatImage, ReadChannels, ReadLayers, read};

    use super::*;

    fn decode(bytes: &[u8]) -> FlatImage {
        read()
            .no_deep_data()
            .largest_resolution_level()
            .all_channels()
            .all_layers()
            .all_attributes()
            .from_buffered(Cursor::new(bytes))
            .unwrap()
    }

    fn channel_of<'a>(image: &'a FlatImage, name: &str) -> &'a FlatSamples {
        let channels = &image.layer_data[0].channel_data.list;
        &channels.iter().find(|channel| channel.name.eq(name)).unwrap().sample_data
    }

    fn picture(width_px: u32, height_px: u32, value: impl Fn(usize) -> f32) -> LinearImage {
        let rgba = (0..(width_px * height_px) as usize).map(|i| std::array::from_fn(|c| value(4 * i + c))).collect();
        LinearImage { width_px, height_px, rgba }
    }

    #[test]
    fn floats_survive_bit_by_bit() {
        let bits = |i: usize| f32::from_bits((i as u32).wrapping_mul(2_654_435_761));
        let image = picture(61, 37, bits);
        let decoded = decode(&exr_picture(&image, ExrPrecision::Float, &Metadata::default()).unwrap());
        assert_eq!(decoded.layer_data[0].size, Vec2(61, 37));
        for (channel_idx, name) in ["R", "G", "B", "A"].into_iter().enumerate() {
            let FlatSamples::F32(samples) = channel_of(&decoded, name) else { panic!("{name} is not float") };
            for (pixel, sample) in samples.iter().enumerate() {
                assert_eq!(sample.to_bits(), bits(4 * pixel + channel_idx).to_bits());
            }
        }
    }

    #[test]
    fn halves_are_rounded_to_the_nearest_even() {
        let table = [
            (1.0, 1.0),
            (1.0 + 1.0 / 2048.0, 1.0),
            (1.0 + 3.0 / 2048.0, 1.0 + 2.0 / 1024.0),
            (65504.0, 65504.0),
            (1e9, 65504.0),
            (-1e9, -65504.0),
            (f32::INFINITY, f32::INFINITY),
            (1e-9, 0.0),
        ];
        let image = picture(2, 1, |i| table[i].0);
        let decoded = decode(&exr_picture(&image, ExrPrecision::Half, &Metadata::full()).unwrap());
        for (channel_idx, name) in ["R", "G", "B", "A"].into_iter().enumerate() {
            let FlatSamples::F16(samples) = channel_of(&decoded, name) else { panic!("{name} is not half") };
            for (pixel, sample) in samples.iter().enumerate() {
                assert_eq!(sample.to_f32(), table[4 * pixel + channel_idx].1);
            }
        }
    }

    #[test]
    fn layers_stand_beside_the_picture() {
        let (color, normal, depth) = ([0.5_f32; 16], [-1.0_f32; 12], [3.0_f32, 4.0, 5.0, 6.0]);
        let layer = |name, channels, precision, samples| ExrLayer { name, channels, precision, samples };
        let bytes = exr(
            [2, 2],
            &[
                layer("", "RGBA", ExrPrecision::Half, &color[..]),
                layer("normal", "XYZ", ExrPrecision::Half, &normal[..]),
                layer("depth", "Z", ExrPrecision::Float, &depth[..]),
            ],
            &[("cryptomatte/0123456/manifest".to_owned(), "{}".to_owned())],
            &Metadata::full(),
        )
        .unwrap();
        let decoded = decode(&bytes);
        let names: Vec<_> = decoded.layer_data[0].channel_data.list.iter().map(|c| c.name.to_string()).collect();
        assert_eq!(names, ["A", "B", "G", "R", "depth.Z", "normal.X", "normal.Y", "normal.Z"]);
        assert_eq!(channel_of(&decoded, "depth.Z"), &FlatSamples::F32(depth.to_vec()));
        assert_eq!(decoded.attributes.chromaticities, Some(REC709));
        let software = decoded.layer_data[0].attributes.software_name.as_ref().unwrap();
        assert!(software.eq(SOFTWARE));
        let manifest = &decoded.layer_data[0].attributes.other[&Text::from("cryptomatte/0123456/manifest")];
        assert_eq!(manifest, &AttributeValue::Text(Text::from("{}")));
    }

    #[test]
    fn the_file_says_where_it_comes_from() {
        let image = picture(3, 2, |_| 0.5);
        let decoded = decode(&exr_picture(&image, ExrPrecision::Half, &Metadata::full()).unwrap());
        let attributes = &decoded.layer_data[0].attributes;
        assert_eq!(attributes.horizontal_density, Some(300.0));
        let entry = |name: &str| match &attributes.other[&Text::from(format!("packshot:{name}").as_str())] {
            AttributeValue::Text(text) => text.to_string(),
            other => panic!("{name} is {other:?}"),
        };
        assert_eq!(entry("library"), "STD@1.0.0#b3:00ff <\"Gr\\u{f6}\\u{df}e\" & more> ");
        assert_eq!((entry("seed"), entry("samples"), entry("view")), ("7".into(), "256".into(), "agx, +0.5 EV".into()));
        assert_eq!(attributes.other.len(), 9);
    }

    #[test]
    fn equal_pixels_give_equal_bytes_on_any_number_of_threads() {
        let image = picture(130, 75, |i| (i as f32 * 0.618).fract());
        let encode = || exr_picture(&image, ExrPrecision::Half, &Metadata::full()).unwrap();
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(encode(), one_thread.install(encode));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let layer = |name, channels, samples| ExrLayer { name, channels, precision: ExrPrecision::Half, samples };
        let one = [0.0_f32; 4];
        for (size_px, layers, code) in [
            ([1, 1], vec![], "encode.no_layer"),
            ([1, 1], vec![layer("", "", &one[..0])], "encode.no_layer"),
            ([0, 1], vec![layer("", "RGBA", &one[..0])], "encode.empty"),
            ([2, 1], vec![layer("", "RGBA", &one[..])], "encode.shape"),
            ([u32::MAX, u32::MAX], vec![layer("", "RGBA", &one[..])], "encode.shape"),
            ([1, 1], vec![layer("", "RGBA", &one[..]), layer("", "RGBA", &one[..])], "encode.channel_name"),
            ([1, 1], vec![layer("", "RRRR", &one[..])], "encode.channel_name"),
            ([1, 1], vec![layer("größe", "RGBA", &one[..])], "encode.channel_name"),
        ] {
            assert_eq!(exr(size_px, &layers, &[], &Metadata::default()).unwrap_err().code(), code, "{layers:?}");
        }
    }
}
