//! `[light]`: a built-in rig, a rig of the template's own, a map, or the lights of the product's file.

use std::borrow::Cow;
use std::ops::Range;

use packshot_materials::reader::{Reader, Table, Value};
use packshot_renderer::shot::rig::{Dome, Finish, Panel, Rig, RigName};
use packshot_words::Word;

use super::read::{self, real};
use super::{LightSource, LightTemplate, PANELS_MAX};

/// Range of stops by which light can be brightened or darkened.
const EV: [f64; 2] = [-16.0, 16.0];
/// The range in which the approximation of black bodies holds.
const TEMPERATURE_K: [f64; 2] = [1667.0, 25_000.0];
/// The colour temperature that counts as white.
const WHITE_K: f64 = 6504.0;

pub(super) fn read_light(mut table: Table<'_, '_>, reader: &mut Reader<'_>) -> LightTemplate {
    let span = table.span().clone();
    let rig = table.take("rig").map(|value| (value, reader.choice("rig", value, &RigName::pairs())));
    let map = table.take("map").map(|value| (value, read_path(value, reader)));
    let scene = table.take("scene_lights").map(|value| (value, reader.flag("scene_lights", value)));
    let dome = table.take("dome").map(|value| reader.table("dome", value).map(|table| read_dome(table, reader)));
    let panels = table.take("panel").map(|value| read_panels(value, reader));
    let exposure_ev = table.take("exposure_ev").map(|value| (value.span(), real(reader, "exposure_ev", value, EV)));
    let rotation_deg =
        table.take("rotation_deg").and_then(|value| real(reader, "rotation_deg", value, [-360.0, 360.0]));
    table.finish(reader);

    let is_painted = dome.is_some() || panels.is_some();
    let given = [("rig", rig.is_some()), ("map", map.is_some()), ("scene_lights", scene.is_some())];
    let given: Vec<&str> =
        given.into_iter().chain([("panel or dome", is_painted)]).filter_map(|(key, is)| is.then_some(key)).collect();
    if given.len() > 1 {
        let message = format!("the light is given more than once: {}", given.join(", "));
        reader.error_help(read::CONFLICT, &span, message, "keep one of them");
    }
    let ev = exposure_ev.as_ref().and_then(|(_, ev)| *ev).unwrap_or(0.0);
    let source = match (rig, map, scene) {
        (Some((_, rig)), ..) if ev == 0.0 => rig.map(LightSource::Named),
        (Some((_, rig)), ..) => rig.map(|rig| LightSource::Rig(rig.rig().brightened(ev as f32))),
        (_, Some((_, path)), _) => path.map(|path| LightSource::Map { path, exposure_ev: ev }),
        (.., Some((value, lights))) => read_scene_lights(value.span(), lights, exposure_ev.is_some(), reader),
        _ if is_painted => {
            let rig = Rig { dome: dome.flatten().unwrap_or(BLACK), panels: Cow::Owned(panels.unwrap_or_default()) };
            Some(LightSource::Rig(rig.brightened(ev as f32)))
        }
        _ => {
            if let Some((span, _)) = exposure_ev {
                let help = "add `rig`, `map` or a `[[light.panel]]`";
                reader.error_help(read::CONFLICT, &span, "`exposure_ev` has no light to brighten", help);
            }
            None
        }
    };
    LightTemplate { source, rotation_deg }
}

fn read_scene_lights(
    span: Range<usize>,
    lights: Option<bool>,
    has_exposure: bool,
    reader: &mut Reader<'_>,
) -> Option<LightSource> {
    if has_exposure {
        let help = "use `exposure_ev` of [view]";
        reader.error_help(
            read::CONFLICT,
            &span,
            "`exposure_ev` does not change the lights of the product's file",
            help,
        );
    }
    if lights == Some(false) {
        reader.error_help(read::CONFLICT, &span, "`scene_lights = false` has no effect", "leave it out");
    }
    Some(LightSource::SceneLights)
}

fn read_path(value: &Value<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let path = reader.text("map", value)?;
    let lower = path.to_ascii_lowercase();
    if path.contains('\0') || !(lower.ends_with(".hdr") || lower.ends_with(".exr")) {
        let message = "`map` must name an equirectangular .hdr or .exr file";
        reader.error(read::CODES.range, &value.span(), message);
        return None;
    }
    Some(path)
}

