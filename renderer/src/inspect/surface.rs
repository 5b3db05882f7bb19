//! A mesh as a surface: vertices with equal positions are joined, whatever primitive they belong to.
//!
//! Input: a mesh. Output: its connected shells with their volume, its coincident faces, and where it does not bound a
//! body. Everything takes time linear in the mesh, except for one sort of edges; functions return `None` when
//! cancelled.

use std::collections::HashMap;

use glam::{DVec3, Vec3};
use rayon::slice::ParallelSliceMut as _;

use crate::scene::Mesh;

/// Callback, from any thread, that returns true when the result is no longer needed.
pub(crate) type Cancelled<'a> = &'a (dyn Fn() -> bool + Sync);

/// How many small objects are processed between two polls.
const STRIDE: usize = 1 << 12;

/// `None` when cancelled, which is polled at every [`STRIDE`]th place.
pub(crate) fn go_on(cancelled: Cancelled<'_>, place: usize) -> Option<()> {
    (!(place.is_multiple_of(STRIDE) && cancelled())).then_some(())
}

/// A mesh whose vertices with equal positions are joined.
pub(crate) struct Surface {
    positions: Vec<Vec3>,
    faces: Vec<Face>,
    n_primitives: usize,
}

#[derive(Clone, Copy)]
struct Face {
    corners: [u32; 3],
    primitive: u32,
}

impl Surface {
    pub(crate) fn of(mesh: &Mesh, cancelled: Cancelled<'_>) -> Option<Self> {
        let mut numbers: HashMap<[u32; 3], u32> = HashMap::new();
        let mut positions = Vec::new();
        let mut faces = Vec::with_capacity(mesh.primitives.iter().map(|primitive| primitive.triangles.len()).sum());
        for (primitive, source) in (0..).zip(&mesh.primitives) {
            let mut number = |&position: &Vec3| {
                // Adding zero turns −0 into +0.
                let key = (position + Vec3::ZERO).to_array().map(f32::to_bits);
                *numbers.entry(key).or_insert_with(|| {
                    positions.push(position);
                    positions.len() as u32 - 1
                })
            };
            let numbered = |(place, position)| go_on(cancelled, place).map(|()| number(position));
            let welded: Vec<u32> = source.positions.iter().enumerate().map(numbered).collect::<Option<_>>()?;
            let face =
                |triangle: &[u32; 3]| Face { corners: triangle.map(|corner| welded[corner as usize]), primitive };
            faces.extend(source.triangles.iter().map(face));
        }
        Some(Self { positions, faces, n_primitives: mesh.primitives.len() })
    }

    /// For each primitive, how many of its triangles coincide exactly with others of the mesh, with either winding.
    pub(crate) fn coincident_faces(&self, cancelled: Cancelled<'_>) -> Option<Vec<usize>> {
        // Only faces with the same lowest corner can be equal, and a corner has few: counting sort groups them.
        let mut ends = vec![0_usize; self.positions.len() + 1];
        for face in &self.faces {
            ends[lowest(&face.corners) + 1] += 1;
        }
        go_on(cancelled, 0)?;
        for corner in 1..ends.len() {
            ends[corner] += ends[corner - 1];
        }
        let mut faces = vec![([0; 2], 0); self.faces.len()];
        for (place, face) in self.faces.iter().enumerate() {
            go_on(cancelled, place)?;
            let mut others = face.corners;
            others.sort_unstable();
            let end = &mut ends[others[0] as usize];
            faces[*end] = ([others[1], others[2]], face.primitive);
            *end += 1;
        }
        let mut counts = vec![0_usize; self.n_primitives];
        let mut begin = 0;
        // Filling the groups moved each corner's start to its end.
        for (corner, &end) in ends[..self.positions.len()].iter().enumerate() {
            go_on(cancelled, corner)?;
            let of_corner = &mut faces[begin..end];
            of_corner.sort_unstable();
            for pair in of_corner.windows(2) {
                if pair[0].0 == pair[1].0 {
                    counts[pair[1].1 as usize] += 1;
                }
            }
            begin = end;
        }
        Some(counts)
    }

