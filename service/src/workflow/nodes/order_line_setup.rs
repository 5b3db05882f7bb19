//! Collects what an order line needs.

use serde_json::{Value as Json, json};

use crate::workflow::facts::{Context, Facts};

/// The parts of the line.
///
/// # Errors
/// Its product has no CAD file.
pub(super) fn run(facts: &Facts) -> Result<Json, String> {
    let Context::Line(line, of_line) = &facts.context else { return Err("there is no order line".to_owned()) };
    let Some(file) = &of_line.cad_file else {
        return Err(format!("the product \"{}\" has no CAD file: give it one", of_line.product.fields.name));
    };
    Ok(json!({
        "order_line_id": line.id.to_string(),
        "product_id": line.product.to_string(),
        "cad_file_id": file.id.to_string(),
        "output_type_id": line.output_type.to_string(),
    }))
}
