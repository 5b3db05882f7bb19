//! What is said of a file that somebody sends as a media asset (media.md §10).

use packshot_json::{FaultKind, Faults, Node};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::Invalid;
use super::read::{optional, parsed};
use packshot_domain::artifact::METADATA_BYTES_MAX;
use packshot_domain::cad_file::OriginalName;
use packshot_domain::id::{OrderLineId, ProductId};

/// Most bytes of the name of a view.
const VIEW_BYTES_MAX: usize = 200;
/// Most bytes of a name as it was sent.
const NAME_BYTES_MAX: usize = 4_096;

/// What is said of a file; all of it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct MediaUploadRequest {
    /// The product that it shows, in whose gallery it becomes the last; if absent, that of the line.
    pub product_id: Option<Uuid>,
    /// The order line that it belongs to.
    pub order_line_id: Option<Uuid>,
    /// Which view it is, such as `front_0deg`.
    #[schema(min_length = 1, max_length = 200)]
    pub view_name: Option<String>,
    /// What it is called; if absent, as it was sent.
    #[schema(min_length = 1, max_length = 255)]
    pub file_name: Option<String>,
    /// Whether clients may see it; if absent, they may.
    pub publish: Option<bool>,
    /// Whatever else is to be known of it, at most 64 KiB.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
}

/// What is said of a file, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct UploadWish {
    /// The product.
    pub product: Option<ProductId>,
    /// The order line.
    pub line: Option<OrderLineId>,
    /// Which view it is.
    pub view_name: Option<String>,
    /// What it is called.
    pub file_name: Option<OriginalName>,
    /// Whether clients may see it.
    pub is_published: bool,
    /// What else is known of it.
    pub metadata: Value,
}

impl MediaUploadRequest {
    /// Reads what is said of a file. Members that are not known are ignored.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`.
    pub fn parse(body: &Value) -> Result<UploadWish, Invalid> {
        let none = json!({});
        let body = if body.is_null() { &none } else { body };
        let faults = Faults::default();
        let wish = Node::root(body, &faults).members().and_then(|mut m| {
            let product = optional(&mut m, "product_id", parsed);
            let line = optional(&mut m, "order_line_id", parsed);
            let view_name = optional(&mut m, "view_name", |node| match node.text(VIEW_BYTES_MAX)? {
                "" => node.refuse(FaultKind::Range, "expected at least one character"),
                text if text.contains(char::is_control) => {
                    node.refuse(FaultKind::Range, "expected no control characters")
                }
                text => Some(text.to_owned()),
            });
            let file_name = optional(&mut m, "file_name", |node| node.text(NAME_BYTES_MAX).map(OriginalName::of));
            let publish = optional(&mut m, "publish", Node::flag);
            let metadata = optional(&mut m, "metadata", |node| match node.value() {
                Value::Object(_) if node.value().to_string().len() <= METADATA_BYTES_MAX => Some(node.value().clone()),
                Value::Object(_) => node.refuse(FaultKind::Range, "expected at most 64 KiB"),
                _ => node.refuse(FaultKind::Type, "expected an object"),
            });
            Some(UploadWish {
                product: product?,
                line: line?,
                view_name: view_name?,
                file_name: file_name?,
                is_published: publish?.unwrap_or(true),
                metadata: metadata?.unwrap_or_else(|| json!({})),
            })
        });
        Invalid::unless_faults(wish, faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m36_everything_may_be_left_out_and_names_are_harmless() {
        let wish = MediaUploadRequest::parse(&json!(null)).expect("nothing said");
        assert!(wish.is_published && wish.product.is_none() && wish.metadata == json!({}));
        let wish = MediaUploadRequest::parse(&json!({"file_name": "../../a.png", "publish": false, "x": 1}));
        let wish = wish.expect("a wish");
        assert_eq!((wish.file_name.expect("a name").as_str(), wish.is_published), ("a.png", false));
        let wrong = json!({"product_id": "x", "view_name": "", "file_name": "a\n.png", "publish": 1, "metadata": []});
        let refused = MediaUploadRequest::parse(&wrong).expect_err("wrong");
        let pointers: Vec<String> = refused.findings.into_iter().map(|finding| finding.pointer).collect();
        assert_eq!(pointers, ["/product_id", "/view_name", "/file_name", "/publish", "/metadata"]);
    }
}
