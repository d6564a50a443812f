//! Manifests as charts render them.

use super::*;
use crate::{
    facts::{Delivery, State},
    read::foreign,
    value::spell,
};

/// The facts of documents, a line for each.
fn facts(text: &str, called: &[(&str, &str)]) -> Vec<String> {
    let documents = foreign::documents(text).expect("YAML");
    let called = called.iter().map(|(name, workload)| ((*name).into(), (*workload).into())).collect();
    let (facts, _) = of_manifests(&documents, &called);
    let line = |(path, fact): (&crate::plan::FactPath, &crate::facts::Fact)| {
        let state = if fact.state == State::Set { String::new() } else { format!(" {:?}", fact.state) };
        let how = if fact.delivery == Delivery::Literal { String::new() } else { format!(" {:?}", fact.delivery) };
        format!("{path} = {}{state}{how}", spell(&fact.value))
    };
    facts.iter().map(line).collect()
}

fn job(name: &str, labels: &str, container: &str) -> String {
    format!(
        "kind: Job\nmetadata: {{name: {name}, labels: {{{labels}}}}}\nspec: {{template: {{spec: {{containers: [{{name: c, {container}}}]}}}}}}\n"
    )
}

#[test]
fn names_lose_the_release_the_chart_and_the_time() {
    let release = "app.kubernetes.io/instance: rel, app.kubernetes.io/name: app";
    let cases = [
        ("rel-app-api", release, "api"),
        ("rel-api", release, "api"),
        ("rel", "app.kubernetes.io/instance: rel, app.kubernetes.io/component: server", "server"),
        ("rel-app-migrate-1700000000", release, "migrate"),
        ("lonely", "", "lonely"),
    ];
    for (name, labels, expected) in cases {
        let found = facts(&job(name, labels, "image: a"), &[]);
        assert!(found.iter().all(|fact| fact.starts_with(&format!("{expected} "))), "{name}: {found:?}");
    }
    let several = format!("{}---\n{}", job("x-y-a", "", "image: a"), job("x-y-b", "", "image: b"));
    assert!(facts(&several, &[]).iter().any(|fact| fact.starts_with("a role")));
    let found = facts(&job("odd", "", "image: a"), &[("odd", "known")]);
    assert!(found.iter().all(|fact| fact.starts_with("known ")), "{found:?}");
}

#[test]
fn what_a_secret_holds_is_not_kept() {
    let text = "kind: Secret\nmetadata: {name: s}\nstringData: {PASSWORD: hunter2}\n---\n".to_owned()
        + &job(
            "a",
            "",
            "image: a, envFrom: [{secretRef: {name: s}}], env: [{name: URL, value: 'http://u:$(PASSWORD)@h'}]",
        );
    let found = facts(&text, &[]);
    assert!(found.contains(&"a env[PASSWORD] = s/PASSWORD Secret".to_owned()), "{found:?}");
    assert!(found.contains(&"a env[URL] = http://u:{secret s/PASSWORD}@h Secret".to_owned()), "{found:?}");
    assert!(!found.join("\n").contains("hunter2"));
}

#[test]
fn values_come_from_where_they_are_kept() {
    let text = "kind: ConfigMap\nmetadata: {name: c}\ndata: {k: v}\n---\n".to_owned()
        + &job(
            "a",
            "",
            "image: a, env: [{name: A, valueFrom: {configMapKeyRef: {name: c, key: k}}}, {name: B, valueFrom: {configMapKeyRef: {name: c, key: gone}}}, {name: C, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]",
        );
    let found: Vec<String> = facts(&text, &[]).into_iter().filter(|fact| fact.contains(" env[")).collect();
    let expected = ["a env[A] = v Config", "a env[B] =  Open Config", "a env[C] = status.podIP Generated Field"];
    assert_eq!(found, expected);
}

#[test]
fn strange_objects_break_nothing() {
    for text in [
        "kind: Job",
        "5",
        "kind: Deployment\nmetadata: {name: a}\nspec: []",
        "kind: List\nitems: {a: 1}",
        "kind: Service\nmetadata: {name: a}\nspec: {ports: 3}",
    ] {
        facts(text, &[]);
    }
}
