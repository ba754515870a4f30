//! A small reader of the HTML that we write: tags with attributes, and the text of controls. It knows raw text elements
//! and void elements, and panics at what a browser would have to guess.

use std::collections::BTreeMap;

/// One element in document order.
#[derive(Debug, Clone)]
pub struct Element {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    /// Names of the elements that it stands in, outermost first, with their index.
    pub within: Vec<usize>,
    /// The text directly and indirectly inside.
    pub text: String,
}

impl Element {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

const VOID: [&str; 10] = [
    "area", "br", "col", "hr", "img", "input", "link", "meta", "wbr", "source",
];

pub fn read(html: &str) -> Vec<Element> {
    let mut elements: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut rest = html;
    while !rest.is_empty() {
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = &comment[comment.find("-->").expect("a comment ends") + 3..];
        } else if rest.starts_with("<!") {
            rest = &rest[rest.find('>').expect("a declaration ends") + 1..];
        } else if let Some(close) = rest.strip_prefix("</") {
            let end = close.find('>').expect("a tag ends");
            let name = &close[..end];
            let last = open
                .pop()
                .unwrap_or_else(|| panic!("</{name}> closes nothing"));
            assert_eq!(
                elements[last].name,
                name,
                "tags nest, near {}",
                &rest[..rest.len().min(80)]
            );
            rest = &close[end + 1..];
        } else if rest.starts_with('<') && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic())
        {
            let (element, after, closed) = tag(&rest[1..]);
            let name = element.name.clone();
            elements.push(Element {
                within: open.clone(),
                ..element
            });
            rest = after;
            if !VOID.contains(&name.as_str()) && !closed {
                open.push(elements.len() - 1);
            }
        } else {
            let first = rest.chars().next().map_or(1, char::len_utf8);
            let end = rest[first..].find('<').map_or(rest.len(), |n| n + first);
            let text = decode(&rest[..end]);
            for at in &open {
                elements[*at].text.push_str(&text);
            }
            rest = &rest[end..];
        }
    }
    assert!(
        open.is_empty(),
        "every element is closed: {:?}",
        open.iter().map(|n| &elements[*n].name).collect::<Vec<_>>()
    );
    elements
}

fn tag(text: &str) -> (Element, &str, bool) {
    let name_end = text
        .find(|c: char| c.is_whitespace() || c == '>' || c == '/')
        .expect("a tag ends");
    let mut attributes = BTreeMap::new();
    let mut rest = &text[name_end..];
    let mut closed = false;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            rest = after;
            break;
        }
        if let Some(after) = rest.strip_prefix("/>") {
            (rest, closed) = (after, true);
            break;
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || "=>/".contains(c))
            .expect("an attribute ends");
        let name = &rest[..end];
        assert!(
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_:".contains(c)),
            "an attribute's name, not {name:?}"
        );
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let quoted = after.strip_prefix('"').unwrap_or_else(|| {
                panic!(
                    "a quoted value of {name}, not {:?}",
                    &after[..after.len().min(30)]
                )
            });
            let end = quoted.find('"').expect("a value ends");
            value = decode(&quoted[..end]);
            rest = &quoted[end + 1..];
        }
        assert!(
            attributes.insert(name.to_owned(), value).is_none(),
            "{name} is there once"
        );
    }
    (
        Element {
            name: text[..name_end].to_owned(),
            attributes,
            within: vec![],
            text: String::new(),
        },
        rest,
        closed,
    )
}

fn decode(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}
