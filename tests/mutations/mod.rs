//! Mistakes, made one by one and all of them: in what a stack says to Helm and of its workloads, in the Compose file that
//! was printed, on the surface of a chart. Each has to be found, by a message that names what it is about.
//!
//! `survivors.txt` lists those that nothing finds, each under its reason. Mistakes are made in what the committed
//! environments write, and those in `reach`, which set what none of the committed ones does; each once: what one of them
//! has examined is not made again in the next. The files for Flux have mistakes of their own, in `readback`.
//!
//! Without `TRUELINE_MUTATIONS=all`, which `.ci/run` says, one in sixteen of each kind is made, and all that are listed.

mod compose;
mod exprs;
mod projections;
mod raw;
mod surfaces;
mod workloads;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use smol_str::SmolStr;

use rayon::prelude::*;
use trueline::{
    check,
    diag::{Diags, Finding, Severity},
    ledger, lower,
    model::Env,
    plan::Plan,
    readback,
    schema::Stack,
    targets::{self, File},
};

use super::support;

/// Codes, or blocks of them, that say such a mistake: of loading, of the ledger (of a stack, and of one environment), of
/// surfaces, of the read-back.
const OF_CHARTS: &[&str] = &["TL04", "TL0607", "TL0609", "TL07", "TL09", "TL11"];

/// What workloads say is read by more checks than that.
const ALL: &[&str] = &["TL"];

/// Codes of the ledger and of the read-back. What another stage finds is counted apart.
const OF_COMPARISON: &[&str] = &["TL07", "TL09", "TL11"];

/// Codes of what only words or proportions tell. They are warnings, since a stack may be right all the same; no committed
/// environment has one, so that one is an answer to the mistake.
const DOUBTS: &[&str] = &["TL0706", "TL0707", "TL1118", "TL1119"];

/// A committed environment without a mistake.
struct Committed {
    name: String,
    env: Env,
    ruled: check::Read,
    plan: Plan,
    /// What is lowered for Helm alone.
    for_helm: Plan,
    files: Vec<File>,
}

/// The committed environments, and those of `reach`, which set what none of the committed ones does; compiled once.
fn committed() -> &'static [Committed] {
    static COMMITTED: OnceLock<Vec<Committed>> = OnceLock::new();
    COMMITTED.get_or_init(|| {
        let compile = |(name, text): (String, String)| {
            let compiled = support::compile(&name, &text);
            assert!(!support::failed(&compiled), "{}", support::told(&compiled));
            let env = without_flux(compiled.env.expect("it compiles"));
            let mut diags = Diags::default();
            let ruled = check::rules(&env, &mut diags);
            let plan = lower::lower(&env, &mut diags).plan;
            let files = targets::emit_all(&plan);
            let for_helm = lower::lower(&only_helm(env.clone()), &mut diags).plan;
            Committed { name, env, ruled, plan, for_helm, files }
        };
        environments().into_par_iter().map(compile).collect()
    })
}

fn environments() -> Vec<(String, String)> {
    let mut all = support::environments();
    for file in support::sorted(&support::root().join("tests/mutations/reach")) {
        let name = support::name_of(&file).trim_end_matches(".kdl").to_owned();
        all.push((name, support::read(&file)));
    }
    all
}

/// The same environment, of which Flux is told nothing.
fn without_flux(mut env: Env) -> Env {
    for deployed in &mut env.deployments {
        deployed.targets.retain(|target| target.as_str() != "flux");
    }
    env
}

/// The same environment, of which only Helm is told.
fn only_helm(mut env: Env) -> Env {
    for deployed in &mut env.deployments {
        deployed.targets.retain(|target| target.as_str() == "helm");
    }
    env
}

/// The committed environments that use a stack.
fn users(stack: &Stack) -> Vec<&'static Committed> {
    let uses =
        |committed: &&Committed| committed.env.deployments.iter().any(|deployed| deployed.stack.name == stack.name);
    committed().iter().filter(uses).collect()
}

