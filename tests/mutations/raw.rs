//! Keys that an environment writes by `raw`: those that carry a fact are refused, others are read, or refused as unread.

use std::{collections::BTreeMap, sync::Arc};

use smol_str::SmolStr;

use rayon::prelude::*;
use trueline::{
    diag::Severity,
    read,
    schema::{ChartKey, KeyShape, Packed, Surface},
    sensitive,
    surface::Values,
};

use super::{committed, support};

/// What is written to a key, as KDL.
fn word(key: &ChartKey) -> Option<&'static str> {
    let KeyShape::Scalar(of, attributes) = &key.shape else { return None };
    // Under the name of a secret no text is taken, whatever it says. A number or a yes is no secret.
    let is_text = matches!(&**of, "string" | "name" | "host" | "subdomain" | "path");
    if is_text && sensitive::names_secret(&key.name) {
        return None;
    }
    match &**of {
        "bool" => Some("#true"),
        "int" | "port" | "seconds" | "percent" if attributes.min.is_none() && attributes.max.is_none() => Some("7"),
        "string" | "name" | "host" | "subdomain" => Some("\"other\""),
        "path" => Some("\"/other\""),
        "cpu" => Some("\"7\""),
        "memory" => Some("\"7Gi\""),
        _ => None,
    }
}

/// The words of the path of a key, which may have dots in them.
fn words_of(surface: &Surface, number: u32) -> Vec<String> {
    let key = surface.key(number);
    let Some(parent) = key.parent else { return Vec::new() };
    let mut words = words_of(surface, parent);
    words.push(key.name.to_string());
    words
}

/// An environment with one key more, in braces all the way down.
fn with_raw(text: &str, path: &[String], value: &str) -> String {
    let mut keys = format!("{:?} {value}", path.last().expect("a path has words"));
    for name in path[..path.len() - 1].iter().rev() {
        keys = format!("{name:?} {{ {keys} }}");
    }
    let end = text.rfind('}').expect("an environment has braces");
    format!("{}    raw \"helm\" because=\"a property of the read-back\" {{ {keys} }}\n}}\n", &text[..end])
}

/// The codes of the errors of an environment with one key more.
fn codes(name: &str, text: &str, path: &[String], value: &str) -> Vec<&'static str> {
    let compiled = support::compile(name, &with_raw(text, path, value));
    let errors = compiled.findings.iter().filter(|finding| finding.code.severity == Severity::Error);
    // Some keys are a danger too, whatever they are for.
    errors.map(|finding| finding.code.id).filter(|code| !code.starts_with("TL061")).collect()
}

/// Keys of a surface that stand once and are read as an environment has it, in an order of no meaning.
fn keys(surface: &Surface, values: &Values<'_, '_>) -> Vec<u32> {
    let read = values.all_read();
    let once = |number: u32| words_of(surface, number).iter().all(|word| word != "*");
    let mut keys: Vec<u32> = (1..surface.keys.len() as u32)
        .filter(|number| once(*number) && read[*number as usize] == Some(true) && word(surface.key(*number)).is_some())
        .collect();
    support::Dice(7).shuffle(&mut keys);
    keys
}

#[test]
fn raw_keys_that_carry_a_fact_are_refused_and_others_are_not() {
    // Of each chart: how many keys were tried in the first environment that writes it, and in the others together.
    let mut counts: BTreeMap<SmolStr, [usize; 3]> = BTreeMap::new();
    for (name, text) in support::environments() {
        let committed = committed().iter().find(|committed| committed.name == name).expect("all are compiled");
        let [deployed] = committed.env.deployments.as_slice() else { continue }; // one has to be told which is meant
        // A `raw` that names no release is for the one called as the stack.
        let releases = &committed.plan.deployments[0].helm;
        let release = releases.iter().find(|it| it.name == deployed.stack.name).unwrap_or(&releases[0]);
        let of_release = |surface: &Arc<Surface>| surface.chart == release.chart && surface.version == release.version;
        let mut surfaces = deployed.stack.surfaces.iter().map(Packed::surface);
        let surface = surfaces.find(of_release).expect("the release has one");
        let path = format!("{}/helm/{}", deployed.name, release.file);
        let file = committed.files.iter().find(|file| file.path == path).expect("it has values");
        let tried = counts.entry(surface.chart.clone()).or_default();
        let most = if *tried == [0; 3] { 15 } else { 4 };
        let tree = read::yaml::parse(std::str::from_utf8(&file.bytes).expect("it is text")).expect("it can be read");
        let values = Values::new(&surface, &tree);
        let is_written = |number: &u32| {
            let words = words_of(&surface, *number);
            tree.at(&words.iter().map(String::as_str).collect::<Vec<_>>()).is_some()
        };
        let (written, unwritten): (Vec<u32>, Vec<u32>) = keys(&surface, &values).into_iter().partition(is_written);
        let try_all = |keys: &[u32], wanted: &[&str]| {
            keys.par_iter().for_each(|number| {
                let path = words_of(&surface, *number);
                let found = codes(&name, &text, &path, word(surface.key(*number)).expect("it has one"));
                let is_found = wanted.iter().all(|code| found.contains(code)) && found.is_empty() == wanted.is_empty();
                assert!(is_found, "{name} {}: {found:?}, not {wanted:?}", path.join("."));
            });
        };
        // The stack writes these already.
        try_all(&written[..most.min(10).min(written.len())], &["TL0810"]);
        let carries = |number: &u32| {
            surface.key(*number).carries.iter().any(|carry| values.holds(carry.when.as_ref()) == Some(true))
        };
        let carrying: Vec<u32> = unwritten.iter().copied().filter(carries).take(most).collect();
        try_all(&carrying, &["TL1116"]);
        // What no condition asks for and nothing is said of, is the business of whoever writes it.
        let asked = surface.asked();
        let is_free = |number: &u32| {
            let key = surface.key(*number);
            key.carries.is_empty() && key.says.is_none() && !asked.contains(number)
        };
        let free: Vec<u32> = unwritten.iter().copied().filter(is_free).take(most).collect();
        try_all(&free, &[]);
        free.par_iter().for_each(|number| {
            let mut path = words_of(&surface, *number);
            path.last_mut().expect("a path has words").push('x');
            if matches!(surface.key(surface.key(*number).parent.unwrap_or(0)).shape, KeyShape::Group) {
                let value = word(surface.key(*number)).expect("it has one");
                assert_eq!(codes(&name, &text, &path, value), ["TL1104"], "{name} {}", path.join("."));
            }
        });
        for (count, more) in tried.iter_mut().zip([written.len(), carrying.len(), free.len()]) {
            *count += more;
        }
    }
    // A chart that takes workloads as they are leaves little beside them.
    let enough = |[written, carrying, free]: &[usize; 3]| *written > 0 && *carrying > 0 && *free >= 10;
    assert!(counts.values().filter(|tried| enough(tried)).count() >= 2, "{counts:?}");
    assert!(counts.values().all(|[written, ..]| *written > 0), "{counts:?}");
}