/// Only panels emit light.
const BLACK: Dome = Dome { zenith: 0.0, horizon: 0.0, table: 0.0, nadir: 0.0, horizon_width_deg: 10.0, tint: [1.0; 3] };

fn read_dome(mut table: Table<'_, '_>, reader: &mut Reader<'_>) -> Dome {
    let mut radiance = |key, reader: &mut Reader<'_>| {
        table.take(key).and_then(|value| reader.number(key, value, 0.0, 1e4)).unwrap_or(0.0)
    };
    let (zenith, horizon) = (radiance("zenith", reader), radiance("horizon", reader));
    let (table_level, nadir) = (radiance("table", reader), radiance("nadir", reader));
    let width = table.take("horizon_width_deg");
    let horizon_width_deg = width.and_then(|value| reader.number("horizon_width_deg", value, 0.1, 89.0));
    let tint = read_temperature(&mut table, reader);
    table.finish(reader);
    let horizon_width_deg = horizon_width_deg.unwrap_or(BLACK.horizon_width_deg);
    Dome { zenith, horizon, table: table_level, nadir, horizon_width_deg, tint }
}

fn read_panels(value: &Value<'_>, reader: &mut Reader<'_>) -> Vec<Panel> {
    let tables = reader.tables("panel", value);
    if tables.len() > PANELS_MAX {
        let message = format!("the light has {} panels; at most {PANELS_MAX} are allowed", tables.len());
        reader.error(read::CODES.limit, &value.span(), message);
        return Vec::new();
    }
    tables.into_iter().filter_map(|table| read_panel(table, reader)).collect()
}

fn read_panel(mut table: Table<'_, '_>, reader: &mut Reader<'_>) -> Option<Panel> {
    let span = table.span().clone();
    let azimuth_deg =
        table.require("azimuth_deg", reader).and_then(|value| reader.number("azimuth_deg", value, -360.0, 360.0));
    let elevation_deg =
        table.require("elevation_deg", reader).and_then(|value| reader.number("elevation_deg", value, -90.0, 90.0));
    let roll_deg = table.take("roll_deg").and_then(|value| reader.number("roll_deg", value, -360.0, 360.0));
    let size_deg =
        table.require("size_deg", reader).and_then(|value| read_numbers("size_deg", value, [0.5, 170.0], reader));
    let roundness = table.take("roundness").and_then(|value| reader.number("roundness", value, 0.0, 1.0));
    let softness = table.take("softness").and_then(|value| reader.number("softness", value, 0.0, 1.0));
    let ev = table.take("ev").map(|value| reader.number("ev", value, EV[0] as f32, EV[1] as f32));
    let falloff = table.take("falloff_ev").map(|value| read_numbers("falloff_ev", value, [0.0, 16.0], reader));
    let has_temperature = table.has("temperature_k");
    let tint = read_temperature(&mut table, reader);
    let flag = table.take("flag").map(|value| reader.number("flag", value, 0.0, 1.0));
    table.finish(reader);
    let finish = match (ev, flag) {
        (Some(ev), None) => {
            ev.map(|ev| Finish::Softbox { ev, tint, falloff_ev: falloff.flatten().unwrap_or_default() })
        }
        (None, Some(opacity)) => {
            if falloff.is_some() || has_temperature {
                let message = "a flag takes light away: it has neither `falloff_ev` nor `temperature_k`";
                reader.error_help(read::CONFLICT, &span, message, "leave them out");
            }
            opacity.map(|opacity| Finish::Flag { opacity })
        }
        (given, _) => {
            let message = if given.is_some() { "the panel has both" } else { "the panel has neither" };
            let help = "use `ev` for a softbox, or `flag` (the share of light that it takes away) for a black flag";
            reader.error_help(
                read::CONFLICT,
                &span,
                format!("{message} `ev` and `flag`").replace("neither `ev` and", "neither `ev` nor"),
                help,
            );
            None
        }
    };
    Some(Panel {
        azimuth_deg: azimuth_deg?,
        elevation_deg: elevation_deg?,
        roll_deg: roll_deg.unwrap_or(0.0),
        size_deg: size_deg?,
        roundness: roundness.unwrap_or(0.2),
        softness: softness.unwrap_or(0.3),
        finish: finish?,
    })
}

