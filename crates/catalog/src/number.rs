//! Decimal numbers as people type them, exactly.
//!
//! Terraform keeps numbers as binary floats of 512 bits. Every decimal of at most 150 digits keeps its order and its
//! spelling there, so comparing and printing decimals gives the same answers. Arithmetic does not (0.1 is no binary
//! fraction): it is done here only where both ways are exact, and is otherwise not ours to decide.

use std::cmp::Ordering;

use serde_json::Value;

/// More significant digits than this would be rounded by Terraform.
const MAX_DIGITS: usize = 150;

/// Greater exponents are a slip of the finger, and only make work.
const MAX_EXPONENT: i32 = 1_000;

/// A finite decimal: `0.digits × 10^exponent`, digits without leading or trailing zeros, empty for zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Number {
    /// Reads decimal text such as `-12`, `0.50`, `1e3`; `None` when it is no number, or larger than any that is meant.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            None => (rest, 0),
            Some(at) => {
                let digits = &rest[at + 1..];
                let plain = digits.strip_prefix(['+', '-']).unwrap_or(digits);
                if plain.is_empty() || plain.len() > 6 || !plain.bytes().all(|b| b.is_ascii_digit())
                {
                    return None;
                }
                (
                    &rest[..at],
                    digits
                        .strip_prefix('+')
                        .unwrap_or(digits)
                        .parse::<i32>()
                        .ok()?,
                )
            }
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty()
            || !whole
                .bytes()
                .chain(fraction.bytes())
                .all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let all = format!("{whole}{fraction}");
        let stripped = all.trim_start_matches('0');
        let leading = i32::try_from(all.len() - stripped.len()).ok()?;
        let exponent = i32::try_from(whole.len())
            .ok()?
            .checked_add(exponent)?
            .checked_sub(leading)?;
        Self::new(negative, stripped, exponent)
    }

    fn new(negative: bool, digits: &str, exponent: i32) -> Option<Self> {
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        (digits.len() <= MAX_DIGITS && exponent.abs() <= MAX_EXPONENT).then(|| Self {
            negative,
            digits: digits.to_owned(),
            exponent,
        })
    }

    /// A small whole number.
    #[must_use]
    pub fn from_i128(value: i128) -> Self {
        Self::parse(&value.to_string()).unwrap_or(Self {
            negative: false,
            digits: String::new(),
            exponent: 0,
        })
    }

    /// A count.
    #[must_use]
    pub fn from_count(value: usize) -> Self {
        Self::from_i128(i128::try_from(value).unwrap_or(i128::MAX))
    }

    /// The number in JSON: itself where JSON readers agree about it, else as text, which Terraform converts exactly.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let text = self.to_text();
        if let Ok(value) = text.parse::<i64>() {
            return value.into();
        }
        if let Ok(value) = text.parse::<u64>() {
            return value.into();
        }
        if let Ok(value) = text.parse::<f64>()
            && value.is_finite()
            && Self::parse(&Value::from(value).to_string()).as_ref() == Some(self)
        {
            return value.into();
        }
        Value::String(text)
    }

    /// As Terraform turns a number into text: no exponent, no trailing zeros.
    #[must_use]
    pub fn to_text(&self) -> String {
        if self.digits.is_empty() {
            return "0".to_owned();
        }
        let sign = if self.negative { "-" } else { "" };
        let len = self.digits.len();
        match usize::try_from(self.exponent) {
            Ok(point) if point >= len => {
                format!("{sign}{}{}", self.digits, "0".repeat(point - len))
            }
            Ok(point) if point > 0 => {
                format!("{sign}{}.{}", &self.digits[..point], &self.digits[point..])
            }
            _ => format!(
                "{sign}0.{}{}",
                "0".repeat(self.exponent.unsigned_abs() as usize),
                self.digits
            ),
        }
    }

    /// The number as a mantissa and a count of decimals, when the mantissa is below 2^127.
    fn scaled(&self) -> Option<(i128, u32)> {
        if self.digits.is_empty() {
            return Some((0, 0));
        }
        let mut mantissa = self.digits.parse::<i128>().ok()?;
        let decimals = i32::try_from(self.digits.len()).ok()? - self.exponent;
        if decimals < 0 {
            mantissa = mantissa.checked_mul(10_i128.checked_pow(decimals.unsigned_abs())?)?;
        }
        Some((
            if self.negative { -mantissa } else { mantissa },
            u32::try_from(decimals.max(0)).ok()?,
        ))
    }

    fn from_scaled(mantissa: i128, decimals: u32) -> Option<Self> {
        let digits = mantissa.unsigned_abs().to_string();
        let exponent = i32::try_from(digits.len())
            .ok()?
            .checked_sub(i32::try_from(decimals).ok()?)?;
        Self::new(mantissa < 0, &digits, exponent)
    }

    /// Whether a binary float holds the number without rounding: 5^decimals divides the mantissa.
    fn is_exact_in_binary(&self) -> bool {
        match self.scaled() {
            Some((mantissa, decimals)) => 5_i128
                .checked_pow(decimals)
                .is_some_and(|five| mantissa % five == 0),
            None => false,
        }
    }

    /// The whole number, if it is one and fits.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        match self.scaled()? {
            (mantissa, 0) => i64::try_from(mantissa).ok(),
            _ => None,
        }
    }

    /// Whether there is nothing behind the point.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.digits.len() as i64 <= i64::from(self.exponent) || self.digits.is_empty()
    }

    /// The number with its sign turned.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self {
            negative: !self.negative && !self.digits.is_empty(),
            ..self.clone()
        }
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The greatest whole number that is not above it; `None` when that is too large to be sure.
    #[must_use]
    pub fn floor(&self) -> Option<Self> {
        let (mantissa, decimals) = self.scaled()?;
        Some(Self::from_i128(
            mantissa.div_euclid(10_i128.checked_pow(decimals)?),
        ))
    }

    /// Both numbers over one common power of ten, when that fits.
    fn aligned(&self, other: &Self) -> Option<(i128, i128, u32)> {
        let ((a, da), (b, db)) = (self.scaled()?, other.scaled()?);
        let decimals = da.max(db);
        let a = a.checked_mul(10_i128.checked_pow(decimals - da)?)?;
        let b = b.checked_mul(10_i128.checked_pow(decimals - db)?)?;
        Some((a, b, decimals))
    }

    /// `operator` is one of `+ - * / %`. `None`: not exact, or a division by zero (Terraform knows an infinity), so not
    /// ours to decide.
    #[must_use]
    pub fn arithmetic(&self, operator: char, other: &Self) -> Option<Self> {
        let by_zero = matches!(operator, '/' | '%') && other.digits.is_empty();
        let exact = self.is_exact_in_binary() && other.is_exact_in_binary();
        if exact && !by_zero {
            self.exact(operator, other)
        } else {
            None
        }
    }

    fn exact(&self, operator: char, other: &Self) -> Option<Self> {
        match operator {
            '+' | '-' => {
                let (a, b, decimals) = self.aligned(other)?;
                Self::from_scaled(
                    if operator == '+' {
                        a.checked_add(b)?
                    } else {
                        a.checked_sub(b)?
                    },
                    decimals,
                )
            }
            '*' => {
                let ((a, da), (b, db)) = (self.scaled()?, other.scaled()?);
                Self::from_scaled(a.checked_mul(b)?, da.checked_add(db)?)
            }
            '/' => {
                let (a, b, _) = self.aligned(other)?;
                // A quotient is exact in binary when the denominator, without common factors, is a power of two.
                let common = gcd(a.unsigned_abs(), b.unsigned_abs());
                let (a, b) = (
                    a / i128::try_from(common).ok()?,
                    b / i128::try_from(common).ok()?,
                );
                let (a, b) = if b < 0 { (-a, -b) } else { (a, b) };
                if b.count_ones() != 1 {
                    return None;
                }
                let twos = b.trailing_zeros();
                Self::from_scaled(a.checked_mul(5_i128.checked_pow(twos)?)?, twos)
            }
            _ => {
                let (a, b, decimals) = self.aligned(other)?;
                Self::from_scaled(a % b, decimals)
            }
        }
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |n: &Self| match (n.digits.is_empty(), n.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let by_sign = rank(self).cmp(&rank(other));
        let by_size = self
            .exponent
            .cmp(&other.exponent)
            .then_with(|| self.digits.cmp(&other.digits));
        by_sign.then(if self.negative {
            by_size.reverse()
        } else {
            by_size
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Number {
        Number::parse(text).expect(text)
    }

    #[test]
    fn a_number_has_one_value_however_it_is_spelled() {
        for (a, b) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("0.5", ".5"),
            ("-0", "0"),
            ("5.", "5"),
            ("1E-3", "0.001"),
        ] {
            assert_eq!(number(a), number(b), "{a} {b}");
        }
        for bad in [
            "",
            "-",
            ".",
            "e1",
            "1e",
            "1_0",
            "0x1",
            " 1",
            "1 ",
            "inf",
            "NaN",
            "1e9999999",
            "1e1001",
            "1.2.3",
        ] {
            assert_eq!(Number::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_json_cannot_hold_exactly_travels_as_text() {
        assert_eq!(
            number("9007199254740993").to_json(),
            Value::from(9_007_199_254_740_993_i64)
        );
        assert_eq!(
            number("18446744073709551615").to_json(),
            Value::from(u64::MAX)
        );
        assert_eq!(number("0.1").to_json(), Value::from(0.1));
        assert_eq!(
            number("123456789012345678901234567890").to_json(),
            "123456789012345678901234567890"
        );
        assert_eq!(
            number("0.12345678901234567890123").to_json(),
            "0.12345678901234567890123"
        );
    }

    #[test]
    fn arithmetic_is_done_only_where_it_is_exact() {
        let cases = [
            ("0.1", '+', "0.2", None),
            ("0.5", '*', "3", Some("1.5")),
            ("7", '/', "2", Some("3.5")),
            ("-7", '/', "-8", Some("0.875")),
            ("0", '/', "4", Some("0")),
            ("7", '%', "4", Some("3")),
            ("1", '/', "3", None),
            ("1", '/', "0", None),
        ];
        for (a, operator, b, wanted) in cases {
            assert_eq!(
                number(a).arithmetic(operator, &number(b)),
                wanted.map(number),
                "{a} {operator} {b}"
            );
        }
    }

    proptest! {
        #[test]
        fn spelling_and_order_agree_with_floats(a in -1e15_f64..1e15, b in -1e15_f64..1e15) {
            let (x, y) = (number(&a.to_string()), number(&b.to_string()));
            prop_assert_eq!(x.cmp(&y), a.total_cmp(&b));
            prop_assert_eq!(number(&x.to_text()), x.clone());
            // Whatever JSON carries, a number or text, is read as the same number again.
            let carried = match x.to_json() {
                Value::String(text) => text,
                value => value.to_string(),
            };
            prop_assert_eq!(number(&carried), x);
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".{0,40}") {
            if let Some(n) = Number::parse(&text) {
                prop_assert_eq!(Number::parse(&n.to_text()), Some(n));
            }
        }
    }
}
