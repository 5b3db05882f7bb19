//! What the steps of a design job do to files and rows, as a port: the same in production and in tests, which let one
//! of them fail to see what is left.

use std::fmt::Debug;

use packshot_renderer::backend::CancelToken;
use packshot_worker::compose::ComposeOutcome;
use packshot_worker::engine::Engine;
use packshot_worker::executor::AssetSource;
use packshot_worker::protocol::{Failure, RenderInput, WorkEvent};

/// Something that a step is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The design is stored.
    StoreDesign,
    /// The texture is stored.
    StoreTexture,
    /// A picture is stored: which one, from 0.
    StorePicture(usize),
    /// The product gets the pictures.
    Associate,
    /// The job is ended.
    Complete,
    /// What the product got is taken back.
    TakeBack,
}

/// Does what steps do.
pub trait Deeds: Debug + Send + Sync {
    /// Whether a step may do something now.
    ///
    /// # Errors
    /// Why not: the step fails with that.
    fn may(&self, deed: Deed) -> Result<(), Failure> {
        let _ = deed;
        Ok(())
    }

    /// Composes the texture of a design.
    fn compose(
        &self,
        engine: &Engine,
        input: &RenderInput,
        assets: &dyn AssetSource,
        cancel: &CancelToken,
        emit: &(dyn Fn(WorkEvent) + Sync),
    ) -> ComposeOutcome {
        engine.compose(input, assets, cancel, emit)
    }
}

/// This service.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnDeeds;

impl Deeds for OwnDeeds {}
