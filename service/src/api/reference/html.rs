//! Text as HTML.

/// Text, safe to put anywhere in a page.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            char => html.push(char),
        }
    }
    html
}

/// Text, with everything between backquotes as code.
pub(super) fn marked(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let mut parts = text.split('`').map(escaped).enumerate().peekable();
    while let Some((i, part)) = parts.next() {
        // An unclosed backquote stays as it is.
        match (i % 2 == 1, parts.peek().is_some()) {
            (false, _) => html.push_str(&part),
            (true, true) => html.extend(["<code>", &part, "</code>"]),
            (true, false) => html.extend(["`", &part]),
        }
    }
    html
}

/// Paragraphs.
pub(super) fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>", marked(paragraph))).collect()
}

/// A word as it begins a title.
pub(super) fn word(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    escaped(&first.chain(chars).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped("<a href=\"x\" title='y'>&"), "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;");
        assert_eq!(marked("an `<id>` of `it"), "an <code>&lt;id&gt;</code> of `it");
        assert_eq!(marked("`a` and `b`"), "<code>a</code> and <code>b</code>");
        assert_eq!(prose("One\nline.\n\n\n\nTwo."), "<p>One\nline.</p><p>Two.</p>");
        assert_eq!(prose(""), "");
        assert_eq!(word("renders"), "Renders");
    }
}
