//! Exact comparison, and sentences about differences.

use super::*;
use crate::facts::{Delivery, State};

fn facts(entries: &[(Kind, &str, Value)]) -> Facts {
    let fact = |(kind, key, value): &(Kind, &str, Value)| {
        let path = FactPath { workload: "a".into(), kind: *kind, key: (*key).into(), field: "" };
        let fact =
            Fact { value: value.clone(), delivery: Delivery::Literal, state: State::Set, place: Place::default() };
        (path, fact)
    };
    entries.iter().map(fact).collect()
}

#[test]
fn every_side_is_walked_to_its_end() {
    let text = Value::string;
    let left = facts(&[(Kind::Env, "A", text("1")), (Kind::Env, "B", text("2")), (Kind::Env, "C", text("3"))]);
    let right = facts(&[(Kind::Env, "B", text("x")), (Kind::Env, "C", text("3")), (Kind::Env, "D", text("4"))]);
    let told: Vec<String> = compare(&left, &right).iter().map(|found| found.message("here", "there")).collect();
    let expected = [
        "`env[A]` of `a` stands in here only, as `1`",
        "`env[B]` of `a` is `2` in here and `x` in there",
        "`env[D]` of `a` stands in there only, as `4`",
    ];
    assert_eq!(told, expected);
    assert!(compare(&left, &left).is_empty());
}

#[test]
fn what_may_be_a_secret_is_not_shown() {
    let left = facts(&[(Kind::Env, "DB_PASSWORD", Value::string("hunter2"))]);
    let right = facts(&[(Kind::Env, "DB_PASSWORD", Value::string("hunter3"))]);
    for found in compare(&left, &right).iter().chain(&compare(&left, &Facts::new())) {
        let message = found.message("here", "there");
        assert!(!message.contains("hunter") && !format!("{found:?}").contains("hunter"), "{message}");
    }
}

#[test]
fn a_text_may_hold_the_tree_of_the_other_side() {
    let tree = Value::Map([("a".into(), Value::Int(1))].into_iter().collect());
    for text in ["a = 1\n", "{\"a\": 1}"] {
        let (left, right) =
            (facts(&[(Kind::File, "/x", tree.clone())]), facts(&[(Kind::File, "/x", Value::string(text))]));
        assert!(compare(&left, &right).is_empty(), "{text}");
    }
    let (left, right) = (facts(&[(Kind::File, "/x", tree)]), facts(&[(Kind::File, "/x", Value::string("a = 2\n"))]));
    assert_eq!(compare(&left, &right).len(), 1);
}
