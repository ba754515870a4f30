//! How much one person, or one address, may ask for. A bucket of tokens each; what does not fit is turned away before it
//! costs anything. An address is the peer's own, or what the configured number of proxies says: never what a client
//! writes into a header by itself.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use axum::http::HeaderMap;

/// How many at once, and how many a second after that.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    burst: f64,
    each_second: f64,
}

/// Whatever somebody who is signed in asks for.
pub const PERSON: Rate = Rate {
    burst: 400.0,
    each_second: 20.0,
};
/// What they change.
pub const CHANGES: Rate = Rate {
    burst: 60.0,
    each_second: 1.0,
};
/// Whatever comes from one address without a session. An office behind one address is many people.
pub const ADDRESS: Rate = Rate {
    burst: 400.0,
    each_second: 20.0,
};
/// Sign-ins that are begun or ended from one address.
pub const SIGN_INS: Rate = Rate {
    burst: 60.0,
    each_second: 1.0,
};

/// Whose bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Somebody's requests.
    Person(i64),
    /// Somebody's changes.
    Changes(i64),
    /// An address's requests.
    Address(IpAddr),
    /// An address's sign-ins.
    SignIns(IpAddr),
}

impl Key {
    const fn rate(self) -> Rate {
        match self {
            Self::Person(_) => PERSON,
            Self::Changes(_) => CHANGES,
            Self::Address(_) => ADDRESS,
            Self::SignIns(_) => SIGN_INS,
        }
    }
}

/// Most buckets that are remembered: a crowd of addresses must not fill the memory.
const MOST: usize = 20_000;

/// All buckets.
#[derive(Debug, Default)]
pub struct Limits(Mutex<Buckets>);

#[derive(Debug, Default)]
struct Buckets {
    all: HashMap<Key, (f64, Instant)>,
    /// When those that were full were last thrown away: a crowd must not make every request look at all of them.
    swept: Option<Instant>,
}

impl Limits {
    /// Takes a token; if there is none, how many seconds until there is one.
    ///
    /// # Errors
    /// The seconds.
    pub fn take(&self, key: Key, now: Instant) -> Result<(), u64> {
        let rate = key.rate();
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.all.len() >= MOST && !buckets.all.contains_key(&key) {
            let long_ago = buckets
                .swept
                .is_none_or(|at| now.saturating_duration_since(at).as_secs() >= 1);
            if long_ago {
                buckets.swept = Some(now);
                buckets.all.retain(|key, (tokens, at)| {
                    filled(key.rate(), *tokens, *at, now) < key.rate().burst
                });
            }
            if buckets.all.len() >= MOST {
                // Whoever is new waits, whoever is known goes on.
                return Err(1);
            }
        }
        let (tokens, at) = buckets.all.entry(key).or_insert((rate.burst, now));
        let have = filled(rate, *tokens, *at, now);
        *at = now;
        if have >= 1.0 {
            *tokens = have - 1.0;
            return Ok(());
        }
        *tokens = have;
        Err(((1.0 - have) / rate.each_second).ceil() as u64)
    }
}

#[cfg(test)]
impl Limits {
    /// As if nobody had asked for anything yet: for tests of something else that ask for much.
    pub fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .all
            .clear();
    }
}

fn filled(rate: Rate, tokens: f64, at: Instant, now: Instant) -> f64 {
    let passed = now.saturating_duration_since(at).as_secs_f64();
    (tokens + passed * rate.each_second).min(rate.burst)
}

/// The peer of a connection; the listener puts it into each request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Where a request comes from: `hops` proxies are ours, and each added one address at the end.
pub fn address(peer: Option<Peer>, headers: &HeaderMap, hops: usize) -> IpAddr {
    let peer = peer.map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |p| p.0.ip());
    let said: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(str::trim)
        .collect();
    let from = match hops {
        0 => peer,
        // Fewer than there are proxies: it did not come through them all, so nothing in it is believed.
        hops => said
            .len()
            .checked_sub(hops)
            .and_then(|n| said[n].parse().ok())
            .unwrap_or(peer),
    };
    match from {
        // A household has a whole network of these.
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        },
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let limits = Limits::default();
        let now = Instant::now();
        let mine = Key::Changes(1);
        for _ in 0..60 {
            limits.take(mine, now).unwrap();
        }
        assert_eq!(limits.take(mine, now), Err(1));
        limits.take(Key::Changes(2), now).unwrap();
        assert!(limits.take(mine, now + Duration::from_millis(900)).is_err());
        limits
            .take(mine, now + Duration::from_millis(1900))
            .unwrap();
        let much_later = now + Duration::from_secs(86_400);
        let taken = (0..100)
            .filter(|_| limits.take(mine, much_later).is_ok())
            .count();
        assert_eq!(taken, 60, "it never holds more than its burst");
    }

    #[test]
    fn a_crowd_of_addresses_does_not_fill_the_memory() {
        let limits = Limits::default();
        let now = Instant::now();
        let address = |n: u32| Key::Address(IpAddr::V4(n.into()));
        for n in 0..100_000 {
            let _ = limits.take(address(n), now);
        }
        assert_eq!(limits.0.lock().unwrap().all.len(), MOST);
        limits.take(address(1), now).unwrap();
        limits
            .take(address(200_000), now + Duration::from_secs(60))
            .unwrap();
        assert!(limits.0.lock().unwrap().all.len() < 10);
    }

    #[test]
    fn a_forged_header_changes_nothing() {
        let peer = Some(Peer("10.0.0.9:1234".parse().unwrap()));
        let of = |said: &[&str], hops| {
            let mut headers = HeaderMap::new();
            for value in said {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            address(peer, &headers, hops).to_string()
        };
        assert_eq!(of(&[], 0), "10.0.0.9");
        assert_eq!(
            of(&["1.2.3.4"], 0),
            "10.0.0.9",
            "no proxy is ours: nobody is believed"
        );
        assert_eq!(of(&["203.0.113.7"], 1), "203.0.113.7");
        assert_eq!(
            of(&["1.2.3.4, 203.0.113.7"], 1),
            "203.0.113.7",
            "what the client wrote stands before"
        );
        assert_eq!(of(&["1.2.3.4", "5.6.7.8", "203.0.113.7"], 1), "203.0.113.7");
        assert_eq!(of(&["1.2.3.4, 203.0.113.7, 10.0.0.1"], 2), "203.0.113.7");
        assert_eq!(of(&["203.0.113.7"], 2), "10.0.0.9");
        assert_eq!(of(&["nonsense"], 1), "10.0.0.9");
        assert_eq!(of(&["2001:db8:1:2:3:4:5:6"], 1), "2001:db8:1:2::");
        assert_eq!(of(&["::ffff:203.0.113.7"], 1), "203.0.113.7");
    }
}
