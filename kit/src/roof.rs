//! An upper bound on the rays that a chip could trace if every lane were busy in every cycle and no ray waited for
//! memory.
//!
//! A ray costs instructions, `c_n` for each node of two boxes and `c_t` for each triangle. Trees of products fit the
//! second-level caches of the chips below, whose bandwidth is not published; the limit if every byte came from memory
//! is reported beside it.

/// Lane instructions for a node and for a triangle: estimates, from the traversal's operations.
const NODE_INSTRUCTIONS: f64 = 220.0;
const TRIANGLE_INSTRUCTIONS: f64 = 45.0;
/// Bytes of a node and of a triangle (`layout::accel`).
const NODE_BYTES: f64 = 64.0;
const TRIANGLE_BYTES: f64 = 48.0;

/// The capabilities of a chip.
struct Chip {
    /// Its name as reported by drivers.
    name: &'static str,
    /// Lane instructions per second: multiprocessors × lanes × clock.
    lane_instructions_per_s: f64,
    memory_bytes_per_s: f64,
}

/// From NVIDIA's data sheets of the H100 SXM and the H200: 132 multiprocessors of 128 lanes at 1.98 GHz, 3.35 and 4.8
/// TB/s.
const CHIPS: [Chip; 2] = [
    Chip { name: "NVIDIA H200", lane_instructions_per_s: 132.0 * 128.0 * 1.98e9, memory_bytes_per_s: 4.8e12 },
    Chip {
        name: "NVIDIA H100 80GB HBM3",
        lane_instructions_per_s: 132.0 * 128.0 * 1.98e9,
        memory_bytes_per_s: 3.35e12,
    },
];

/// Upper bounds in rays per second.
pub(crate) struct Roof {
    /// Limited by instruction issue.
    pub(crate) by_issue: f64,
    /// Limited by memory bandwidth, if no byte came from a cache.
    pub(crate) by_memory: f64,
}

impl Roof {
    /// For rays that visit this many nodes and triangles; `None` for an unknown chip.
    pub(crate) fn of(adapter: &str, n_nodes: f64, n_triangles: f64) -> Option<Self> {
        let chip = CHIPS.iter().find(|chip| adapter == chip.name)?;
        let instructions = NODE_INSTRUCTIONS * n_nodes + TRIANGLE_INSTRUCTIONS * n_triangles;
        let bytes = NODE_BYTES * n_nodes + TRIANGLE_BYTES * n_triangles;
        let by_issue = chip.lane_instructions_per_s / instructions;
        Some(Self { by_issue, by_memory: chip.memory_bytes_per_s / bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roofs_of_known_chips() {
        // 20 nodes and 6 triangles: 4,670 instructions, 1,568 bytes.
        let roof = Roof::of("NVIDIA H200", 20.0, 6.0).expect("a known chip");
        assert!((roof.by_issue / 7.16e9 - 1.0).abs() < 0.01, "{}", roof.by_issue);
        assert!((roof.by_memory / 3.06e9 - 1.0).abs() < 0.01, "{}", roof.by_memory);
        assert!(Roof::of("NVIDIA H100 PCIe", 20.0, 6.0).is_none(), "another chip");
    }
}
