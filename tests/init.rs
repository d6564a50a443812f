//! The guided start: answers in, an environment out; every combination of choices, and the program itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rayon::prelude::*;
use trueline::{
    compile::{Compiled, Stdlib},
    diag::{Diags, Severity},
    init::{self, Interview, Problem, Refusal, Wanted},
    schema::{Kind, Stack, questions::Question},
};

use crate::support::{compile, failed, told};

fn embedded() -> &'static Stdlib {
    static LIBRARY: std::sync::OnceLock<Stdlib> = std::sync::OnceLock::new();
    LIBRARY.get_or_init(Stdlib::embedded)
}

fn stack(name: &str) -> Arc<Stack> {
    embedded().stack(name, &mut Diags::default()).expect("a shipped stack")
}

/// The shipped stacks that ask anything.
fn asking() -> Vec<Arc<Stack>> {
    let stacks = embedded().stacks().into_iter().map(stack);
    stacks.filter(|stack| init::all(stack).next().is_some()).collect()
}

/// Answers that fit a question, as a person would type them: all words, both of yes and no, one text.
fn fitting(interview: &Interview<'_>, question: &Question) -> Vec<String> {
    match interview.wanted(question) {
        Wanted::Words(words) => words.iter().map(|(word, _)| word.to_string()).collect(),
        Wanted::YesNo => vec!["yes".to_owned(), "no".to_owned()],
        Wanted::Secret => vec!["some-credentials/api-key".to_owned()],
        Wanted::Value(_) | Wanted::Values(_) if !question.suggest.is_empty() => vec![question.suggest.to_string()],
        Wanted::Value(name) | Wanted::Values(name) => {
            vec![trueline::value::scalar(&name).expect("a type").example.trim_matches('"').to_owned()]
        }
    }
}

/// Whether a question decides which programs run or which files are written: then it is tried with all others.
fn decides(stack: &Stack, question: &Question) -> bool {
    question.sets.is_none_or(|id| {
        question.required || matches!(stack.setting(id).kind, Kind::Choice(_) | Kind::Switch)
    })
}

/// Every way through the questions: those of `tried` with each answer, others only where they must be answered.
fn ways<'a>(
    interview: Interview<'a>,
    questions: &[&Question],
    tried: &dyn Fn(&Question) -> bool,
    found: &mut Vec<Interview<'a>>,
) {
    let Some((question, rest)) = questions.split_first() else { return found.push(interview) };
    let Some(open) = interview.open(question) else { return ways(interview, rest, tried, found) };
    let mut answers = fitting(&interview, question);
    match (tried(question), open.required) {
        (true, _) => {}
        (false, true) => answers.truncate(1),
        (false, false) => return ways(interview, rest, tried, found),
    }
    for answer in answers {
        let mut next = interview.clone();
        next.answer(question, &answer).unwrap_or_else(|Refusal(why)| panic!("{}={answer}: {why}", question.id));
        ways(next, rest, tried, found);
    }
}

/// What an answered environment compiles to, after it was read again: every answer has to come back.
fn compiled(interview: &Interview<'_>) -> Compiled {
    let text = interview.text();
    let stack = interview.stack();
    let again = Interview::of(embedded(), stack.clone(), "start", text.clone()).expect("what was written can be read");
    for question in init::all(stack) {
        let value = |interview: &Interview<'_>| interview.open(question).map(|open| open.value);
        if interview.is_answered(question) {
            assert_eq!(value(interview), value(&again), "{}\n{text}", question.id);
        }
    }
    compile("start", &text)
}

/// What may be said to somebody whose answers do not fit together: a rule, or that copies cannot share a port of the host.
const REFUSALS: &[&str] = &["TL0601", "TL0604"];

/// The rules that refused it; panics where something else did.
fn rules_that_refuse(compiled: &Compiled, text: &str) -> BTreeSet<String> {
    let errors = compiled.findings.iter().filter(|finding| finding.code.severity == Severity::Error);
    errors
        .map(|finding| {
            assert!(REFUSALS.contains(&finding.code.id), "{}\n{text}", told(compiled));
            finding.message.clone()
        })
        .collect()
}

fn no_empty_secret(compiled: &Compiled) {
    for file in &compiled.files {
        let text = String::from_utf8_lossy(&file.bytes);
        for line in text.lines() {
            let names_secret = line.contains("ecretName:") || line.contains("ecretKey:") || line.contains("ecretRef:");
            assert!(!(names_secret && line.trim_end().ends_with("\"\"")), "{}: {line}", file.path);
        }
    }
}

/// How many ways compile, and what the rules said of the others.
fn try_all(ways: &[Interview<'_>]) -> (usize, BTreeSet<String>) {
    let results: Vec<BTreeSet<String>> = ways
        .par_iter()
        .map(|interview| {
            let compiled = compiled(interview);
            if failed(&compiled) {
                return rules_that_refuse(&compiled, &interview.text());
            }
            no_empty_secret(&compiled);
            assert!(!compiled.files.is_empty());
            BTreeSet::new()
        })
        .collect();
    let compile = results.iter().filter(|refused| refused.is_empty()).count();
    (compile, results.into_iter().flatten().collect())
}

#[test]
fn every_combination_compiles_or_is_refused_by_a_rule() {
    for stack in asking() {
        let advanced = |question: &Question| {
            stack.questions.iter().any(|section| section.collapsed && section.questions.iter().any(|it| it.id == question.id))
        };
        let questions: Vec<&Question> = init::all(&stack).collect();
        let fresh = || Interview::new(embedded(), stack.clone(), "start");
        let mut found = Vec::new();
        ways(fresh(), &questions, &|it| decides(&stack, it) && !advanced(it), &mut found);
        let main = found.len();
        // all that is asked only of those who want to go through it, for each target
        ways(fresh(), &questions, &|it| it.sets.is_none() || (decides(&stack, it) && advanced(it)), &mut found);
        // each other choice by itself
        for question in questions.iter().filter(|it| !decides(&stack, it)) {
            ways(fresh(), &questions, &|it| it.sets.is_none() || it.id == question.id, &mut found);
        }
        let (compile, refused) = try_all(&found);
        let told = format!("{}: {main} + {} ways, {compile} compile; {refused:#?}", stack.name, found.len() - main);
        assert!(main > 5 && compile * 2 > found.len(), "{told}");
    }
}

fn answers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(id, answer)| ((*id).to_owned(), (*answer).to_owned())).collect()
}

#[test]
fn all_missing_answers_are_listed_at_once() {
    let mut interview = Interview::new(embedded(), stack("aeterna"), "start");
    let problems = interview.answer_all(&answers(&[("target", "both"), ("cache", "external")]), &BTreeMap::new());
    let missing: Vec<&str> = problems
        .iter()
        .map(|problem| match problem {
            Problem::Missing(id, _) => &**id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(missing, ["vector-backend", "redis-host", "postgresql"]);
}
