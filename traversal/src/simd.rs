//! Ray traversal: batches of rays through the wide trees of an [`Accel`], with the instruction set detected at run
//! time.
//!
//! The same generic code serves all instruction sets and all uses of the lanes: one ray against the children of a node
//! or the triangles of a leaf, one triangle against a packet of rays (if they are coherent), and one value for each of
//! several rays that are prepared together. Hits agree bit for bit between all of them, because
//! - the triangle test (`intersect`) uses the same operations in the same order everywhere, without fused
//!   multiply-add, and bounds each hit's distance by the triangle's own box;
//! - box tests (`ray`) accept everything that the triangle's own box accepts, and never report a later entry;
//! - of two hits at the same distance the lower (instance, triangle) wins.

mod descend;
mod intersect;
mod lanes;
mod packet;
mod prepared;
mod ray;
mod single;
#[cfg(target_arch = "x86_64")]
mod x86;

use packshot_processor::SimdLevel;
#[cfg(target_arch = "x86_64")]
use packshot_processor::{Avx2, Avx512};
use packshot_shaders::layout::ray::{Hit, Ray};

use crate::wide::{Accel, Form, WideBvh};
use descend::Stacks;
use lanes::{Lanes, Portable};
use packet::Packet;
use prepared::Prepared;
use ray::Over;
use single::Search;

/// Decides whether a surface that a ray hits stops it: alpha-tested and stochastically transparent surfaces let some
/// rays through. The answer may depend on the ray and the hit only, because candidates are tested in any order, and not
/// all of them.
pub trait OpacityFilter {
    /// Whether `hit` stops the ray with index `ray_idx` of the batch.
    fn blocks(&self, ray_idx: usize, hit: &Hit) -> bool;
}

/// Which surfaces stop rays.
#[derive(Clone, Copy)]
pub enum Opacity<'a> {
    /// Every surface.
    Full,
    /// Those that a filter selects.
    Of(&'a dyn OpacityFilter),
}

/// A filter as the loops use it, so that scenes without one get loops without one.
trait Filter {
    /// Everything blocks, and [`Filter::blocks`] is not called.
    const NEVER: bool;

    fn blocks(&self, ray_idx: usize, hit: &Hit) -> bool;
}

/// The filter of a scene in which every surface is opaque.
struct Opaque;

impl Filter for Opaque {
    const NEVER: bool = true;

    fn blocks(&self, _ray_idx: usize, _hit: &Hit) -> bool {
        true
    }
}

impl Filter for &dyn OpacityFilter {
    const NEVER: bool = false;

    fn blocks(&self, ray_idx: usize, hit: &Hit) -> bool {
        OpacityFilter::blocks(*self, ray_idx, hit)
    }
}

/// The query for a batch of rays, and where the answers go.
enum Query<'a> {
    Closest(&'a mut [Hit]),
    ClosestCoherent(&'a mut [Hit]),
    Occluded(&'a mut [bool]),
}

impl Accel {
    /// The closest blocking hit of each ray; [`Hit::miss`] where there is none. For incoherent rays.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn closest(&self, rays: &[Ray], hits: &mut [Hit], opacity: Opacity<'_>) {
        assert_eq!(rays.len(), hits.len());
        self.answer(rays, Query::Closest(hits), opacity);
    }

    /// As [`Accel::closest`], with the same results, faster where consecutive rays are nearly equal, such as the camera
    /// rays of one pixel.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn closest_coherent(&self, rays: &[Ray], hits: &mut [Hit], opacity: Opacity<'_>) {
        assert_eq!(rays.len(), hits.len());
        self.answer(rays, Query::ClosestCoherent(hits), opacity);
    }

    /// Whether anything blocks each ray.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn occluded(&self, rays: &[Ray], occluded: &mut [bool], opacity: Opacity<'_>) {
        assert_eq!(rays.len(), occluded.len());
        self.answer(rays, Query::Occluded(occluded), opacity);
    }

    fn answer(&self, rays: &[Ray], query: Query<'_>, opacity: Opacity<'_>) {
        match opacity {
            Opacity::Full => self.answer_with(rays, query, &Opaque),
            Opacity::Of(filter) => self.answer_with(rays, query, &filter),
        }
    }

    fn answer_with<F: Filter>(&self, rays: &[Ray], query: Query<'_>, filter: &F) {
        match (&self.form, self.level()) {
            #[cfg(target_arch = "x86_64")]
            (Form::Eight(bvh), SimdLevel::Avx2) => {
                x86::answer_avx2(Avx2::detect().expect("checked when the trees were made"), bvh, rays, query, filter);
            }
            #[cfg(target_arch = "x86_64")]
            (Form::Sixteen(bvh), SimdLevel::Avx512) => {
                x86::answer_avx512(
                    Avx512::detect().expect("checked when the trees were made"),
                    bvh,
                    rays,
                    query,
                    filter,
                );
            }
            (Form::Eight(bvh), _) => answer(Portable, bvh, rays, query, filter),
            (Form::Sixteen(_), _) => unreachable!("made for AVX-512 alone"),
        }
    }
}

/// Inlined into the entry point of every instruction set, and with it all of traversal.
#[inline(always)]
fn answer<L: Lanes<W>, const W: usize, F: Filter>(
    lanes: L,
    bvh: &WideBvh<W>,
    rays: &[Ray],
    mut query: Query<'_>,
    filter: &F,
) {
    let mut stacks = Stacks::new(bvh.stack_len);
    let over = if bvh.is_flat { Over::Triangles } else { Over::Instances };
    let mut prepared = Prepared::new(&bvh.top, &bvh.nodes, over);
    let is_any = matches!(query, Query::Occluded(_));
    // The only call for single rays, so that there is one copy of its code.
    for (chunk_idx, chunk) in rays.chunks(W).enumerate() {
        let first_idx = chunk_idx * W;
        if let Query::ClosestCoherent(hits) = &mut query {
            let packet = Packet { lanes, bvh, filter, rays: chunk, first_idx };
            if packet.run(&mut stacks, &mut hits[first_idx..][..chunk.len()]) {
                continue;
            }
        }
        prepared.prepare(lanes, chunk);
        let prepared = &prepared;
        for (lane, ray) in chunk.iter().enumerate() {
            let ray_idx = first_idx + lane;
            let hit = Search { lanes, bvh, filter, ray, prepared, lane, ray_idx, is_any }.run(&mut stacks);
            match &mut query {
                Query::Closest(hits) | Query::ClosestCoherent(hits) => hits[ray_idx] = hit,
                Query::Occluded(occluded) => occluded[ray_idx] = !hit.is_miss(),
            }
        }
    }
}

/// Whether a hit precedes another: closer, or equally close with a lower instance or triangle.
#[inline(always)]
fn precedes(hit: &Hit, other: &Hit) -> bool {
    hit.t < other.t || hit.t == other.t && (hit.instance, hit.triangle) < (other.instance, other.triangle)
}

#[cfg(test)]
mod tests;
