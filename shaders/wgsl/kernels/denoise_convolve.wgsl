// One input of a 3×3 convolution of the denoiser's network. A group of 8×8 invocations computes 16×16 pixels, each
// invocation 2×2 of them in eight channels. Four channels of a pixel form a vector; blocks of four channels follow one
// another, each a whole picture. Outside the picture everything is 0. An input of half the resolution is upsampled by
// doubling: a window over doubled pixels sees 2×2 of the original ones. Which ones depends on the pixel's position in
// its 2×2 square, so there are four sets of 2×2 taps, for less than half the work.

// Twin of `layout::denoise::ConvolutionParams`.
struct ConvolutionParams {
    // Sides of the output in pixels, before max pooling.
    width_px: u32,
    height_px: u32,
    // Blocks of four channels.
    n_input_blocks: u32,
    n_output_blocks: u32,
    // First vector of this convolution in `weights`, and of its biases.
    first_weight: u32,
    first_bias: u32,
    // The first row of groups of this dispatch.
    first_group_row: u32,
    // 1: sums start with the biases; 0: they continue from the stored values.
    begins: u32,
    // 1: the sums are complete after this, and negative values are clamped to 0 (ReLU).
    ends: u32,
    // 1: 2×2 max pooling: the largest of each 2×2 pixels is stored, in a picture of half the sides.
    halves: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> convolution: ConvolutionParams;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
// By eight output channels, block of input channels, tap, half of the eight, input channel: four output channels.
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

// Whether the input has half of the output's resolution.
override IS_DOUBLED: bool = false;

// Invocations along a side of a group.
const SIDE: u32 = 8u;
const INVOCATIONS: u32 = 64u;
// Vectors of weights of a tap: two halves of four input channels.
const TAP: u32 = 8u;

// The input under the group's pixels: 18×18 of them, or 10×10.
var<workgroup> patch_pixels: array<vec4f, 324>;
// 9 taps, or four times 4.
var<workgroup> taps: array<vec4f, 128>;

// What four input channels add to four output channels.
fn product(channels: vec4f, first: u32) -> vec4f {
    return channels.x * taps[first] + channels.y * taps[first + 1u] + channels.z * taps[first + 2u]
        + channels.w * taps[first + 3u];
}

fn place(x: u32, y: u32, block: u32, width_px: u32, height_px: u32) -> u32 {
    return (block * height_px + y) * width_px + x;
}

// The initial sums of one pixel.
fn begun(x: u32, y: u32, block: u32) -> vec4f {
    if block >= convolution.n_output_blocks || x >= convolution.width_px || y >= convolution.height_px {
        return vec4f(0.0);
    }
    if convolution.begins == 1u {
        return weights[convolution.first_bias + block];
    }
    return output[place(x, y, block, convolution.width_px, convolution.height_px)];
}

fn store(x: u32, y: u32, block: u32, width_px: u32, height_px: u32, sum: vec4f) {
    if block < convolution.n_output_blocks && x < width_px && y < height_px {
        output[place(x, y, block, width_px, height_px)] = select(sum, max(sum, vec4f(0.0)), convolution.ends == 1u);
    }
}

@compute @workgroup_size(SIDE, SIDE)
fn convolve(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) at: vec3u, @builtin(local_invocation_index) i: u32) {
    let n_taps = select(9u, 16u, IS_DOUBLED);
    // Number of taps of a pixel, and the distance between the sets of neighbouring pixels.
    let n_steps = select(9u, 4u, IS_DOUBLED);
    let window = select(3u, 2u, IS_DOUBLED);
    let next_set = select(0u, 4u * TAP, IS_DOUBLED);
    // Input pixels per 2×2 pixels of the output, along a side.
    let scale = select(2u, 1u, IS_DOUBLED);
    let pitch = SIDE * scale + 2u;
    let input_width = convolution.width_px * scale / 2u;
    let input_height = convolution.height_px * scale / 2u;
    let group_row = group.y + convolution.first_group_row;
    let x = (group.x * SIDE + at.x) * 2u;
    let y = (group_row * SIDE + at.y) * 2u;
    let block = group.z * 2u;
    // For each of four pixels, the first four channels and the second four.
    var s00 = begun(x, y, block);
    var t00 = begun(x, y, block + 1u);
    var s10 = begun(x + 1u, y, block);
    var t10 = begun(x + 1u, y, block + 1u);
    var s01 = begun(x, y + 1u, block);
    var t01 = begun(x, y + 1u, block + 1u);
    var s11 = begun(x + 1u, y + 1u, block);
    var t11 = begun(x + 1u, y + 1u, block + 1u);
    for (var b = 0u; b < convolution.n_input_blocks; b++) {
        workgroupBarrier();
        for (var p = i; p < pitch * pitch; p += INVOCATIONS) {
            // One pixel beyond the group; the index wraps where that is left of or above the picture.
            let column = group.x * SIDE * scale + p % pitch - 1u;
            let row = group_row * SIDE * scale + p / pitch - 1u;
            patch_pixels[p] = vec4f(0.0);
            if column < input_width && row < input_height {
                patch_pixels[p] = input[place(column, row, b, input_width, input_height)];
            }
        }
        let first = convolution.first_weight + (group.z * convolution.n_input_blocks + b) * n_taps * TAP;
        for (var t = i; t < n_taps * TAP; t += INVOCATIONS) {
            taps[t] = weights[first + t];
        }
        workgroupBarrier();
        for (var step = 0u; step < n_steps; step++) {
            let corner = (at.y * scale + step / window) * pitch + at.x * scale + step % window;
            let own = step * TAP;
            let c00 = patch_pixels[corner];
            s00 += product(c00, own);
            t00 += product(c00, own + 4u);
            let c10 = patch_pixels[corner + 1u];
            s10 += product(c10, own + next_set);
            t10 += product(c10, own + next_set + 4u);
            let c01 = patch_pixels[corner + pitch];
            s01 += product(c01, own + 2u * next_set);
            t01 += product(c01, own + 2u * next_set + 4u);
            let c11 = patch_pixels[corner + pitch + 1u];
            s11 += product(c11, own + 3u * next_set);
            t11 += product(c11, own + 3u * next_set + 4u);
        }
    }
    let width_px = convolution.width_px;
    let height_px = convolution.height_px;
    if convolution.halves == 1u {
        store(x / 2u, y / 2u, block, width_px / 2u, height_px / 2u, max(max(s00, s10), max(s01, s11)));
        store(x / 2u, y / 2u, block + 1u, width_px / 2u, height_px / 2u, max(max(t00, t10), max(t01, t11)));
        return;
    }
    store(x, y, block, width_px, height_px, s00);
    store(x, y, block + 1u, width_px, height_px, t00);
    store(x + 1u, y, block, width_px, height_px, s10);
    store(x + 1u, y, block + 1u, width_px, height_px, t10);
    store(x, y + 1u, block, width_px, height_px, s01);
    store(x, y + 1u, block + 1u, width_px, height_px, t01);
    store(x + 1u, y + 1u, block, width_px, height_px, s11);
    store(x + 1u, y + 1u, block + 1u, width_px, height_px, t11);
}
