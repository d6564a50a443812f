//! `trueline init` over the whole product of what the main system is made of: each combination of answers compiles, or a
//! rule of the stack refuses it, or a question is not asked in that mode; then the same is tried as written by hand.
//!
//! What compiles is looked through by code of its own: names that lead nowhere, secrets without a name, keys that are not
//! on the chart's surface. Without `TRUELINE_COMBINATIONS=all`, which `.ci/run` says, one in 23 is tried, so that each
//! answer is met with each other one.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::Value;
use trueline::{
    compile::Compiled,
    init::{self, Interview},
    schema::{KeyShape, Stack, Surface},
};

use crate::{
    init::{embedded, fitting, rules_that_refuse, stack},
    support::{compile, failed, told},
};

/// The questions of the product, and their answers.
const PRODUCT: &[(&str, &[&str])] = &[
    ("mode", &["local", "hybrid", "remote", "central"]),
    ("vector-backend", &["qdrant", "pgvector", "pinecone", "weaviate", "mongodb", "vertexai", "databricks"]),
    ("cache", &["dragonfly", "valkey", "external"]),
    ("postgresql", &["bundled", "external"]),
    ("opal", &["yes", "no"]),
    ("llm", &["none", "openai", "anthropic", "ollama"]),
    ("chart", &["0.1.0", "0.8"]),
];

/// Questions that a thin client is not asked: it has none of these programs.
const NOT_OF_A_THIN_CLIENT: &[&str] = &["cache", "opal", "postgresql", "vector-backend"];

/// It shares no factor with the numbers of answers above, so that each answer is met with each other one.
const EVERY: usize = 23;

type Combination = BTreeMap<&'static str, &'static str>;

fn combinations() -> Vec<Combination> {
    let mut all = vec![Combination::new()];
    for (question, answers) in PRODUCT {
        let with = |known: &Combination, answer: &&'static str| {
            let mut next = known.clone();
            next.insert(question, answer);
            next
        };
        all = all.iter().flat_map(|known| answers.iter().map(move |answer| with(known, answer))).collect();
    }
    let every = if std::env::var_os("TRUELINE_COMBINATIONS").is_some_and(|word| word == "all") { 1 } else { EVERY };
    all.into_iter().step_by(every).collect()
}

/// What the answers make, with the first fitting one for whatever else must be answered; and the questions among them
/// that were not asked.
fn answered(combination: &Combination) -> (Interview<'static>, BTreeSet<&'static str>) {
    let stack = stack("aeterna");
    let mut interview = Interview::new(embedded(), stack.clone(), "start");
    let mut asked = BTreeSet::new();
    for question in init::all(&stack) {
        let Some(open) = interview.open(question) else { continue };
        let said = combination.get_key_value(&*question.id);
        asked.extend(said.map(|(id, _)| *id));
        let answer = match said {
            Some((_, answer)) => (*answer).to_owned(),
            None if &*question.id == "target" => "both".to_owned(),
            None if open.required => fitting(&interview, question).remove(0),
            None => continue,
        };
        interview.answer(question, &answer).expect("it fits");
    }
    let not_asked = combination.keys().filter(|id| !asked.contains(*id)).copied().collect();
    (interview, not_asked)
}

/// What somebody writes by hand who asks a thin client for stores all the same.
fn by_hand(combination: &Combination) -> String {
    let text = |id: &str| combination[id];
    let vector = match text("vector-backend") {
        "pinecone" => "vector \"pinecone\" environment=\"e\" api-key=(secret)\"p/api-key\"",
        "weaviate" => "vector \"weaviate\" url=\"http://weaviate:8080\"",
        "mongodb" => "vector \"mongodb\" uri=(secret)\"m/uri\"",
        "vertexai" => "vector \"vertexai\" project=\"p\" endpoint=\"e\"",
        "databricks" => "vector \"databricks\" workspace-url=\"https://d.example.com\" token=(secret)\"d/token\"",
        "pgvector" => "vector \"pgvector\"",
        _ => "vector \"qdrant\"",
    };
    let cache = match text("cache") {
        "external" => "cache \"external\" host=\"redis.internal\"".to_owned(),
        word => format!("cache \"{word}\""),
    };
    let postgres = match text("postgresql") {
        "external" => "postgres \"external\" host=\"db.internal\" password=(secret)\"db/password\"",
        _ => "postgres \"bundled\"",
    };
    let llm = match text("llm") {
        word @ ("openai" | "anthropic") => format!("llm \"{word}\" api-key=(secret)\"llm/api-key\""),
        "ollama" => "llm \"ollama\" url=\"http://ollama:11434\"".to_owned(),
        _ => String::new(),
    };
    let opal = if text("opal") == "yes" { "opal #true" } else { "" };
    format!(
        "environment \"start\" stack=\"aeterna\" {{\n    chart \"{}\"\n    app mode=\"remote\"\n    central url=\"https://central.example.com\" \
         credentials=(secret)\"central/api-key\"\n    {vector}\n    {cache}\n    {postgres}\n    {opal}\n    {llm}\n}}\n",
        text("chart")
    )
    .replace("    chart \"0.1.0\"\n", "")
}

