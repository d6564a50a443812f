//! Compose files in all their spellings.

use super::*;
use crate::{
    facts::{Delivery, State},
    value::spell,
};

/// The facts of a file with these services, a line for each, and its troubles.
fn facts(services: &str) -> (Vec<String>, Vec<String>) {
    let mut documents = crate::read::foreign::documents(&format!("services:\n{services}")).expect("YAML");
    let file = documents.remove(0);
    let (facts, troubles) = of_compose(&file, None, &|_| None);
    let line = |(path, fact): (&crate::plan::FactPath, &crate::facts::Fact)| {
        let state = if fact.state == State::Set { String::new() } else { format!(" {:?}", fact.state) };
        let how = if fact.delivery == Delivery::Literal { String::new() } else { format!(" {:?}", fact.delivery) };
        format!("{path} = {}{state}{how}", spell(&fact.value))
    };
    (facts.iter().map(line).collect(), troubles.into_iter().map(|trouble| trouble.message).collect())
}

fn found(services: &str, kind: &str) -> Vec<String> {
    let prefix = format!("a {kind}");
    let (facts, _) = facts(services);
    facts.into_iter().filter_map(|fact| fact.strip_prefix(&prefix).map(str::to_owned)).collect()
}

#[test]
fn ports_are_read_in_all_their_forms() {
    let cases: [(&str, &[&str]); 7] = [
        ("'8080'", &["[8080] = 8080", "[8080].protocol = tcp"]),
        ("80:8080", &["[8080] = 8080", "[8080].protocol = tcp", "[8080].publish = 80"]),
        ("'127.0.0.1:80:8080/udp'", &["[8080/udp] = 8080", "[8080/udp].protocol = udp", "[8080/udp].publish = 80"]),
        ("'127.0.0.1::8080'", &["[8080] = 8080", "[8080].protocol = tcp"]),
        (
            "'1-2:11-12'",
            &[
                "[11] = 11",
                "[11].protocol = tcp",
                "[11].publish = 1",
                "[12] = 12",
                "[12].protocol = tcp",
                "[12].publish = 2",
            ],
        ),
        ("'8000-9000:80'", &["[80] = 80", "[80].protocol = tcp", "[80].publish = 8000-9000"]),
        (
            "{name: http, target: 80, published: '81', host_ip: 127.0.0.1}",
            &["[http] = 80", "[http].protocol = tcp", "[http].publish = 81"],
        ),
    ];
    for (port, expected) in cases {
        assert_eq!(found(&format!("  a: {{ports: [{port}]}}"), "port"), expected, "{port}");
    }
    assert_eq!(found("  a: {expose: ['53/udp']}", "port"), ["[53/udp] = 53", "[53/udp].protocol = udp"]);
    assert!(found("  a: {ports: ['80000', 'x']}", "port").is_empty());
}

#[test]
fn variables_are_read_in_all_their_forms() {
    let services = "  a: {environment: [A=1, B, 'C=${X}', 'D=${X:-d}', 'E=p$$q', 'F=x=y']}";
    assert_eq!(
        found(services, "env"),
        ["[A] = 1", "[B] =  Open", "[C] = ${X} Open", "[D] = d", "[E] = p$q", "[F] = x=y"]
    );
    let services = "  a: {environment: {A: true, B: 1.0, C: 2.5, D: , E: ' x'}}";
    assert_eq!(found(services, "env"), ["[A] = true", "[B] = 1", "[C] = 2.5", "[D] =  Open", "[E] =  x"]);
    let (_, troubles) = facts("  a: {environment: {A: 'a $ b'}, env_file: gone.env}");
    assert_eq!(troubles.len(), 2, "{troubles:?}");
}

#[test]
fn addresses_are_links() {
    let services = "  a: {environment: {DB_URL: 'postgres://u:p@db:5432/x', DB_HOST: db, NAME: db, BROKERS: 'db:5432,x:1', IMAGE: 'x/db:5432', V: 'db:16'}}\n  db: {expose: ['5432'], hostname: base}";
    let expected = [
        "[BROKERS] = {endpoint.db.host}:{endpoint.db.ports.5432},x:1",
        "[DB_HOST] = {endpoint.db.host}",
        "[DB_URL] = postgres://u:{secret /}@{endpoint.db.host}:{endpoint.db.ports.5432}/x Secret",
        "[IMAGE] = x/db:5432",
        "[NAME] = db",
        "[V] = db:16",
    ];
    assert_eq!(found(services, "env"), expected);
}

#[test]
fn commands_and_checks_keep_their_words() {
    let cases = [
        ("command: serve --x \"a b\"", "args", " = [serve, --x, a b]"),
        ("entrypoint: [sh, -c]", "command", " = [sh, -c]"),
        ("healthcheck: {test: [CMD, a, b]}", "health", "[readiness].exec = [a, b]"),
        ("healthcheck: {test: [CMD-SHELL, a b]}", "health", "[readiness].exec = [/bin/sh, -c, a b]"),
        ("healthcheck: {test: a b}", "health", "[readiness].exec = [/bin/sh, -c, a b]"),
        ("healthcheck: {interval: 1m30s}", "health", "[readiness].period = 1m30s"),
    ];
    for (service, kind, expected) in cases {
        assert_eq!(found(&format!("  a: {{{service}}}"), kind), [expected], "{service}");
    }
    for none in ["{test: NONE}", "{test: [NONE]}", "{disable: true}"] {
        let checks = found(&format!("  a: {{healthcheck: {none}}}"), "health");
        assert!(none == "{test: NONE}" || checks.is_empty(), "{none}: {checks:?}");
    }
}

#[test]
fn what_a_file_refers_to_has_to_be_there() {
    let (_, troubles) = facts("  a: {depends_on: [gone], volumes: ['data:/data'], secrets: [key], configs: [motd]}");
    assert_eq!(troubles.len(), 4, "{troubles:?}");
}

#[test]
fn one_shot_services_are_jobs() {
    let services = "  a: {}\n  b: {depends_on: {a: {condition: service_completed_successfully}}}";
    assert_eq!(found(services, "role"), [" = job"]);
    assert_eq!(found("  a: {restart: 'no', ports: ['80']}", "role"), [" = service"]);
}

#[test]
fn strange_files_break_nothing() {
    for services in [
        "  a:",
        "  a: 5",
        "  a: []",
        "  a: {environment: 3, ports: {}, volumes: [{}], deploy: []}",
        "  a: {extends: a}",
    ] {
        let (facts, _) = facts(services);
        assert!(!facts.is_empty(), "{services}");
    }
}
