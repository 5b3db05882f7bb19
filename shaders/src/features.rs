//! What a scene may use beyond the plain, and the sets of it that stages in lanes are compiled for.

/// Features that a scene uses beyond the plain ones. Twin of the overrides in `stage/features.wgsl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SceneFeatures {
    /// A surface lets rays through: because of its opacity, or shadow rays as a pane.
    pub has_opacity: bool,
    /// A material transmits light, or has an inside.
    pub has_bodies: bool,
    /// A material has fuzz, a coat, a thin film, brushed facets, or transmits light diffusely.
    pub has_layers: bool,
    /// A material reads textures or vertex attributes.
    pub has_textures: bool,
    /// A part wears a material with grain or fine structures.
    pub has_relief: bool,
    /// A part wears a material with rounded edges.
    pub has_bevels: bool,
    /// A smooth pane lets light pass straight through.
    pub has_panes: bool,
    /// Light samples go to emissive surfaces.
    pub has_emitters: bool,
    /// A part wears a design.
    pub has_designs: bool,
}

impl SceneFeatures {
    /// A scene that uses none of them.
    pub const NONE: Self = Self {
        has_opacity: false,
        has_bodies: false,
        has_layers: false,
        has_textures: false,
        has_relief: false,
        has_bevels: false,
        has_panes: false,
        has_emitters: false,
        has_designs: false,
    };

    /// A scene that uses all of them.
    pub const ALL: Self = Self {
        has_opacity: true,
        has_bodies: true,
        has_layers: true,
        has_textures: true,
        has_relief: true,
        has_bevels: true,
        has_panes: true,
        has_emitters: true,
        has_designs: true,
    };

    /// The values of the overrides in `stage/features.wgsl`, by name.
    pub fn overrides(self) -> [(&'static str, bool); 9] {
        let Self {
            has_opacity,
            has_bodies,
            has_layers,
            has_textures,
            has_relief,
            has_bevels,
            has_panes,
            has_designs,
            has_emitters,
        } = self;
        [
            ("HAS_OPACITY", has_opacity),
            ("HAS_BODIES", has_bodies),
            ("HAS_LAYERS", has_layers),
            ("HAS_TEXTURES", has_textures),
            ("HAS_RELIEF", has_relief),
            ("HAS_BEVELS", has_bevels),
            ("HAS_PANES", has_panes),
            ("HAS_DESIGNS", has_designs),
            ("HAS_EMITTERS", has_emitters),
        ]
    }

    /// Whether `other` has every feature of this one.
    pub fn is_within(self, other: Self) -> bool {
        self.overrides().into_iter().zip(other.overrides()).all(|((_, own), (_, other))| !own || other)
    }
}

/// A set of features that `shade` and `escape` in lanes are compiled for: without what a scene does not use, they are
/// shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Opaque metals and plastics, as most parts of machines are.
    Plain,
    /// Those, glass, and whatever else light enters.
    Bodies,
    /// All of these with rounded edges and grain, as the library's materials have.
    Machined,
    /// Every feature.
    Everything,
}

impl Variant {
    /// All of them; each before those that have its features and more.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Bodies, Self::Machined, Self::Everything];

    /// The features that it has.
    pub fn features(self) -> SceneFeatures {
        let bodies = SceneFeatures { has_bodies: true, ..SceneFeatures::NONE };
        match self {
            Self::Plain => SceneFeatures::NONE,
            Self::Bodies => bodies,
            Self::Machined => SceneFeatures { has_relief: true, has_bevels: true, ..bodies },
            Self::Everything => SceneFeatures::ALL,
        }
    }

    /// The first one that has all of these.
    pub fn of(features: SceneFeatures) -> Self {
        Self::ALL.into_iter().find(|variant| features.is_within(variant.features())).unwrap_or(Self::Everything)
    }

    /// Its name in those of generated modules.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Bodies => "bodies",
            Self::Machined => "machined",
            Self::Everything => "lanes",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::{CPU_MODULE, Sources};
    use crate::validate::load;

    #[test]
    fn features_are_the_overrides_of_the_shaders() {
        let shader = load(&Sources::embedded(), CPU_MODULE).expect("valid");
        let names = shader.module.overrides.iter().filter_map(|(_, constant)| constant.name.clone());
        assert_eq!(names.collect::<Vec<_>>(), SceneFeatures::ALL.overrides().map(|(name, _)| name));
        assert!(SceneFeatures::ALL.overrides().into_iter().all(|(_, is_on)| is_on));
        assert_eq!(SceneFeatures::NONE, SceneFeatures::default());
    }

    #[test]
    fn a_scene_gets_the_smallest_variant_that_has_what_it_uses() {
        for (i, variant) in Variant::ALL.into_iter().enumerate() {
            assert_eq!(Variant::of(variant.features()), variant);
            let larger = Variant::ALL[i..].iter();
            assert!(larger.clone().all(|other| variant.features().is_within(other.features())), "{variant:?}");
        }
        let of = |features: SceneFeatures| Variant::of(features);
        assert_eq!(of(SceneFeatures { has_bevels: true, ..SceneFeatures::NONE }), Variant::Machined);
        assert_eq!(of(SceneFeatures { has_layers: true, ..SceneFeatures::NONE }), Variant::Everything);
    }
}