/// The committed environments that write values for a version of a chart.
fn writers(chart: &str, version: &str) -> Vec<&'static Committed> {
    let releases = |committed: &'static Committed| committed.plan.deployments.iter().flat_map(|all| &all.helm);
    let writes = |committed: &&'static Committed| {
        releases(committed).any(|release| &*release.chart == chart && &*release.version == version)
    };
    committed().iter().filter(writes).collect()
}

/// The stacks that the committed environments use.
fn stacks() -> Vec<Arc<Stack>> {
    let mut all: BTreeMap<SmolStr, Arc<Stack>> = BTreeMap::new();
    for deployed in committed().iter().flat_map(|committed| &committed.env.deployments) {
        all.entry(deployed.stack.name.clone()).or_insert_with(|| deployed.stack.clone());
    }
    all.into_values().collect()
}

impl Committed {
    /// The same environment with another text of a stack.
    fn with(&self, stack: &Arc<Stack>) -> Env {
        let mut env = self.env.clone();
        for deployed in env.deployments.iter_mut().filter(|deployed| deployed.stack.name == stack.name) {
            deployed.stack = stack.clone();
        }
        env
    }
}

/// How findings are judged.
#[derive(Clone, Copy)]
struct Judge<'a> {
    /// Settings, keys and facts, one of which the message has to name.
    names: &'a [String],
    /// Names of what is around, the second best.
    around: &'a [String],
    /// Codes, by how they begin, one of which the message has to have.
    blocks: &'a [&'a str],
}

/// One mistake.
struct Mistake<'a, T> {
    /// What was done: `delete`, `swap`, `rename`, `change`, `flip`.
    how: &'static str,
    /// Where, by names and not by places in a text; unique together with `how` once it was [`numbered`].
    what: String,
    /// Settings, keys and facts, one of which the message has to name.
    names: Vec<String>,
    /// What is around: the keys above, or the workload. A message that names only these is counted apart.
    around: Vec<String>,
    /// Makes it.
    make: Box<dyn Fn(&mut T) + Send + Sync + 'a>,
}

impl<T> Mistake<'_, T> {
    fn judge<'m>(&'m self, blocks: &'m [&'m str]) -> Judge<'m> {
        Judge { names: &self.names, around: &self.around, blocks }
    }
}

