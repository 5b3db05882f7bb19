//! The most rays that a device could follow, by what is known of its chip.
//!
//! A ray costs instructions: `c_n` for each node and `c_t` for each triangle, and bytes: 64 for a node, 48 for a triangle. The roof is the smaller
//! of what the chip can issue and what its memory brings, as if every lane were busy and no byte were at hand.

/// Instructions of a lane for a node of two boxes, and for a triangle: read off the traversal's SPIR-V, and as rough as that.
const NODE_INSTRUCTIONS: f64 = 220.0;
const TRIANGLE_INSTRUCTIONS: f64 = 45.0;
const NODE_BYTES: f64 = 64.0;
const TRIANGLE_BYTES: f64 = 48.0;

/// What a chip can do.
struct Chip {
    /// Part of its name as drivers give it.
    name: &'static str,
    /// Lane instructions per second: multiprocessors × lanes × clock.
    lane_instructions_per_s: f64,
    memory_bytes_per_s: f64,
}

/// From NVIDIA's data sheets of the H100 SXM and the H200: 132 multiprocessors of 128 lanes at 1.98 GHz, 3.35 and 4.8 TB/s.
const CHIPS: [Chip; 2] = [
    Chip { name: "H200", lane_instructions_per_s: 132.0 * 128.0 * 1.98e9, memory_bytes_per_s: 4.8e12 },
    Chip { name: "H100", lane_instructions_per_s: 132.0 * 128.0 * 1.98e9, memory_bytes_per_s: 3.35e12 },
];

/// Rays per second at most, where a ray visits so many nodes and triangles; `None` for a chip that is not known.
pub(crate) fn rays_per_s(adapter: &str, n_nodes: f64, n_triangles: f64) -> Option<f64> {
    let chip = CHIPS.iter().find(|chip| adapter.contains(chip.name))?;
    let instructions = NODE_INSTRUCTIONS * n_nodes + TRIANGLE_INSTRUCTIONS * n_triangles;
    let bytes = NODE_BYTES * n_nodes + TRIANGLE_BYTES * n_triangles;
    Some((chip.lane_instructions_per_s / instructions).min(chip.memory_bytes_per_s / bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issue_or_memory_binds() {
        // 20 nodes and 6 triangles: 4,670 instructions, 1,568 bytes.
        let found = rays_per_s("NVIDIA H200", 20.0, 6.0).expect("a known chip");
        assert!((found / 3.06e9 - 1.0).abs() < 0.01, "{found}: memory binds");
        assert_eq!(rays_per_s("llvmpipe", 20.0, 6.0), None);
    }
}
