//! The trials of a device.

use std::time::Duration;

use crate::setup::Scale;

/// A trial. A run follows this order: the most informative come first, and there may be no time for the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trial {
    /// The drivers' information about their adapters.
    Adapters,
    /// The sample bearing compared with the processor's.
    Bearing,
    /// White furnace: a white body in white light is invisible.
    Furnace,
    /// Every kind of material, light, ground and texture compared with the processor's.
    Parity,
    /// The same bytes again, and with other dispatches.
    Determinism,
    /// Stopping a long render.
    Cancel,
    /// Recovery from a lost device.
    Recovery,
    /// Camera paths per second.
    Speed,
    /// Rays per second, by kind.
    Rays,
    /// Denoised pictures compared with the processor's.
    Denoiser,
    /// The time for another picture of a product that is on the device.
    Resident,
    /// Compile times of the driver.
    Kernels,
    /// Memory of products on the device, and whether it is freed.
    Memory,
    /// Resuming a turntable that was killed.
    Turntable,
    /// As many short dispatches as in an hour.
    Endurance,
}

impl Trial {
    /// All of them, in their order.
    pub const ALL: [Self; 15] = [
        Self::Adapters,
        Self::Bearing,
        Self::Furnace,
        Self::Parity,
        Self::Determinism,
        Self::Cancel,
        Self::Recovery,
        Self::Speed,
        Self::Rays,
        Self::Denoiser,
        Self::Resident,
        Self::Kernels,
        Self::Memory,
        Self::Turntable,
        Self::Endurance,
    ];

    /// The most informative in the least time, for software adapters.
    pub const FEW: [Self; 5] = [Self::Adapters, Self::Bearing, Self::Furnace, Self::Cancel, Self::Rays];

    /// The trials of a scale.
    pub fn of(scale: Scale) -> Vec<Self> {
        let is_quick = |trial: &Self| {
            matches!(
                trial,
                Self::Adapters
                    | Self::Bearing
                    | Self::Furnace
                    | Self::Parity
                    | Self::Determinism
                    | Self::Cancel
                    | Self::Rays
                    | Self::Denoiser
            )
        };
        Self::ALL.into_iter().filter(|trial| scale != Scale::Quick || is_quick(trial)).collect()
    }

    /// Its name in options and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adapters => "adapters",
            Self::Bearing => "bearing",
            Self::Furnace => "furnace",
            Self::Parity => "parity",
            Self::Determinism => "determinism",
            Self::Cancel => "cancel",
            Self::Recovery => "recovery",
            Self::Speed => "speed",
            Self::Rays => "rays",
            Self::Denoiser => "denoiser",
            Self::Resident => "resident",
            Self::Kernels => "kernels",
            Self::Memory => "memory",
            Self::Turntable => "turntable",
            Self::Endurance => "endurance",
        }
    }

    /// The trial with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trial| trial.name() == name)
    }

    /// Time limit, after which it is ended. Software adapters compile and render on the processor, and take longer for
    /// small pictures than a GPU for large ones.
    pub fn limit(self, scale: Scale) -> Duration {
        let seconds = match (scale, self) {
            // The first one that compiles a kernel.
            (Scale::Quick, Self::Bearing) => 90,
            (Scale::Quick, _) => 20,
            (Scale::Reduced, Self::Adapters) => 30,
            (Scale::Reduced, _) => 150,
            (Scale::Full, Self::Adapters | Self::Cancel) => 20,
            // The first one that compiles a kernel.
            (Scale::Full, Self::Bearing) => 90,
            // Each kind of scene has a kernel of its own.
            (Scale::Full, Self::Parity) => 180,
            (Scale::Full, Self::Speed) => 120,
            (Scale::Full, Self::Kernels | Self::Endurance) => 75,
            (Scale::Full, _) => 45,
        };
        Duration::from_secs(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_name_one_trial() {
        for trial in Trial::ALL {
            assert_eq!(Trial::by_name(trial.name()), Some(trial));
        }
        assert_eq!(Trial::by_name("part"), None);
    }
}
