//! Every setting does what the ledger says, and nothing else: for each there is an environment in which another value
//! changes exactly the targets that use it. One that no target says changes another setting or the verdict of a rule.
//!
//! `tests/fixtures/effects/shown.txt` remembers where each was shown; `TRUELINE_BLESS=1` writes it. What is not in it is
//! searched for in all environments, so that the file only saves time. `together.txt` beside it says by which lines what
//! cannot be changed alone is changed, and names the rule that refuses what cannot be changed at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::Write as _,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use smol_str::SmolStr;

use rayon::prelude::*;
use trueline::{
    compile::Compiled,
    diag::{Finding, Severity},
    expr::{self, Evaluated},
    ledger::{self, Cell, Table},
    model::{Deployed, Layer},
    schema::{Helm, Kind, SettingId, Stack},
    value::Value,
};

use super::{
    edits::{self, Base, candidates, changed, completed, edited, holds_in_base, instances},
    support::{failed, own, read, root, told},
};

/// How many changes are tried before a setting counts as not shown.
const TRIES: usize = 24;

/// Names of targets.
type Targets = BTreeSet<&'static str>;

/// A declaration of a setting that has to be shown, with one way to say the system in Helm where there are several.
struct Goal {
    stack: Arc<Stack>,
    table: Arc<Table>,
    /// The same while each Helm block is the active one.
    tables: Arc<BTreeMap<SmolStr, Table>>,
    /// Its row in the ledger.
    row: usize,
    /// The Helm block in which it has to be shown; empty where no block uses it.
    block: SmolStr,
}

/// Where a setting was changed, and to what.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Shown {
    base: String,
    deployment: String,
    path: String,
    value: String,
    how: How,
}

/// What a change showed, the better first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum How {
    /// Exactly the targets of the setting changed.
    Exact,
    /// Exactly the targets of the setting and of those settings that changed with it.
    WithOthers,
    /// No target says it, and other settings changed.
    Settings,
    /// No target says it, and a rule judged otherwise.
    Verdict,
}

impl How {
    const ALL: [(How, &'static str); 4] = [
        (How::Exact, "its targets"),
        (How::WithOthers, "its targets and those of what follows"),
        (How::Settings, "other settings"),
        (How::Verdict, "a verdict"),
    ];

    fn words(self) -> &'static str {
        How::ALL.iter().find(|(how, _)| *how == self).expect("all are listed").1
    }
}

impl Goal {
    fn row(&self) -> &ledger::Row {
        &self.table.rows[self.row]
    }

    /// `aeterna app.mode`, with the number of the declaration and the Helm block where there are several.
    fn name(&self) -> String {
        let row = self.row();
        let mut name = format!("{} {}", self.stack.name, row.path);
        if self.stack.setting(row.setting).declarations.len() > 1 {
            write!(name, " #{}", row.declaration).expect("a text takes all");
        }
        if !self.block.is_empty() && self.stack.helm.len() > 1 {
            write!(name, " ({})", self.block).expect("a text takes all");
        }
        name
    }

    fn all(stack: &Arc<Stack>) -> Vec<Goal> {
        let table = Arc::new(ledger::table(stack));
        let under = |block: &Helm| (block.name.clone(), ledger::table_under(stack, block));
        let tables: Arc<BTreeMap<_, _>> = Arc::new(stack.helm.iter().map(under).collect());
        let goals = |row: usize| {
            let used = |column: &SmolStr| {
                let at = table.columns.iter().position(|name| name == column);
                at.is_some_and(|at| matches!(table.rows[row].cells[at], Cell::Used(_)))
            };
            let blocks = stack.helm.iter().filter(|block| used(&column_of(stack, &block.name)));
            let mut blocks: Vec<SmolStr> = blocks.map(|block| block.name.clone()).collect();
            if blocks.is_empty() {
                blocks.push("".into());
            }
            let goal = |block| Goal { stack: stack.clone(), table: table.clone(), tables: tables.clone(), row, block };
            blocks.into_iter().map(goal).collect::<Vec<_>>()
        };
        (0..table.rows.len()).flat_map(goals).collect()
    }

    /// The targets that use the declaration of a row, while one Helm block is the active one.
    fn used(&self, row: usize, active: &str) -> Targets {
        let name = |column: &SmolStr| match column.as_ref() {
            "helm" => Some("helm"),
            "compose" => Some("compose"),
            "toml" => Some("toml"),
            "mcp" => Some("mcp"),
            "flux" => Some("flux"),
            block => (block.strip_prefix("helm:") == Some(active)).then_some("helm"),
        };
        let table = self.tables.get(active).unwrap_or(&self.table);
        let cells = table.columns.iter().zip(&table.rows[row].cells);
        cells.filter(|(_, cell)| matches!(cell, Cell::Used(_))).filter_map(|(column, _)| name(column)).collect()
    }

