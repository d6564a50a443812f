//! Every rule has a pair: an environment in which it is judged and holds, and the same with one value changed, which it
//! refuses and nothing else does. Where the value is an amount, the next one breaks.
//!
//! `tests/fixtures/rules/pairs.txt` lists the pairs that are a change of an environment that is there for something else;
//! `TRUELINE_BLESS=1` looks for those that are missing and drops those that are none any more. The others are lines of the
//! environments beside it: `LINE // RULE: LINE` says what stands there instead in the breaking case.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    sync::Arc,
};

use smol_str::SmolStr;

use rayon::prelude::*;
use trueline::{
    compile::Compiled,
    diag::Severity,
    expr::{self, Evaluated, Expr},
    model::Deployed,
    schema::{Kind, Rule, SettingId, Stack},
    value::{Value, spell},
};

use super::{
    edits::{self, Base, candidates, edited, holds, instances},
    support::{compile, failed, library, name_of, read, root, sorted, told},
};

/// How many changes are tried for one rule.
const TRIES: usize = 80;

/// What a rule says of an environment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// It was judged, and held; nothing else is wrong.
    Holds,
    /// It alone refuses the environment, or warns.
    Breaks,
    /// Something else is wrong, or it was not judged.
    Neither,
}

/// The finding's label of a rule.
fn label(stack: &str, id: &str) -> String {
    format!("rule {id} of stack `{stack}`")
}

fn verdict(compiled: &Compiled, stack: &str, id: &str) -> Verdict {
    let own = label(stack, id);
    let is_own = |finding: &trueline::diag::Finding| finding.labels.iter().any(|label| label.text == own);
    let spoke = compiled.findings.iter().any(is_own);
    let errors = compiled.findings.iter().filter(|finding| finding.code.severity == Severity::Error);
    if spoke {
        let alone = errors.clone().all(is_own);
        return if alone { Verdict::Breaks } else { Verdict::Neither };
    }
    if failed(compiled) || !judged(compiled, stack, id) { Verdict::Neither } else { Verdict::Holds }
}

/// Whether a rule was judged and held somewhere: its conditions are true, and its requirements have a value.
fn judged(compiled: &Compiled, stack: &str, id: &str) -> bool {
    let Some(env) = &compiled.env else { return false };
    let deployments = env.deployments.iter().filter(|deployed| deployed.stack.name.as_str() == stack);
    deployments.into_iter().any(|deployed| {
        let rules = deployed.stack.rules.iter().filter(|rule| rule.id.as_str() == id);
        rules.into_iter().any(|rule| judged_in(&env.name, deployed, rule))
    })
}

fn judged_in(environment: &SmolStr, deployed: &Deployed, rule: &Rule) -> bool {
    let views = deployed.all_views().chain(deployed.targets.iter().map(|name| (name.as_ref(), deployed.view(name))));
    let mut views = views.filter(|(name, _)| rule.view.is_empty() || rule.view.as_str() == *name);
    views.any(|(_, view)| {
        let records = rule.record.map_or_else(|| vec![Vec::new()], |id| written(&deployed.stack, view, id));
        records.iter().any(|keys| {
            let is_true =
                |expr: &Expr| holds(environment, deployed, view, keys, expr) == Evaluated::Value(Value::Bool(true));
            let conditions = rule.record.into_iter().flat_map(|id| &deployed.stack.setting(id).declarations);
            let conditions: Vec<_> = conditions.collect();
            let exists = conditions.is_empty()
                || conditions.iter().any(|declaration| {
                    let all = declaration.available.iter().map(|index| &deployed.stack.conditions[*index as usize]);
                    all.into_iter().all(is_true)
                });
            exists && (refuses(rule) || rule.when.iter().chain(&rule.require).all(is_true))
        })
    })
}

/// Whether a rule refuses what its condition says altogether: where it is judged it breaks, and it holds where its
/// condition is false.
fn refuses(rule: &Rule) -> bool {
    let is_not = |condition: &Expr, require: &Expr| match &require.kind {
        expr::Kind::Not(inner) => match (&inner.kind, &condition.kind) {
            (expr::Kind::Ref(a), expr::Kind::Ref(b)) => a.place == b.place && a.keys == b.keys,
            _ => false,
        },
        _ => false,
    };
    rule.require.iter().any(|require| {
        require.kind == expr::Kind::Literal(Value::Bool(false)) || rule.when.iter().any(|when| is_not(when, require))
    })
}

