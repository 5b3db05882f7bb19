//! Rust twins of WGSL structs.
//!
//! A struct that a shader reads from or writes to a buffer is declared twice: in WGSL, and here with
//! [`gpu_struct!`](crate::gpu_struct). A test ([`check`]) proves for every kernel and for the CPU module that both
//! agree in names, types, offsets and sizes, which is checked again when the CPU module is translated, because
//! translated functions take the twins themselves.

pub mod accel;
pub mod bevel;
pub mod check;
pub mod denoise;
pub mod emitter;
pub mod film;
pub mod guide;
pub mod pass;
pub mod ray;
pub mod scene;

/// A field of a [`Twin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name, the same in WGSL.
    pub name: &'static str,
    /// Type as written in Rust.
    pub ty: &'static str,
    /// Distance from the start of the struct.
    pub offset_bytes: usize,
    /// Size of the field's type.
    pub size_bytes: usize,
}

/// The description of a Rust struct that has a WGSL struct of the same name and layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twin {
    /// Name of both structs.
    pub name: &'static str,
    /// Path of the Rust struct, for generated code: `packshot_shaders::layout::scene::BvhNode`.
    pub path: &'static str,
    /// Size, which is also the stride in an array.
    pub size_bytes: usize,
    /// All fields in order; explicit padding included.
    pub fields: &'static [Field],
}

/// The twins of all WGSL structs.
pub fn twins() -> Vec<Twin> {
    [
        ray::TWINS,
        accel::TWINS,
        scene::TWINS,
        bevel::TWINS,
        emitter::TWINS,
        film::TWINS,
        pass::TWINS,
        denoise::TWINS,
        guide::TWINS,
    ]
    .concat()
}

/// Declares the Rust twins of WGSL structs, and a table `TWINS` of them; to be used once per module.
///
/// Every struct is `#[repr(C)]` and [`bytemuck::Pod`]. Padding is a field like any other, on both sides. Field types
/// are `f32`, `u32`, `i32`, glam's `Vec2`, `Vec3`, `Vec4`, `UVec2` … `IVec4`, `Mat4`, arrays of these, and other twins.
/// A WGSL `vec3f` starts at a multiple of 16 bytes and takes 12, so put a scalar behind it.
#[macro_export]
macro_rules! gpu_struct {
    ($(
        $(#[$attribute:meta])*
        pub struct $name:ident { $($(#[$field_attribute:meta])* pub $field:ident: $ty:ty),+ $(,)? }
    )*) => {
        $(
            $(#[$attribute])*
            #[repr(C)]
            #[derive(Clone, Copy, Debug, Default, PartialEq, ::bytemuck::Pod, ::bytemuck::Zeroable)]
            pub struct $name { $($(#[$field_attribute])* pub $field: $ty),+ }

            impl $name {
                /// Names, types, offsets and sizes of the fields, which a test compares with the WGSL struct.
                pub const FIELDS: &'static [$crate::layout::Field] = &[$($crate::layout::Field {
                    name: stringify!($field),
                    ty: stringify!($ty),
                    offset_bytes: ::core::mem::offset_of!($name, $field),
                    size_bytes: ::core::mem::size_of::<$ty>(),
                }),+];
            }
        )*

        /// The structs of this module.
        pub const TWINS: &[$crate::layout::Twin] = &[$($crate::layout::Twin {
            name: stringify!($name),
            path: concat!(module_path!(), "::", stringify!($name)),
            size_bytes: ::core::mem::size_of::<$name>(),
            fields: $name::FIELDS,
        }),*];
    };
}
