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

/// What is asked about each ray, and where the answers go.
trait Answers {
    /// Whether any blocking hit is an answer, or only the closest.
    const IS_ANY: bool;

    fn set(&mut self, ray_idx: usize, hit: Hit);
}

/// The closest hits.
impl Answers for [Hit] {
    const IS_ANY: bool = false;

    #[inline(always)]
    fn set(&mut self, ray_idx: usize, hit: Hit) {
        self[ray_idx] = hit;
    }
}

/// Whether there is any.
impl Answers for [bool] {
    const IS_ANY: bool = true;

    #[inline(always)]
    fn set(&mut self, ray_idx: usize, hit: Hit) {
        self[ray_idx] = !hit.is_miss();
    }
}

/// A filter for some of the rays of a batch.
struct OfSome<'a> {
    filter: &'a dyn OpacityFilter,
    /// The indices of the rays in the whole batch.
    in_batch: &'a [u32],
}

impl OpacityFilter for OfSome<'_> {
    fn blocks(&self, ray_idx: usize, hit: &Hit) -> bool {
        self.filter.blocks(self.in_batch[ray_idx] as usize, hit)
    }
}

impl Accel {
    /// The closest blocking hit of each ray; [`Hit::miss`] where there is none. For incoherent rays.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn closest(&self, rays: &[Ray], hits: &mut [Hit], opacity: Opacity<'_>) {
        assert_eq!(rays.len(), hits.len());
        self.answer(rays, hits, opacity);
    }

    /// As [`Accel::closest`], with the same results, faster where consecutive rays are nearly equal, such as the camera
    /// rays of one pixel.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn closest_coherent(&self, rays: &[Ray], hits: &mut [Hit], opacity: Opacity<'_>) {
        assert_eq!(rays.len(), hits.len());
        let mut incoherent = Vec::new();
        match opacity {
            Opacity::Full => self.answer_packets_with(rays, hits, &Opaque, &mut incoherent),
            Opacity::Of(filter) => self.answer_packets_with(rays, hits, &filter, &mut incoherent),
        }
        if incoherent.is_empty() {
            return;
        }
        let others: Vec<Ray> = incoherent.iter().map(|&i| rays[i as usize]).collect();
        let mut other_hits = vec![Hit::default(); others.len()];
        match opacity {
            Opacity::Full => self.closest(&others, &mut other_hits, opacity),
            Opacity::Of(filter) => {
                let filter = OfSome { filter, in_batch: &incoherent };
                self.closest(&others, &mut other_hits, Opacity::Of(&filter));
            }
        }
        for (&i, hit) in incoherent.iter().zip(other_hits) {
            hits[i as usize] = hit;
        }
    }

    /// Whether anything blocks each ray.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn occluded(&self, rays: &[Ray], occluded: &mut [bool], opacity: Opacity<'_>) {
        assert_eq!(rays.len(), occluded.len());
        self.answer(rays, occluded, opacity);
    }

    fn answer<A: Answers + ?Sized>(&self, rays: &[Ray], answers: &mut A, opacity: Opacity<'_>) {
        match opacity {
            Opacity::Full => self.answer_with(rays, answers, &Opaque),
            Opacity::Of(filter) => self.answer_with(rays, answers, &filter),
        }
    }

    /// Answers what can be answered in packets, and adds the indices of all other rays to `incoherent`.
    fn answer_packets_with<F: Filter>(&self, rays: &[Ray], hits: &mut [Hit], filter: &F, incoherent: &mut Vec<u32>) {
        match (&self.form, self.level()) {
            #[cfg(target_arch = "x86_64")]
            (Form::Eight(bvh), SimdLevel::Avx2) => {
                let lanes = Avx2::detect().expect("checked when the trees were made");
                x86::answer_packets_avx2(lanes, bvh, rays, hits, filter, incoherent);
            }
            #[cfg(target_arch = "x86_64")]
            (Form::Sixteen(bvh), SimdLevel::Avx512) => {
                let lanes = Avx512::detect().expect("checked when the trees were made");
                x86::answer_packets_avx512(lanes, bvh, rays, hits, filter, incoherent);
            }
            (Form::Eight(bvh), _) => answer_packets(Portable, bvh, rays, hits, filter, incoherent),
            (Form::Sixteen(_), _) => unreachable!("made for AVX-512 alone"),
        }
    }

    fn answer_with<A: Answers + ?Sized, F: Filter>(&self, rays: &[Ray], answers: &mut A, filter: &F) {
        match (&self.form, self.level()) {
            #[cfg(target_arch = "x86_64")]
            (Form::Eight(bvh), SimdLevel::Avx2) => {
                x86::answer_avx2(Avx2::detect().expect("checked when the trees were made"), bvh, rays, answers, filter);
            }
            #[cfg(target_arch = "x86_64")]
            (Form::Sixteen(bvh), SimdLevel::Avx512) => {
                x86::answer_avx512(
                    Avx512::detect().expect("checked when the trees were made"),
                    bvh,
                    rays,
                    answers,
                    filter,
                );
            }
            (Form::Eight(bvh), _) => answer(Portable, bvh, rays, answers, filter),
            (Form::Sixteen(_), _) => unreachable!("made for AVX-512 alone"),
        }
    }
}

/// Inlined into the entry point of every instruction set, and with it all of traversal of single rays.
#[inline(always)]
fn answer<L: Lanes<W>, const W: usize, A: Answers + ?Sized, F: Filter>(
    lanes: L,
    bvh: &WideBvh<W>,
    rays: &[Ray],
    answers: &mut A,
    filter: &F,
) {
    let mut stacks = Stacks::new(bvh.stack_len);
    let over = if bvh.is_flat { Over::Triangles } else { Over::Instances };
    let mut prepared = Prepared::new(&bvh.top, &bvh.nodes, over);
    for (chunk_idx, chunk) in rays.chunks(W).enumerate() {
        prepared.prepare(lanes, chunk);
        let prepared = &prepared;
        for (lane, ray) in chunk.iter().enumerate() {
            let ray_idx = chunk_idx * W + lane;
            let search = Search { lanes, bvh, filter, ray, prepared, lane, ray_idx, is_any: A::IS_ANY };
            answers.set(ray_idx, search.run(&mut stacks));
        }
    }
}

/// Answers in packets what can be, and adds the indices of all other rays to `incoherent`.
#[inline(always)]
fn answer_packets<L: Lanes<W>, const W: usize, F: Filter>(
    lanes: L,
    bvh: &WideBvh<W>,
    rays: &[Ray],
    hits: &mut [Hit],
    filter: &F,
    incoherent: &mut Vec<u32>,
) {
    let mut stacks = Stacks::new(bvh.stack_len);
    for (chunk_idx, (rays, hits)) in rays.chunks(W).zip(hits.chunks_mut(W)).enumerate() {
        let first_idx = chunk_idx * W;
        let packet = Packet { lanes, bvh, filter, rays, first_idx };
        let answered = packet.run(&mut stacks, hits);
        let left = (0..rays.len()).filter(|&lane| answered >> lane & 1 == 0);
        incoherent.extend(left.map(|lane| (first_idx + lane) as u32));
    }
}

/// Whether a hit precedes another: closer, or equally close with a lower instance or triangle.
#[inline(always)]
fn precedes(hit: &Hit, other: &Hit) -> bool {
    hit.t < other.t || hit.t == other.t && (hit.instance, hit.triangle) < (other.instance, other.triangle)
}

#[cfg(test)]
mod tests;
