//! Who renders the order lines of an output type on the direct path (workflow.md §6).

use super::output_type::{OutputKind, RenderBackend};
use super::task::Lane;

/// What decides who renders.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'w> {
    /// What the output type says.
    pub backend: RenderBackend,
    /// What is made.
    pub kind: OutputKind,
    /// The executor that the output type names.
    pub own: Option<&'w Lane>,
    /// The executor of output types that name none.
    pub setting: &'w Lane,
    /// Whether the tenant may use external executors.
    pub has_external: bool,
}

/// Why nobody renders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoExecutor {
    /// The tenant may not use external executors.
    #[error("external executors are switched off for this tenant")]
    SwitchedOff,
    /// An external one is wanted, and none is named.
    #[error("neither the output type nor the setting `legacy_executor` names an external executor")]
    NotConfigured,
    /// External ones make stills, and this is none.
    #[error("external executors make stills alone, and this output type is of kind `{0}`")]
    StillsOnly(OutputKind),
}

impl Wish<'_> {
    /// The executor of a line that is dispatched now: the lane of its task.
    ///
    /// # Errors
    ///
    /// [`NoExecutor`].
    pub fn executor(self) -> Result<Lane, NoExecutor> {
        let named = self.own.unwrap_or(self.setting);
        let chosen = match self.backend {
            RenderBackend::Packshot => return Ok(Lane::builtin()),
            RenderBackend::Auto if !self.has_external => return Ok(Lane::builtin()),
            RenderBackend::Auto => named,
            RenderBackend::External if !self.has_external => return Err(NoExecutor::SwitchedOff),
            RenderBackend::External if named.is_builtin() => return Err(NoExecutor::NotConfigured),
            RenderBackend::External => named,
        };
        match self.kind {
            OutputKind::Still => Ok(chosen.clone()),
            _ if chosen.is_builtin() => Ok(chosen.clone()),
            kind => Err(NoExecutor::StillsOnly(kind)),
        }
    }

    /// Checks what an output type says before it is saved. What follows from the setting alone is decided at dispatch,
    /// because that may change.
    ///
    /// # Errors
    ///
    /// [`NoExecutor`].
    pub fn check(self) -> Result<(), NoExecutor> {
        let is_still = self.kind == OutputKind::Still;
        match self.backend {
            RenderBackend::External if !self.has_external => Err(NoExecutor::SwitchedOff),
            RenderBackend::External if !is_still => Err(NoExecutor::StillsOnly(self.kind)),
            RenderBackend::Auto if !is_still && self.own.is_some_and(|own| !own.is_builtin()) => {
                Err(NoExecutor::StillsOnly(self.kind))
            }
            RenderBackend::External => self.executor().map(drop),
            RenderBackend::Auto | RenderBackend::Packshot => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(name: &str) -> Lane {
        Lane::new(name).expect("a lane")
    }

    /// Every row of the rule, with and without the flag.
    #[test]
    fn w89_the_executor_follows_the_rule() {
        use RenderBackend as B;
        let (blender, maya, builtin) = (lane("blender"), lane("maya"), Lane::builtin());
        let cases = [
            (B::Packshot, Some(&maya), &blender, Ok("builtin"), Ok("builtin")),
            (B::Auto, None, &builtin, Ok("builtin"), Ok("builtin")),
            (B::Auto, None, &blender, Ok("blender"), Ok("builtin")),
            (B::Auto, Some(&maya), &blender, Ok("maya"), Ok("builtin")),
            (B::Auto, Some(&builtin), &blender, Ok("builtin"), Ok("builtin")),
            (B::External, None, &blender, Ok("blender"), Err(NoExecutor::SwitchedOff)),
            (B::External, Some(&maya), &builtin, Ok("maya"), Err(NoExecutor::SwitchedOff)),
            (B::External, None, &builtin, Err(NoExecutor::NotConfigured), Err(NoExecutor::SwitchedOff)),
            (B::External, Some(&builtin), &blender, Err(NoExecutor::NotConfigured), Err(NoExecutor::SwitchedOff)),
        ];
        for (backend, own, setting, with, without) in cases {
            for (has_external, expected) in [(true, with), (false, without)] {
                let wish = Wish { backend, kind: OutputKind::Still, own, setting, has_external };
                let found = wish.executor();
                assert_eq!(found.as_ref().map(Lane::as_str).map_err(|error| *error), expected, "{wish:?}");
            }
        }
    }

    #[test]
    fn w97_external_means_stills() {
        let (blender, builtin) = (lane("blender"), Lane::builtin());
        for kind in [OutputKind::Turntable, OutputKind::Views, OutputKind::Glb] {
            let wish = |backend, own, setting| Wish { backend, kind, own, setting, has_external: true };
            let refused = NoExecutor::StillsOnly(kind);
            let external = wish(RenderBackend::External, None, &blender);
            assert_eq!((external.check(), external.executor()), (Err(refused), Err(refused)));
            let by_own = wish(RenderBackend::Auto, Some(&blender), &builtin);
            assert_eq!((by_own.check(), by_own.executor()), (Err(refused), Err(refused)));
            let by_setting = wish(RenderBackend::Auto, None, &blender);
            assert_eq!((by_setting.check(), by_setting.executor()), (Ok(()), Err(refused)), "the setting may change");
            let own = wish(RenderBackend::Packshot, Some(&blender), &blender);
            assert_eq!((own.check(), own.executor()), (Ok(()), Ok(Lane::builtin())));
        }
    }
}