/// The instances of a record that there are.
fn written(stack: &Stack, view: &trueline::model::View, id: SettingId) -> Vec<Vec<SmolStr>> {
    let mut all = instances(stack, view, id);
    all.retain(|keys| keys.iter().all(|key| key.as_str() != "CHANGED"));
    all
}

/// A pair: what one setting of an environment is where the rule holds, and where it breaks.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Pair {
    base: String,
    deployment: String,
    path: String,
    /// None is the environment as it stands.
    holds: Option<String>,
    breaks: String,
}

/// A rule, by its stack and id.
type Id = (String, String);

fn pairs() -> BTreeMap<Id, Pair> {
    let text = fs::read_to_string(root().join("tests/fixtures/rules/pairs.txt")).unwrap_or_default();
    let line = |line: &str| {
        let [rule, base, deployment, path, holds, breaks] = line.split(" | ").collect::<Vec<_>>().try_into().ok()?;
        let (stack, id) = rule.split_once(' ')?;
        let holds = (holds != "as it is").then(|| holds.to_owned());
        let [base, deployment, path, breaks] = [base, deployment, path, breaks].map(str::to_owned);
        Some(((stack.to_owned(), id.to_owned()), Pair { base, deployment, path, holds, breaks }))
    };
    text.lines().filter_map(line).collect()
}

/// The pairs that are lines of environments: rule, environment, and what it is where the rule breaks.
fn lines() -> Vec<(Id, String, String, String)> {
    let mut all = Vec::new();
    for file in sorted(&root().join("tests/fixtures/rules")) {
        let name = name_of(&file);
        let Some(name) = name.strip_suffix(".kdl") else { continue };
        let text = read(&file);
        for line in text.lines() {
            let Some((held, (id, breaks))) =
                line.split_once(" // ").and_then(|(held, note)| Some((held, note.split_once(": ")?)))
            else {
                continue;
            };
            let stack = text.split("stack=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a stack");
            let broken = text.replacen(held, &format!("    {breaks}"), 1);
            all.push(((stack.to_owned(), id.to_owned()), name.to_owned(), text.clone(), broken));
        }
    }
    all
}

fn ids() -> BTreeSet<Id> {
    let of = |stack: Arc<Stack>| -> Vec<Id> {
        stack.rules.iter().map(|rule| (stack.name.to_string(), rule.id.to_string())).collect()
    };
    edits::stacks().into_iter().flat_map(of).collect()
}

/// A setting of a deployment that a pair names.
fn place(bases: &[Base], pair: &Pair) -> Option<(usize, usize, SettingId, Vec<SmolStr>)> {
    let base = bases.iter().position(|base| base.name == pair.base)?;
    let at = bases[base].deployments().iter().position(|deployed| deployed.name.as_ref() == pair.deployment)?;
    let deployed = &bases[base].deployments()[at];
    let stack = &deployed.stack;
    let ids = stack.below(SettingId::ROOT);
    let found = ids.into_iter().find_map(|id| {
        let mut places = places(stack, &deployed.base, id, &[]);
        places.retain(|keys| stack.path_of(id, keys).as_ref() == pair.path);
        // A key that is not there yet stands for the item of its map.
        let is_value = matches!(stack.setting(id).kind, Kind::Scalar(_));
        let further = is_value && stack.setting(id).name.as_str() == "*" && {
            let above = stack.setting(id).parent.map(|above| stack.setting(above).path.clone());
            above.is_some_and(|above| pair.path.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('.')))
        };
        match places.pop() {
            Some(keys) => Some((id, keys)),
            None if further && stack.setting(id).depth == 1 => {
                let key = pair.path.rsplit('.').next()?;
                Some((id, vec![SmolStr::from(key)]))
            }
            None => None,
        }
    })?;
    Some((base, at, found.0, found.1))
}

/// Where a setting stands or could stand; in a map of values also under the given keys.
fn places(stack: &Stack, view: &trueline::model::View, id: SettingId, further: &[String]) -> Vec<Vec<SmolStr>> {
    let mut all = Vec::new();
    for keys in instances(stack, view, id) {
        if keys.last().is_some_and(|key| key.as_str() == "CHANGED") {
            let above = &keys[..keys.len() - 1];
            let named = further.iter().map(|key| above.iter().cloned().chain([SmolStr::from(key.as_str())]).collect());
            all.extend(named);
        } else {
            all.push(keys);
        }
    }
    all
}

