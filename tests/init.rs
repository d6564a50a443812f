//! The guided start: answers in, an environment out; every combination of choices, and the program itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    process::Stdio,
    sync::Arc,
};

use smol_str::SmolStr;

use rayon::prelude::*;
use serde_json::json;
use trueline::{
    compile::{Compiled, Stdlib},
    diag::{Diags, Severity},
    init::{self, Interview, Problem, Refusal, Wanted},
    schema::{Kind, Stack, questions::Question},
};

use crate::{
    cli::{Project, Ran},
    support::{compile, failed, python, told},
};

pub(super) fn embedded() -> &'static Stdlib {
    static LIBRARY: std::sync::OnceLock<Stdlib> = std::sync::OnceLock::new();
    LIBRARY.get_or_init(Stdlib::embedded)
}

pub(super) fn stack(name: &str) -> Arc<Stack> {
    embedded().stack(name, &mut Diags::default()).expect("a shipped stack")
}

/// The shipped stacks that ask anything.
fn asking() -> Vec<Arc<Stack>> {
    let stacks = embedded().stacks().into_iter().map(stack);
    stacks.filter(|stack| init::all(stack).next().is_some()).collect()
}

/// Answers that fit a question, as a person would type them: all words, both of yes and no, one text.
pub(super) fn fitting(interview: &Interview<'_>, question: &Question) -> Vec<String> {
    match interview.wanted(question) {
        Wanted::Words(words) => words.iter().map(|(word, _)| word.to_string()).collect(),
        Wanted::YesNo => vec!["yes".to_owned(), "no".to_owned()],
        Wanted::Secret => vec!["some-credentials/api-key".to_owned()],
        // a registry has an address of its own kind
        Wanted::Value(name) if name.as_str() == "url" && interview.text().contains("source \"oci\"") => {
            vec!["oci://registry.example.com/charts".to_owned()]
        }
        Wanted::Value(_) | Wanted::Values(_) if !question.suggest.is_empty() => vec![question.suggest.to_string()],
        Wanted::Value(name) | Wanted::Values(name) => {
            vec![trueline::value::scalar(&name).expect("a type").example.trim_matches('"').to_owned()]
        }
    }
}

/// Whether a question decides which programs run or which files are written: then it is tried with all others.
fn decides(stack: &Stack, question: &Question) -> bool {
    if question.word().is_some() {
        return false; // what is said of Flux changes no program
    }
    let holds_others = |kind: &Kind| matches!(kind, Kind::Choice(_) | Kind::Switch);
    question.place().is_none_or(|place| question.required || holds_others(&stack.setting(place.setting).kind))
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
pub(super) fn rules_that_refuse(compiled: &Compiled, text: &str) -> BTreeSet<String> {
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
            stack
                .questions
                .iter()
                .any(|section| section.collapsed && section.questions.iter().any(|it| it.id == question.id))
        };
        let questions: Vec<&Question> = init::all(&stack).collect();
        let fresh = || Interview::new(embedded(), stack.clone(), "start");
        let required = |it: &Question| it.sets.is_none() || (it.required && it.word().is_none());
        let mut found = Vec::new();
        // what must be answered, each with each; then the other programs, each with each
        ways(fresh(), &questions, &required, &mut found);
        let others = |it: &Question| it.sets.is_none() || (decides(&stack, it) && !it.required && !advanced(it));
        ways(fresh(), &questions, &others, &mut found);
        let main = found.len();
        // all that is asked only of those who want to go through it, for each target
        ways(fresh(), &questions, &|it| it.sets.is_none() || (decides(&stack, it) && advanced(it)), &mut found);
        // each other choice by itself
        for question in questions.iter().filter(|it| !decides(&stack, it)) {
            ways(fresh(), &questions, &|it| it.sets.is_none() || it.id == question.id, &mut found);
        }
        let (compile, refused) = try_all(&found);
        let told = format!("{}: {main} + {} ways, {compile} compile; {refused:#?}", stack.name, found.len() - main);
        assert!(main > 5 && compile * 10 > found.len(), "{told}");
    }
}

