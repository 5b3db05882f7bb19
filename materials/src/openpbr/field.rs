//! The parameters as a table: name, range, and how to reach the value.

use super::{Color, OpenPbr, Violation};

/// One parameter of [`OpenPbr`].
pub struct Field {
    /// The parameter's name in the OpenPBR specification.
    pub name: &'static str,
    pub(crate) slot: Slot,
}

/// How to reach a parameter, and the range of each of its numbers (inclusive; an infinite end is open).
pub(crate) enum Slot {
    /// A number.
    Scalar { value: fn(&mut OpenPbr) -> &mut f32, min: f32, max: f32 },
    /// A colour.
    Color { value: fn(&mut OpenPbr) -> &mut Color, min: f32, max: f32 },
    /// A switch.
    Flag { value: fn(&mut OpenPbr) -> &mut bool },
}

impl Field {
    /// What is wrong with this parameter of `material`.
    pub(crate) fn violations(&self, material: &OpenPbr) -> Vec<Violation> {
        let mut material = *material;
        let violation = |channel, value: f32, min, max| {
            let inside = value.is_finite() && value >= min && value <= max;
            (!inside).then_some(Violation { field: self.name, channel, value, min, max })
        };
        match self.slot {
            Slot::Scalar { value, min, max } => violation(None, *value(&mut material), min, max).into_iter().collect(),
            Slot::Color { value, min, max } => value(&mut material)
                .iter()
                .enumerate()
                .filter_map(|(channel, &number)| violation(Some(channel), number, min, max))
                .collect(),
            Slot::Flag { .. } => Vec::new(),
        }
    }
}

macro_rules! slot {
    (scalar $name:ident, $min:expr, $max:expr) => {
        Slot::Scalar { value: |material| &mut material.$name, min: $min, max: $max }
    };
    (color $name:ident, $min:expr, $max:expr) => {
        Slot::Color { value: |material| &mut material.$name, min: $min, max: $max }
    };
    (flag $name:ident) => {
        Slot::Flag { value: |material| &mut material.$name }
    };
}

macro_rules! fields {
    ($($kind:ident($name:ident $(, $min:expr, $max:expr)?),)*) => {
        &[$(Field { name: stringify!($name), slot: slot!($kind $name $(, $min, $max)?) },)*]
    };
}

/// Every parameter, in the order of the specification, with the ranges that the shot format fixes.
pub const FIELDS: &[Field] = fields![
    scalar(base_weight, 0.0, 1.0),
    color(base_color, 0.0, 1.0),
    scalar(base_diffuse_roughness, 0.0, 1.0),
    scalar(base_metalness, 0.0, 1.0),
    scalar(specular_weight, 0.0, f32::INFINITY),
    color(specular_color, 0.0, 1.0),
    scalar(specular_roughness, 0.0, 1.0),
    scalar(specular_roughness_anisotropy, 0.0, 1.0),
    scalar(specular_ior, 1.0, 10.0),
    scalar(transmission_weight, 0.0, 1.0),
    color(transmission_color, 0.0, 1.0),
    scalar(transmission_depth, 0.0, f32::INFINITY),
    color(transmission_scatter, 0.0, 1.0),
    scalar(transmission_scatter_anisotropy, -1.0, 1.0),
    scalar(transmission_dispersion_scale, 0.0, 1.0),
    scalar(transmission_dispersion_abbe_number, 0.0, f32::INFINITY),
    scalar(subsurface_weight, 0.0, 1.0),
    color(subsurface_color, 0.0, 1.0),
    scalar(subsurface_radius, 0.0, f32::INFINITY),
    color(subsurface_radius_scale, 0.0, 1.0),
    scalar(subsurface_scatter_anisotropy, -1.0, 1.0),
    scalar(fuzz_weight, 0.0, 1.0),
    color(fuzz_color, 0.0, 1.0),
    scalar(fuzz_roughness, 0.0, 1.0),
    scalar(coat_weight, 0.0, 1.0),
    color(coat_color, 0.0, 1.0),
    scalar(coat_roughness, 0.0, 1.0),
    scalar(coat_roughness_anisotropy, 0.0, 1.0),
    scalar(coat_ior, 1.0, 10.0),
    scalar(coat_darkening, 0.0, 1.0),
    scalar(thin_film_weight, 0.0, 1.0),
    scalar(thin_film_thickness, 0.0, f32::INFINITY),
    scalar(thin_film_ior, 1.0, 10.0),
    scalar(emission_luminance, 0.0, f32::INFINITY),
    color(emission_color, 0.0, f32::INFINITY),
    scalar(geometry_opacity, 0.0, 1.0),
    flag(geometry_thin_walled),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_parameter_in_order() {
        let json = serde_json::to_value(OpenPbr::default()).expect("a struct of numbers serialises");
        let members: Vec<_> = json.as_object().expect("a struct is an object").keys().cloned().collect();
        assert_eq!(FIELDS.iter().map(|field| field.name).collect::<Vec<_>>(), members);
    }

    #[test]
    fn defaults_are_valid_and_each_violation_is_found() {
        assert_eq!(OpenPbr::default().validate(), []);
        let broken = OpenPbr {
            base_color: [0.5, 1.5, f32::NAN],
            specular_ior: 0.9,
            transmission_depth: f32::INFINITY,
            transmission_scatter_anisotropy: -1.0,
            emission_luminance: 1e6,
            ..OpenPbr::default()
        };
        let found: Vec<_> = broken.validate().iter().map(|v| (v.field, v.channel)).collect();
        assert_eq!(
            found,
            [("base_color", Some(1)), ("base_color", Some(2)), ("specular_ior", None), ("transmission_depth", None)]
        );
        assert_eq!(broken.validate()[0].to_string(), "`base_color`[1] is 1.5; it must be from 0 to 1");
        assert_eq!(broken.validate()[3].to_string(), "`transmission_depth` is inf; it must be finite and at least 0");
    }
}
