// Owen-scrambled Sobol points in two dimensions, padded: every pair of dimensions has its own scramble and shuffle
// (Burley 2020, "Practical Hash-based Owen Scrambling"). No state but (seed, index, pair), so any sample can be drawn alone.

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

// A permutation in which each bit depends on lower bits only: Owen scrambling of the reversed number (Laine and Karras 2011,
// constants by Vegdahl 2021).
fn owen_reversed(value: u32, seed: u32) -> u32 {
    var x = value;
    x ^= x * 0x3d20adeau;
    x += seed;
    x *= (seed >> 16u) | 1u;
    x ^= x * 0x05526c56u;
    x ^= x * 0x53a22864u;
    return x;
}

// Reversed digits of the second Sobol dimension. Its generator matrix is Pascal's triangle modulo 2: read the index as a polynomial over
// GF(2) and substitute x + 1 for x, which splits into five halvings because (x + 1)^(2^m) = x^(2^m) + 1.
fn sobol_second_reversed(index: u32) -> u32 {
    var x = index;
    x ^= (x >> 16u) & 0x0000ffffu;
    x ^= (x >> 8u) & 0x00ff00ffu;
    x ^= (x >> 4u) & 0x0f0f0f0fu;
    x ^= (x >> 2u) & 0x33333333u;
    x ^= (x >> 1u) & 0x55555555u;
    return x;
}

fn unit_float(bits: u32) -> f32 {
    return f32(bits >> 8u) * (1.0 / 16777216.0);
}

// Point `index` of the pair `pair` of the sequence `seed`; both coordinates in [0, 1).
fn sobol_2d(seed: u32, index: u32, pair: u32) -> vec2f {
    let h = hash_u32(seed + pair * 0x9e3779b9u);
    let shuffled = reverseBits(owen_reversed(reverseBits(index), h));
    let x = owen_reversed(shuffled, h * 0x6c50b47du + 0x68bc21ebu);
    let y = owen_reversed(sobol_second_reversed(shuffled), h * 0xb82f1e53u + 0x02e5be93u);
    return vec2f(unit_float(reverseBits(x)), unit_float(reverseBits(y)));
}
