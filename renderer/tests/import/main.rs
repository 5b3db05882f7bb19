//! The importer with valid, odd and hostile files.

mod glb;
mod container;
mod geometry;
mod nodes;
mod materials;
mod material_extensions;
mod look;
mod tangents;
mod images;
mod inspection;
mod instances;
mod scene;
mod limits;
mod mutations;
mod compressed;
mod basisu;
mod posed;
mod odd;
mod support;
mod shared;
