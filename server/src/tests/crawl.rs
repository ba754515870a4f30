//! A browser without a screen: it reads a page's links and forms and follows everything that leads somewhere in the house.
//! What a test walks is then what people can reach, and no list that somebody keeps.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Answer, Browser, Portal};

/// A tag of a page, with its attributes as they are meant.
#[derive(Debug)]
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// Where what follows it begins.
    pub end: usize,
}

impl Tag {
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A form: where it goes, and what a browser would send.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    pub post: bool,
    pub action: String,
    pub fields: Vec<(String, String)>,
    pub buttons: Vec<(String, String)>,
}

/// What was found at an address.
pub struct Page {
    pub path: String,
    pub answer: Answer,
    pub links: Vec<String>,
    pub forms: Vec<Form>,
}

/// Every tag, in order.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = html[at..].find('<') {
        at += open + 1;
        let rest = &html[at..];
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') {
            continue;
        }
        let long = rest
            .find(|c: char| c.is_whitespace() || c == '>')
            .unwrap_or(rest.len());
        let name = rest[..long].to_owned();
        at += long;
        let mut attributes = Vec::new();
        loop {
            let rest = html[at..].trim_start();
            at = html.len() - rest.len();
            if rest.is_empty() || rest.starts_with('>') {
                break;
            }
            let long = rest
                .find(|c: char| c.is_whitespace() || c == '=' || c == '>')
                .unwrap_or(rest.len())
                .max(1);
            let attribute = rest[..long].to_owned();
            at += long;
            let mut value = String::new();
            if let Some(rest) = html[at..].strip_prefix('=') {
                let quote = rest.chars().next().filter(|c| "\"'".contains(*c));
                let begin = at + 1 + quote.map_or(0, char::len_utf8);
                let ends = |c: char| match quote {
                    Some(quote) => c == quote,
                    None => c.is_whitespace() || c == '>',
                };
                let long = html[begin..].find(ends).unwrap_or(html.len() - begin);
                value = meant(&html[begin..begin + long]);
                at = (begin + long + quote.map_or(0, char::len_utf8)).min(html.len());
            }
            attributes.push((attribute.to_ascii_lowercase(), value));
        }
        found.push(Tag {
            name: name.to_ascii_lowercase(),
            attributes,
            end: (at + 1).min(html.len()),
        });
    }
    found
}

/// A text whose references are resolved.
pub fn meant(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').unwrap_or(0);
        let name = rest.get(1..end.max(1)).unwrap_or_default();
        let number = name
            .strip_prefix("#x")
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .or_else(|| name.strip_prefix('#').and_then(|n| n.parse().ok()));
        let c = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            _ => number.and_then(char::from_u32),
        };
        match c {
            Some(c) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// The links and forms of a page.
pub fn read(html: &str) -> (Vec<String>, Vec<Form>) {
    let (mut links, mut forms) = (Vec::new(), Vec::<Form>::new());
    let mut form: Option<Form> = None;
    let mut select: Option<(String, Option<String>)> = None;
    for tag in tags(html) {
        let name = tag.get("name").unwrap_or_default().to_owned();
        let value = tag.get("value").unwrap_or_default().to_owned();
        match tag.name.as_str() {
            "a" => links.extend(tag.get("href").map(str::to_owned)),
            "form" => {
                form = Some(Form {
                    post: tag.get("method") == Some("post"),
                    action: tag.get("action").unwrap_or_default().to_owned(),
                    fields: Vec::new(),
                    buttons: Vec::new(),
                });
            }
            "/form" => forms.extend(form.take()),
            "select" => select = Some((name, None)),
            "option" => {
                if let Some((_, chosen)) = &mut select
                    && (chosen.is_none() || tag.get("selected").is_some())
                {
                    *chosen = Some(value);
                }
            }
            "/select" => {
                if let (Some(form), Some((name, value))) = (&mut form, select.take()) {
                    form.fields.push((name, value.unwrap_or_default()));
                }
            }
            "textarea" => {
                let text = html[tag.end..].split("</textarea").next().map(meant);
                if let Some(form) = &mut form {
                    form.fields.push((name, text.unwrap_or_default()));
                }
            }
            "button" if !name.is_empty() => {
                if let Some(form) = &mut form {
                    form.buttons.push((name, value));
                }
            }
            "input" if !name.is_empty() => {
                let boxed = matches!(tag.get("type"), Some("checkbox" | "radio"));
                if let Some(form) = &mut form
                    && (!boxed || tag.get("checked").is_some())
                {
                    form.fields.push((name, value));
                }
            }
            _ => {}
        }
    }
    (links, forms)
}

/// The address that a link leads to, if it stays in the house.
fn inside(link: &str) -> Option<String> {
    let path = link.split('#').next().unwrap_or_default();
    (path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/assets/"))
        .then(|| path.to_owned())
}

/// Everything that this browser reaches from the home page by links; of addresses that differ in their query alone, at
/// most a few.
pub async fn crawl(portal: &Portal, browser: &Browser<'_>) -> Vec<Page> {
    let mut waiting = VecDeque::from(["/".to_owned()]);
    let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut alike = BTreeMap::<String, usize>::new();
    let mut pages = Vec::new();
    while let Some(path) = waiting.pop_front() {
        portal.limits.forget();
        let answer = browser.get(&path).await;
        let html = answer.header("content-type").starts_with("text/html");
        let (links, forms) = if html {
            read(&answer.body)
        } else {
            Default::default()
        };
        let mut next: Vec<String> = links.iter().filter_map(|link| inside(link)).collect();
        next.extend(inside(answer.header("location")));
        // A form that only asks is a link.
        next.extend(forms.iter().filter(|f| !f.post).map(address));
        for link in next {
            let bare = link.split('?').next().unwrap_or_default().to_owned();
            if seen.insert(link.clone()) {
                let count = alike.entry(bare).or_default();
                *count += 1;
                if *count <= 4 {
                    waiting.push_back(link);
                }
            }
        }
        pages.push(Page {
            path,
            answer,
            links,
            forms,
        });
        assert!(pages.len() < 500, "the house has no end");
    }
    pages
}

/// Where a form that only asks leads.
pub fn address(form: &Form) -> String {
    let query: Vec<String> = form
        .fields
        .iter()
        .map(|(n, v)| format!("{}={}", super::encode(n), super::encode(v)))
        .collect();
    format!("{}?{}", form.action, query.join("&"))
}

#[test]
fn a_page_is_read_as_a_browser_reads_it() {
    let page = "<a href=\"/a?x=1&amp;y=2\">a</a><form method=\"post\" action=\"/b\"><input name=\"n\" value=\"&quot;&#62;\">\
        <select name=\"s\"><option value=\"1\"><option value=\"2\" selected></select><textarea name=\"t\">x &lt; y</textarea>\
        <input type=\"checkbox\" name=\"no\"><button name=\"do\" value=\"send\"></button></form><img src=x onerror=alert(1)>";
    let (links, forms) = read(page);
    assert_eq!(links, ["/a?x=1&y=2"]);
    let fields = [("n", "\">"), ("s", "2"), ("t", "x < y")];
    assert_eq!(
        forms[0].fields,
        fields.map(|(n, v)| (n.to_owned(), v.to_owned()))
    );
    assert_eq!(forms[0].buttons, [("do".to_owned(), "send".to_owned())]);
    assert!(tags(page).iter().any(|t| t.get("onerror").is_some()));
}