/// Every scalar below a value, with its path.
fn leaves(value: &Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            path.push(key.clone());
            leaves(value, path, found);
            path.pop();
        }),
        Value::Array(items) => items.iter().for_each(|value| {
            path.push("*".to_owned());
            leaves(value, path, found);
            path.pop();
        }),
        Value::String(text) => found.push((path.clone(), text.clone())),
        other => found.push((path.clone(), other.to_string())),
    }
}

fn leaves_of(text: &str) -> Vec<(Vec<String>, String)> {
    let value: Value = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut found = Vec::new();
    leaves(&value, &mut Vec::new(), &mut found);
    found
}

/// Hosts that a text names: all of it, or what stands before a port or behind `//`.
fn hosts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !(sign.is_ascii_alphanumeric() || "-.".contains(sign))).filter(|word| !word.is_empty())
}

/// The programs of the stack beside the server.
const PROGRAMS: &[&str] = &["cache", "cedar-agent", "codesearch", "opal-fetcher", "opal-server", "postgres", "qdrant"];

/// Programs of the stack that are not in the Compose file, and that something in it speaks of all the same.
fn dangling_in_compose(text: &str) -> Vec<String> {
    let value: Value = serde_yaml::from_str(text).expect("it is YAML");
    let services = value["services"].as_object().expect("services");
    let gone: BTreeSet<&str> = PROGRAMS.iter().filter(|name| !services.contains_key(**name)).copied().collect();
    let mut wrong = Vec::new();
    for (name, service) in services {
        for waits in service["depends_on"].as_object().into_iter().flat_map(|map| map.keys()) {
            wrong.extend((!services.contains_key(waits)).then(|| format!("{name} waits for {waits}")));
        }
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let is_address = variable.ends_with("HOST") || variable.contains("UR") || variable.contains("ENDPOINT");
            let found = value.as_str().into_iter().flat_map(hosts).find(|host| is_address && gone.contains(host));
            wrong.extend(found.map(|host| format!("{name} {variable} leads to {host}")));
        }
    }
    wrong
}

/// The shape of a key of a surface; what is handed on whole answers for all below it.
fn shape<'s>(surface: &'s Surface, path: &[String]) -> Option<&'s KeyShape> {
    let number = path.iter().try_fold(0, |number, word| surface.below(number, word))?;
    Some(&surface.key(number).shape)
}

/// Keys of the values that the chart does not read.
fn unread(surface: &Surface, text: &str) -> Vec<String> {
    let read = |path: &[String]| !matches!(shape(surface, path), None | Some(KeyShape::Dead(_)));
    leaves_of(text).into_iter().filter(|(path, _)| !read(path)).map(|(path, _)| path.join(".")).collect()
}

/// Keys that name a secret or an entry of one, and say nothing.
fn nameless(text: &str) -> Vec<String> {
    let of_secret = |path: &[String]| {
        let last = path.last().map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        last.ends_with("secret") || last.ends_with("secretname") || last.ends_with("secretkey")
    };
    let empty = |(path, said): &(Vec<String>, String)| of_secret(path) && (said.is_empty() || said == "null");
    leaves_of(text).into_iter().filter(empty).map(|(path, _)| path.join(".")).collect()
}