    /// The connected pieces of the surface.
    pub(crate) fn shells(&self, cancelled: Cancelled<'_>) -> Option<Shells> {
        let mut pieces = Pieces::new(self.positions.len());
        for (place, Face { corners: [a, b, c], .. }) in self.faces.iter().enumerate() {
            go_on(cancelled, place)?;
            pieces.join(*a, *b);
            pieces.join(*a, *c);
        }
        let mut shells: Vec<Shell> = Vec::new();
        let mut shell_of_piece = vec![u32::MAX; self.positions.len()];
        let mut of_face = Vec::with_capacity(self.faces.len());
        for (place, face) in self.faces.iter().enumerate() {
            go_on(cancelled, place)?;
            let piece = pieces.find(face.corners[0]) as usize;
            if shell_of_piece[piece] == u32::MAX {
                shell_of_piece[piece] = shells.len() as u32;
                shells.push(Shell::new(self.positions[piece].as_dvec3()));
            }
            of_face.push(shell_of_piece[piece]);
            let positions = face.corners.map(|at| self.positions[at as usize].as_dvec3());
            shells[shell_of_piece[piece] as usize].add(*face, positions);
        }
        Some(Shells { shells, of_face })
    }

    /// The pieces that are joined along edges of exactly two faces, and for each whether it bounds a body. Where more
    /// faces meet, as at the surface of a liquid in a glass, nothing is joined.
    pub(crate) fn closed_shells(&self, cancelled: Cancelled<'_>) -> Option<(Shells, Vec<bool>)> {
        let mut edges = Vec::with_capacity(3 * self.faces.len());
        for (at, face) in (0..).zip(&self.faces) {
            go_on(cancelled, at as usize)?;
            let [a, b, c] = face.corners;
            if a == b || b == c || c == a {
                continue;
            }
            let side =
                |(from, to): (u32, u32)| Side { ends: [from.min(to), from.max(to)], is_forward: from < to, face: at };
            edges.extend([(a, b), (b, c), (c, a)].map(side));
        }
        edges.par_sort_unstable_by_key(|side| (side.ends, side.face));
        let mut pieces = Pieces::new(self.faces.len());
        // Faces at whose edges the piece does not go on, and where it turns over.
        let (mut borders, mut is_unclear) = (Vec::new(), vec![false; self.faces.len()]);
        for (place, sides) in edges.chunk_by(|a, b| a.ends == b.ends).enumerate() {
            go_on(cancelled, place)?;
            match sides {
                [only] => borders.push(*only),
                [first, second] => {
                    pieces.join(first.face, second.face);
                    is_unclear[first.face as usize] |= first.is_forward == second.is_forward;
                }
                more => more.iter().for_each(|side| is_unclear[side.face as usize] = true),
            }
        }
        let mut shells: Vec<Shell> = Vec::new();
        let mut shell_of_piece = vec![u32::MAX; self.faces.len()];
        let mut of_face = Vec::with_capacity(self.faces.len());
        for (at, face) in (0..).zip(&self.faces) {
            go_on(cancelled, at as usize)?;
            let positions = face.corners.map(|corner| self.positions[corner as usize].as_dvec3());
            let shell = &mut shell_of_piece[pieces.find(at) as usize];
            if *shell == u32::MAX {
                *shell = shells.len() as u32;
                shells.push(Shell::new(positions[0]));
            }
            of_face.push(*shell);
            shells[*shell as usize].add(*face, positions);
        }
        let mut gaps = vec![Gaps::default(); shells.len()];
        let border = |&Side { ends, is_forward, face }: &Side| Edge {
            ends,
            is_forward,
            is_body: true,
            shell: of_face[face as usize],
        };
        self.add_holes(&borders.iter().map(border).collect::<Vec<_>>(), &mut gaps);
        for (&shell, is_unclear) in of_face.iter().zip(is_unclear) {
            gaps[shell as usize].n_unclear_edges += usize::from(is_unclear);
        }
        let is_closed = shells.iter().zip(&gaps).map(|(shell, gaps)| gaps.leave_closed(shell)).collect();
        Some((Shells { shells, of_face }, is_closed))
    }

    /// The primitive of each face, in the order of the primitives' triangles.
    pub(crate) fn primitives(&self) -> impl Iterator<Item = u32> {
        self.faces.iter().map(|face| face.primitive)
    }