    /// Whether any block or target uses it.
    fn said(&self) -> bool {
        self.row().cells.iter().any(|cell| matches!(cell, Cell::Used(_)))
    }
}

fn column_of(stack: &Stack, block: &str) -> SmolStr {
    if stack.helm.len() == 1 { "helm".into() } else { format!("helm:{block}").into() }
}

/// A deployment of a base, with what helps to choose among them.
struct Place<'b> {
    base: &'b Base,
    at: usize,
    /// The active Helm block.
    block: SmolStr,
    /// The paths from which something in each target was computed.
    origins: BTreeMap<&'static str, BTreeSet<SmolStr>>,
}

impl<'b> Place<'b> {
    fn all(bases: &'b [Base]) -> Vec<Place<'b>> {
        let of = |base: &'b Base| (0..base.deployments().len()).map(move |at| Place::new(base, at));
        bases.iter().flat_map(of).collect()
    }

    fn new(base: &'b Base, at: usize) -> Place<'b> {
        let deployed = &base.deployments()[at];
        let environment = &base.compiled.env.as_ref().expect("a base compiled").name;
        let active = |helm: &&Helm| helm.when.iter().all(|condition| holds_in_base(environment, deployed, condition));
        let block = deployed.stack.helm.iter().find(active).map_or_else(|| "".into(), |helm| helm.name.clone());
        let mut origins: BTreeMap<&'static str, BTreeSet<SmolStr>> = BTreeMap::new();
        for file in &base.compiled.files {
            let Some(target) = target_of(deployed, &file.path) else { continue };
            let paths = file.leaves.iter().flat_map(|leaf| leaf.origins().iter().map(|origin| origin.path.clone()));
            origins.entry(target).or_default().extend(paths);
        }
        Place { base, at, block, origins }
    }

    fn deployed(&self) -> &Deployed {
        &self.base.deployments()[self.at]
    }

    /// How many of the targets that should change hold something that was computed from a setting.
    fn score(&self, path: &str, wanted: &Targets) -> usize {
        let names = |target: &&&'static str| self.origins.get(**target).is_some_and(|paths| paths.contains(path));
        wanted.iter().filter(names).count()
    }
}

/// The target that a file of a deployment belongs to; none where it is no column of the ledger.
fn target_of(deployed: &Deployed, path: &str) -> Option<&'static str> {
    let (folder, file) = path.strip_prefix(deployed.name.as_str())?.strip_prefix('/')?.split_once('/')?;
    match folder {
        "helm" => Some("helm"),
        "compose" => Some("compose"),
        "runtime" => Some("toml"),
        "mcp" => Some("mcp"),
        "flux" => {
            let mut objects = deployed.stack.flux.iter().flat_map(|flux| &flux.objects);
            objects.any(|object| object.node.file.as_str() == file).then_some("flux")
        }
        _ => None,
    }
}

/// The targets of which a file came, went or has other bytes.
fn differing(deployed: &Deployed, before: &Compiled, after: &Compiled) -> Targets {
    let bytes = |compiled: &Compiled| -> BTreeMap<String, Vec<u8>> {
        compiled.files.iter().map(|file| (file.path.clone(), own(file))).collect()
    };
    let (before, after) = (bytes(before), bytes(after));
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differ = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
    differ.filter_map(|path| target_of(deployed, path)).collect()
}

/// The rules that spoke.
fn verdicts(findings: &[Finding]) -> BTreeSet<&str> {
    let labels = findings.iter().flat_map(|finding| &finding.labels).map(|label| label.text.as_str());
    labels.filter(|text| text.starts_with("rule ") && text.contains(" of stack `")).collect()
}

/// What one change of a setting shows; why not, if it is not enough.
fn tried(goal: &Goal, place: &Place<'_>, text: &str) -> Result<How, String> {
    let before = &place.base.compiled;
    let after = place.base.compile(text);
    let rules = verdicts(&before.findings) != verdicts(&after.findings);
    let deployed = place.deployed();
    let other = after.env.as_ref().and_then(|env| env.deployments.get(place.at));
    if failed(&after) {
        let verdict = !goal.said() && rules;
        return if verdict { Ok(How::Verdict) } else { Err(format!("it is refused:\n{}", told(&after))) };
    }
    let other = other.ok_or("there is no such deployment any more")?;
    let mut found = differing(deployed, before, &after);
    let row = goal.row();
    let fixed = overridden(deployed, other, row.setting);
    let wanted: Targets = goal.used(goal.row, &place.block).difference(&fixed).copied().collect();
    // A mounted configuration file is a target of its own, and a part of what Compose says.
    if wanted.contains("compose") && found.contains("toml") {
        found.insert("compose");
    }
    let changed = changed(deployed, other);
    let others = changed.iter().filter(|(id, _)| *id != row.setting);
    let rows = others.filter_map(|(id, declaration)| {
        goal.table.rows.iter().position(|other| other.setting == *id && other.declaration == *declaration)
    });
    let all: Targets = rows.flat_map(|other| goal.used(other, &place.block)).chain(wanted.clone()).collect();
    let followed = changed.iter().any(|(id, _)| *id != row.setting);
    let differs = || Err(format!("{found:?} changed; its own are {wanted:?}, with those of what changed too {all:?}"));
    if goal.said() {
        return match (&found, wanted.is_empty()) {
            (found, false) if *found == wanted => Ok(How::Exact),
            (found, false) if followed && found.is_superset(&wanted) && *found == all => Ok(How::WithOthers),
            _ => differs(),
        };
    }
    // No target may change unless a setting that it uses does.
    match (followed, rules) {
        _ if !found.is_subset(&all) => differs(),
        (true, _) => Ok(How::Settings),
        (false, true) => Ok(How::Verdict),
        (false, false) => Err("nothing follows".to_owned()),
    }
}

/// The targets in which the stack's own override gives a setting its value, which a change in the base view leaves as it is.
fn overridden(before: &Deployed, after: &Deployed, id: SettingId) -> Targets {
    let stack = &before.stack;
    let fixed = |target: &&&'static str| {
        let (old, new) = (before.view(target), after.view(target));
        let all = instances(stack, old, id);
        let fixed = |keys: &Vec<SmolStr>| match (old.slot(id, keys), new.slot(id, keys)) {
            (Some(old), Some(new)) => matches!(new.layer, Layer::StackOverride(_)) && old.value == new.value,
            _ => false,
        };
        !all.is_empty() && all.iter().all(fixed)
    };
    ["helm", "compose", "toml", "mcp", "flux"].iter().filter(fixed).copied().collect()
}

