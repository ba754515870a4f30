//! Terraform's functions that a condition may use here. Arguments are converted as Terraform converts them.

use std::collections::BTreeMap;

use super::{
    FAILED, Outcome, Stop, UNDECIDED, as_number, cidr, equal, index, is_plain,
    text::{join, length, plain, strings, substr, text},
};
use crate::{number::Number, value::Val};

/// Every function below, sorted. `can` and `try` are the evaluator's own.
pub(super) const NAMES: &[&str] = &[
    "abs",
    "alltrue",
    "anytrue",
    "ceil",
    "chomp",
    "cidrhost",
    "cidrnetmask",
    "cidrsubnet",
    "coalesce",
    "compact",
    "concat",
    "contains",
    "distinct",
    "element",
    "endswith",
    "flatten",
    "floor",
    "join",
    "keys",
    "length",
    "lookup",
    "lower",
    "max",
    "merge",
    "min",
    "one",
    "regex",
    "regexall",
    "replace",
    "reverse",
    "sort",
    "split",
    "startswith",
    "strcontains",
    "substr",
    "sum",
    "tobool",
    "tolist",
    "tonumber",
    "toset",
    "tostring",
    "trim",
    "trimprefix",
    "trimspace",
    "trimsuffix",
    "upper",
    "values",
];

/// Calls a function of `NAMES`; any other is undecided.
pub(super) fn call(name: &str, args: &[Val]) -> Outcome {
    if NAMES.binary_search(&name).is_err() {
        return UNDECIDED;
    }
    match (name, args) {
        // Conversions of null are null.
        ("tostring" | "tonumber" | "tobool", [Val::Null]) => Ok(Val::Null),
        ("tolist" | "toset", [Val::Null]) => Ok(Val::Null),
        ("tostring", [value]) => value.as_text().map(Val::Text).ok_or(Stop::Failed),
        ("tonumber", [value]) => as_number(value).map(Val::Number),
        ("tobool", [value]) => value.as_bool().map(Val::Bool).ok_or(Stop::Failed),
        ("coalesce", values) => coalesce(values),
        ("lookup", [map, key, default]) => lookup(map, key, Some(default)),
        ("lookup", [map, key]) => lookup(map, key, None),
        ("merge", values) => merge(values),
        // All others refuse null.
        (_, args) if args.contains(&Val::Null) => FAILED,
        ("abs" | "ceil" | "floor" | "max" | "min", args) => numeric(name, args),
        ("sum", [list]) => sum(list),
        ("length", [value]) => length(value),
        ("contains", [list, wanted]) => contains(list, wanted),
        ("alltrue" | "anytrue", [list]) => all_or_any(name == "alltrue", list),
        ("keys", [Val::Map(items)]) => {
            Ok(Val::List(items.keys().cloned().map(Val::Text).collect()))
        }
        ("keys", [Val::Object(items)]) => {
            Ok(Val::Tuple(items.keys().cloned().map(Val::Text).collect()))
        }
        ("values", [Val::Map(items)]) => Ok(Val::List(items.values().cloned().collect())),
        ("values", [Val::Object(items)]) => Ok(Val::Tuple(items.values().cloned().collect())),
        ("element", [list, n]) => element(list, n),
        ("one", [list]) => one(list),
        (
            "concat" | "distinct" | "compact" | "flatten" | "reverse" | "sort" | "tolist" | "toset",
            args,
        ) => collection(name, args),
        ("cidrhost", [block, n]) => cidr::host(&text(block)?, &as_number(n)?),
        ("cidrnetmask", [block]) => cidr::netmask(&text(block)?),
        ("cidrsubnet", [block, bits, n]) => {
            cidr::subnet(&text(block)?, &as_number(bits)?, &as_number(n)?)
        }
        ("join", [separator, lists @ ..]) if !lists.is_empty() => join(&text(separator)?, lists),
        ("substr", [value, from, count]) => {
            substr(&text(value)?, &as_number(from)?, &as_number(count)?)
        }
        (_, args) => strings(name, args),
    }
}

