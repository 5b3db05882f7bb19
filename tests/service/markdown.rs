//! The fenced blocks of a document.

/// Opens and closes a block.
const FENCE: &str = "```";

/// A fenced block.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// The heading of its section.
    pub(crate) heading: String,
    /// The comment `<!-- … -->` on the line before it.
    pub(crate) mark: Option<String>,
    /// What stands behind its opening fence.
    pub(crate) language: String,
    /// Its lines.
    pub(crate) text: String,
}

/// The fenced blocks of a document, from the first to the last.
pub(crate) fn blocks(document: &str) -> Vec<Block> {
    let (mut blocks, mut next) = (Vec::new(), Block::default());
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            next.heading = heading.to_owned();
        }
        let Some(language) = line.strip_prefix(FENCE) else {
            let comment = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
            next.mark = comment.map(str::to_owned);
            continue;
        };
        let within = lines.by_ref().take_while(|line| *line != FENCE);
        let text = within.flat_map(|line| [line, "\n"]).collect();
        let heading = next.heading.clone();
        blocks.push(Block { language: language.to_owned(), text, ..next });
        next = Block { heading, ..Block::default() };
    }
    blocks
}

#[test]
fn blocks_have_their_heading_language_and_mark() {
    let document =
        "# A\n\n## B\n\n```sh\n# one\n\ntwo\n```\n<!-- odd -->\n```text\n## no heading\n```\n\n## C\n```\n```\n";
    let blocks = blocks(document);
    let parts = |block: &Block| {
        let Block { heading, mark, language, text } = block;
        [heading.clone(), mark.clone().unwrap_or_default(), language.clone(), text.clone()]
    };
    let found: Vec<[String; 4]> = blocks.iter().map(parts).collect();
    let expected = [["B", "", "sh", "# one\n\ntwo\n"], ["B", "odd", "text", "## no heading\n"], ["C", "", "", ""]];
    assert_eq!(found, expected.map(|parts| parts.map(str::to_owned)));
}