#[test]
fn the_first_service_of_an_application_is_asked_for() {
    let project = empty();
    let words = ["app", "dev", "--target", "both", "--service", "shop", "--image", "ghcr.io/acme/shop:1.0.0"];
    let ran = run(&project, &[&words[..], &["--port", "8080", "--store", "postgres"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = project.read("environments/dev.kdl");
    for wanted in [
        "service \"shop\" image=\"ghcr.io/acme/shop:1.0.0\" port=8080",
        "DATABASE_URL=(link)\"db.url\"",
        "postgres \"db\"\n",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert!(project.read("out/dev/app/compose/compose.yaml").contains("DATABASE_URL"));
    let ran = run(&project, &["app", "dev", "--reconfigure", "--replicas", "2"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(project.read("environments/dev.kdl"), text.replace(" }\n", "; replicas 2 }\n"));
    // an answer that writes nothing takes nothing back
    let ran = run(&project, &["app", "dev", "--reconfigure", "--store", "none"]);
    assert!(ran.code == 2 && ran.stderr.contains("--store: `postgres` is written"), "{ran:?}");
    // where there are several, none of them is the first
    let more = project
        .read("environments/dev.kdl")
        .replace("    postgres", "    service \"api\" image=\"acme/api:1.0.0\"\n    postgres");
    project.write("environments/dev.kdl", &more);
    let ran = run(&project, &["app", "dev", "--reconfigure", "--port", "9090"]);
    assert!(ran.code == 2 && ran.stderr.contains("--port: does not apply"), "{ran:?}");
}

#[test]
fn flux_is_asked_for_its_secrets_and_forgets_them_with_its_target() {
    let project = empty();
    let words = ["app", "dev", "--target", "flux", "--service", "web", "--image", "acme/web:1.0.0"];
    let ran = run(&project, &[&words[..], &["--flux-secrets", "external-secrets"]].concat());
    assert!(ran.code == 2 && ran.stderr.contains("--flux-store: missing"), "{ran:?}");
    let secrets = ["--flux-secrets", "external-secrets", "--flux-store", "vault"];
    let ran = run(&project, &[&words[..], &secrets].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = project.read("environments/dev.kdl");
    assert!(text.contains("flux { secrets \"external-secrets\" store=\"vault\" }"), "{text}");
    // what belongs to another provider goes with it
    let ran = run(&project, &["app", "dev", "--reconfigure", "--flux-secrets", "sops"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(project.read("environments/dev.kdl").contains("flux { secrets \"sops\" }"));
    let ran = run(&project, &["app", "dev", "--reconfigure", "--target", "kubernetes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!project.read("environments/dev.kdl").contains("flux {"));
}

fn answers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(id, answer)| ((*id).to_owned(), (*answer).to_owned())).collect()
}

#[test]
fn all_missing_answers_are_listed_at_once() {
    let mut interview = Interview::new(embedded(), stack("aeterna"), "start");
    let problems = interview
        .answer_all(&answers(&[("target", "both"), ("mode", "local"), ("cache", "external")]), &BTreeMap::new());
    let missing: Vec<&str> = problems
        .iter()
        .map(|problem| match problem {
            Problem::Missing(id, _) => &**id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(missing, ["vector-backend", "redis-host", "postgresql"]);
}

#[test]
fn what_must_be_written_is_never_called_useless() {
    let text = "environment \"start\" stack=\"somafractalmemory\" {\n    targets \"compose\"\n    app mode=\"full-stack\"\n    \
                secrets { provider store=\"s\" path=\"p\" }\n}\n";
    let compiled = compile("start", text);
    assert!(!failed(&compiled), "{}", told(&compiled));
    // the opposite: what need not be written, and does nothing
    let compiled = compile("start", &text.replace("path=\"p\"", "path=\"p\" refresh=\"2h\""));
    assert_eq!(crate::support::findings(&compiled).lines().filter(|line| line.ends_with("error[TL0607]")).count(), 1);
}

fn run(project: &Project, arguments: &[&str]) -> Ran {
    let words: Vec<&str> = ["init"].into_iter().chain(arguments.iter().copied()).collect();
    project.run(&words)
}

fn empty() -> Project {
    Project::new(&[("environments/.keep", "")])
}

const LOCAL: &[&str] = &[
    "aeterna",
    "dev",
    "--target",
    "both",
    "--mode",
    "local",
    "--vector-backend",
    "qdrant",
    "--cache",
    "valkey",
    "--postgresql",
    "bundled",
];

#[test]
fn flags_write_an_environment_and_compile_it() {
    let project = empty();
    let ran = run(&project, &[LOCAL, &["--llm", "openai", "--llm-api-key", "openai-credentials/api-key"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = project.read("environments/dev.kdl");
    for wanted in ["cache \"valkey\"\n", "(secret)\"openai-credentials/api-key\"", "    // What keeps"] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    // what holds anyway is not written
    assert!(!text.contains("qdrant") && !text.contains("targets") && !text.contains("postgres"), "{text}");
    assert!(project.read("out/dev/aeterna/compose/compose.yaml").contains("valkey"));
    assert_eq!(project.read(".gitignore"), "/.trueline/\n/secrets/\n");
    assert!(project.read(".gitattributes").starts_with("/out/** text eol=lf"));
    assert!(ran.stderr.contains("store the secrets openai-credentials/api-key"), "{}", ran.stderr);
    let check = project.run(&["compile", "--check"]);
    assert_eq!(check.code, 0, "{check:?}");
    let again = run(&project, LOCAL);
    assert_eq!((again.code, text), (2, project.read("environments/dev.kdl")), "{again:?}");
    assert!(again.stderr.contains("`environments/dev.kdl` is there already"), "{}", again.stderr);
}

#[test]
fn flux_is_a_target_and_what_the_cluster_must_have_is_said() {
    let project = empty();
    let words: Vec<&str> = LOCAL.iter().map(|word| if *word == "both" { "flux" } else { *word }).collect();
    let ran = run(&project, &[&words[..], &["--service-monitor"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        project.path("out/dev/flux-kustomization.yaml").exists() && !project.path("out/dev/aeterna/compose").exists()
    );
    for wanted in [
        "the cluster must have: Prometheus operator (servicemonitors.monitoring.coreos.com)",
        "flux: apply out/dev/flux-kustomization.yaml",
    ] {
        assert!(ran.stderr.contains(wanted), "{wanted}\n{}", ran.stderr);
    }
    let explained = project.run(&["explain", "dev"]);
    assert!(
        explained
            .stdout
            .ends_with("the cluster must have:\n  Prometheus operator (servicemonitors.monitoring.coreos.com)\n"),
        "{explained:?}"
    );
    let one = project.run(&["explain", "dev", "flux.interval"]);
    assert!(one.code == 0 && one.stdout.contains("spec.interval") && !one.stdout.contains("the cluster"), "{one:?}");
}

#[test]
fn all_missing_flags_are_listed_in_one_message() {
    let project = empty();
    let ran = run(
        &project,
        &["aeterna", "dev", "--target", "both", "--mode", "local", "--cache", "external", "--redis-host", "not a host"],
    );
    assert_eq!(ran.code, 2, "{ran:?}");
    for flag in [
        "--vector-backend: missing; none, qdrant, pgvector",
        "--redis-host: ",
        "--postgresql: missing; none, bundled, external",
    ] {
        assert!(ran.stderr.contains(flag), "{flag}\n{}", ran.stderr);
    }
    assert_eq!(ran.stderr.matches("error").count(), 1, "{}", ran.stderr);
    assert!(!project.path("environments/dev.kdl").exists() && !project.path(".gitignore").exists());
}

#[test]
fn variables_answer_and_flags_beat_them() {
    let project = empty();
    let variables =
        [("TRUELINE_INIT_CACHE", "dragonfly"), ("TRUELINE_INIT_LLM", "none"), ("TRUELINE_INIT_REDIS_HOST", "unused")];
    let ran = project.run_with(&[&["init"], LOCAL].concat(), &variables);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(project.read("environments/dev.kdl").contains("cache \"valkey\""));
    let ran = project.run_with(
        &[
            "init",
            "aeterna",
            "other",
            "--target",
            "both",
            "--mode",
            "local",
            "--vector-backend",
            "qdrant",
            "--postgresql",
            "bundled",
        ],
        &variables,
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!project.read("environments/other.kdl").contains("valkey"));
}

#[test]
fn a_secret_itself_is_refused_and_not_repeated() {
    let project = empty();
    for literal in ["sk-proj-Zk3vJ9x2Lm8Qw4Rt6Yp1", "aGVsbG8gd29ybGQh/c2VjcmV0LWtleS0x9Zk3vJ9x2Lm", "hunter2 hunter2"] {
        let ran = run(&project, &[LOCAL, &["--llm", "openai", "--llm-api-key", literal]].concat());
        assert_eq!(ran.code, 2, "{literal}: {ran:?}");
        assert!(ran.stderr.contains("--llm-api-key: not the reference of a secret"), "{}", ran.stderr);
        assert!(!ran.stderr.contains(&literal[..7]) && !ran.stdout.contains(&literal[..7]), "{ran:?}");
    }
    assert!(!project.path("environments/dev.kdl").exists());
}

#[test]
fn reconfigure_changes_what_is_answered_and_keeps_the_rest() {
    let text = "// ours\nenvironment \"dev\" stack=\"aeterna\" {\n    // the team's cache\n    cache \"external\" host=\"redis.internal\" port=6380 // do not touch\n\n    app   host-port=9000\n}\n";
    let project = Project::new(&[("environments/dev.kdl", text)]);
    let ran = run(&project, &["aeterna", "dev", "--reconfigure", "--redis-port", "6381", "--opal", "no"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let wanted = text.replace("6380", "6381").replace("host-port=9000\n", "host-port=9000\n    opal #false\n");
    assert_eq!(project.read("environments/dev.kdl"), wanted);
    // the host of a cache that is gone goes with it
    let ran = run(&project, &["aeterna", "dev", "--reconfigure", "--cache", "valkey"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let wanted = wanted.replace("\"external\" host=\"redis.internal\" port=6381", "\"valkey\"");
    assert_eq!(project.read("environments/dev.kdl"), wanted);
    let before = project.tree("");
    let ran = run(&project, &["aeterna", "dev", "--reconfigure", "--cache", "valkey"]);
    assert_eq!((ran.code, project.tree("")), (0, before), "{ran:?}");
    // a store that is changed loses its data
    let ran = run(&project, &["aeterna", "dev", "--reconfigure", "--vector-backend", "pgvector"]);
    assert_eq!((ran.code, project.read("environments/dev.kdl")), (1, wanted), "{ran:?}");
    assert!(ran.stdout.contains("TL0507"), "{ran:?}");
    let ran = run(&project, &["aeterna", "dev", "--reconfigure", "--vector-backend", "pgvector", "--accept", "vector"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn show_prints_answers_and_hides_what_looks_like_a_secret() {
    let text = "environment \"dev\" stack=\"aeterna\" {\n    llm \"openai\" api-key=(secret)\"openai-credentials/api-key\" model=\"sk-proj-Zk3vJ9x2Lm8Qw4Rt6Yp1Zk3vJ9x2Lm8\"\n}\n";
    let project = Project::new(&[("environments/dev.kdl", text)]);
    let ran = run(&project, &["aeterna", "dev", "--show"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("openai-credentials/api-key\n") && ran.stdout.contains("•••"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("Zk3vJ9x2"), "{}", ran.stdout);
    assert!(ran.stdout.lines().any(|line| line.starts_with("cache ") && line.ends_with("dragonfly  (default)")));
    assert!(!project.path("out").exists());
}

#[test]
fn help_lists_the_questions_of_the_stack() {
    let project = empty();
    let ran = run(&project, &["aeterna", "--help"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let stack = stack("aeterna");
    for question in init::all(&stack) {
        assert!(ran.stdout.contains(&format!("--{} ", question.id)), "{}\n{}", question.id, ran.stdout);
    }
    let ran = run(&project, &["aeterna", "dev", "--vektor-backend", "qdrant"]);
    assert!(ran.code == 2 && ran.stderr.contains("--vector-backend"), "{ran:?}");
    let ran = run(&project, &["aeterma", "dev"]);
    assert!(ran.code == 2 && ran.stderr.contains("did you mean `aeterna`?"), "{ran:?}");
}

#[test]
fn a_folder_becomes_a_project() {
    let project = Project::new(&[("readme", "")]);
    let ran = run(&project, LOCAL);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(project.path("out/dev/trueline.lock").exists());
}

/// What a conversation in a terminal left; nothing where there is no Python.
fn talk(project: &Project, arguments: &[&str], steps: &[(String, String)]) -> Option<serde_json::Value> {
    let script = crate::support::root().join("tests/init.py");
    let mut command = std::process::Command::new(python());
    command.arg(script).arg(env!("CARGO_BIN_EXE_trueline")).args(["init"]).args(arguments);
    command.current_dir(project.path(".")).stdin(Stdio::piped()).stdout(Stdio::piped()).env("NO_COLOR", "1");
    let mut child = command.spawn().ok()?;
    let input = serde_json::to_vec(steps).expect("texts");
    child.stdin.take().expect("piped").write_all(&input).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}")))
}

/// The answers of a person who takes for each open question the one of this number, or the last, or without a number
/// what holds anyway; and what they make.
fn conversation(
    stack: &Arc<Stack>,
    target: &str,
    number: Option<usize>,
) -> (Vec<(String, String)>, Interview<'static>) {
    let mut interview = Interview::new(embedded(), stack.clone(), "start");
    let mut steps = Vec::new();
    for section in &stack.questions {
        if section.collapsed && section.questions.iter().any(|question| interview.open(question).is_some()) {
            steps.push((format!("{} [yes, no]", section.title), "yes\r".to_owned()));
        }
        for question in &section.questions {
            let Some(open) = interview.open(question) else { continue };
            let mut fitting = fitting(&interview, question);
            if &*question.id == "target" {
                fitting.retain(|word| word == target);
            }
            if let (None, Wanted::Value(_) | Wanted::Secret, Some(value)) =
                (number, interview.wanted(question), &open.value)
            {
                fitting = vec![value.clone()];
            }
            let is = |answer: &str| fitting.iter().position(|word| word == answer);
            let holds = open.value.as_deref().and_then(is).or_else(|| is("no"));
            let answer = &fitting[number.or(holds).unwrap_or(0).min(fitting.len() - 1)];
            interview.answer(question, answer).expect("it fits");
            steps.push((question.about.to_string(), format!("{answer}\r")));
        }
    }
    (steps, interview)
}

#[test]
fn a_terminal_asks_every_question_and_writes_what_was_answered() {
    for stack in asking() {
        let mut asked = BTreeSet::new();
        let (mut compiled, mut why) = (0, String::new());
        let ways = (0..8).map(Some).chain([None, Some(usize::MAX)]).map(|number| ("both", number));
        for (target, number) in ways.chain((0..3).map(|number| ("flux", Some(number)))) {
            let project = empty();
            let (steps, interview) = conversation(&stack, target, number);
            let Some(left) = talk(&project, &[&stack.name, "start"], &steps) else {
                return crate::support::skipped(
                    "init::a_terminal_asks_every_question_and_writes_what_was_answered",
                    "no Python",
                );
            };
            let text = interview.text();
            let made = compile("start", &text);
            let refused = failed(&made);
            if refused {
                why.push_str(&format!("{text}{}\n", told(&made)));
            }
            assert_eq!((&left["missed"], &left["code"]), (&json!([]), &json!(i32::from(refused))), "{left:#}\n{text}");
            assert_eq!(project.path("out/start/trueline.lock").exists(), !refused);
            if !refused {
                assert_eq!(project.read("environments/start.kdl"), text);
                compiled += 1;
            }
            asked.extend(init::all(&stack).filter(|it| interview.is_answered(it)).map(|it| it.id.clone()));
        }
        let all: BTreeSet<SmolStr> = init::all(&stack).map(|question| question.id.clone()).collect();
        assert_eq!(asked, all, "{}", stack.name);
        assert!(compiled > 0, "{}:\n{why}", stack.name);
    }
}

/// One prompt for each question that a terminal asks of an environment that is there, answered by a blank line.
fn blank_lines(interview: &Interview<'_>) -> Vec<(String, String)> {
    let mut steps = Vec::new();
    for section in &interview.stack().questions {
        let open = |question: &Question| interview.open(question);
        let some_are_written = section.questions.iter().filter_map(open).any(|open| open.written);
        if section.collapsed && section.questions.iter().any(|question| open(question).is_some()) {
            steps.push((format!("{} [yes, no]", section.title), "\r".to_owned()));
        }
        let asked = section.questions.iter().filter(|_| !section.collapsed || some_are_written);
        steps.extend(asked.filter(|it| open(it).is_some()).map(|it| (it.about.to_string(), "\r".to_owned())));
    }
    steps
}

#[test]
fn blank_lines_in_a_terminal_change_nothing() {
    let mut tried = 0;
    for (name, text) in crate::support::environments() {
        let project = Project::new(&[(&format!("environments/{name}.kdl"), &text)]);
        let Some(interview) =
            asking().into_iter().find_map(|stack| Interview::of(embedded(), stack, &name, text.clone()).ok())
        else {
            continue; // several deployments, which are changed by hand
        };
        if failed(&compile(&name, &text)) {
            continue; // other tests say so
        }
        let steps = blank_lines(&interview);
        let stack = interview.stack().name.to_string();
        let Some(left) = talk(&project, &[&stack, &name, "--reconfigure"], &steps) else {
            return crate::support::skipped("init::blank_lines_in_a_terminal_change_nothing", "no Python");
        };
        assert_eq!((&left["missed"], &left["code"]), (&json!([]), &json!(0)), "{name}: {left:#}");
        assert_eq!(project.read(&format!("environments/{name}.kdl")), text);
        tried += 1;
    }
    assert!(tried > 2, "{tried}");
}

#[test]
fn an_interrupted_terminal_leaves_nothing() {
    let project = empty();
    let steps = [
        ("What is written", "both\r"),
        ("[local, hybrid", "local\r"),
        ("Expected load", "small\r"),
        ("What stores vectors", "\u{3}"),
    ];
    let steps = steps.map(|(expect, send)| (expect.to_owned(), send.to_owned()));
    let Some(left) = talk(&project, &["aeterna", "start"], &steps) else {
        return crate::support::skipped("init::an_interrupted_terminal_leaves_nothing", "no Python");
    };
    assert_eq!(left["missed"], json!([]), "{left:#}");
    assert_ne!(left["code"], json!(0));
    assert_eq!(project.tree("").into_keys().collect::<Vec<_>>(), ["environments/.keep"]);
}

#[test]
fn a_terminal_refuses_a_secret_itself() {
    let project = empty();
    let arguments = [LOCAL, &["--llm", "openai"]].concat();
    let steps = [
        ("Secret with the key of the provider", "sk-proj-Zk3vJ9x2Lm8Qw4Rt6Yp1\r"),
        ("not the reference of a secret", "\u{3}"),
    ];
    let mut all: Vec<(String, String)> =
        vec![("Expected load".into(), "\r".into()), ("Copies of the database".into(), "\r".into())];
    all.push(("Size of each copy".into(), "\r".into()));
    all.push(("Authorization of tenants".into(), "\r".into()));
    all.extend(steps.map(|(expect, send)| (expect.to_owned(), send.to_owned())));
    let Some(left) = talk(&project, &arguments, &all) else {
        return crate::support::skipped("init::a_terminal_refuses_a_secret_itself", "no Python");
    };
    assert_eq!(left["missed"], json!([]), "{left:#}");
    assert!(!project.path("environments/dev.kdl").exists());
}

#[test]
fn all_targets_are_written_by_saying_none() {
    let text = "environment \"start\" stack=\"aeterna\" {\n    targets \"compose\" \"toml\" \"mcp\" // for now\n    cache \"valkey\"\n}\n";
    let stack = stack("aeterna");
    let mut interview = Interview::of(embedded(), stack.clone(), "start", text.to_owned()).expect("one deployment");
    let target = init::all(&stack).find(|question| question.sets.is_none()).expect("it asks for targets");
    let value = |interview: &Interview<'_>| interview.open(target).and_then(|open| open.value);
    assert_eq!(value(&interview).as_deref(), Some("docker-compose"));
    interview.answer(target, "both").expect("a word of it");
    assert_eq!((value(&interview).as_deref(), interview.text().contains("targets")), (Some("both"), false));
    interview.answer(target, "opencode-only").expect("a word of it");
    assert_eq!(value(&interview).as_deref(), Some("opencode-only"));
    assert!(interview.text().contains("targets \"mcp\"") && interview.text().contains("opencode #true"));
    assert!(interview.answer(target, "cubernetes").is_err());
}