/// This many numbers in a range.
fn read_numbers<const N: usize>(
    key: &'static str,
    value: &Value<'_>,
    [min, max]: [f32; 2],
    reader: &mut Reader<'_>,
) -> Option<[f32; N]> {
    let elements = reader.list(key, value);
    if elements.len() != N {
        if value.get_ref().is_array() {
            let message = format!("`{key}` has {} numbers; expected {N}", elements.len());
            reader.error(read::CODES.wrong_type, &value.span(), message);
        }
        return None;
    }
    let mut numbers = [0.0; N];
    for (number, element) in numbers.iter_mut().zip(elements) {
        *number = reader.number(key, element, min, max)?;
    }
    Some(numbers)
}

fn read_temperature(table: &mut Table<'_, '_>, reader: &mut Reader<'_>) -> [f32; 3] {
    let kelvin = table.take("temperature_k").and_then(|value| real(reader, "temperature_k", value, TEMPERATURE_K));
    kelvin.map_or([1.0; 3], tint)
}

/// The colour of a black body relative to that of 6504 K, in linear Rec.709 with luminance 1. Components outside
/// Rec.709 are clipped.
fn tint(kelvin: f64) -> [f32; 3] {
    let (color, white) = (black_body(kelvin), black_body(WHITE_K));
    let balanced: [f64; 3] = std::array::from_fn(|i| (color[i] / white[i]).max(0.0));
    let luminance = 0.2126 * balanced[0] + 0.7152 * balanced[1] + 0.0722 * balanced[2];
    balanced.map(|channel| (channel / luminance) as f32)
}

/// Linear Rec.709 of a black body at Y = 1: the Planckian locus by the cubic splines of Kim et al., US patent 7,024,034
/// (2006).
fn black_body(kelvin: f64) -> [f64; 3] {
    let cubic = |[a, b, c, d]: [f64; 4], t: f64| ((a * t + b) * t + c) * t + d;
    let x = match kelvin {
        ..4000.0 => cubic([-0.266_123_9e9, -0.234_358_9e6, 0.877_695_6e3, 0.179_910], kelvin.recip()),
        _ => cubic([-3.025_846_9e9, 2.107_037_9e6, 0.222_634_7e3, 0.240_390], kelvin.recip()),
    };
    let y = match kelvin {
        ..2222.0 => cubic([-1.106_381_4, -1.348_110_20, 2.185_558_32, -0.202_196_83], x),
        ..4000.0 => cubic([-0.954_947_6, -1.374_185_93, 2.091_370_15, -0.167_488_67], x),
        _ => cubic([3.081_758_0, -5.873_386_70, 3.751_129_97, -0.370_014_83], x),
    };
    let (big_x, big_z) = (x / y, (1.0 - x - y) / y);
    [
        3.240_970 * big_x - 1.537_383 - 0.498_611 * big_z,
        -0.969_244 * big_x + 1.875_968 + 0.041_555 * big_z,
        0.055_630 * big_x - 0.203_977 + 1.056_972 * big_z,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_light_is_red_and_cool_light_blue() {
        let luminance = |[r, g, b]: [f32; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b;
        for kelvin in [1667.0, 2700.0, 4000.0, 5000.0, 6504.0, 9000.0, 25_000.0] {
            let color = tint(kelvin);
            assert!((luminance(color) - 1.0).abs() < 1e-5, "{kelvin}: {color:?}");
            assert!((color[0] > color[2]) == (kelvin < WHITE_K), "{kelvin}: {color:?}");
        }
        assert!(tint(WHITE_K).iter().all(|channel| (channel - 1.0).abs() < 1e-6));
        // CIE standard illuminant A, 2856 K: x = 0.4476, y = 0.4074.
        let [r, g, b] = black_body(2856.0);
        let (x, y) = (0.4124 * r + 0.3576 * g + 0.1805 * b, 0.2126 * r + 0.7152 * g + 0.0722 * b);
        let sum = x + y + 0.0193 * r + 0.1192 * g + 0.9505 * b;
        assert!((x / sum - 0.4476).abs() < 1e-3 && (y / sum - 0.4074).abs() < 1e-3, "{} {}", x / sum, y / sum);
    }
}
