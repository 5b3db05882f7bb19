//! A help text beside the code that it explains.

/// The help text of something that can be set or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Its name.
    pub name: &'static str,
    /// A few words.
    pub title: &'static str,
    /// A sentence or two.
    pub body: &'static str,
    /// What changes with it.
    pub affects: &'static [&'static str],
    /// The unit of a number.
    pub unit: Option<&'static str>,
    /// What to choose.
    pub recommendation: Option<&'static str>,
    /// What to mind.
    pub warning: Option<&'static str>,
}
