//! Materials: OpenPBR parameters, the library of them, and which part gets which.
//!
//! Bytes and strings in, values out: this crate opens no file and knows nothing of geometry or rendering. What is wrong
//! with an input comes back as [`finding::Finding`]s, all of them and not only the first.
//!
//! ```
//! use packshot_materials::library::Library;
//! use packshot_materials::map::MaterialMap;
//! use packshot_materials::mapping::{OnUnmapped, PartNames, Resolver};
//!
//! let library = Library::builtin();
//! let map = MaterialMap::parse("map.json", br#"{"parts":[{"part_name":"Outer_Ring","material":"Steel"}]}"#)?;
//! let part = PartNames { path: "Bearing/Outer_Ring".into(), node: Some("Outer_Ring".into()), ..Default::default() };
//! let outcome = Resolver::new(library, Some(&map), OnUnmapped::Magenta).resolve(&[part]);
//! assert_eq!(
//!     outcome.report.items[0].log_line(),
//!     "[MATERIAL] part 'Outer_Ring' → 'STD_010101_Steel-Bare' (alias match)"
//! );
//! # Ok::<(), packshot_materials::finding::Rejected>(())
//! ```

pub mod finding;
pub mod reader;
pub mod openpbr;
pub mod name;
pub mod aliases;
pub mod pattern;
pub mod library;
pub mod map;
pub mod mapping;
mod likeness;
pub mod proposals;
