//! The buffers that `bindings.wgsl` reads.

use glam::{Mat4, UVec2, UVec4, Vec3, Vec4};

use crate::constructs::bindings::Bindings;

packshot_shaders::gpu_struct! {
    /// Twin of `Knob`.
    pub struct Knob {
        /// A vector and the scalar behind it.
        pub position: Vec3,
        /// The scalar.
        pub gain: f32,
        /// Integers.
        pub kind: UVec2,
        /// An integer.
        pub first: u32,
        /// Padding.
        pub padding: u32,
    }

    /// Twin of `Panel`.
    pub struct Panel {
        /// A vector.
        pub tint: Vec4,
        /// Structs in a struct.
        pub knobs: [Knob; 2],
        /// A matrix.
        pub panel_from_world: Mat4,
    }
}

const fn knob(position: Vec3, gain: f32, kind: UVec2) -> Knob {
    Knob { position, gain, kind, first: 0, padding: 0 }
}

static KNOBS: [Knob; 3] = [
    knob(Vec3::new(1.0, 2.0, 3.0), 0.5, UVec2::new(7, 8)),
    knob(Vec3::new(-1.0, 0.25, 9.0), 2.0, UVec2::new(3, 4)),
    knob(Vec3::new(0.0, -8.0, 1.5), -1.0, UVec2::new(5, 6)),
];
static SAMPLES: [f32; 5] = [0.5, -1.0, 2.0, 8.0, 0.125];
static WORDS: [UVec4; 4] =
    [UVec4::new(1, 2, 3, 4), UVec4::new(5, 6, 7, 8), UVec4::new(9, 10, 11, 12), UVec4::splat(u32::MAX)];
static PANEL: Panel = Panel {
    tint: Vec4::new(0.5, 0.25, 0.125, 1.0),
    knobs: [KNOBS[2], KNOBS[0]],
    panel_from_world: Mat4::from_cols_array(&[
        1.0, 2.0, 3.0, 0.0, -1.0, 0.5, 0.25, 0.0, 2.0, 1.0, -3.0, 0.0, 4.0, 5.0, 6.0, 1.0,
    ]),
};
static COUNTER: u32 = 41;
static MARKS: [UVec2; 3] = [UVec2::new(1, 2), UVec2::new(3, 4), UVec2::new(u32::MAX, 6)];

/// The buffers for the translated functions.
pub fn bindings() -> Bindings<'static> {
    Bindings { knobs: &KNOBS, samples: &SAMPLES, words: &WORDS, panel: &PANEL, counter: &COUNTER, marks: &MARKS }
}

/// The bytes for a device, by binding number of group 1, and whether each is a uniform buffer. The last binding of the
/// file is read by no function, so neither side has it.
pub fn bytes() -> [(&'static [u8], bool); 6] {
    [
        (bytemuck::cast_slice(&KNOBS), false),
        (bytemuck::cast_slice(&SAMPLES), false),
        (bytemuck::cast_slice(&WORDS), false),
        (bytemuck::bytes_of(&PANEL), true),
        (bytemuck::bytes_of(&COUNTER), false),
        (bytemuck::cast_slice(&MARKS), false),
    ]
}
