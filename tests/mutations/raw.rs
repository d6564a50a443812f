//! Keys that an environment writes by `raw`: those that carry a fact are refused, others are read, or refused as unread.

use rayon::prelude::*;
use trueline::{
    diag::Severity,
    read,
    schema::{ChartKey, KeyShape, Surface},
    surface::Values,
};

use super::{committed, support};

/// What is written to a key, as KDL.
fn word(key: &ChartKey) -> Option<&'static str> {
    let KeyShape::Scalar(of, attributes) = &key.shape else { return None };
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
    errors.map(|finding| finding.code.id).collect()
}

/// Keys of the surface that stand once and are read as an environment has it, in an order of no meaning.
fn keys(surface: &Surface, values: &str) -> Vec<u32> {
    let tree = read::yaml::parse(values).expect("it can be read");
    let read = Values::new(surface, &tree).all_read();
    let once = |number: u32| words_of(surface, number).iter().all(|word| word != "*");
    let mut keys: Vec<u32> = (1..surface.keys.len() as u32)
        .filter(|number| once(*number) && read[*number as usize] == Some(true) && word(surface.key(*number)).is_some())
        .collect();
    support::Dice(7).shuffle(&mut keys);
    keys
}

#[test]
fn raw_keys_that_carry_a_fact_are_refused_and_others_are_not() {
    for (name, text) in support::environments() {
        let committed = committed().iter().find(|committed| committed.name == name).expect("it is committed");
        let surface = committed.env.deployments[0].stack.surfaces[0].surface().expect("it can be read");
        let values =
            committed.files.iter().find(|file| file.path.ends_with("/helm/values.yaml")).expect("it has values");
        let keys = keys(&surface, std::str::from_utf8(&values.bytes).expect("it is text"));
        let carries = |number: &&u32| !surface.key(**number).carries.is_empty();
        let carrying: Vec<u32> = keys.iter().filter(carries).copied().take(25).collect();
        carrying.par_iter().for_each(|number| {
            let path = words_of(&surface, *number);
            let found = codes(&name, &text, &path, word(surface.key(*number)).expect("it has one"));
            assert!(found.contains(&"TL1116"), "{name} {}: {found:?}", path.join("."));
        });
        // What no condition asks for and nothing is said of, is the business of whoever writes it.
        let asked: Vec<u32> = surface.asked();
        let is_free = |number: &u32| {
            let key = surface.key(*number);
            key.carries.is_empty() && key.says.is_none() && !asked.contains(number)
        };
        let free: Vec<u32> = keys.iter().copied().filter(is_free).take(25).collect();
        free.par_iter().for_each(|number| {
            let mut path = words_of(&surface, *number);
            let value = word(surface.key(*number)).expect("it has one");
            assert_eq!(codes(&name, &text, &path, value), Vec::<&str>::new(), "{name} {}", path.join("."));
            let in_group = matches!(surface.key(surface.key(*number).parent.unwrap_or(0)).shape, KeyShape::Group);
            path.last_mut().expect("a path has words").push('x');
            if in_group {
                assert_eq!(codes(&name, &text, &path, value), ["TL1104"], "{name} {}", path.join("."));
            }
        });
        assert!(carrying.len() >= 20 && free.len() >= 20, "{} and {} keys", carrying.len(), free.len());
    }
}
