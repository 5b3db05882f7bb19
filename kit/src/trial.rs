//! What is tried of a device.

use std::time::Duration;

use crate::setup::Scale;

/// A trial. The order is that of a run: what tells most comes first, and the last may find no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trial {
    /// What the drivers say of their adapters.
    Adapters,
    /// The sample bearing beside the processor's.
    Bearing,
    /// A white body in white light cannot be seen.
    Furnace,
    /// Every kind of material, light, ground and texture beside the processor's.
    Parity,
    /// The same bytes again, and with other dispatches.
    Determinism,
    /// Stopping a long render.
    Cancel,
    /// A lost device comes back.
    Recovery,
    /// Camera paths per second.
    Speed,
    /// Rays per second, by their kind.
    Rays,
    /// Noise removed beside the processor's.
    Denoiser,
    /// The next picture of a product that is on the device.
    Resident,
    /// How long the driver compiles.
    Kernels,
    /// What products take on the device, and give back.
    Memory,
    /// A turntable that is killed and goes on.
    Turntable,
    /// An hour's worth of short dispatches.
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

    /// Those that tell most in least time, for software adapters.
    pub const FEW: [Self; 5] = [Self::Adapters, Self::Bearing, Self::Furnace, Self::Cancel, Self::Rays];

    /// Those of a scale.
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

    /// The word for it in options and files.
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

    /// The trial of a name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trial| trial.name() == name)
    }

    /// It is ended after this time, whatever it is doing. Software adapters compile and render on the processor, and
    /// small pictures of theirs take longer than large ones of a GPU.
    pub fn limit(self, scale: Scale) -> Duration {
        let seconds = match (scale, self) {
            // The first that compiles a kernel.
            (Scale::Quick, Self::Bearing) => 90,
            (Scale::Quick, _) => 20,
            (Scale::Reduced, Self::Adapters) => 30,
            (Scale::Reduced, _) => 150,
            (Scale::Full, Self::Adapters | Self::Cancel) => 20,
            // The first that compiles a kernel.
            (Scale::Full, Self::Bearing) => 90,
            // Each kind of scene is a kernel of its own.
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
