//! What the translator emits and what it refuses. What its output means is tested by `packshot-native`.

use packshot_shaders::compose::compose_with;
use packshot_shaders::error::ShaderError;
use packshot_shaders::translate::{InstructionSet, Options, VariantModule, translate};
use packshot_shaders::validate::validate_with;

fn translated(wgsl: &str, exports: &[&str]) -> Result<String, Box<ShaderError>> {
    let composed = compose_with(&[("t", wgsl)].into_iter().collect(), "t", &[])?;
    // Everything naga knows, to get past it to the translator.
    let shader = validate_with(composed, naga::valid::Capabilities::all())?;
    let options = Options {
        runtime: "rt",
        twins: &[],
        exports,
        instruction_sets: &InstructionSet::ALL,
        in_lanes: &[],
        variants: &[],
    };
    translate(&shader, &options)
}

/// Checks that `wgsl` is refused at `place`, naming `construct`.
fn check_refused(wgsl: &str, place: &str, construct: &str) {
    let message = translated(wgsl, &[]).expect_err(construct).to_string();
    let expect = format!("t.wgsl:{place}: {construct}");
    assert!(message.starts_with(&expect), "expected {expect}\n     got {message}");
    assert!(message.contains("is not translated to Rust"), "{message}");
}

#[test]
fn statements_without_a_translation_are_refused_where_they_stand() {
    for (statement, column, construct) in [
        ("workgroupBarrier();", 1, "a barrier"),
        ("storageBarrier();", 1, "a barrier"),
        ("atomicAdd(&counter, 1u);", 1, "an atomic operation"),
        ("let x = atomicLoad(&counter); if x > 0u { return; }", 21, "a buffer that can be written"),
        ("textureStore(picture, vec2u(0u), vec4f(1.0));", 1, "`textureStore`"),
        ("scratch[0] = 1.0;", 1, "`var<workgroup>`"),
        ("global = 1.0;", 1, "`var<private>`"),
        ("written[0] = 1.0;", 1, "a buffer that can be written"),
        ("if arrayLength(&written) > 2u { return; }", 17, "a buffer that can be written"),
        ("if subgroupAny(true) { return; }", 4, "a subgroup operation"),
    ] {
        let wgsl = format!(
            "@group(0) @binding(0) var<storage, read_write> counter: atomic<u32>;\n\
             @group(0) @binding(1) var picture: texture_storage_2d<rgba8unorm, write>;\n\
             var<workgroup> scratch: array<f32, 4>;\n\
             var<private> global: f32;\n\
             @group(0) @binding(2) var<storage, read_write> written: array<f32>;\n\
             fn f() {{\n{statement}\n}}\n"
        );
        check_refused(&wgsl, &format!("7:{column}"), &format!("{construct} in `f`"));
    }
}

#[test]
fn a_refusal_names_file_line_column_and_function() {
    check_refused("\nfn g() {\n    workgroupBarrier();\n}\n", "3:5", "a barrier in `g`");
    check_refused(
        "fn g() {\n  var x: array<u32, 2>;\n  x[0] = dot4U8Packed(x[1], 3u);\n}\n",
        "3:10",
        "`dot4U8Packed` in `g`",
    );
}

#[test]
fn expressions_without_a_translation_are_refused() {
    check_refused("fn f(a: u32) -> vec4u { return unpack4xU8(a); }", "1:32", "`unpack4xU8` in `f`");
    check_refused(
        "enable f16;\nfn f(a: f16) -> f16 { return a; }",
        "2:1",
        "a scalar of kind Float with 16 bits in `f`",
    );
    check_refused("fn f(a: mat4x3f, b: vec4f) -> vec3f { return a * b; }", "1:1", "the matrix type mat4x3 in `f`");
    check_refused(
        "@group(0) @binding(0) var picture: texture_2d<f32>;\n\
         fn f() -> vec4f { return textureLoad(picture, vec2u(1u), 0); }",
        "2:26",
        "`textureLoad` in `f`",
    );
    check_refused(
        "override scale: f32;\nfn f() -> f32 { return scale; }",
        "2:24",
        "an `override` without a default in `f`",
    );
    check_refused("fn f(a: f32) -> f32 { return dpdx(a); }", "1:30", "a derivative in `f`");
    check_refused(
        "fn f(a: ptr<private, f32>) -> f32 { return *a; }",
        "1:1",
        "a pointer to anything but a local variable in `f`",
    );
}

