//! Schedules of five fields, or six with the second in front.
//!
//! Accepts what Kubernetes' parser (`robfig/cron`) reads, and two things it does not: Sunday as 7, and lists of
//! mixed names and numbers. The normal form is one that it reads: numbers only, Sunday is 0.

use super::{
    Value,
    scalar::{Attributes, Bad, Raw, shown, text_of},
};
use crate::diag::codes::{BAD_CRON, NEVER};

/// One field of a schedule.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
}

const SECOND: Field = Field { name: "second", least: 0, most: 59, words: &[] };
const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, words: &[] },
    Field { name: "hour", least: 0, most: 23, words: &[] },
    Field { name: "day", least: 1, most: 31, words: &[] },
    Field {
        name: "month",
        least: 1,
        most: 12,
        words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field { name: "day of the week", least: 0, most: 7, words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/// The most days that each month can have.
const DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

pub(super) fn parse(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "a schedule")?;
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [word] if word.starts_with('@') => Err(macro_of(text)),
        [_, _, _, _, _] => schedule(text, &words).map(Value::string),
        // Six fields are the other notation; a second of 0 can simply go.
        ["0", rest @ ..] if rest.len() == 5 => {
            Err(bad(text, "six fields, wanted five: no second").maybe_hint(as_text(rest)))
        }
        _ => Err(bad(text, &format!("{} fields, wanted five", words.len())).hint("write for example `\"0 2 * * *\"`")),
    }
}

pub(super) fn parse_with_seconds(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "a schedule with seconds")?;
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.split_first() {
        Some((second, rest)) if rest.len() == 5 => {
            let second = field(text, second, &SECOND)?.text;
            Ok(Value::string(format!("{second} {}", schedule(text, rest)?)))
        }
        Some(_) if words.len() == 5 => Err(bad(text, "five fields, wanted six: the second is first")
            .maybe_hint(schedule(text, &words).ok().map(|rest| format!("write `\"0 {rest}\"`")))),
        _ => Err(bad(text, &format!("{} fields, wanted six", words.len())).hint("write for example `\"0 0 2 * * *\"`")),
    }
}

fn as_text(words: &[&str]) -> Option<String> {
    schedule("", words).ok().map(|normal| format!("write `\"{normal}\"`"))
}

fn macro_of(text: &str) -> Bad {
    let meant = match text.trim() {
        "@hourly" => Some("0 * * * *"),
        "@daily" | "@midnight" => Some("0 0 * * *"),
        "@weekly" => Some("0 0 * * 0"),
        "@monthly" => Some("0 0 1 * *"),
        "@yearly" | "@annually" => Some("0 0 1 1 *"),
        _ => None,
    };
    bad(text, "five fields are wanted").hint(format!("write `\"{}\"`", meant.unwrap_or("0 2 * * *")))
}

fn bad(text: &str, underline: &str) -> Bad {
    Bad::new(&BAD_CRON, format!("{} is not a schedule", shown(text))).underline(underline)
}

/// Five fields in normal form.
fn schedule(text: &str, words: &[&str]) -> Result<String, Bad> {
    let fields = words.iter().zip(&FIELDS).map(|(word, of)| field(text, word, of)).collect::<Result<Vec<_>, _>>()?;
    comes(text, &fields)?;
    Ok(fields.iter().map(|field| field.text.as_str()).collect::<Vec<_>>().join(" "))
}

/// Refuses days that no month has. A day of the week is enough for the schedule to come: the two are alternatives.
fn comes(text: &str, fields: &[Read]) -> Result<(), Bad> {
    let [_, _, days, months, weekdays] = fields else { return Ok(()) };
    let possible = months.set.iter().any(|month| days.set.iter().any(|day| *day <= DAYS[*month as usize - 1]));
    if possible || !weekdays.text.starts_with('*') {
        return Ok(());
    }
    let last = months.set.iter().map(|month| DAYS[*month as usize - 1]).max().unwrap_or(28);
    Err(Bad::new(&NEVER, format!("{} never comes: no month in it has such a day", shown(text)))
        .underline("this day does not exist")
        .hint(format!("write a day up to {}", if last > 29 { last } else { 28 })))
}

/// A field that has been read.
struct Read {
    /// Its normal form.
    text: String,
    /// The numbers it stands for.
    set: Vec<u32>,
}

fn field(text: &str, word: &str, of: &Field) -> Result<Read, Bad> {
    let (mut items, mut read): (Vec<String>, _) = (Vec::new(), Read { text: String::new(), set: Vec::new() });
    for item in word.split(',') {
        let (normal, set) = item_of(text, item, of)?;
        if !items.contains(&normal) {
            items.push(normal);
        }
        read.set.extend(set);
    }
    read.text = items.join(",");
    Ok(read)
}

/// `*`, `5`, `1-5`, each also with `/STEP`, as normal form and numbers.
fn item_of(text: &str, item: &str, of: &Field) -> Result<(String, Vec<u32>), Bad> {
    let wrong = |why: &str| bad(text, &format!("{} of the field `{}` {why}", shown(item), of.name));
    let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
    let most = if of.most == 7 { 6 } else { of.most };
    let step = match step {
        Some(step) => Some(
            number(step)
                .filter(|step| (1..=most - of.least + 1).contains(step))
                .ok_or_else(|| wrong(&format!("has a step that is not from 1 to {}", most - of.least + 1)))?,
        ),
        None => None,
    };
    if range == "?" {
        return Err(wrong("is written by other tools for any value").hint("write `*`"));
    }
    let bound = |word: &str| {
        let named = of.words.iter().position(|name| name.eq_ignore_ascii_case(word));
        named
            .and_then(|at| u32::try_from(at).ok()?.checked_add(of.least))
            .or_else(|| number(word))
            .filter(|number| (of.least..=of.most).contains(number))
    };
    let outside = || wrong(&format!("is not from {} to {}", of.least, most));
    let (from, to) = match range.split_once('-') {
        _ if range == "*" => (of.least, most),
        Some((from, to)) => (bound(from).ok_or_else(outside)?, bound(to).ok_or_else(outside)?),
        None => {
            let from = bound(range).ok_or_else(outside)?;
            (from, if step.is_some() { most.max(from) } else { from })
        }
    };
    // `fri-sun` is written as 5-0 by those who count Sunday first.
    let to = if of.most == 7 && to == 0 && from > 0 && range.contains('-') { 7 } else { to };
    if from > to {
        return Err(wrong("goes backwards").hint(format!("write two ranges: `{from}-{most},{}-{to}`", of.least)));
    }
    let set: Vec<u32> = (from..=to).step_by(step.unwrap_or(1) as usize).collect();
    // A step that jumps over the second Sunday leaves a range that ends on Saturday.
    let to = if of.most == 7 { to.min(6) } else { to };
    Ok((normal(range, from, to, step, &set), set))
}

/// The normal form of an item. What reaches Sunday as 7 is listed one by one, because Kubernetes knows it only as 0.
fn normal(range: &str, from: u32, to: u32, step: Option<u32>, set: &[u32]) -> String {
    let suffix = step.filter(|step| *step > 1).map_or(String::new(), |step| format!("/{step}"));
    if range == "*" {
        return format!("*{suffix}");
    }
    if set.last() == Some(&7) {
        let days: Vec<String> =
            set.iter().filter(|day| **day != 7 || set[0] != 0).map(|day| (day % 7).to_string()).collect();
        return days.join(",");
    }
    match (range.contains('-'), step) {
        (true, _) => format!("{from}-{to}{suffix}"),
        (false, Some(step)) => format!("{from}/{step}"),
        (false, None) => from.to_string(),
    }
}

fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}