    /// Whether each shell faces inwards, which means that it encloses a negative volume. Cracks too small for light are
    /// allowed, such as the seam of a sphere whose first and last meridian differ by rounding.
    pub(crate) fn inward(&self, shells: &Shells, cancelled: Cancelled<'_>) -> Option<Vec<bool>> {
        let negative = || shells.shells.iter().filter(|shell| shell.is_turned_inwards());
        if negative().all(Shell::is_closed) {
            return Some(shells.shells.iter().map(Shell::is_turned_inwards).collect());
        }
        let gaps = self.gaps(shells, &|_| true, cancelled)?;
        let is_inward = |(shell, gaps): (&Shell, Gaps)| shell.is_turned_inwards() && gaps.leave_closed(shell);
        Some(shells.shells.iter().zip(gaps).map(is_inward).collect())
    }

    /// For each shell, how far the primitives for which `is_body` holds are from bounding a body.
    pub(crate) fn gaps(
        &self,
        shells: &Shells,
        is_body: &dyn Fn(u32) -> bool,
        cancelled: Cancelled<'_>,
    ) -> Option<Vec<Gaps>> {
        let mut edges = Vec::new();
        for (place, (face, &shell)) in self.faces.iter().zip(&shells.of_face).enumerate() {
            go_on(cancelled, place)?;
            let [a, b, c] = face.corners;
            let is_body = is_body(face.primitive);
            let edge = |(from, to): (u32, u32)| Edge {
                ends: [from.min(to), from.max(to)],
                is_forward: from < to,
                is_body,
                shell,
            };
            edges.extend([(a, b), (b, c), (c, a)].map(edge));
        }
        edges.par_sort_unstable_by_key(|edge| edge.ends);
        let mut gaps = vec![Gaps::default(); shells.shells.len()];
        let mut borders: Vec<Edge> = Vec::new();
        for (place, faces) in edges.chunk_by(|a, b| a.ends == b.ends).enumerate() {
            go_on(cancelled, place)?;
            if !faces.iter().any(|edge| edge.is_body) {
                continue;
            }
            let n_forward = faces.iter().filter(|edge| edge.is_forward).count();
            match faces.len() {
                1 => borders.push(faces[0]),
                // Where inside and outside are distinct, each edge is traversed equally often in both directions.
                n if 2 * n_forward != n => gaps[faces[0].shell as usize].n_unclear_edges += 1,
                _ => {}
            }
        }
        self.add_holes(&borders, &mut gaps);
        Some(gaps)
    }

    /// Borders surround holes, or cracks where the corners of faces do not match: these have no area.
    fn add_holes(&self, borders: &[Edge], gaps: &mut [Gaps]) {
        let mut rims = Pieces::new(self.positions.len());
        for Edge { ends: [a, b], shell, .. } in borders {
            rims.join(*a, *b);
            gaps[*shell as usize].n_border_edges += 1;
        }
        let mut areas: HashMap<u32, (u32, DVec3)> = HashMap::new();
        for Edge { ends: [a, b], shell, is_forward, .. } in borders {
            let rim = rims.find(*a);
            let [origin, a, b] = [rim, *a, *b].map(|at| self.positions[at as usize].as_dvec3());
            let area = 0.5 * (a - origin).cross(b - origin);
            let (_, sum) = areas.entry(rim).or_insert((*shell, DVec3::ZERO));
            *sum += if *is_forward { area } else { -area };
        }
        // In a fixed order, because sums of floating-point numbers depend on it.
        let mut areas: Vec<(u32, (u32, DVec3))> = areas.into_iter().collect();
        areas.sort_unstable_by_key(|(rim, _)| *rim);
        for (_, (shell, area)) in areas {
            gaps[shell as usize].hole_area += area.length();
        }
    }
}

fn lowest(corners: &[u32; 3]) -> usize {
    corners[0].min(corners[1]).min(corners[2]) as usize
}

/// One side of a face, in the search for pieces.
#[derive(Clone, Copy)]
struct Side {
    /// The lower corner first.
    ends: [u32; 2],
    /// Whether the face traverses it from the lower corner to the higher.
    is_forward: bool,
    face: u32,
}

/// One side of a face.
#[derive(Clone, Copy)]
struct Edge {
    /// The lower corner first.
    ends: [u32; 2],
    /// Whether the face traverses it from the lower corner to the higher.
    is_forward: bool,
    is_body: bool,
    shell: u32,
}