#[test]
fn entry_points_and_what_only_they_use_are_left_out() {
    let source = translated(
        "@group(0) @binding(0) var<storage, read_write> film: array<vec4f>;\n\
         fn pure_function(a: f32) -> f32 { return a; }\n\
         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {\n\
             film[id.x] = vec4f(pure_function(1.0));\n\
             workgroupBarrier();\n\
         }\n",
        &[],
    )
    .expect("translates");
    assert!(source.contains("pub fn pure_function(a: f32) -> f32"), "{source}");
    assert!(!source.contains("film") && !source.contains("main"), "{source}");
}

#[test]
fn only_functions_that_read_buffers_are_given_them() {
    let source = translated(
        "@group(0) @binding(3) var<storage, read> table: array<f32>;\n\
         fn reads(i: u32) -> f32 { return table[i]; }\n\
         fn calls(i: u32) -> f32 { return reads(i); }\n\
         fn pure_function(a: f32) -> f32 { return a; }\n",
        &["calls"],
    )
    .expect("translates");
    for line in [
        "/// The buffer `table`, `@group(0) @binding(3)`.\n    pub table: &'a [f32],",
        "#[inline]\npub fn reads(bindings: &Bindings<'_>, i: u32) -> f32 {",
        "#[inline(never)]\npub fn calls(bindings: &Bindings<'_>, i: u32) -> f32 {",
        "self::reads(bindings, i)",
        "pub fn pure_function(a: f32) -> f32 {",
    ] {
        assert!(source.contains(line), "{line}\n{source}");
    }
    assert_eq!(source.matches("pub fn calls(").count(), InstructionSet::ALL.len());
    assert!(!source.contains("mul_add") && !source.contains("unsafe"), "{source}");
}

#[test]
fn an_export_must_exist() {
    let error = translated("fn f() {}", &["g"]).expect_err("no such function");
    assert_eq!(error.to_string(), "there is no function `g`");
}

#[test]
fn a_struct_in_a_buffer_needs_its_twin() {
    let error = translated(
        "struct Light { power: vec4f }\n@group(0) @binding(0) var<storage, read> lights: array<Light>;\n\
         fn f() -> f32 { return lights[0].power.x; }",
        &[],
    )
    .expect_err("no twin");
    assert!(error.to_string().starts_with("t.wgsl:1:1: struct Light lies in a buffer and has no Rust twin"), "{error}");
}

/// Translates `f` in lanes.
fn in_lanes(wgsl: &str) -> Result<String, Box<ShaderError>> {
    in_variants(wgsl, &[])
}

