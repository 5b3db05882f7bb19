//! The OpenPBR parameters as members of a material in a shot.

use packshot_materials::openpbr::OpenPbr;

use super::json::Json;
use super::members::{Limits, Members};
use crate::shot::error::ShotError;

enum Slot<'a> {
    Scalar(&'a mut f32, Limits),
    Color(&'a mut [f32; 3], Limits),
    Flag(&'a mut bool),
}

/// Every parameter with its range, in the order of the OpenPBR 1.1 specification.
fn slots(m: &mut OpenPbr) -> [(&'static str, Slot<'_>); 37] {
    use Slot::{Color, Flag, Scalar};
    const UNIT: Limits = Limits::UNIT;
    const POSITIVE: Limits = Limits::NOT_NEGATIVE;
    const IOR: Limits = Limits::between(1.0, 10.0);
    const SIGNED: Limits = Limits::between(-1.0, 1.0);
    [
        ("base_weight", Scalar(&mut m.base_weight, UNIT)),
        ("base_color", Color(&mut m.base_color, UNIT)),
        ("base_diffuse_roughness", Scalar(&mut m.base_diffuse_roughness, UNIT)),
        ("base_metalness", Scalar(&mut m.base_metalness, UNIT)),
        ("specular_weight", Scalar(&mut m.specular_weight, POSITIVE)),
        ("specular_color", Color(&mut m.specular_color, UNIT)),
        ("specular_roughness", Scalar(&mut m.specular_roughness, UNIT)),
        ("specular_roughness_anisotropy", Scalar(&mut m.specular_roughness_anisotropy, UNIT)),
        ("specular_ior", Scalar(&mut m.specular_ior, IOR)),
        ("transmission_weight", Scalar(&mut m.transmission_weight, UNIT)),
        ("transmission_color", Color(&mut m.transmission_color, UNIT)),
        ("transmission_depth", Scalar(&mut m.transmission_depth, POSITIVE)),
        ("transmission_scatter", Color(&mut m.transmission_scatter, UNIT)),
        ("transmission_scatter_anisotropy", Scalar(&mut m.transmission_scatter_anisotropy, SIGNED)),
        ("transmission_dispersion_scale", Scalar(&mut m.transmission_dispersion_scale, UNIT)),
        ("transmission_dispersion_abbe_number", Scalar(&mut m.transmission_dispersion_abbe_number, POSITIVE)),
        ("subsurface_weight", Scalar(&mut m.subsurface_weight, UNIT)),
        ("subsurface_color", Color(&mut m.subsurface_color, UNIT)),
        ("subsurface_radius", Scalar(&mut m.subsurface_radius, POSITIVE)),
        ("subsurface_radius_scale", Color(&mut m.subsurface_radius_scale, UNIT)),
        ("subsurface_scatter_anisotropy", Scalar(&mut m.subsurface_scatter_anisotropy, SIGNED)),
        ("fuzz_weight", Scalar(&mut m.fuzz_weight, UNIT)),
        ("fuzz_color", Color(&mut m.fuzz_color, UNIT)),
        ("fuzz_roughness", Scalar(&mut m.fuzz_roughness, UNIT)),
        ("coat_weight", Scalar(&mut m.coat_weight, UNIT)),
        ("coat_color", Color(&mut m.coat_color, UNIT)),
        ("coat_roughness", Scalar(&mut m.coat_roughness, UNIT)),
        ("coat_roughness_anisotropy", Scalar(&mut m.coat_roughness_anisotropy, UNIT)),
        ("coat_ior", Scalar(&mut m.coat_ior, IOR)),
        ("coat_darkening", Scalar(&mut m.coat_darkening, UNIT)),
        ("thin_film_weight", Scalar(&mut m.thin_film_weight, UNIT)),
        ("thin_film_thickness", Scalar(&mut m.thin_film_thickness, POSITIVE)),
        ("thin_film_ior", Scalar(&mut m.thin_film_ior, IOR)),
        ("emission_luminance", Scalar(&mut m.emission_luminance, POSITIVE)),
        ("emission_color", Color(&mut m.emission_color, POSITIVE)),
        ("geometry_opacity", Scalar(&mut m.geometry_opacity, UNIT)),
        ("geometry_thin_walled", Flag(&mut m.geometry_thin_walled)),
    ]
}

/// Reads a material; a member that is not there has OpenPBR's default.
pub(super) fn read(mut members: Members) -> Result<OpenPbr, ShotError> {
    let mut openpbr = OpenPbr::default();
    for (name, slot) in slots(&mut openpbr) {
        let Some(value) = members.optional(name) else { continue };
        match slot {
            Slot::Scalar(scalar, limits) => *scalar = value.single(limits)?,
            Slot::Color(color, limits) => *color = value.color(limits)?,
            Slot::Flag(flag) => *flag = value.flag()?,
        }
    }
    members.done()?;
    Ok(openpbr)
}

/// Every parameter with its value.
pub(super) fn write(openpbr: &OpenPbr) -> Vec<(String, Json)> {
    let mut copy = *openpbr;
    let members = slots(&mut copy).into_iter().map(|(name, slot)| {
        let value = match slot {
            Slot::Scalar(scalar, _) => Json::from(*scalar),
            Slot::Color(color, _) => Json::from(*color),
            Slot::Flag(flag) => Json::from(*flag),
        };
        (name.to_owned(), value)
    });
    members.collect()
}

#[cfg(test)]
mod tests {
    use super::super::members::Value;
    use super::*;

    #[test]
    fn every_field_of_openpbr_is_a_member() {
        let fields = serde_json::to_value(OpenPbr::default()).expect("serializable");
        let mut names: Vec<&str> = fields.as_object().expect("a struct").keys().map(String::as_str).collect();
        let mut copy = OpenPbr::default();
        let mut members: Vec<&str> = slots(&mut copy).into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        members.sort_unstable();
        assert_eq!(names, members);
    }

    #[test]
    fn defaults_are_within_their_ranges() {
        let json = Json::Object(write(&OpenPbr::default()));
        let members = Value { json, at: String::new() }.members();
        assert_eq!(members.and_then(read), Ok(OpenPbr::default()));
    }
}