/// The text after a change; another word or a switch that is turned on comes with what it requires.
fn remade(goal: &Goal, place: &Place<'_>, text: String) -> String {
    match &goal.stack.setting(goal.row().setting).kind {
        Kind::Choice(_) | Kind::Switch => completed(place.base, place.at, text),
        Kind::Scalar(of) if of.as_str() == "enum" => completed(place.base, place.at, text),
        _ => text,
    }
}

/// Looks for a change that shows a setting, at the remembered place first.
fn shown(goal: &Goal, places: &[Place<'_>], remembered: Option<&Shown>) -> Option<Shown> {
    let row = goal.row();
    let of_stack = |place: &&Place<'_>| place.deployed().stack.name == goal.stack.name;
    let fits = |place: &&Place<'_>| goal.block.is_empty() || place.block == goal.block;
    let mut places: Vec<&Place<'_>> = places.iter().filter(of_stack).filter(fits).collect();
    if let Some(old) = remembered
        && let Some(place) =
            places.iter().find(|place| place.base.name == old.base && place.deployed().name.as_ref() == old.deployment)
        && let Some(keys) = instances(&goal.stack, &place.deployed().base, row.setting)
            .into_iter()
            .find(|keys| goal.stack.path_of(row.setting, keys).as_ref() == old.path)
        && let Some(text) = edited(place.base, place.at, row.setting, &keys, &old.value)
        && let Ok(how) = tried(goal, place, &remade(goal, place, text))
    {
        return Some(Shown { how, ..old.clone() });
    }
    places.sort_by_key(|place| std::cmp::Reverse(place.score(&row.path, &goal.used(goal.row, &place.block))));
    let mut tries = 0;
    let mut best: Option<Shown> = None;
    for place in places {
        let view = &place.deployed().base;
        for keys in instances(&goal.stack, view, row.setting).into_iter().rev().take(3) {
            let slot = view.slot(row.setting, &keys);
            let further = slot.is_none() && keys.last().is_some_and(|key| key.as_str() == "CHANGED");
            if !further && slot.and_then(|slot| slot.declaration) != Some(row.declaration) {
                continue;
            }
            let now = slot.and_then(|slot| if let Evaluated::Value(now) = &slot.value { Some(now) } else { None });
            for value in candidates(&goal.stack, row.setting, row.declaration as usize, now) {
                let Some(text) = edited(place.base, place.at, row.setting, &keys, &value) else { continue };
                tries += 1;
                let text = remade(goal, place, text);
                let Ok(how) = tried(goal, place, &text) else { continue };
                let path = goal.stack.path_of(row.setting, &keys).to_string();
                let deployment = place.deployed().name.to_string();
                let found = Shown { base: place.base.name.clone(), deployment, path, value, how };
                if matches!(how, How::Exact | How::Settings) {
                    return Some(found);
                }
                best = best.filter(|best| best.how <= how).or(Some(found));
            }
            if tries > TRIES {
                return best;
            }
        }
    }
    best
}

/// Lines of a base that go and lines that come, for what cannot be changed alone.
///
/// In `together.txt`: `BASE: GOAL, GOAL`, below it `- LINE` and `+ LINE`. What comes after a line that goes comes in its place,
/// else at the end. `BASE, refused by RULE:` and `BASE, one word:` say why goals cannot be shown, and are tried too: without any
/// line, all that each goal's setting could be there.
struct Step {
    base: String,
    goals: Vec<String>,
    claim: Claim,
    /// Whether each line comes, and the line.
    lines: Vec<(bool, String)>,
}

/// What a step says of its goals.
enum Claim {
    /// It shows them.
    Shown,
    /// This rule of the stack, or finding, alone stands between them and another value.
    Refused(String),
    /// There is one word that each may be.
    OneWord,
}

impl Step {
    fn all() -> Vec<Step> {
        let mut all: Vec<Step> = Vec::new();
        let text = read(&file("together.txt"));
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let change = line.strip_prefix("- ").map(|gone| (false, gone.to_owned()));
            let change = change.or_else(|| line.strip_prefix("+ ").map(|come| (true, come.to_owned())));
            match (change, all.last_mut()) {
                (Some(change), Some(step)) => step.lines.push(change),
                _ => all.push(Step::head(line)),
            }
        }
        all
    }

    fn head(line: &str) -> Step {
        let (place, goals) = line.split_once(": ").unwrap_or_else(|| panic!("`{line}` names no goal"));
        let (base, claim) = match place.split_once(", ").unwrap_or((place, "")) {
            (base, "") => (base, Claim::Shown),
            (base, "one word") => (base, Claim::OneWord),
            (base, claim) => {
                let rule = claim.strip_prefix("refused by ").unwrap_or_else(|| panic!("`{line}`"));
                (base, Claim::Refused(rule.to_owned()))
            }
        };
        let goals = goals.split(", ").map(str::to_owned).collect();
        Step { base: base.to_owned(), goals, claim, lines: Vec::new() }
    }

    /// The text of a deployment's environment after the step.
    fn text(&self, place: &Place<'_>) -> String {
        let mut lines: Vec<&str> = place.base.text.lines().collect();
        let (mut at, mut last) = (None, Vec::new());
        for (comes, line) in &self.lines {
            match (comes, at.as_mut()) {
                (true, Some(at)) => {
                    lines.insert(*at, line);
                    *at += 1;
                }
                (true, None) => last.push(line.as_str()),
                (false, _) => {
                    let found = lines.iter().position(|old| old.trim() == line);
                    at = Some(found.unwrap_or_else(|| panic!("{} has no line `{line}`", self.base)));
                    lines.remove(at.expect("it was found"));
                }
            }
        }
        edits::continued(&lines.join("\n"), place.at, &last.join("\n"))
    }

    /// Whether what the step says of a goal is true; why not, if it is not.
    fn judged(&self, goal: &Goal, places: &[Place<'_>]) -> Result<(), String> {
        let fits = |place: &&Place<'_>| {
            let block = goal.block.is_empty() || place.block == goal.block;
            place.base.name == self.base && place.deployed().stack.name == goal.stack.name && block
        };
        let place = places.iter().find(fits).ok_or("there is no such base, or it is not of this stack and chart")?;
        match &self.claim {
            Claim::Shown => {
                let text = self.text(place);
                changes(goal, place, &place.base.compile(&text))?;
                tried(goal, place, &text).map(drop)
            }
            Claim::Refused(rule) => self.refused(goal, place, rule),
            Claim::OneWord => {
                let row = goal.row();
                let attributes = &goal.stack.setting(row.setting).declarations[row.declaration as usize].attributes;
                let one = attributes.words.len() == 1 && others(goal, place).is_empty();
                if one { Ok(()) } else { Err("there are other words to try".to_owned()) }
            }
        }
    }

    /// That nothing but a rule, or what has this code, stands between a goal and another value, and that no value passes:
    /// because the rule refuses all that meets its condition, or because all were tried.
    fn refused(&self, goal: &Goal, place: &Place<'_>, id: &str) -> Result<(), String> {
        let never = |expr: &expr::Expr| matches!(expr.kind, expr::Kind::Literal(Value::Bool(false)));
        let refuses_all = goal.stack.rules.iter().any(|rule| rule.id.as_str() == id && rule.require.iter().all(never));
        let texts = match self.lines.as_slice() {
            [] => others(goal, place),
            _ if refuses_all => vec![self.text(place)],
            _ => return Err("it may let some values pass, so all have to be tried".to_owned()),
        };
        if texts.is_empty() {
            return Err("there is no other value to try".to_owned());
        }
        let own = format!("rule {id} of stack `{}`", goal.stack.name);
        let of_rule =
            |finding: &&Finding| finding.code.id == id || finding.labels.iter().any(|label| label.text == own);
        let mut alone = false;
        for text in texts {
            let after = place.base.compile(&text);
            changes(goal, place, &after)?;
            let mut errors = after.findings.iter().filter(|finding| finding.code.severity == Severity::Error);
            if !errors.clone().any(|finding| of_rule(&finding)) {
                return Err(format!("{id} does not refuse it:\n{}", told(&after)));
            }
            alone |= errors.all(|finding| of_rule(&finding));
        }
        // One value may break another rule too; it would be no reason if all did.
        if alone { Ok(()) } else { Err(format!("it is never {id} alone that refuses it")) }
    }
}

