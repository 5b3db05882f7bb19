//! What orders are about: CAD files, and the products that are made of them.

pub mod cad_files;
