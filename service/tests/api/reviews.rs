//! F01–F67: reviews of materials. Fixes whose outcomes are said are stored as a render would; those that are applied
//! are of parts that were rendered.

mod aliases;
mod applying;
mod desk;
mod events;
mod magenta;
mod notes;
mod outcomes;
mod proposing;
mod report;
mod rights;
mod undoing;

pub(crate) use desk::{Held, REVIEWS, STEEL, is_magenta, review_of};