/// That the setting of a goal has another value, or another declaration gives it one.
fn changes(goal: &Goal, place: &Place<'_>, after: &Compiled) -> Result<(), String> {
    let other = after.env.as_ref().and_then(|env| env.deployments.get(place.at));
    let all = other.map(|other| changed(place.deployed(), other)).unwrap_or_default();
    let own = all.contains(&(goal.row().setting, goal.row().declaration));
    if own { Ok(()) } else { Err(format!("the setting does not change:\n{}", told(after))) }
}

/// A text for each other value that the setting of a goal could have in a base.
fn others(goal: &Goal, place: &Place<'_>) -> Vec<String> {
    let (row, view) = (goal.row(), &place.deployed().base);
    let all = instances(&goal.stack, view, row.setting).into_iter().flat_map(|keys| {
        let now = view.slot(row.setting, &keys).and_then(|slot| match &slot.value {
            Evaluated::Value(now) => Some(now),
            _ => None,
        });
        let values = candidates(&goal.stack, row.setting, row.declaration as usize, now);
        values.into_iter().filter_map(move |value| edited(place.base, place.at, row.setting, &keys, &value))
    });
    all.collect()
}

fn line(goal: &str, Shown { base, deployment, path, value, how }: &Shown) -> String {
    format!("{goal} | {base} | {deployment} | {path} | {value} | {}\n", how.words())
}