/// What became of a mistake.
#[derive(Clone, PartialEq, Eq, Debug)]
enum End {
    /// It was found: the code.
    Found(&'static str),
    /// It was found by a message that names only what is around: the code, and the message.
    Around(&'static str, String),
    /// It was found by messages that name nothing, or by another stage than it should: what they say.
    Unclear(String),
    /// It changes nothing in any committed environment: what it is in is not used there.
    Idle,
    /// Nothing was found, though something changed; or a reason why that is so.
    Survived(String),
}

/// What findings make of a mistake; none where there is neither an error nor a doubt among them.
fn judged<'f>(findings: impl IntoIterator<Item = &'f Finding>, judge: Judge<'_>) -> Option<End> {
    let counts = |finding: &&Finding| finding.code.severity == Severity::Error || DOUBTS.contains(&finding.code.id);
    let errors: Vec<&Finding> = findings.into_iter().filter(counts).collect();
    let first = errors.first()?;
    let compares = |finding: &&Finding| OF_COMPARISON.iter().any(|block| finding.code.id.starts_with(block));
    let mut ours: Vec<&Finding> = errors.iter().copied().filter(|finding| is_of(finding, judge.blocks)).collect();
    ours.sort_by_key(|finding| !compares(finding)); // what is found there counts first
    let naming = |names: &[String]| ours.iter().copied().find(|finding| says_one(&finding.message, names));
    Some(match (naming(judge.names), naming(judge.around)) {
        (Some(finding), _) => End::Found(finding.code.id),
        (None, Some(finding)) => End::Around(finding.code.id, finding.message.clone()),
        (None, None) => End::Unclear(format!("{} {}", first.code.id, first.message)),
    })
}

fn is_of(finding: &Finding, blocks: &[&str]) -> bool {
    blocks.iter().any(|block| finding.code.id.starts_with(block))
}

/// Whether one of the words in backticks is one of these, or says something of it: what follows a name begins with a dot,
/// a bracket or a space. A name in brackets is a key of a fact of any workload.
fn says_one(message: &str, names: &[String]) -> bool {
    let is_it = |word: &str, name: &str| match name.starts_with('[') {
        true => word.contains(name),
        false => word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', ' '])),
    };
    message.split('`').skip(1).step_by(2).any(|word| {
        let starred = starred(word);
        let whole = |name: &str| is_it(word, name) || is_it(&starred, name) || is_item(word, name);
        names.iter().any(|name| whole(name) || name.strip_suffix(".*").is_some_and(whole))
    })
}

/// The better of two ends of one mistake, in several environments or by several stages.
fn better(one: End, other: End) -> End {
    let rank = |end: &End| match end {
        End::Found(_) => 4,
        End::Around(..) => 3,
        End::Unclear(_) => 2,
        End::Survived(_) => 1,
        End::Idle => 0,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

/// A word in which the numbers of items are `*`, as in paths of keys.
fn starred(word: &str) -> String {
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = word.split('.').map(|part| if number(&part) { "*" } else { part });
    parts.collect::<Vec<_>>().join(".")
}

/// Whether a word is what a path with `*` stands for: an item of a map, by its name, or something of it.
fn is_item(word: &str, path: &str) -> bool {
    let mut parts = path.split('*');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let fits = || {
        let mut left = word.strip_prefix(first)?;
        for part in &rest {
            left = &left[left.find(part)? + part.len()..];
        }
        Some(())
    };
    (!first.is_empty() || path.starts_with("* ")) && !rest.is_empty() && fits().is_some()
}

/// What a stack with a mistake comes to. Environments are compiled with it, for Helm alone where only that was changed and
/// for all targets if it has nothing to say; then the stack is checked as a whole, which takes longest and is done first
/// by whoever loads such a stack. What was found is not looked for again.
fn compiled(
    stack: Stack,
    users: &[&Committed],
    is_of_helm: bool,
    judge: Judge<'_>,
    explain: &dyn Fn(&Committed, &Plan) -> String,
) -> End {
    let stack = Arc::new(stack);
    let mut end = End::Idle;
    for committed in users {
        let env = committed.with(&stack);
        if is_of_helm {
            let Some(findings) = for_helm(&env, committed) else { continue };
            match judged(&findings, judge) {
                Some(found @ End::Found(_)) => return found,
                Some(found) => end = better(end, found),
                None => {}
            }
        }
        let (plan, findings) = outputs(&env, committed);
        match judged(&findings, judge) {
            Some(found @ End::Found(_)) => return found,
            Some(found) => end = better(end, found),
            None if end == End::Idle && plan != committed.plan => end = End::Survived(explain(committed, &plan)),
            None => {}
        }
    }
    loaded(&stack, judge).map_or(end.clone(), |found| better(end, found))
}

/// What the checks of a stack as a whole say of a mistake.
fn loaded(stack: &Stack, judge: Judge<'_>) -> Option<End> {
    let mut diags = Diags::default();
    ledger::check(stack, &mut diags);
    judged(diags.as_slice(), judge)
}

/// What the stages find that make values and read them again; none where the same is made as before.
fn for_helm(env: &Env, committed: &Committed) -> Option<Vec<Finding>> {
    let mut diags = Diags::default();
    let env = only_helm(env.clone());
    let plan = lower::lower(&env, &mut diags).plan;
    if diags.as_slice().is_empty() && plan == committed.for_helm {
        return None;
    }
    if !diags.has_errors() {
        let files = targets::emit_all(&plan);
        readback::check(&env, &plan, &files, &mut diags);
    }
    Some(diags.sorted())
}

/// The stages of a compile that read projections. Of the same plan nothing else is made than before.
fn outputs(env: &Env, committed: &Committed) -> (Plan, Vec<Finding>) {
    let mut diags = Diags::default();
    let lowered = lower::lower(env, &mut diags);
    if diags.as_slice().is_empty() && lowered.plan == committed.plan {
        return (lowered.plan, Vec::new());
    }
    let whole = !diags.has_errors();
    check::plan(&lowered.plan.deployments, &mut diags);
    if whole {
        check::used(env, &lowered, &committed.ruled, &mut diags);
    }
    if !diags.has_errors() {
        let files = targets::emit_all(&lowered.plan);
        readback::check(env, &lowered.plan, &files, &mut diags);
    }
    (lowered.plan, diags.sorted())
}

/// How a reason in `survivors.txt` begins.
const REASONS: &[&str] = &["equivalent: ", "found otherwise: ", "open: "];

/// Which part of the mistakes of each kind is made where not all are.
const EVERY: usize = 16;

fn all_are_made() -> bool {
    std::env::var_os("TRUELINE_MUTATIONS").is_some_and(|word| word == "all")
}

/// Gives mistakes of one name numbers, from the second on. A name says what is there and not where it stands, so that a
/// line more or less elsewhere changes no name.
fn numbered<T>(mistakes: &mut [Mistake<'_, T>]) {
    let mut seen: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for mistake in mistakes {
        let count = seen.entry((mistake.how, mistake.what.clone())).or_default();
        *count += 1;
        if *count > 1 {
            mistake.what = format!("{} #{count}", mistake.what);
        }
    }
}

/// The mistakes of one part that are made in this run.
fn made<'a, T>(part: &str, mut mistakes: Vec<Mistake<'a, T>>) -> Vec<Mistake<'a, T>> {
    numbered(&mut mistakes);
    let (all, listed) = (all_are_made(), listed(part));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut is_made = |mistake: &Mistake<'a, T>| {
        let count = counts.entry(mistake.how).or_default();
        *count += 1;
        all || *count % EVERY == 1 || listed.contains(&format!("{part} {} {}", mistake.how, mistake.what))
    };
    mistakes.into_iter().filter(|mistake| is_made(mistake)).collect()
}

/// Makes mistakes, each in a thing of its own, on all processors; what became of each, in order.
fn each<T: Clone + Sync>(
    original: &T,
    mistakes: &[Mistake<'_, T>],
    end: impl Fn(T, &Mistake<'_, T>) -> End + Sync,
) -> Vec<(&'static str, String, End)> {
    let one = |mistake: &Mistake<'_, T>| {
        let mut copy = original.clone();
        (mistake.make)(&mut copy);
        (mistake.how, mistake.what.clone(), end(copy, mistake))
    };
    mistakes.par_iter().map(one).collect()
}

/// Holds what became of the mistakes of one part against the list of survivors.
#[allow(clippy::print_stdout, reason = "counts, for who asks the test runner for them")]
fn assert_found(part: &str, ends: &[(&'static str, String, End)], least: usize) {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let (mut unclear, mut survivors) = (BTreeMap::new(), BTreeSet::new());
    let mut explained: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut around, mut silent, mut elsewhere) = (BTreeMap::new(), Vec::new(), 0);
    for (how, what, end) in ends {
        let word = match end {
            End::Found(code) | End::Around(code, _) => *code,
            End::Unclear(_) => "unclear",
            End::Idle => "idle",
            End::Survived(_) => "survived",
        };
        *counts.entry((how, word)).or_default() += 1;
        match end {
            End::Unclear(why) => _ = unclear.insert(format!("{part} {how} {what}"), why),
            End::Survived(why) if why.is_empty() => _ = survivors.insert(format!("{part} {how} {what}")),
            End::Survived(why) => {
                *explained.entry(why).or_default() += 1;
                silent.push(format!("{part} {how} {what}: {why}"));
            }
            End::Around(_, why) => _ = around.insert(format!("{part} {how} {what}"), why),
            End::Found(_) | End::Idle => {}
        }
        if let End::Found(code) | End::Around(code, _) = end {
            elsewhere += usize::from(!OF_COMPARISON.iter().any(|block| code.starts_with(block)));
        }
    }
    let made = ends.iter().filter(|(.., end)| *end != End::Idle).count();
    println!("{part}: {made} mistakes, {} idle", ends.len() - made);
    counts.iter().for_each(|((how, word), count)| println!("  {how} {word}: {count}"));
    explained.iter().for_each(|(why, count)| println!("  one-sided {count}: {why}"));
    println!("  {} are named by what is around alone, {elsewhere} found by another stage", around.len());
    if std::env::var_os("TRUELINE_MUTATIONS_AROUND").is_some() {
        println!("{around:#?}");
        println!("{silent:#?}");
    }
    let listed = listed(part);
    let new: Vec<&String> = survivors.difference(&listed).collect();
    let old: Vec<&String> =
        listed.iter().filter(|line| !survivors.contains(*line) && !unclear.contains_key(*line)).collect();
    unclear.retain(|line, _| !listed.contains(line));
    assert!(
        new.is_empty() && old.is_empty() && unclear.is_empty(),
        "{} mistakes that nothing finds:\n{new:#?}\n{} that are found now, or not made any more; delete their lines:\n\
         {old:#?}\n{} whose messages do not name them:\n{unclear:#?}",
        new.len(),
        old.len(),
        unclear.len(),
    );
    let least = if all_are_made() { least } else { least / EVERY };
    assert!(made >= least, "{made} mistakes, wanted at least {least}");
}

/// The mistakes of one part that nothing finds, or not as the others, and that are known. A line `# equivalent: …`,
/// `# found otherwise: …` or `# open: …` is the reason for those below it.
fn listed(part: &str) -> BTreeSet<String> {
    let text = support::read(&support::root().join("tests/mutations/survivors.txt"));
    let mut reason = false;
    let mut all = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix('#') {
            Some(said) => {
                let begins = REASONS.iter().any(|word| said.trim().starts_with(word));
                reason = begins || (reason && said.starts_with("   "));
            }
            None => {
                assert!(reason, "`{line}` has no reason above it");
                _ = all.insert(line.to_owned());
            }
        }
    }
    all.retain(|line| line.split(' ').next() == Some(part));
    all
}

#[test]
fn every_mistake_in_a_projection_is_found() {
    assert_found("values", &projections::ends(), 400);
}

#[test]
fn every_mistake_in_the_workloads_that_a_chart_says_too_is_found() {
    assert_found("workloads", &workloads::ends(), 400);
}

#[test]
fn every_mistake_in_a_compose_file_is_found() {
    assert_found("compose", &compose::ends(), 1000);
}

#[test]
fn every_mistake_on_a_surface_is_found() {
    assert_found("surface", &surfaces::ends(), 400);
}

/// The values of both are the same, so that only where they come from tells that they changed places.
#[test]
fn swapped_projections_are_found_while_their_values_are_equal() {
    let mut dice = support::Dice(1);
    let most = if all_are_made() { 60 } else { 12 };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for committed in committed() {
        for deployed in &committed.env.deployments {
            let stack = &deployed.stack;
            let mut swaps = projections::equal_swaps(committed, deployed);
            dice.shuffle(&mut swaps);
            swaps.truncate(most);
            let ends = each(&**stack, &swaps, |stack, swap| {
                compiled(stack, &[committed], true, swap.judge(OF_CHARTS), &|_, _| "nothing is found".to_owned())
            });
            let found = |end: &End| matches!(end, End::Found(_) | End::Around(..) | End::Idle);
            let lost: Vec<_> = ends.iter().filter(|(.., end)| !found(end)).collect();
            assert!(lost.is_empty(), "{}: {lost:#?}", committed.name);
            *counts.entry(&stack.name).or_default() += ends.iter().filter(|(.., end)| *end != End::Idle).count();
        }
    }
    assert!(counts.values().filter(|count| **count > most / 2).count() > 1, "{counts:?}");
}
