//! A browser without a screen, for what `bench` and `test-bare` do as a new user: plain HTTP over
//! loopback, cookies, redirects, and the forms of a page with what stands in them.

use crate::Result;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// One person's browser: a host name of their own (`developer.localhost`), and its cookies.
pub struct Visitor {
    host: String,
    port: u16,
    cookies: Vec<(String, String)>,
}

/// What came back, after redirects.
pub struct Page {
    /// The status code.
    pub status: u16,
    /// The path that it has.
    pub path: String,
    /// Its text.
    pub body: String,
}

/// A form as it stands on a page.
#[derive(Debug, Default, PartialEq)]
pub struct Form {
    /// Where it is posted to.
    pub action: String,
    /// The names and values that a browser would send, buttons left out.
    pub fields: Vec<(String, String)>,
    /// The names and values of its named buttons.
    pub buttons: Vec<(String, String)>,
}

impl Form {
    /// Types a value into a field.
    pub fn fill(&mut self, name: &str, value: &str) {
        match self.fields.iter_mut().find(|(field, _)| field == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
    }
}

impl Visitor {
    /// A browser that has never been here.
    pub fn new(host: &str, port: u16) -> Self {
        Visitor {
            host: format!("{host}:{port}"),
            port,
            cookies: Vec::new(),
        }
    }

    /// Opens a page.
    pub fn get(&mut self, path: &str) -> Result<Page> {
        self.follow("GET", path, "")
    }

    /// Posts a form, pressing one of its buttons or none.
    pub fn post(&mut self, form: &Form, button: Option<(&str, &str)>) -> Result<Page> {
        let fields = form
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let body: Vec<String> = fields
            .chain(button)
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        self.follow("POST", &form.action, &body.join("&"))
    }

    fn follow(&mut self, method: &str, path: &str, body: &str) -> Result<Page> {
        let mut page = self.once(method, path, body)?;
        for _ in 0..5 {
            let Some(location) = (300..400)
                .contains(&page.0.status)
                .then_some(page.1)
                .flatten()
            else {
                return Ok(page.0);
            };
            let local = location
                .strip_prefix(&format!("http://{}", self.host))
                .unwrap_or(&location)
                .to_owned();
            let local = local.split('#').next().unwrap_or_default().to_owned();
            page = self.once("GET", &local, "")?;
        }
        Err(format!("{path} redirects in a circle"))
    }

    /// Reads a stream of events until it says one of these words.
    pub fn listen(&mut self, path: &str, words: &[&str]) -> Result<()> {
        let mut stream = self.send("GET", path, "")?;
        let (mut heard, mut part) = (Vec::new(), [0_u8; 16 * 1024]);
        loop {
            let size = stream
                .read(&mut part)
                .map_err(|error| format!("{path}: {error}"))?;
            heard.extend_from_slice(part.get(..size).unwrap_or_default());
            let text = String::from_utf8_lossy(&heard);
            if words.iter().any(|word| text.contains(word)) {
                return Ok(());
            }
            if size == 0 {
                return Err(format!("{path} ended without a word of {words:?}: {text}"));
            }
            // What was heard before the last event's beginning can hold no word any more.
            let keep = text.rfind("event:").unwrap_or(0);
            heard = text.as_bytes().get(keep..).unwrap_or_default().to_vec();
        }
    }