fn file(name: &str) -> PathBuf {
    root().join("tests/fixtures/effects").join(name)
}

/// What is remembered: goal, base, deployment, path and value, and what it showed.
fn remembered() -> BTreeMap<String, Shown> {
    let text = fs::read_to_string(file("shown.txt")).unwrap_or_default();
    let line = |line: &str| {
        let [goal, base, deployment, path, value, how] = line.split(" | ").collect::<Vec<_>>().try_into().ok()?;
        let how = How::ALL.iter().find(|(_, words)| *words == how)?.0;
        let [base, deployment, path, value] = [base, deployment, path, value].map(str::to_owned);
        Some((goal.to_owned(), Shown { base, deployment, path, value, how }))
    };
    text.lines().filter_map(line).collect()
}

/// The environments that are changed; both tests need them.
fn bases() -> &'static [Base] {
    static BASES: OnceLock<Vec<Base>> = OnceLock::new();
    BASES.get_or_init(edits::bases)
}

#[test]
fn every_setting_does_what_the_ledger_says() {
    let places = Place::all(bases());
    let old = remembered();
    let goals: Vec<Goal> = edits::stacks().iter().flat_map(Goal::all).collect();
    let steps: BTreeSet<String> = Step::all().into_iter().flat_map(|step| step.goals).collect();
    let bless = std::env::var_os("TRUELINE_BLESS").is_some();
    let alone: Vec<(String, &Goal)> = goals.iter().map(|goal| (goal.name(), goal)).collect();
    let alone = alone.par_iter().filter(|(name, _)| !steps.contains(name));
    let one = |(name, goal): &(String, &Goal)| {
        let before = old.get(name);
        let found = shown(goal, &places, before);
        // Searching takes long; what is found is kept although the run may be stopped.
        if let Some(found) = found.as_ref().filter(|found| bless && before != Some(*found)) {
            let all = fs::OpenOptions::new().append(true).create(true).open(file("shown.txt"));
            all.and_then(|mut all| all.write_all(line(name, found).as_bytes())).expect("it can be written");
        }
        (name.clone(), found)
    };
    let found: Vec<(String, Option<Shown>)> = alone.map(one).collect();
    if bless {
        let lines = found.iter().filter_map(|(goal, shown)| Some(line(goal, shown.as_ref()?)));
        fs::write(file("shown.txt"), lines.collect::<String>()).expect("it can be written");
    }
    let missing: Vec<&String> = found.iter().filter(|(_, shown)| shown.is_none()).map(|(name, _)| name).collect();
    assert!(missing.is_empty(), "nothing shows what these {} do:\n{missing:#?}", missing.len());
}

