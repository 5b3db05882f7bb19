//! Light groups: the same shot with one kind of light at a time, sampled exactly as the whole.

use glam::Vec3;
use packshot_shaders::constants::MATERIAL_UNLIT;

use super::{PreparedProduct, PreparedShot, light};
use crate::shot::{Environment, Shot};

/// Light of a shot that can be separated from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LightGroup {
    /// The environment's light, and the environment itself where it is visible.
    Environment,
    /// The light of one of the shot's lights, by its index.
    Light(usize),
    /// The light of emissive surfaces, and these surfaces themselves.
    Emission,
}

impl LightGroup {
    /// The groups of a shot of a product. Together they make up all its light.
    pub fn all(shot: &Shot, product: &PreparedProduct) -> Vec<Self> {
        let environment = (!matches!(shot.environment, Environment::None)).then_some(Self::Environment);
        let shines = |material: &packshot_shaders::layout::scene::Material| {
            material.emission != Vec3::ZERO || material.flags & MATERIAL_UNLIT != 0
        };
        let emission = product.materials.iter().any(shines).then_some(Self::Emission);
        environment.into_iter().chain((0..shot.lights.len()).map(Self::Light)).chain(emission).collect()
    }

    /// The name of its layer in files.
    pub fn name(self) -> String {
        match self {
            Self::Environment => "light_environment".to_owned(),
            Self::Light(i) => format!("light_{i}"),
            Self::Emission => "light_emission".to_owned(),
        }
    }
}

impl PreparedShot {
    /// The same shot lit by one group alone. Each sample takes exactly the path that it takes in the whole shot:
    /// sampling probabilities stay as they are, and the other lights are black. The films of all groups therefore add
    /// up to that of the whole.
    ///
    /// # Panics
    /// When this was not made from `shot`, or `shot` does not have the light, which is a bug in the caller.
    pub fn lit_by(mut self, shot: &Shot, group: LightGroup) -> Self {
        assert_eq!(self.params.n_lights as usize, shot.lights.len(), "made of this shot");
        if group != LightGroup::Environment {
            self.params.environment_radiance = Vec3::ZERO;
        }
        for (record, i) in self.lights.iter_mut().zip(light::order(&shot.lights)) {
            if group != LightGroup::Light(i) {
                record.power = Vec3::ZERO;
            }
        }
        self.params.emission_scale = if group == LightGroup::Emission { 1.0 } else { 0.0 };
        self
    }
}
