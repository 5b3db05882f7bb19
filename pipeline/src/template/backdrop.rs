//! The background and the ground in a template.

use packshot_materials::reader::{Reader, Table, Value};
use packshot_renderer::color::srgb;
use packshot_renderer::shot::Background;
use packshot_renderer::shot::ground::{Ground, GroundKind};

use super::read::{CODES, CONFLICT, real};

/// The names of kinds of ground in a template.
const GROUNDS: [(&str, GroundKind, Option<f32>); 4] = [
    ("shadow", GroundKind::Catcher, None),
    ("reflection", GroundKind::Catcher, Some(Ground::POLISHED)),
    ("floor", GroundKind::Floor, None),
    ("sweep", GroundKind::Sweep, None),
];

/// `background`.
pub(super) fn read_background(table: &mut Table<'_, '_>, reader: &mut Reader<'_>) -> Option<Background> {
    table.require("background", reader).and_then(|value| background(value, reader))
}

/// `ground`, `ground_color` and `ground_roughness`.
pub(super) fn read_ground(table: &mut Table<'_, '_>, reader: &mut Reader<'_>) -> Option<Ground> {
    let (color, roughness) = (table.take("ground_color"), table.take("ground_roughness"));
    let Some(value) = table.take("ground") else {
        for (key, value) in [("ground_color", color), ("ground_roughness", roughness)] {
            if let Some(value) = value {
                let message = format!("`{key}` needs a ground, and there is none");
                reader.error_help(CONFLICT, &value.span(), message, "add `ground`");
            }
        }
        return None;
    };
    let text = reader.text("ground", value)?;
    let Some((name, kind, polished)) = GROUNDS.into_iter().find(|(name, ..)| *name == text) else {
        let help = "expected shadow, reflection, floor or sweep";
        reader.error_help(CODES.range, &value.span(), format!("`{text}` is not a ground"), help);
        return None;
    };
    let albedo = color.and_then(|value| ground_albedo(value, reader)).unwrap_or(Ground::PAPER);
    if name == "shadow"
        && let Some(value) = roughness
    {
        let message = "the ground `shadow` is matte and has no roughness".to_owned();
        reader.error_help(CONFLICT, &value.span(), message, "use the ground `reflection`");
    }
    let roughness = roughness.and_then(|value| real(reader, "ground_roughness", value, [0.0, 1.0]));
    Some(Ground { kind, albedo, roughness: roughness.map(|value| value as f32).or(polished) })
}

fn ground_albedo(value: &Value<'_>, reader: &mut Reader<'_>) -> Option<[f32; 3]> {
    let text = reader.text("ground_color", value)?;
    match text.parse() {
        Ok(Background::Color { srgb }) => Some(srgb.map(srgb::decode)),
        _ => {
            let help = "expected white, or a colour such as #F0F0F0";
            reader.error_help(CODES.range, &value.span(), format!("`{text}` is not a colour for a ground"), help);
            None
        }
    }
}

fn background(value: &Value<'_>, reader: &mut Reader<'_>) -> Option<Background> {
    let text = reader.text("background", value)?;
    let background = text.parse().ok();
    if background.is_none() {
        let help = "expected transparent, environment, white, or a colour such as #F0F0F0";
        reader.error_help(CODES.range, &value.span(), format!("`{text}` is not a background"), help);
    }
    background
}