/// Why a shell does not bound a body.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Gaps {
    /// Edges with a single face.
    pub(crate) n_border_edges: usize,
    /// Area that these surround; next to nothing if corners of faces merely do not match.
    pub(crate) hole_area: f64,
    /// Edges with more than two faces, or with two of opposite orientation.
    pub(crate) n_unclear_edges: usize,
}

impl Gaps {
    /// Whether the shell bounds a body all the same: its holes are cracks.
    fn leave_closed(&self, shell: &Shell) -> bool {
        /// Fraction of a shell's area that may be missing for its volume to be meaningful.
        const HOLE_SHARE_MAX: f64 = 1e-4;
        self.n_unclear_edges == 0 && self.hole_area <= HOLE_SHARE_MAX * shell.area
    }
}

/// The connected pieces of a surface.
pub(crate) struct Shells {
    pub(crate) shells: Vec<Shell>,
    /// The shell of each face.
    pub(crate) of_face: Vec<u32>,
}

/// A connected piece of a surface, in the mesh's own frame.
pub(crate) struct Shell {
    /// The primitives that it has faces of, in order.
    pub(crate) primitives: Vec<u32>,
    /// A point nearby, so that a small shell far from the origin keeps its precision.
    origin: DVec3,
    /// Signed: positive if faces point outwards. Only meaningful for a shell that is nearly closed.
    volume: f64,
    pub(crate) area: f64,
    /// Sum over all edges of a number that depends on the edge and is negated with its direction. In a closed and
    /// consistently turned surface each edge is traversed once in each direction, so the sum is 0; otherwise it is 0
    /// with a probability of 1 in 2^64. This needs no table of edges.
    boundary: u64,
    pub(crate) min: DVec3,
    pub(crate) max: DVec3,
}

impl Shell {
    fn new(origin: DVec3) -> Self {
        let (min, max) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
        Self { primitives: Vec::new(), origin, volume: 0.0, area: 0.0, boundary: 0, min, max }
    }

    /// Faces come in the order of their primitives.
    fn add(&mut self, Face { corners, primitive }: Face, positions: [DVec3; 3]) {
        if self.primitives.last() != Some(&primitive) {
            self.primitives.push(primitive);
        }
        let [a, b, c] = positions.map(|position| position - self.origin);
        self.volume += a.dot(b.cross(c)) / 6.0;
        self.area += 0.5 * (b - a).cross(c - a).length();
        for position in positions {
            self.min = self.min.min(position);
            self.max = self.max.max(position);
        }
        for (from, to) in [(corners[0], corners[1]), (corners[1], corners[2]), (corners[2], corners[0])] {
            let edge = mixed(u64::from(from.min(to)) << 32 | u64::from(from.max(to)));
            self.boundary = if from < to { self.boundary.wrapping_add(edge) } else { self.boundary.wrapping_sub(edge) };
        }
    }

    /// Length of the diagonal of its bounds.
    pub(crate) fn diagonal(&self) -> f64 {
        (self.max - self.min).length()
    }

    /// Whether the bounds of another shell are inside its own.
    pub(crate) fn encloses(&self, other: &Self) -> bool {
        self.min.cmple(other.min).all() && self.max.cmpge(other.max).all()
    }

    fn is_closed(&self) -> bool {
        self.boundary == 0
    }

    /// Whether the volume is negative beyond the rounding error of a flat shell.
    pub(crate) fn is_turned_inwards(&self) -> bool {
        self.volume < -1e-9 * self.diagonal().powi(3)
    }
}

/// The output function of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
pub(crate) fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// Disjoint sets of vertices (union-find with path halving).
struct Pieces {
    parents: Vec<u32>,
}

impl Pieces {
    fn new(count: usize) -> Self {
        Self { parents: (0..count as u32).collect() }
    }

    fn find(&mut self, mut at: u32) -> u32 {
        while self.parents[at as usize] != at {
            let next = self.parents[self.parents[at as usize] as usize];
            self.parents[at as usize] = next;
            at = next;
        }
        at
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        // The smaller index is the representative, so that the result does not depend on the order of triangles.
        self.parents[a.max(b) as usize] = a.min(b);
    }
}