fn numeric(name: &str, args: &[Val]) -> Outcome {
    let numbers = match args {
        // `max(var.list...)` is spread before; a list itself is no number.
        [] => return FAILED,
        args => args.iter().map(as_number).collect::<Result<Vec<_>, _>>()?,
    };
    let number = match (name, &numbers[..]) {
        ("max", numbers) => numbers.iter().max().cloned(),
        ("min", numbers) => numbers.iter().min().cloned(),
        ("abs", [n]) => Some(if n.is_negative() {
            n.negated()
        } else {
            n.clone()
        }),
        ("floor", [n]) => Some(n.floor().ok_or(Stop::Undecided)?),
        ("ceil", [n]) => Some(n.negated().floor().ok_or(Stop::Undecided)?.negated()),
        _ => None,
    };
    number.map(Val::Number).ok_or(Stop::Failed)
}

fn sum(list: &Val) -> Outcome {
    let (items, _) = list.elements().ok_or(Stop::Failed)?;
    let mut numbers = items.iter().map(as_number);
    let mut total = numbers.next().ok_or(Stop::Failed)??;
    for number in numbers {
        total = match total.arithmetic('+', &number?) {
            Some(total) => total,
            None => return UNDECIDED,
        };
    }
    Ok(Val::Number(total))
}

fn contains(list: &Val, wanted: &Val) -> Outcome {
    let (items, _) = list.elements().ok_or(Stop::Failed)?;
    let mut undecided = false;
    for item in items {
        match equal(item, wanted) {
            Ok(true) => return Ok(Val::Bool(true)),
            Ok(false) => {}
            Err(_) => undecided = true,
        }
    }
    if undecided {
        UNDECIDED
    } else {
        Ok(Val::Bool(false))
    }
}

