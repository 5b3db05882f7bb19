//! Render templates: what the looks of several products have in common, and which one of them fits (orders.md §1).

use crate::artifact::Label;
use crate::id::OutputTypeId;
use crate::product::PartEntries;

/// What somebody says of a template, apart from the options of its pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFields {
    /// Its name. A tenant has each once.
    pub name: Label,
    /// The output type that it is for; `None` for any.
    pub output_type: Option<OutputTypeId>,
    /// The category of products that it is for; `None` for any.
    pub category_key: Option<Label>,
    /// Whether its materials and its library come before those of the product.
    pub use_materials: bool,
    /// The materials of parts.
    pub materials: PartEntries,
    /// The library that materials are looked up in; `None` for the tenant's.
    pub library: Option<Label>,
    /// Whether it is used.
    pub is_active: bool,
}

/// How closely a template fits, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is for this output type and this category.
    Both,
    /// It is for this output type and any category.
    OutputType,
    /// It is for any output type and this category.
    Category,
    /// It is for any output type and any category.
    Any,
}

impl TemplateFields {
    /// How closely it fits a product of this category that is rendered as this output type; `None`: not at all, or it
    /// is not used. Of several that fit equally the newest is taken.
    #[must_use]
    pub fn fit(&self, output_type: OutputTypeId, category_key: Option<&Label>) -> Option<Fit> {
        let of_type = self.output_type.map(|own| own == output_type);
        let of_category = self.category_key.as_ref().map(|own| Some(own) == category_key);
        match (self.is_active, of_type, of_category) {
            (true, Some(true), Some(true)) => Some(Fit::Both),
            (true, Some(true), None) => Some(Fit::OutputType),
            (true, None, Some(true)) => Some(Fit::Category),
            (true, None, None) => Some(Fit::Any),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o57_a_template_fits_by_output_type_and_category() {
        let (still, movie) = (OutputTypeId::new(), OutputTypeId::new());
        let label = |text: &str| text.parse::<Label>().expect("a label");
        let template = |output_type, category: Option<&str>| TemplateFields {
            name: label("Catalogue"),
            output_type,
            category_key: category.map(label),
            use_materials: false,
            materials: PartEntries::default(),
            library: None,
            is_active: true,
        };
        let (ball, roller) = (label("ball"), label("roller"));
        let both = template(Some(still), Some("ball"));
        assert_eq!(both.fit(still, Some(&ball)), Some(Fit::Both));
        for (output_type, category) in [(movie, Some(&ball)), (still, Some(&roller)), (still, None)] {
            assert_eq!(both.fit(output_type, category), None);
        }
        assert_eq!(template(Some(still), None).fit(still, None), Some(Fit::OutputType));
        assert_eq!(template(None, Some("ball")).fit(movie, Some(&ball)), Some(Fit::Category));
        assert_eq!(template(None, None).fit(movie, None), Some(Fit::Any));
        assert!(Fit::Both < Fit::OutputType && Fit::OutputType < Fit::Category && Fit::Category < Fit::Any);
        assert_eq!(TemplateFields { is_active: false, ..both }.fit(still, Some(&ball)), None);
    }
}