/// Compiles both sides of a pair; none where it is one.
fn wrong(rule: &Id, pair: &Pair, bases: &[Base]) -> Option<String> {
    let Some((base, at, id, keys)) = place(bases, pair) else { return Some(format!("{rule:?}: no place {pair:?}")) };
    let base = &bases[base];
    let text = |value: &str| edited(base, at, id, &keys, value);
    let held = pair.holds.as_deref().map_or_else(|| Some(base.text.clone()), text);
    let (Some(held), Some(broken)) = (held, text(&pair.breaks)) else {
        return Some(format!("{rule:?}: {pair:?} cannot be written"));
    };
    wrong_texts(rule, &base.compile(&held), &base.compile(&broken))
        .or_else(|| pair.holds.as_ref().and_then(|holds| not_next(rule, holds, &pair.breaks)))
}

fn wrong_texts((stack, id): &Id, held: &Compiled, broken: &Compiled) -> Option<String> {
    match (verdict(held, stack, id), verdict(broken, stack, id)) {
        (Verdict::Holds, Verdict::Breaks) => None,
        (Verdict::Holds, other) => Some(format!("{stack} {id}: the breaking case: {other:?}\n{}", told(broken))),
        (other, _) => Some(format!("{stack} {id}: the holding case: {other:?}\n{}", told(held))),
    }
}

/// Amounts of one unit are one apart.
fn not_next((stack, id): &Id, holds: &str, breaks: &str) -> Option<String> {
    let ((held, unit), (broken, other)) = (amount(holds)?, amount(breaks)?);
    (unit == other && held.abs_diff(broken) > 1)
        .then(|| format!("{stack} {id}: {holds} and {breaks} are more than one apart"))
}

/// A number with what follows it: `"7Mi"` is 7 and `Mi"`.
fn amount(text: &str) -> Option<(i64, String)> {
    let bare = text.trim_start_matches('"');
    let end = bare.find(|c: char| !c.is_ascii_digit()).unwrap_or(bare.len());
    let number = bare[..end].parse().ok()?;
    let unit = &bare[end..];
    let is_unit = unit.is_empty() || ["s\"", "m\"", "h\"", "Mi\"", "Gi\"", "\""].contains(&unit);
    is_unit.then(|| (number, format!("{}{unit}", if text.starts_with('"') { "\"" } else { "" })))
}

fn with_amount(number: i64, unit: &str) -> String {
    match unit.strip_prefix('"') {
        Some(unit) => format!("\"{number}{unit}"),
        None => number.to_string(),
    }
}

#[test]
fn every_rule_just_holds_and_just_breaks() {
    let bases = edits::bases();
    let rules = ids();
    let lines = lines();
    let by_line: BTreeSet<&Id> = lines.iter().map(|(rule, ..)| rule).collect();
    let mut known = pairs();
    let mut wrongs: Vec<(Id, String)> = lines
        .par_iter()
        .filter_map(|(rule, name, held, broken)| {
            wrong_texts(rule, &compile(name, held), &compile(name, broken)).map(|why| (rule.clone(), why))
        })
        .collect();
    let of_pairs: Vec<_> =
        known.par_iter().filter_map(|(rule, pair)| Some((rule.clone(), wrong(rule, pair, &bases)?))).collect();
    if std::env::var_os("TRUELINE_BLESS").is_some() {
        of_pairs.iter().for_each(|(rule, _)| drop(known.remove(rule)));
        let missing: Vec<&Id> =
            rules.iter().filter(|rule| !known.contains_key(rule) && !by_line.contains(rule)).collect();
        let one = |rule: &&Id| {
            let found = searched(rule, &bases);
            writeln!(std::io::stderr(), "{} {}: {found:?}", rule.0, rule.1).expect("standard error is open");
            Some(((*rule).clone(), found?))
        };
        let found: Vec<_> = missing.par_iter().filter_map(one).collect();
        known.extend(found);
        known.retain(|rule, _| rules.contains(rule) && !by_line.contains(rule));
        let line = |((stack, id), pair): (&Id, &Pair)| {
            let Pair { base, deployment, path, holds, breaks } = pair;
            let holds = holds.as_deref().unwrap_or("as it is");
            format!("{stack} {id} | {base} | {deployment} | {path} | {holds} | {breaks}\n")
        };
        let text: String = known.iter().map(line).collect();
        fs::write(root().join("tests/fixtures/rules/pairs.txt"), text).expect("it can be written");
    } else {
        wrongs.extend(of_pairs);
    }
    let without: Vec<_> = rules.iter().filter(|rule| !known.contains_key(rule) && !by_line.contains(rule)).collect();
    let unknown: Vec<_> = known.keys().chain(by_line.iter().copied()).filter(|rule| !rules.contains(*rule)).collect();
    let wrongs: Vec<&String> = wrongs.iter().map(|(_, why)| why).collect();
    assert!(wrongs.is_empty(), "{}", wrongs.iter().map(|why| why.as_str()).collect::<Vec<_>>().join("\n"));
    assert!(without.is_empty(), "{} rules have no pair: {without:#?}", without.len());
    assert!(unknown.is_empty(), "there are no such rules: {unknown:?}");
}

