//! Designs on products: a customer's picture becomes a texture on the printable area of a product.
//!
//! Bytes of a file → [`Design`] ([`check`](design::check)); a scene → [`Area`]s ([`find`](area::find),
//! [`detect`](area::detect)); design, area and [`Placement`] → [`Resolved`] with its
//! [`PlacementReport`](resolve::PlacementReport) ([`resolve`](resolve::resolve)) → [`Texture`]
//! ([`compose`](compose::compose)), which parts of the scene wear
//! ([`WornDesign`](packshot_renderer::scene::WornDesign)).
//! Each function can be called alone. Nothing here opens a file or a connection.
//!
//! Lengths are millimetres where a name ends in `_mm`; points of the scene are metres. Coordinates of a design on an
//! area have x to the right and y upwards, as somebody sees them who looks at the area from outside.

pub mod area;
pub mod compose;
pub mod design;
pub mod error;
pub mod placement;
pub mod resolve;

pub use area::{Area, AreaRequest, Selector};
pub use compose::Texture;
pub use design::Design;
pub use error::{DesignCode, DesignError};
pub use placement::{DesignRequest, Placement, Preset};
pub use resolve::Resolved;