    /// One exchange; the location, if it names one.
    fn once(&mut self, method: &str, path: &str, body: &str) -> Result<(Page, Option<String>)> {
        let told = |error: std::io::Error| format!("{method} {path}: {error}");
        let mut stream = self.send(method, path, body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(told)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, text) = answer
            .split_once("\r\n\r\n")
            .ok_or_else(|| format!("{method} {path}: no HTTP answer"))?;
        let status = head
            .split_whitespace()
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0);
        let mut location = None;
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "location" => location = Some(value.to_owned()),
                "set-cookie" => self.keep(value),
                _ => {}
            }
        }
        let page = Page {
            status,
            path: path.to_owned(),
            body: text.to_owned(),
        };
        Ok((page, location))
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<TcpStream> {
        let told = |error: std::io::Error| format!("{method} {path}: {error}");
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(told)?;
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .map_err(told)?;
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        // HTTP/1.0: the answer comes whole and the connection ends with it.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {host}\r\norigin: http://{host}\r\nsec-fetch-site: same-origin\r\n\
             accept: text/html\r\ncookie: {}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            cookies.join("; "),
            body.len(),
            host = self.host,
        );
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .map_err(told)?;
        Ok(stream)
    }

    fn keep(&mut self, cookie: &str) {
        let pair = cookie.split(';').next().unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=') {
            self.cookies.retain(|(old, _)| old != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}

impl Page {
    /// The forms of the page, in order.
    pub fn forms(&self) -> Vec<Form> {
        forms(&self.body)
    }

    /// The form whose action starts so.
    pub fn form(&self, action: &str) -> Result<Form> {
        let found = self
            .forms()
            .into_iter()
            .find(|form| form.action.starts_with(action));
        found.ok_or_else(|| format!("{} ({}) has no form for {action}", self.path, self.status))
    }

    /// The state that stands beside the page's title, e.g. `Done`.
    pub fn state(&self) -> String {
        let after = self.body.split_once("</h1>").map_or("", |(_, after)| after);
        words(after.split("</span>").next().unwrap_or_default())
    }

    /// The number of the first address that starts so, e.g. of the environment that a run is about.
    pub fn first_link(&self, start: &str) -> Option<String> {
        let after = self.body.split_once(&format!("href=\"{start}"))?.1;
        let number: String = after.chars().take_while(char::is_ascii_digit).collect();
        (!number.is_empty()).then(|| format!("{start}{number}"))
    }

    /// The words of the page, tags left out.
    pub fn words(&self) -> String {
        words(&self.body)
    }
}

fn words(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for char in html.chars() {
        match char {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(char),
            _ => {}
        }
    }
    decode(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Reads forms by their tags. Enough for pages of our own, which are well formed.
fn forms(html: &str) -> Vec<Form> {
    let mut found: Vec<Form> = Vec::new();
    let mut open = false;
    // The name of the select or textarea that is open, and whether its value is settled.
    let mut select: Option<(String, bool)> = None;
    for piece in html.split('<').skip(1) {
        let (tag, text) = split_tag(piece);
        let name = tag.split_whitespace().next().unwrap_or_default();
        let value = |key: &str| attribute(tag, key);
        match name {
            "form" => {
                found.push(Form {
                    action: value("action").unwrap_or_default(),
                    ..Form::default()
                });
                open = true;
            }
            "/form" => open = false,
            _ if !open => {}
            "input" => {
                let kind = value("type").unwrap_or_default();
                let sent = match kind.as_str() {
                    "submit" | "reset" | "button" => false,
                    "checkbox" | "radio" => value("checked").is_some(),
                    _ => true,
                };
                if let (true, Some(field), Some(form)) = (sent, value("name"), found.last_mut()) {
                    let default = if kind == "checkbox" { "on" } else { "" };
                    form.fields
                        .push((field, value("value").unwrap_or_else(|| default.to_owned())));
                }
            }
            "textarea" => {
                if let (Some(field), Some(form)) = (value("name"), found.last_mut()) {
                    form.fields.push((field, decode(text)));
                }
            }
            "select" => select = value("name").map(|name| (name, false)),
            "/select" => select = None,
            "option" => {
                if let (Some((field, settled)), Some(form)) = (&mut select, found.last_mut()) {
                    let chosen = value("selected").is_some();
                    if chosen || !*settled {
                        form.fields.retain(|(name, _)| name != field);
                        let text = decode(text.trim());
                        form.fields
                            .push((field.clone(), value("value").unwrap_or(text)));
                        *settled = true;
                    }
                }
            }
            "button" => {
                if let (Some(field), Some(form)) = (value("name"), found.last_mut()) {
                    form.buttons
                        .push((field, value("value").unwrap_or_default()));
                }
            }
            _ => {}
        }
    }
    found
}

/// Splits `tag attributes>text` at the end of the tag; a `>` within quotes is none.
fn split_tag(piece: &str) -> (&str, &str) {
    let mut quote = None;
    for (place, char) in piece.char_indices() {
        match (quote, char) {
            (None, '"' | '\'') => quote = Some(char),
            (Some(open), _) if open == char => quote = None,
            (None, '>') => return (&piece[..place], &piece[place + 1..]),
            _ => {}
        }
    }
    (piece, "")
}

/// An attribute's value; the empty text for one without.
fn attribute(tag: &str, key: &str) -> Option<String> {
    let mut rest = tag;
    while let Some(place) = rest.find(key) {
        let before = rest[..place].chars().last();
        let after = &rest[place + key.len()..];
        rest = after;
        if !before.is_some_and(char::is_whitespace) {
            continue;
        }
        if let Some(quoted) = after.strip_prefix("=\"") {
            return quoted.split('"').next().map(decode);
        }
        if after.is_empty() || after.starts_with([' ', '/', '\n']) {
            return Some(String::new());
        }
        if let Some(bare) = after.strip_prefix('=') {
            return bare.split_whitespace().next().map(decode);
        }
    }
    None
}

fn decode(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}

fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{encode, forms};

    #[test]
    fn a_form_is_read_as_a_browser_would_send_it() {
        let html = r#"<input name="outside"><form method="post" action="/drafts/7?a=1&amp;b=2">
            <input type="hidden" name="key" value="a&quot;b"><input name=plain value=x>
            <input type="checkbox" name="on" checked><input type="checkbox" name="off">
            <select name="size"><option value="s">S</option><option value="m" selected>M</option></select>
            <textarea name="why">a &lt; b</textarea><button name="do" value="send">Go</button></form>"#;
        let form = &forms(html)[0];
        assert_eq!(form.action, "/drafts/7?a=1&b=2");
        let pairs: Vec<_> = form
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("key", "a\"b"),
                ("plain", "x"),
                ("on", "on"),
                ("size", "m"),
                ("why", "a < b")
            ]
        );
        assert_eq!(form.buttons, [("do".to_owned(), "send".to_owned())]);
    }

    #[test]
    fn values_are_encoded() {
        assert_eq!(encode("a b&c=ü"), "a%20b%26c%3D%C3%BC");
    }
}
