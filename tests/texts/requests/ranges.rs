//! What a range beyond a file is answered.

use super::{Service, refused};
use crate::Text;

/// The answer, with another length of the file: that of a picture changes with every change of light transport.
pub(super) async fn beyond(service: &Service, picture: &str) -> Vec<Text> {
    let mut texts = refused(service.get(picture).header("range", "bytes=99999999-")).await;
    let length = service.get(picture).send().await.expect("an answer").bytes().await.expect("bytes").len();
    texts.iter_mut().for_each(|text| text.message = text.message.replace(&length.to_string(), "482113"));
    texts
}
