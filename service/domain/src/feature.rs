//! Features: parts of the service that can be switched off for a tenant (tenancy.md §8).

use super::words::words;

words! {
    /// A part of the service that can be switched off for a tenant. What runs already goes on.
    pub enum Feature {
        /// Renders that a client asks for directly
        DirectRenders = "direct_renders",
        /// Turntables
        Turntables = "turntables",
        /// Workflows of the tenant's own
        Workflows = "workflows",
        /// Workflows that only observe
        ShadowMode = "shadow_mode",
        /// Renderers other than the built-in one
        ExternalExecutor = "external_executor",
        /// Designs on products
        DesignRenders = "design_renders",
        /// Reviews of materials with suggested fixes
        SuggestedFixes = "suggested_fixes",
        /// Webhooks
        Webhooks = "webhooks",
    }
}

/// Which features are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features([bool; Feature::ALL.len()]);

impl Features {
    /// What a tenant starts with: everything, but renderers other than the built-in one only where it is the tenant
    /// that runs the installation.
    #[must_use]
    pub fn default_of(is_operating: bool) -> Self {
        Self::all_but([]).with(Feature::ExternalExecutor, is_operating)
    }

    /// All features, but these.
    #[must_use]
    pub fn all_but(off: impl IntoIterator<Item = Feature>) -> Self {
        off.into_iter().fold(Self([true; Feature::ALL.len()]), |features, feature| features.with(feature, false))
    }

    /// The features that are off.
    pub fn off(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.iter().copied().filter(move |feature| !self.has(*feature))
    }

    /// Whether a feature is on.
    #[must_use]
    pub const fn has(self, feature: Feature) -> bool {
        self.0[feature as usize]
    }

    /// The same with a feature switched on or off.
    #[must_use]
    pub const fn with(mut self, feature: Feature, is_on: bool) -> Self {
        self.0[feature as usize] = is_on;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_on_but_external_executors() {
        assert_eq!(Features::default_of(true), Features::all_but([]));
        assert_eq!(Features::default_of(false).off().collect::<Vec<_>>(), [Feature::ExternalExecutor]);
        for feature in Feature::ALL {
            let without = Features::all_but([*feature]);
            assert_eq!(without.off().collect::<Vec<_>>(), [*feature]);
            assert!(!without.has(*feature) && without.with(*feature, true) == Features::default_of(true));
        }
    }
}