/// Looks for a pair among the environments: a value of a setting that the rule reads with which it breaks.
fn searched((stack, id): &Id, bases: &[Base]) -> Option<Pair> {
    let stack = library().stack(stack, &mut trueline::diag::Diags::default())?;
    let rules: Vec<&Rule> = stack.rules.iter().filter(|rule| rule.id.as_str() == id).collect();
    let words = constants(&rules, bases.first()?);
    let mut tries = 0;
    for base in bases.iter().filter(|base| verdict(&base.compiled, &stack.name, id) == Verdict::Holds) {
        for (at, deployed) in
            base.deployments().iter().enumerate().filter(|(_, deployed)| deployed.stack.name == stack.name)
        {
            for setting in read_settings(&stack, &rules) {
                for keys in places(&stack, &deployed.base, setting, &words) {
                    let now = deployed.base.slot(setting, &keys).and_then(|slot| match &slot.value {
                        Evaluated::Value(now) => Some(now),
                        _ => None,
                    });
                    for value in values(&stack, setting, now, &words, deployed, &rules) {
                        let Some(text) = edited(base, at, setting, &keys, &value) else { continue };
                        tries += 1;
                        if verdict(&base.compile(&text), &stack.name, id) == Verdict::Breaks {
                            let pair = Pair {
                                base: base.name.clone(),
                                deployment: deployed.name.to_string(),
                                path: stack.path_of(setting, &keys).to_string(),
                                holds: None,
                                breaks: value,
                            };
                            return Some(tightened(pair, base, at, setting, &keys, now, (&stack.name, id)));
                        }
                        if tries > TRIES {
                            return None;
                        }
                    }
                }
            }
        }
    }
    None
}

/// Brings the two sides of a pair of amounts next to each other.
fn tightened(
    pair: Pair,
    base: &Base,
    at: usize,
    id: SettingId,
    keys: &[SmolStr],
    now: Option<&Value>,
    (stack, rule): (&str, &str),
) -> Pair {
    let Some((broken, unit)) = amount(&pair.breaks) else { return pair };
    let (mut broken, unit) = match (now, unit.as_str()) {
        (Some(Value::Memory(_)), "\"Gi\"") => (broken << 10, "\"Mi\"".to_owned()),
        (Some(Value::Duration(_)), "\"m\"") => (broken * 60, "\"s\"".to_owned()),
        (Some(Value::Duration(_)), "\"h\"") => (broken * 3600, "\"s\"".to_owned()),
        _ => (broken, unit),
    };
    let Some(mut held) = now.and_then(|now| in_unit(now, &unit)) else { return pair };
    let judge = |number: i64| {
        let text = edited(base, at, id, keys, &with_amount(number, &unit));
        text.map_or(Verdict::Neither, |text| verdict(&base.compile(&text), stack, rule))
    };
    if judge(held) != Verdict::Holds {
        return pair;
    }
    while held.abs_diff(broken) > 1 {
        let middle = held + (broken - held) / 2;
        match judge(middle) {
            Verdict::Holds => held = middle,
            Verdict::Breaks => broken = middle,
            Verdict::Neither => return pair,
        }
    }
    Pair { holds: Some(with_amount(held, &unit)), breaks: with_amount(broken, &unit), ..pair }
}

/// A value as a whole number of a unit, if it is one.
fn in_unit(value: &Value, unit: &str) -> Option<i64> {
    let (amount, step) = match (value, unit) {
        (Value::Int(number), "") => (*number as u64, 1),
        (Value::Memory(bytes), "\"Mi\"") => (*bytes, 1 << 20),
        (Value::Memory(bytes), "\"Gi\"") => (*bytes, 1 << 30),
        (Value::Memory(bytes), "\"\"") => (*bytes, 1),
        (Value::Cpu(millicores), "\"m\"") => (*millicores, 1),
        (Value::Cpu(millicores), "\"\"") => (*millicores, 1000),
        (Value::Duration(length), "\"s\"") => (*length, 1000),
        (Value::Duration(length), "\"m\"") => (*length, 60_000),
        (Value::Duration(length), "\"h\"") => (*length, 3_600_000),
        _ => return None,
    };
    (amount % step == 0).then_some((amount / step) as i64)
}