#[test]
fn what_cannot_be_changed_alone_is_changed_with_others_or_refused_by_the_rule_that_is_named() {
    let places = Place::all(bases());
    let goals: Vec<Goal> = edits::stacks().iter().flat_map(Goal::all).collect();
    let goals: BTreeMap<String, &Goal> = goals.iter().map(|goal| (goal.name(), goal)).collect();
    let steps = Step::all();
    let one = |step: &Step| {
        let wrong = step.goals.iter().filter_map(|name| match goals.get(name) {
            None => Some(format!("there is no setting {name}\n")),
            Some(goal) => Some(format!("{}: {name}: {}\n", step.base, step.judged(goal, &places).err()?)),
        });
        wrong.collect::<String>()
    };
    let wrong: String = steps.par_iter().map(one).collect();
    assert!(wrong.is_empty(), "{wrong}");
    let remembered = remembered();
    let named: Vec<&String> = steps.iter().flat_map(|step| &step.goals).collect();
    let twice: Vec<_> = named.iter().filter(|goal| remembered.contains_key(**goal)).collect();
    assert!(twice.is_empty(), "these can be changed alone: {twice:#?}");
    assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "a setting stands in two steps");
}

/// Declarations of settings are as many as the ledger has rows, whatever kind they are.
#[test]
fn every_row_of_the_ledgers_is_a_goal() {
    for stack in edits::stacks() {
        let goals = Goal::all(&stack);
        let rows: BTreeSet<usize> = goals.iter().map(|goal| goal.row).collect();
        assert_eq!(rows.len(), ledger::table(&stack).rows.len(), "{}", stack.name);
        let names: BTreeSet<String> = goals.iter().map(Goal::name).collect();
        assert_eq!(names.len(), goals.len(), "{}: two goals have one name", stack.name);
        assert!(goals.iter().all(|goal| !matches!(stack.setting(goal.row().setting).kind, Kind::Group)));
    }
}

/// Flux opens the agent's port under chart 0.8 alone: what only another chart brings is no use of a setting under this one.
#[test]
fn a_target_that_reads_a_setting_under_another_chart_does_not_use_it_under_this_one() {
    let stacks = edits::stacks();
    let stack = stacks.iter().find(|stack| stack.name.as_str() == "aeterna").expect("it is shipped");
    let used = |table: &Table, path: &str| -> bool {
        let at = table.columns.iter().position(|column| column.as_str() == "flux").expect("it has a column");
        let mut rows = table.rows.iter().filter(|row| row.path.as_str() == path);
        rows.any(|row| matches!(row.cells[at], Cell::Used(_)))
    };
    let under = |block: &str| {
        ledger::table_under(stack, stack.helm.iter().find(|helm| helm.name.as_str() == block).expect("a block"))
    };
    let (any, old, new) = (ledger::table(stack), under("0.1.0"), under("0.8"));
    for (path, first) in [("opal.cedar-agent", false), ("opal", false), ("llm.url", true), ("network-policy", true)] {
        assert_eq!([&any, &old, &new].map(|table| used(table, path)), [true, first, true], "{path}");
    }
}
