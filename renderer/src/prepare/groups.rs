//! Light group by light group: shots in which one kind of light alone counts, with the samples of the whole.

use glam::Vec3;
use packshot_shaders::constants::MATERIAL_UNLIT;

use super::{PreparedProduct, PreparedShot, light};
use crate::shot::{Environment, Shot};

/// Light of a shot that can be told apart from the rest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LightGroup {
    /// Of the environment; with it the environment itself where it is seen.
    Environment,
    /// Of one of the shot's lights, by its place among them.
    Light(usize),
    /// Of surfaces that shine; with it these surfaces themselves.
    Emission,
}

impl LightGroup {
    /// Those that a shot of a product has. Together they are all the light there is.
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
    /// The same shot lit by one group alone. Each sample takes the very way that it takes in the whole shot: what is
    /// sampled how often stays as it is, and the other lights are black. So the films of all groups add up to that of
    /// the whole.
    ///
    /// # Panics
    /// When this was not made of `shot`, or `shot` does not have the light: a caller's bug.
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