/// The settings that rules read, also through derived ones, those of requirements first.
fn read_settings(stack: &Stack, rules: &[&Rule]) -> Vec<SettingId> {
    let mut found: Vec<SettingId> = Vec::new();
    let exprs = rules.iter().flat_map(|rule| &rule.require).chain(rules.iter().flat_map(|rule| &rule.when));
    let mut todo: Vec<&Expr> = exprs.collect();
    todo.reverse();
    while let Some(expr) = todo.pop() {
        for id in expr::references(expr).filter_map(|found| stack.setting_at(found.place)) {
            for id in stack.read_by(id) {
                if found.contains(&id) {
                    continue;
                }
                found.push(id);
                let derived = stack.setting(id).declarations.iter().filter(|declaration| declaration.derived);
                todo.extend(derived.flat_map(|declaration| &declaration.defaults));
            }
        }
    }
    found.retain(|id| stack.setting(*id).declarations.iter().all(|declaration| !declaration.derived));
    found.retain(|id| !stack.is_list_item(*id) && !matches!(stack.setting(*id).kind, Kind::Group | Kind::Map(_)));
    found
}

/// The words and numbers that stand in rules.
fn constants(rules: &[&Rule], base: &Base) -> Vec<String> {
    let mut words = BTreeSet::new();
    for expr in rules.iter().flat_map(|rule| rule.require.iter().chain(&rule.when)) {
        let Some(source) = base.compiled.sources.get(expr.span.source) else { continue };
        let text = &source.text[expr.span.start as usize..expr.span.end as usize];
        words.extend(text.split('\'').skip(1).step_by(2).map(str::to_owned));
        let number = |word: &&str| !word.is_empty() && word.len() < 8 && word.chars().all(|c| c.is_ascii_digit());
        words.extend(text.split(|c: char| !c.is_ascii_alphanumeric()).filter(number).map(str::to_owned));
    }
    words.into_iter().collect()
}

/// Values to try: what the rule names and what the other settings that it reads have, one more and one less, and the rest.
fn values(
    stack: &Stack,
    id: SettingId,
    now: Option<&Value>,
    words: &[String],
    deployed: &Deployed,
    rules: &[&Rule],
) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut near = |value: &Value| match value {
        Value::Int(number) => all.extend([number - 1, *number, number + 1].map(|number| number.to_string())),
        Value::Memory(bytes) => {
            all.extend([bytes - (1 << 20), *bytes, bytes + (1 << 20)].map(|bytes| format!("\"{}Mi\"", bytes >> 20)));
        }
        Value::Cpu(millicores) => {
            all.extend([millicores - 1, *millicores, millicores + 1].map(|millicores| format!("\"{millicores}m\"")));
        }
        Value::Duration(length) => {
            let seconds = length / 1000;
            all.extend([seconds.saturating_sub(1), seconds, seconds + 1].map(|seconds| format!("\"{seconds}s\"")));
        }
        Value::String(text) => all.push(format!("{text:?}")),
        _ => {}
    };
    for word in words {
        match word.parse() {
            Ok(number) => near(&Value::Int(number)),
            Err(_) => near(&Value::String(word.as_str().into())),
        }
    }
    for other in read_settings(stack, rules) {
        if let Some(slot) = deployed.base.slot(other, &[])
            && let Evaluated::Value(value) = &slot.value
        {
            near(value);
        }
    }
    let of_enum = matches!(&stack.setting(id).kind, Kind::Choice(_) | Kind::Switch);
    let of_words = |of: &str| ["enum", "bool"].contains(&of);
    if of_enum || matches!(&stack.setting(id).kind, Kind::Scalar(of) if of_words(of)) {
        all.clear();
    }
    let amounts = |value: &String| match &stack.setting(id).kind {
        Kind::Scalar(of) => match of.as_ref() {
            "memory" => value.ends_with("Mi\""),
            "cpu" => value.ends_with("m\""),
            "duration" => value.ends_with("s\""),
            "string" | "env-value" | "name" | "identifier" | "subdomain" => value.starts_with('"'),
            _ => true,
        },
        _ => true,
    };
    all.retain(amounts);
    all.extend(candidates(stack, id, 0, now));
    all.push("#null".to_owned());
    let now = now.map(spell);
    let mut seen = BTreeSet::new();
    all.retain(|value| Some(value.trim_matches(['"', '#'])) != now.as_deref() && seen.insert(value.clone()));
    all
}
