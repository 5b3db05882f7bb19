// The random numbers of a path: points of digital sequences in base 2 with Owen scrambling (Burley 2020, "Practical
// Hash-based Owen Scrambling").
//
// They come in sets. Each set of a path is a sequence of its own, shuffled by a hash of the set's number, so that sets
// are independent of each other. A set has five coordinates that are stratified together, all of them computed from
// digits of the shuffled index:
//   the pair     for the polynomials x and x + 1 of Niederreiter's sequence (1988, "Low-discrepancy and low-dispersion
//                sequences"), which are Sobol's first two: a (0, 2)-sequence;
//   the third    for x^2 + x + 1: a (1, 3)-sequence with the pair;
//   pair beside  the pair again, a (0, 2)-sequence, of an index with its digits mixed to go well with the three.
// Callers that draw the same coordinates for two purposes scramble each differently. The digits underneath stay the
// same, so nothing may depend on both: results of the two are added, never multiplied.
//
// There is no state beyond (seed, index, set), so any sample can be drawn independently.

fn hash_u32(value: u32) -> u32 {
    // Wellons' "lowbias32" integer permutation.
    var x = value;
    x ^= x >> 16u;
    x *= 0x7feb352du;
    x ^= x >> 15u;
    x *= 0x846ca68bu;
    x ^= x >> 16u;
    return x;
}

fn hash_combine(a: u32, b: u32) -> u32 {
    return hash_u32(a ^ (b * 0x9e3779b9u + 0x7f4a7c15u));
}

// A permutation in which each bit depends on lower bits only: Owen scrambling of the reversed number (Laine and Karras
// 2011, constants by Vegdahl 2021).
fn owen_reversed(value: u32, seed: u32) -> u32 {
    var x = value;
    x ^= x * 0x3d20adeau;
    x += seed;
    x *= (seed >> 16u) | 1u;
    x ^= x * 0x05526c56u;
    x ^= x * 0x53a22864u;
    return x;
}

// Reversed digits of the second coordinate. Its generator matrix is Pascal's triangle modulo 2: read the index as a
// polynomial over GF(2) and substitute x + 1 for x, which splits into five halvings because (x + 1)^(2^m) = x^(2^m) +
// 1.
fn second_reversed(index: u32) -> u32 {
    var x = index;
    x ^= (x >> 16u) & 0x0000ffffu;
    x ^= (x >> 8u) & 0x00ff00ffu;
    x ^= (x >> 4u) & 0x0f0f0f0fu;
    x ^= (x >> 2u) & 0x33333333u;
    x ^= (x >> 1u) & 0x55555555u;
    return x;
}

// Reversed digits of the third coordinate: the index, read as a polynomial over GF(2), written in powers of p = x^2 + x
// + 1. Repeated halving computes it: to divide by p^d = x^2d + x^d + 1, where d is a power of two, its four blocks of d
// digits are added to each other.
fn third_reversed(index: u32) -> u32 {
    var x = index;
    x ^= (x >> 8u) & 0x00ffff00u;
    x ^= (x >> 16u) & 0x000000ffu;
    x ^= (x >> 4u) & 0x0ff00ff0u;
    x ^= (x >> 8u) & 0x000f000fu;
    x ^= (x >> 2u) & 0x3c3c3c3cu;
    x ^= (x >> 4u) & 0x03030303u;
    x ^= (x >> 1u) & 0x66666666u;
    x ^= (x >> 2u) & 0x11111111u;
    return x;
}

// Mixes the digits of an index, each only with those above it, so that neighbouring parts of a sequence stay
// neighbours. The masks were found by a search over the quality parameters t of this index's pair together with the
// pair and third coordinate of the original index, for all numbers of points up to 2^20, low numbers first; the tests
// check those up to 2^12.
fn beside(index: u32) -> u32 {
    var x = index;
    x ^= (x >> 1u) & 0x0005d403u;
    x ^= (x >> 3u) & 0x0001f9dau;
    x ^= (x >> 2u) & 0x00028cc3u;
    x ^= (x >> 8u) & 0x00000399u;
    x ^= (x >> 5u) & 0x000078a3u;
    x ^= (x >> 7u) & 0x0000134du;
    x ^= (x >> 1u) & 0x0003e8a7u;
    return x;
}

fn unit_float(bits: u32) -> f32 {
    return f32(bits >> 8u) * (1.0 / 16777216.0);
}

fn scrambled(reversed_digits: u32, seed: u32) -> f32 {
    return unit_float(reverseBits(owen_reversed(reversed_digits, seed)));
}

// Sample `index` of a set. x: its shuffled index; y: the seed of the set's scrambles.
fn set_point(seed: u32, index: u32, set_number: u32) -> vec2u {
    let h = hash_u32(seed + set_number * 0x9e3779b9u);
    return vec2u(reverseBits(owen_reversed(reverseBits(index), h)), h);
}

// The scrambles for one of the purposes DRAW_* of a set.
fn scramble_for(point: vec2u, thing: u32) -> u32 {
    return hash_u32(point.y + thing * 0x85ebca6bu);
}

// Two coordinates, both in [0, 1).
fn draw_pair(point: vec2u, thing: u32) -> vec2f {
    let h = scramble_for(point, thing);
    return vec2f(scrambled(point.x, h * 0x6c50b47du + 0x68bc21ebu), scrambled(second_reversed(point.x), h * 0xb82f1e53u + 0x02e5be93u));
}

fn draw_third(point: vec2u, thing: u32) -> f32 {
    return scrambled(third_reversed(point.x), scramble_for(point, thing) * 0x9b2e1e65u + 0x31be5ec3u);
}

fn draw_pair_beside(point: vec2u, thing: u32) -> vec2f {
    return draw_pair(vec2u(beside(point.x), point.y), thing);
}

// Side of the blocks of pixels that share their sequences.
const BLOCK_PX: u32 = 16u;

// The position of a square among the four of the next larger one, in one of their 24 orders, chosen by the hash `h`:
// over GF(2) these are the invertible maps of two digits with an offset.
fn shuffled_square(square: vec2u, h: u32) -> u32 {
    let digits = (square.x << 1u) | square.y;
    // Which digits make up the low one and the high one: digit 1, digit 2 or both, and not the same for both.
    let low = (h & 0xffffu) % 3u;
    let high = (low + 1u + ((h >> 16u) & 1u)) % 3u;
    let of_low = digits & (low + 1u);
    let of_high = digits & (high + 1u);
    let mapped = ((of_low ^ (of_low >> 1u)) & 1u) | (((of_high ^ (of_high >> 1u)) & 1u) << 1u);
    return mapped ^ (h >> 30u);
}

// Which part of its block's sequences a pixel takes, of BLOCK_PX * BLOCK_PX. Neighbouring pixels have neighbouring
// parts, along a Morton curve whose squares of every size are shuffled: their samples avoid each other, so that their
// errors cancel over small distances (Ahmed and Wonka 2020, "Screen-Space Blue-Noise Diffusion of Monte Carlo Sampling
// Error via Hierarchical Ordering of Pixels").
fn rank_in_block(seed: u32, pixel: vec2u) -> u32 {
    var rank = 0u;
    // Squares of 8, 4, 2 and 1 pixels.
    for (var side_px = BLOCK_PX / 2u; side_px > 0u; side_px /= 2u) {
        let square = (pixel / side_px) & vec2u(1u);
        let order = hash_combine(seed ^ 0x2545f491u, hash_combine(side_px, rank));
        rank = (rank << 2u) | shuffled_square(square, order);
    }
    return rank;
}
