//! Address blocks: `cidrhost`, `cidrnetmask`, `cidrsubnet`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{FAILED, Outcome, Stop};
use crate::{number::Number, value::Val};

struct Block {
    /// The address without host bits.
    base: u128,
    prefix: u32,
    bits: u32,
}

impl Block {
    /// Reads `10.0.0.0/16`. Terraform's reader also takes octets with leading zeros; that is not ours to decide.
    fn parse(text: &str) -> Result<Self, Stop> {
        let (address, prefix) = text.split_once('/').ok_or(Stop::Failed)?;
        let leading = |part: &str| {
            part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit())
        };
        if address.split(['.', ':']).any(leading) || leading(prefix) || text.contains(['%', '+']) {
            return Err(Stop::Undecided);
        }
        let address: IpAddr = address.parse().map_err(|_| Stop::Failed)?;
        let prefix: u32 = prefix.parse().map_err(|_| Stop::Failed)?;
        let (value, bits) = match address {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
            // Go turns a mapped address into a v4 one.
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => return Err(Stop::Undecided),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        if prefix > bits {
            return Err(Stop::Failed);
        }
        let host = bits - prefix;
        let base = if host >= 128 {
            0
        } else {
            value >> host << host
        };
        Ok(Self { base, prefix, bits })
    }

    fn show(&self, value: u128) -> Result<String, Stop> {
        if self.bits == 32 {
            return u32::try_from(value)
                .map(|v| Ipv4Addr::from(v).to_string())
                .map_err(|_| Stop::Failed);
        }
        Ok(Ipv6Addr::from(value).to_string())
    }
}

fn whole(number: &Number) -> Result<i64, Stop> {
    if number.is_whole() {
        number.to_i64().ok_or(Stop::Undecided)
    } else {
        Err(Stop::Failed)
    }
}

/// `cidrhost(block, number)`; a negative number counts from the end.
pub(super) fn host(block: &str, number: &Number) -> Outcome {
    let block = Block::parse(block)?;
    let n = whole(number)?;
    let host = block.bits - block.prefix;
    let size = if host >= 127 {
        u128::MAX
    } else {
        1_u128 << host
    };
    let offset = if n < 0 {
        size.checked_sub(u128::from(n.unsigned_abs()))
    } else {
        Some(n.unsigned_abs().into())
    };
    match offset {
        Some(offset) if offset < size && host < 127 => {
            Ok(Val::Text(block.show(block.base + offset)?))
        }
        _ if host >= 127 => Err(Stop::Undecided),
        _ => FAILED,
    }
}

/// `cidrnetmask(block)`, of IPv4 only.
pub(super) fn netmask(block: &str) -> Outcome {
    let block = Block::parse(block)?;
    if block.bits != 32 {
        return FAILED;
    }
    let mask = u32::MAX.checked_shl(32 - block.prefix).unwrap_or(0);
    Ok(Val::Text(Ipv4Addr::from(mask).to_string()))
}

/// `cidrsubnet(block, newbits, number)`.
pub(super) fn subnet(block: &str, new_bits: &Number, number: &Number) -> Outcome {
    let block = Block::parse(block)?;
    let (new_bits, n) = (whole(new_bits)?, whole(number)?);
    if new_bits < 0 || n < 0 || new_bits > 32 {
        return Err(Stop::Undecided);
    }
    let prefix = block.prefix + u32::try_from(new_bits).map_err(|_| Stop::Failed)?;
    if prefix > block.bits || n.unsigned_abs() >= 1_u64 << new_bits {
        return FAILED;
    }
    let base = match block.bits - prefix {
        128.. => block.base,
        shift => block.base | u128::from(n.unsigned_abs()) << shift,
    };
    Ok(Val::Text(format!("{}/{prefix}", block.show(base)?)))
}