/// What is wrong with the files of something that compiled; tells how many values it looked at.
fn wrong(stack: &Stack, compiled: &Compiled) -> (Vec<String>, usize) {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    let chart = compiled.settings()["deployments"]["aeterna"]["settings"]["chart"].clone();
    let block = stack.helm.iter().find(|block| *block.name == chart).expect("the block of the chart");
    for file in &compiled.files {
        let text = String::from_utf8_lossy(&file.bytes);
        if file.path.ends_with("compose.yaml") {
            wrong.extend(dangling_in_compose(&text));
        }
        let Some(name) = file.path.strip_prefix("aeterna/helm/") else { continue };
        let release = block.releases.iter().find(|release| &*release.file == name).expect("the release of the file");
        let surface = stack.surface(release).expect("it has a surface");
        wrong.extend(unread(&surface, &text).into_iter().map(|key| format!("{name}: `{key}` is not read")));
        wrong.extend(nameless(&text).into_iter().map(|key| format!("{name}: `{key}` names no secret")));
        seen += leaves_of(&text).len();
    }
    (wrong, seen)
}

/// How one combination ended: the rules that refused it, or how many values were looked at.
enum End {
    Refused(BTreeSet<String>),
    Fine(usize),
}

fn end(compiled: &Compiled, text: &str) -> End {
    if failed(compiled) {
        return End::Refused(rules_that_refuse(compiled, text));
    }
    let (wrong, seen) = wrong(&stack("aeterna"), compiled);
    assert!(wrong.is_empty(), "{text}\n{wrong:#?}");
    End::Fine(seen)
}

fn try_one(combination: &Combination) -> Vec<End> {
    let (interview, not_asked) = answered(combination);
    let thin = combination["mode"] == "remote";
    let expected: BTreeSet<&str> = NOT_OF_A_THIN_CLIENT.iter().filter(|_| thin).copied().collect();
    assert_eq!(not_asked, expected, "{combination:?}");
    let text = interview.text();
    let mut ends = vec![end(&compile("start", &text), &text)];
    if thin {
        let text = by_hand(combination);
        let compiled = compile("start", &text);
        let bundled = combination["vector-backend"] == "qdrant"
            || combination["cache"] != "external"
            || combination["postgresql"] == "bundled"
            || combination["opal"] == "yes";
        assert!(failed(&compiled) || !bundled, "{text}{}", told(&compiled));
        ends.push(end(&compiled, &text));
    }
    ends
}

#[test]
#[allow(clippy::print_stdout, reason = "counts, for who asks the test runner for them")]
fn all_systems_that_can_be_asked_for_compile_or_are_refused_by_a_rule() {
    let all = combinations();
    let ends: Vec<End> = all.par_iter().flat_map_iter(try_one).collect();
    let fine = ends.iter().filter(|end| matches!(end, End::Fine(seen) if *seen > 50)).count();
    let refused: BTreeSet<&String> =
        ends.iter().filter_map(|end| if let End::Refused(why) = end { Some(why) } else { None }).flatten().collect();
    let counted = format!("{} combinations, {} ways, {fine} compile; {refused:#?}", all.len(), ends.len());
    println!("{counted}");
    assert!(fine * 6 > ends.len() && refused.len() > 5, "{counted}");
}

/// The checks above find what they are for.
#[test]
fn what_is_looked_for_is_found() {
    let stack = stack("aeterna");
    let compose = "services:\n  aeterna:\n    depends_on: {cache: {condition: service_healthy}}\n    environment: {RD_HOST: cache, QDRANT_URL: 'http://qdrant:6334', OPAL_URL: 'https://qdrant.example.com'}\n";
    assert_eq!(
        dangling_in_compose(compose),
        ["aeterna waits for cache", "aeterna RD_HOST leads to cache", "aeterna QDRANT_URL leads to qdrant"]
    );
    let release = &stack.helm.iter().find(|block| &*block.name == "0.1.0").expect("the block").releases[0];
    let surface = stack.surface(release).expect("a surface");
    let values =
        "aeterna: {replicaCount: 1, replicas: 2, ingress: {hosts: [{host: a, hots: b}]}}\ncache: {type: valkey}\n";
    assert_eq!(unread(&surface, values), ["aeterna.replicas", "aeterna.ingress.hosts.*.hots", "cache.type"]);
    assert_eq!(nameless("llm: {openai: {existingSecret: '', model: ''}}\n"), ["llm.openai.existingSecret"]);
}
