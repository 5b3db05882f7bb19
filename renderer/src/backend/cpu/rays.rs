//! Traversal alone on the processor.

use std::time::Instant;

use packshot_shaders::layout::ray::{Hit, Ray};
use packshot_traversal::Opacity;
use rayon::prelude::*;

use super::CpuShot;
use crate::backend::rays::{RayQuery, TracedRays};
use crate::backend::{CancelToken, RenderError};

/// Rays that a thread takes at a time.
const BATCH_RAYS: usize = 1024;

impl CpuShot {
    /// What rays hit, batch by batch.
    pub(super) fn trace_here(
        &self,
        rays: &[Ray],
        query: RayQuery,
        cancel: &CancelToken,
    ) -> Result<TracedRays, RenderError> {
        let begun = Instant::now();
        let mut hits = vec![Hit::miss(0.0); rays.len()];
        let batches = rays.par_chunks(BATCH_RAYS).zip(hits.par_chunks_mut(BATCH_RAYS));
        batches.for_each_init(
            || vec![false; BATCH_RAYS],
            |blocked, (rays, hits)| {
                if cancel.is_cancelled() {
                    return;
                }
                match query {
                    RayQuery::Closest => self.accel.closest(rays, hits, Opacity::Full),
                    RayQuery::ClosestCoherent => self.accel.closest_coherent(rays, hits, Opacity::Full),
                    RayQuery::Any => {
                        let blocked = &mut blocked[..rays.len()];
                        self.accel.occluded(rays, blocked, Opacity::Full);
                        for ((hit, ray), &is_blocked) in hits.iter_mut().zip(rays).zip(&*blocked) {
                            *hit = Hit::miss(ray.t_max);
                            if is_blocked {
                                hit.instance = 0;
                            }
                        }
                    }
                }
            },
        );
        let time = begun.elapsed();
        if cancel.is_cancelled() { Err(RenderError::Cancelled) } else { Ok(TracedRays { hits, time }) }
    }
}
