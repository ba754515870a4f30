//! How times and durations are said. Always in UTC: the browser may add local time, the server never guesses.

use time::{Duration, OffsetDateTime, UtcOffset};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `Tue 24 Nov 2026, 09:36:05 UTC`: what stands behind every relative time.
#[must_use]
pub fn exact(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let day = DAYS[usize::from(at.weekday().number_days_from_monday())];
    let month = MONTHS[usize::from(u8::from(at.month())) - 1];
    format!(
        "{day} {} {month} {}, {:02}:{:02}:{:02} UTC",
        at.day(),
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// `2026-11-24T09:36:05Z`: for the `datetime` attribute.
#[must_use]
pub fn machine(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// `just now`, `6 min ago`, `3 h ago`, `yesterday`, `5 d ago`; further back, the date.
#[must_use]
pub fn ago(now: OffsetDateTime, then: OffsetDateTime) -> String {
    let seconds = (now - then).whole_seconds();
    match seconds {
        ..60 => "just now".into(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "yesterday".into(),
        172_800..2_592_000 => format!("{} d ago", seconds / 86_400),
        _ => {
            let then = then.to_offset(UtcOffset::UTC);
            format!(
                "{} {} {}",
                then.day(),
                MONTHS[usize::from(u8::from(then.month())) - 1],
                then.year()
            )
        }
    }
}

/// What is left until `end`: `5 d`, `5 h`, `12 min`, `less than a minute`; `None` if it is past.
#[must_use]
pub fn left(now: OffsetDateTime, end: OffsetDateTime) -> Option<String> {
    let seconds = (end - now).whole_seconds();
    match seconds {
        ..0 => None,
        0..60 => Some("less than a minute".into()),
        60..5_400 => Some(format!("{} min", seconds / 60)),
        5_400..172_800 => Some(format!("{} h", (seconds + 1_800) / 3_600)),
        _ => Some(format!("{} d", (seconds + 43_200) / 86_400)),
    }
}

/// How long something took: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`.
#[must_use]
pub fn took(duration: Duration) -> String {
    let seconds = duration.as_seconds_f64().max(0.0);
    if seconds < 10.0 {
        return format!("{seconds:.1} s");
    }
    let whole = duration.whole_seconds();
    match whole {
        ..60 => format!("{whole} s"),
        60..3_600 if whole % 60 == 0 => format!("{} min", whole / 60),
        60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        _ if whole % 3_600 < 60 => format!("{} h", whole / 3_600),
        _ => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
    }
}

/// A duration in words for people: `8 hours`, `3 days`, `1 week`, `90 minutes`.
#[must_use]
pub fn long(duration: Duration) -> String {
    let minutes = duration.whole_minutes();
    let (count, unit) = match minutes {
        m if m != 0 && m % 10_080 == 0 => (m / 10_080, "week"),
        m if m != 0 && m % 1_440 == 0 => (m / 1_440, "day"),
        m if m != 0 && m % 60 == 0 => (m / 60, "hour"),
        m => (m, "minute"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Reads `30m`, `8h`, `7d`, `2w`.
#[must_use]
pub fn read(text: &str) -> Option<Duration> {
    let (number, unit) = text
        .trim()
        .split_at_checked(text.trim().len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|n| (1..=10_000).contains(n))?;
    match unit {
        "m" => Some(Duration::minutes(number)),
        "h" => Some(Duration::hours(number)),
        "d" => Some(Duration::days(number)),
        "w" => Some(Duration::weeks(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_795_513_000 + seconds).unwrap()
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        assert_eq!(exact(at(0)), "Tue 24 Nov 2026, 09:36:40 UTC");
        assert_eq!(machine(at(0)), "2026-11-24T09:36:40Z");
        let said = |seconds| ago(at(seconds), at(0));
        assert_eq!(
            [said(5), said(61), said(7_300), said(90_000), said(400_000)],
            ["just now", "1 min ago", "2 h ago", "yesterday", "4 d ago"]
        );
        assert_eq!(left(at(0), at(-1)), None);
        assert_eq!(left(at(0), at(18_000)).as_deref(), Some("5 h"));
        assert_eq!(took(Duration::milliseconds(420)), "0.4 s");
        assert_eq!(took(Duration::seconds(185)), "3 min 5 s");
    }

    #[test]
    fn durations_are_read_back() {
        assert_eq!(read("8h"), Some(Duration::hours(8)));
        assert_eq!(read("7d").map(long).as_deref(), Some("1 week"));
        for bad in ["", "h", "0h", "-1h", "8", "8y", "1.5h", "99999h", "é"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
