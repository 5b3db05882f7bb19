//! Designs from their bytes to pictures of the product: cases D40 to D65 of the contract, as far as they need no
//! service.

mod areas;
mod colours;
mod drawings;
mod files;
mod fixtures;
mod hostile;
mod pictures;
mod placements;
mod requests;
mod textures;
