//! Output types: what is made of a product, by which renderer, and how good a new renderer must be (orders.md §1).

use crate::words::words;

words! {
    /// What is made of a product.
    pub enum OutputKind {
        /// One picture
        Still = "still",
        /// A movie or frames of a whole turn
        Turntable = "turntable",
        /// Pictures from several sides
        Views = "views",
        /// A GLB with the colours of its materials
        Glb = "glb",
    }
}

words! {
    /// Which renderer makes it.
    pub enum RenderBackend {
        /// The one that is configured: the built-in one, where nothing else is
        Auto = "auto",
        /// The built-in one
        Packshot = "packshot",
        /// A configured external program or service
        External = "external",
    }
}

words! {
    /// How two pictures are compared.
    pub enum GateMetric {
        /// The mean absolute difference over all pixels and channels, 0 to 1
        MeanPixelDelta = "mean_pixel_delta",
        /// The mean of LDR-FLIP, 0 to 1
        Flip = "flip",
    }
}

/// When a new renderer may take over from another: how different their pictures may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RolloutGate {
    metric: GateMetric,
    pass_max: f64,
    warn_max: f64,
}

/// Bounds that are no gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 0 ≤ pass_max ≤ warn_max ≤ 1")]
pub struct InvalidGate;

impl RolloutGate {
    /// The gate with these bounds; where one is missing, the metric's own (workflow.md §8).
    ///
    /// # Errors
    ///
    /// [`InvalidGate`].
    pub fn new(metric: GateMetric, pass_max: Option<f64>, warn_max: Option<f64>) -> Result<Self, InvalidGate> {
        let (pass_own, warn_own) = match metric {
            GateMetric::MeanPixelDelta => (0.000_001, 0.02),
            GateMetric::Flip => (0.05, 0.1),
        };
        let (pass_max, warn_max) = (pass_max.unwrap_or(pass_own), warn_max.unwrap_or(warn_own));
        let is_gate = 0.0 <= pass_max && pass_max <= warn_max && warn_max <= 1.0;
        if is_gate { Ok(Self { metric, pass_max, warn_max }) } else { Err(InvalidGate) }
    }

    /// How pictures are compared.
    #[must_use]
    pub const fn metric(self) -> GateMetric {
        self.metric
    }

    /// The largest difference that passes.
    #[must_use]
    pub const fn pass_max(self) -> f64 {
        self.pass_max
    }

    /// The largest difference that is only warned of.
    #[must_use]
    pub const fn warn_max(self) -> f64 {
        self.warn_max
    }
}

impl Default for RolloutGate {
    fn default() -> Self {
        Self { metric: GateMetric::MeanPixelDelta, pass_max: 0.000_001, warn_max: 0.02 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_a_gate_are_in_order_and_follow_the_metric() {
        let gate = |pass, warn| RolloutGate::new(GateMetric::MeanPixelDelta, pass, warn);
        assert_eq!(gate(None, None), Ok(RolloutGate::default()));
        let flip = RolloutGate::new(GateMetric::Flip, None, None).expect("a gate");
        assert_eq!((flip.pass_max(), flip.warn_max()), (0.05, 0.1));
        assert!(gate(Some(0.0), Some(1.0)).is_ok() && gate(Some(0.3), Some(0.3)).is_ok());
        for (pass, warn) in [(-0.1, 0.5), (0.5, 0.4), (0.5, 1.1), (f64::NAN, 0.5), (0.1, f64::NAN)] {
            assert_eq!(gate(Some(pass), Some(warn)), Err(InvalidGate));
        }
        // The default of the other bound counts too.
        assert_eq!(gate(Some(0.5), None), Err(InvalidGate));
    }
}
