//! A wire to the imitation of AWS that keeps what goes over it: who asked for what, with whose key, and which credentials
//! were handed out.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// One request: method, path, and the access key that signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub key: String,
}

/// Bytes of each connection, in both directions.
type Kept = Arc<Mutex<Vec<[Vec<u8>; 2]>>>;

pub struct Wire {
    pub endpoint: String,
    kept: Kept,
    denies: Arc<AtomicBool>,
}

/// What AWS says when a trust policy no longer lets somebody in.
const DENIED: &str = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
    <Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error>\
    <RequestId>r</RequestId></ErrorResponse>";

impl Wire {
    /// Leads to the imitation at this address.
    pub fn to(endpoint: &str) -> Self {
        let to = endpoint.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let kept = Kept::default();
        let keeps = kept.clone();
        let denies = Arc::new(AtomicBool::new(false));
        let deny = denies.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(&to) else {
                    continue;
                };
                let n = {
                    let mut all = keeps.lock().unwrap();
                    all.push([vec![], vec![]]);
                    all.len() - 1
                };
                let (back_near, back_far) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                copy(near, far, keeps.clone(), n, 0, Some(deny.clone()));
                copy(back_far, back_near, keeps.clone(), n, 1, None);
            }
        });
        Self {
            endpoint,
            kept,
            denies,
        }
    }

    /// From now on no role can be assumed any more.
    pub fn deny(&self) {
        self.denies.store(true, Ordering::SeqCst);
    }

    fn text(&self, side: usize) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        kept.iter()
            .map(|of| String::from_utf8_lossy(&of[side]).into_owned())
            .collect()
    }

    /// Every signed request, connection by connection.
    pub fn requests(&self) -> Vec<Request> {
        let mut all = Vec::new();
        for text in self.text(0) {
            let mut line_of = None;
            for line in text.lines() {
                if let Some(start) = line.strip_suffix(" HTTP/1.1") {
                    line_of = start
                        .rsplit(['}', '&'])
                        .next()
                        .and_then(|l| l.split_once(' '))
                        .map(|(m, p)| (m.to_owned(), p.to_owned()));
                } else if let Some((_, rest)) = line.split_once("Credential=")
                    && line.to_lowercase().starts_with("authorization:")
                    && let Some((method, path)) = line_of.take()
                {
                    let key = rest.split('/').next().unwrap().to_owned();
                    all.push(Request { method, path, key });
                }
            }
        }
        all
    }

    /// The forms of every AssumeRole for this role, as they were sent.
    pub fn assumed(&self, role: &str) -> Vec<String> {
        let end = format!("%2F{role}&");
        self.text(0)
            .iter()
            .flat_map(|text| text.lines())
            .filter(|line| line.contains("Action=AssumeRole&") && line.contains(&end))
            .map(str::to_owned)
            .collect()
    }

    /// Every secret access key and session token that was handed out.
    pub fn secrets(&self) -> Vec<String> {
        let mut all = Vec::new();
        for text in self.text(1) {
            for name in ["SecretAccessKey", "SessionToken"] {
                for part in text.split(&format!("<{name}>")).skip(1) {
                    all.push(part.split('<').next().unwrap().to_owned());
                }
            }
        }
        all
    }
}

fn copy(
    mut from: TcpStream,
    mut to: TcpStream,
    kept: Kept,
    n: usize,
    side: usize,
    denies: Option<Arc<AtomicBool>>,
) {
    std::thread::spawn(move || {
        let mut some = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut some) {
            kept.lock().unwrap()[n][side].extend(&some[..length]);
            let denied = denies.as_ref().is_some_and(|d| d.load(Ordering::SeqCst));
            if denied && String::from_utf8_lossy(&some[..length]).contains("Action=AssumeRole&") {
                let answer = format!(
                    "HTTP/1.1 403 Forbidden\r\ncontent-type: text/xml\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{DENIED}",
                    DENIED.len()
                );
                let _ = from.write_all(answer.as_bytes());
                break;
            }
            if to.write_all(&some[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}