/// The same, with variants.
fn in_variants(wgsl: &str, variants: &[VariantModule<'_>]) -> Result<String, Box<ShaderError>> {
    let composed = compose_with(&[("t", wgsl)].into_iter().collect(), "t", &[])?;
    let shader = validate_with(composed, naga::valid::Capabilities::all())?;
    let sets = [InstructionSet::Avx2];
    let in_lanes = &["f"];
    let options = Options { runtime: "rt", twins: &[], exports: &[], instruction_sets: &sets, in_lanes, variants };
    translate(&shader, &options)
}

#[test]
fn a_variant_has_other_values_of_overrides_and_the_same_structs() {
    const WGSL: &str = "override IS_ON: bool = true;\nstruct S { x: f32 }\n\
                        fn f(x: f32) -> f32 { var s: S; if IS_ON { s.x = g(x); } return s.x; }\n\
                        fn g(x: f32) -> f32 { return x; }\n";
    let variant = VariantModule { name: "short", overrides: &[("IS_ON", false)], functions: &["f"] };
    let source = in_variants(WGSL, &[variant]).expect("translates");
    let (before, variant) = source.split_once("pub mod avx2_short").expect("a module of the variant");
    let (_, lanes) = before.split_once("pub mod avx2_lanes").expect("a module of lanes");
    assert!(lanes.contains("if true {") && lanes.contains("pub struct S"), "{lanes}");
    assert!(variant.contains("if false {") && variant.contains("use super::avx2_lanes::S;"), "{variant}");
    assert!(variant.contains("pub fn g<At>(") && !variant.contains("pub struct S"), "{variant}");

    let unknown = VariantModule { name: "short", overrides: &[("IS_OF", false)], functions: &["f"] };
    let error = in_variants(WGSL, &[unknown]).expect_err("no such override");
    assert_eq!(error.to_string(), "there is no override `IS_OF`");
}

#[test]
fn what_has_no_lanes_is_refused_where_it_stands() {
    for (line, column, construct) in [
        ("let m = mat2x2f(x, x, x, x); return m[0].x;", 9, "a matrix in lanes in `f`"),
        ("return sinh(x);", 8, "`Sinh` in lanes in `f`"),
        ("return modf(x).fract;", 8, "`Modf` in lanes in `f`"),
    ] {
        let message = in_lanes(&format!("fn f(x: f32) -> f32 {{\n{line}\n}}\n")).expect_err(construct).to_string();
        let expect = format!("t.wgsl:2:{column}: {construct} is not translated to Rust");
        assert!(message.starts_with(&expect), "expected {expect}\n     got {message}");
    }
}

#[test]
fn what_a_function_in_lanes_calls_is_in_lanes_and_nothing_else() {
    let source = in_lanes("fn f(x: f32) -> f32 { return g(x); }\nfn g(x: f32) -> f32 { return x; }\nfn h() {}\n");
    let source = source.expect("translates");
    let (single, lanes) = source.split_once("pub mod avx2_lanes").expect("a module of lanes");
    assert!(["fn f(", "fn g(", "fn h("].iter().all(|function| single.contains(function)), "{single}");
    assert!(lanes.contains("fn f(") && lanes.contains("fn g<At>(") && !lanes.contains("fn h"), "{lanes}");
}

#[test]
fn each_call_in_lanes_is_of_a_copy_of_its_own() {
    let source = in_lanes(
        "fn f(x: f32) -> f32 { return g(x) + g(x + 1.0) + h(x); }\n\
         fn h(x: f32) -> f32 { return g(x); }\nfn g(x: f32) -> f32 { return x; }\n",
    );
    let source = source.expect("translates");
    let (_, lanes) = source.split_once("pub mod avx2_lanes").expect("a module of lanes");
    // Functions are called from outside by their name alone.
    assert!(lanes.contains("pub fn f("), "{lanes}");
    let sites: Vec<&str> =
        lanes.split("self::g::<simd::Site<").skip(1).filter_map(|call| call.split(">>").next()).collect();
    let [of_h, first, second] = sites[..] else { panic!("three calls of g in {lanes}") };
    assert!(of_h.ends_with(", At"), "as often as h has calls: {of_h}");
    assert!(first.ends_with(", Outside") && second.ends_with(", Outside") && first != second, "{first} {second}");
}

#[test]
fn what_is_long_has_one_copy_unless_branches_fall_away() {
    let sum = "y += x; ".repeat(300);
    let wgsl = format!(
        "override IS_ON: bool = true;\nfn f(x: f32) -> f32 {{ return g(x) + g(x); }}\n\
         fn g(x: f32) -> f32 {{ var y = x; if IS_ON {{ {sum}}} return y; }}\n"
    );
    let variant = VariantModule { name: "short", overrides: &[("IS_ON", false)], functions: &["f"] };
    let source = in_variants(&wgsl, &[variant]).expect("translates");
    let (before, variant) = source.split_once("pub mod avx2_short").expect("a module of the variant");
    let (_, lanes) = before.split_once("pub mod avx2_lanes").expect("a module of lanes");
    assert!(lanes.contains("pub fn g(") && lanes.contains("self::g("), "{lanes}");
    assert!(variant.contains("pub fn g<At>(") && variant.contains("self::g::<"), "{variant}");
}

#[test]
fn what_is_the_same_for_all_lanes_is_computed_once() {
    let source = in_lanes(
        "@group(0) @binding(0) var<uniform> scale: f32;\n\
         fn f(x: f32) -> f32 {\n if scale > 1.0 { return x; }\n return x * sqrt(scale + 1.0);\n}\n",
    );
    let source = source.expect("translates");
    let (_, lanes) = source.split_once("pub mod avx2_lanes").expect("a module of lanes");
    // A branch of Rust, and a single root that is copied to all lanes.
    assert!(lanes.contains("> 1.0f32)") && !lanes.contains("simd::gt_f32"), "{lanes}");
    assert!(lanes.contains("rt::sqrt(") && !lanes.contains("simd::sqrt_f32"), "{lanes}");
}