fn all_or_any(all: bool, list: &Val) -> Outcome {
    let (items, _) = list.elements().ok_or(Stop::Failed)?;
    // Converted to a list of bools first, so one that is none fails whatever the others are.
    let bools = items
        .iter()
        .map(|item| match item {
            Val::Null => Ok(None),
            item => item.as_bool().map(Some).ok_or(Stop::Failed),
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Val::Bool(if all {
        bools.iter().all(|b| *b == Some(true))
    } else {
        bools.contains(&Some(true))
    }))
}

fn coalesce(values: &[Val]) -> Outcome {
    // All are converted to one type; when they differ, that is not ours to work out.
    let mut given = values.iter().filter(|value| **value != Val::Null);
    let Some(first) = given.next() else {
        return FAILED;
    };
    let same = |value: &Val| {
        std::mem::discriminant(value) == std::mem::discriminant(first) && value.is_scalar()
    };
    if !first.is_scalar() || !given.all(same) {
        return UNDECIDED;
    }
    // Empty text counts as nothing.
    let filled = values
        .iter()
        .find(|value| **value != Val::Null && **value != Val::Text(String::new()));
    filled.cloned().ok_or(Stop::Failed)
}

fn lookup(map: &Val, key: &Val, default: Option<&Val>) -> Outcome {
    if matches!(map, Val::Null) || matches!(key, Val::Null) {
        return FAILED;
    }
    let (Val::Map(items) | Val::Object(items)) = map else {
        return FAILED;
    };
    match (items.get(&plain(key)?), default) {
        (Some(found), None) => Ok(found.clone()),
        (None, None) => FAILED,
        // The result takes the elements' type: only when the default has it already are we sure.
        (found, Some(default)) => {
            let of = |value: &Val| value.is_scalar().then(|| std::mem::discriminant(value));
            if items
                .values()
                .any(|item| of(item).is_none() || of(item) != of(default))
            {
                return UNDECIDED;
            }
            Ok(found.unwrap_or(default).clone())
        }
    }
}

fn merge(values: &[Val]) -> Outcome {
    let mut merged = BTreeMap::new();
    let mut maps = true;
    for value in values {
        match value {
            Val::Null => return UNDECIDED,
            Val::Map(items) => merged.extend(items.clone()),
            Val::Object(items) => {
                maps = false;
                merged.extend(items.clone());
            }
            _ => return FAILED,
        }
    }
    if maps && !values.is_empty() {
        let kinds: Vec<_> = merged.values().map(std::mem::discriminant).collect();
        if kinds.windows(2).any(|pair| pair[0] != pair[1]) {
            return UNDECIDED;
        }
        return Ok(Val::Map(merged));
    }
    Ok(Val::Object(merged))
}

fn element(list: &Val, n: &Val) -> Outcome {
    let (Val::List(items) | Val::Tuple(items)) = list else {
        return if list.elements().is_some() {
            UNDECIDED
        } else {
            FAILED
        };
    };
    let n = as_number(n)?.to_i64().ok_or(Stop::Failed)?;
    // Negative numbers are an error in some versions and wrap in others.
    if n < 0 {
        return UNDECIDED;
    }
    if items.is_empty() {
        return FAILED;
    }
    let n = usize::try_from(n).map_err(|_| Stop::Undecided)? % items.len();
    index(list.clone(), &Val::Number(Number::from_count(n)))
}

fn one(list: &Val) -> Outcome {
    let (items, _) = list.elements().ok_or(Stop::Failed)?;
    match items {
        [] => Ok(Val::Null),
        [only] => Ok(only.clone()),
        _ => FAILED,
    }
}

/// Elements as one list, when they have one scalar type already; what else would be converted is not ours.
fn alike(items: &[Val]) -> Result<Vec<Val>, Stop> {
    let mut kinds = items.iter().map(std::mem::discriminant);
    let first = kinds.next();
    let same = items.iter().all(Val::is_scalar) && kinds.all(|kind| Some(kind) == first);
    if same {
        Ok(items.to_vec())
    } else {
        Err(Stop::Undecided)
    }
}

fn collection(name: &str, args: &[Val]) -> Outcome {
    if name == "concat" {
        let mut all = Vec::new();
        let mut lists = true;
        for arg in args {
            match arg {
                Val::List(items) => all.extend(items.clone()),
                Val::Tuple(items) => {
                    lists = false;
                    all.extend(items.clone());
                }
                Val::Set(_) | Val::Bag(_) => return UNDECIDED,
                _ => return FAILED,
            }
        }
        return if args.is_empty() {
            FAILED
        } else if lists {
            Ok(Val::List(alike(&all)?))
        } else {
            Ok(Val::Tuple(all))
        };
    }
    let [arg] = args else { return FAILED };
    let (items, ordered) = arg.elements().ok_or(Stop::Failed)?;
    Ok(match name {
        "toset" => Val::set(alike(items)?),
        "tolist" => {
            let items = alike(items)?;
            if !ordered {
                return UNDECIDED;
            }
            Val::List(items)
        }
        "distinct" => {
            let mut kept = Vec::new();
            for item in alike(items)? {
                if !kept.contains(&item) {
                    kept.push(item);
                }
            }
            if kept
                .iter()
                .any(|item| item.as_text().is_some_and(|text| !is_plain(&text)))
            {
                return UNDECIDED;
            }
            if ordered && !matches!(arg, Val::Set(_)) {
                Val::List(kept)
            } else {
                Val::Bag(kept)
            }
        }
        "compact" => {
            let texts = alike(items)?;
            if !ordered || !texts.iter().all(|item| matches!(item, Val::Text(_))) {
                return UNDECIDED;
            }
            Val::List(
                texts
                    .into_iter()
                    .filter(|item| *item != Val::Text(String::new()))
                    .collect(),
            )
        }
        "reverse" => match arg {
            Val::List(items) => Val::List(items.iter().rev().cloned().collect()),
            Val::Tuple(items) => Val::Tuple(items.iter().rev().cloned().collect()),
            _ => return UNDECIDED,
        },
        "sort" => {
            let mut texts = items.iter().map(text).collect::<Result<Vec<_>, _>>()?;
            texts.sort();
            Val::List(texts.into_iter().map(Val::Text).collect())
        }
        _ => {
            let mut flat = Vec::new();
            let all_ordered = flatten(items, ordered, &mut flat);
            if all_ordered {
                Val::Tuple(flat)
            } else {
                Val::Bag(flat)
            }
        }
    })
}

/// Puts every element below into one list; says whether their order is sure.
fn flatten(items: &[Val], ordered: bool, flat: &mut Vec<Val>) -> bool {
    items
        .iter()
        .fold(ordered, |ordered, item| match item.elements() {
            Some((inner, inner_ordered)) => flatten(inner, inner_ordered, flat) && ordered,
            None => {
                flat.push(item.clone());
                ordered
            }
        })
}
