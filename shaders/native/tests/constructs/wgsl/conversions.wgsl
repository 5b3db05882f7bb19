// Conversions, reinterpretations and packing.

fn f32_to_i32(a: f32) -> i32 { return i32(a); }
fn f32_to_u32(a: f32) -> u32 { return u32(a); }
fn vec3f_to_vec3i(a: vec3f) -> vec3i { return vec3i(a); }
fn vec4f_to_vec4u(a: vec4f) -> vec4u { return vec4u(a); }
fn i32_to_f32(a: i32) -> f32 { return f32(a); }
fn u32_to_f32(a: u32) -> f32 { return f32(a); }
fn vec2u_to_vec2f(a: vec2u) -> vec2f { return vec2f(a); }
fn i32_to_u32(a: i32) -> u32 { return u32(a); }
fn vec3u_to_vec3i(a: vec3u) -> vec3i { return vec3i(a); }
fn bool_to_f32(a: bool) -> f32 { return f32(a); }
fn bool_to_u32(a: bool, b: bool) -> u32 { return u32(a) + 2u * u32(b); }
fn u32_to_bool(a: u32) -> bool { return bool(a & 3u); }
fn f32_to_bool(a: f32) -> bool { return bool(a); }
fn vec3b_to_vec3f(a: vec3<bool>) -> vec3f { return vec3f(a); }
fn bits_of_f32(a: f32) -> u32 { return bitcast<u32>(a); }
fn bits_of_vec3f(a: vec3f) -> vec3i { return bitcast<vec3i>(a); }
fn f32_of_bits(a: f32) -> f32 { return bitcast<f32>(bitcast<u32>(a) ^ 0x80000000u); }
fn i32_of_bits(a: u32) -> i32 { return bitcast<i32>(a); }
fn pack_half(a: vec2f) -> u32 { return pack2x16float(clamp(a, vec2f(-60000.0), vec2f(60000.0))); }
fn unpack_half(a: u32) -> vec2f { return unpack2x16float(a & 0xbbffbbffu); }
fn unpack_unorm(a: u32) -> vec4f { return unpack4x8unorm(a); }
fn unpack_snorm(a: u32) -> vec4f { return unpack4x8snorm(a); }
fn unpack_unorm16(a: u32) -> vec2f { return unpack2x16unorm(a); }
fn unpack_snorm16(a: u32) -> vec2f { return unpack2x16snorm(a); }
// in -2..2
fn pack_unorm(a: vec4f) -> u32 { return pack4x8unorm(a); }
// in -2..2
fn pack_snorm(a: vec4f) -> u32 { return pack4x8snorm(a); }
// in -2..2
fn pack_unorm16(a: vec2f) -> u32 { return pack2x16unorm(a); }
// in -2..2
fn pack_snorm16(a: vec2f) -> u32 { return pack2x16snorm(a); }
// in -60000..60000
fn quantize(a: vec3f) -> vec3f { return quantizeToF16(a); }
fn bit_counts(a: u32, b: i32) -> vec4u {
    return vec4u(countOneBits(a), countLeadingZeros(a), countTrailingZeros(a), u32(countOneBits(b)));
}
fn bit_positions(a: u32, b: i32) -> vec4i {
    return vec4i(i32(firstLeadingBit(a)), i32(firstTrailingBit(a)), firstLeadingBit(b), firstTrailingBit(b));
}
fn bit_positions_sparse(a: u32, b: u32) -> vec2u { return vec2u(firstLeadingBit(a >> b), firstTrailingBit(a << b)); }
fn reverse_u32(a: u32) -> u32 { return reverseBits(a); }
fn reverse_vec2i(a: vec2i) -> vec2i { return reverseBits(a); }
fn extract_u32(a: u32, b: u32, c: u32) -> u32 { return extractBits(a, b & 63u, c & 63u); }
fn extract_i32(a: i32, b: u32, c: u32) -> i32 { return extractBits(a, b & 63u, c & 63u); }
fn extract_vec3u(a: vec3u) -> vec3u { return extractBits(a, 5u, 7u); }
fn insert_u32(a: u32, b: u32, c: u32, d: u32) -> u32 { return insertBits(a, b, c & 63u, d & 63u); }
fn insert_vec2i(a: vec2i, b: vec2i) -> vec2i { return insertBits(a, b, 3u, 9u); }
