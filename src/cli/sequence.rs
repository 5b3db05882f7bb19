//! Several pictures of one product, each written while the next is rendered.

use packshot::render::ResidentProduct;
use packshot::sequence::take_each;
use packshot::taken::Taken;
use packshot_renderer::shot::Shot;

use super::failure::Failure;
use super::render::Session;

/// A picture to take of a product.
pub(crate) struct PlannedPicture<T> {
    /// What it is, for who finishes it.
    pub(crate) of: T,
    /// What the progress bar says.
    pub(crate) name: String,
    /// The shot.
    pub(crate) shot: Shot,
}

/// Renders one job after the other on this thread, and finishes each on another one, in the same order.
///
/// # Errors
/// The first of `finish`, else that of rendering; jobs after it are left.
pub(crate) fn render_each<T: Send>(
    session: &Session<'_>,
    resident: &ResidentProduct,
    jobs: impl IntoIterator<Item = PlannedPicture<T>>,
    mut finish: impl FnMut(T, Taken) -> Result<(), Failure> + Send,
) -> Result<(), Failure> {
    let take = |PlannedPicture { of, name, shot }: PlannedPicture<T>| {
        let needed = session.needed_versions(&shot);
        Ok((of, session.sample(&resident.ready(shot, needed)?, &name)?))
    };
    take_each(jobs, take, |(of, taken)| finish(of, taken))
}
