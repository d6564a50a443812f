use super::*;

const TEXT: &str = "\
// an environment
environment \"dev\" stack=\"aeterna\" {
    app size=\"small\"   ha=#true { image tag=\"v1\"; resources { limits memory=(x)\"3Gi\" } } // here
    cache \"valkey\" /* c */ replicas=2

    ingress {
        hosts \"a\" \"b\"
        tls issuer=\"x\"
    }
    features {}
    override \"compose\" because=\"a reason\" { app size=\"small\" }
}
";

/// The only line that differs, before and after; or that there is one more or less.
fn difference(after: &str) -> (String, String) {
    let (before, after): (Vec<&str>, Vec<&str>) = (TEXT.lines().collect(), after.lines().collect());
    let same = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let behind = before[same..].iter().rev().zip(after[same..].iter().rev()).take_while(|(one, other)| one == other);
    let behind = behind.count();
    let part = |lines: &[&str]| lines[same..lines.len() - behind].join("\n").trim_start().to_owned();
    (part(&before), part(&after))
}

#[test]
fn a_value_is_set_at_its_place_and_nothing_else_changes() {
    for (path, value, expected) in [
        (
            "app.size",
            "\"large\"",
            "app size=\"large\"   ha=#true { image tag=\"v1\"; resources { limits memory=(x)\"3Gi\" } } // here",
        ),
        (
            "app.replicas",
            "3",
            "app size=\"small\"   ha=#true { image tag=\"v1\"; resources { limits memory=(x)\"3Gi\" }; replicas 3 } // here",
        ),
        (
            "app.image.tag",
            "\"v2\"",
            "app size=\"small\"   ha=#true { image tag=\"v2\"; resources { limits memory=(x)\"3Gi\" } } // here",
        ),
        (
            "app.resources.limits.memory",
            "\"4Gi\"",
            "app size=\"small\"   ha=#true { image tag=\"v1\"; resources { limits memory=\"4Gi\" } } // here",
        ),
        (
            "app.resources.limits.cpu",
            "\"2\"",
            "app size=\"small\"   ha=#true { image tag=\"v1\"; resources { limits memory=(x)\"3Gi\" cpu=\"2\" } } // here",
        ),
        (
            "app.resources.requests.cpu",
            "\"2\"",
            "app size=\"small\"   ha=#true { image tag=\"v1\"; resources { limits memory=(x)\"3Gi\"; requests cpu=\"2\" } } // here",
        ),
        ("cache", "\"dragonfly\"", "cache \"dragonfly\" /* c */ replicas=2"),
        ("cache.password", "(secret)\"a/b\"", "cache \"valkey\" /* c */ replicas=2 password=(secret)\"a/b\""),
        ("cache.hosts", "\"a\" \"b\"", "cache \"valkey\" /* c */ replicas=2 { hosts \"a\" \"b\" }"),
        ("ingress.hosts", "\"c\"", "hosts \"c\""),
        ("ingress.hosts", "\"c\" \"d\" \"e\"", "hosts \"c\" \"d\" \"e\""),
        ("ingress.class", "\"nginx\"", "class \"nginx\""),
        ("ingress.tls.secret", "\"s\"", "tls issuer=\"x\" secret=\"s\""),
        ("features.cca", "#false", "features { cca #false }"),
        ("postgres.storage.size", "\"1Gi\"", "postgres { storage size=\"1Gi\" }"),
        ("opencode", "#true", "opencode #true"),
    ] {
        let path: Vec<&str> = path.split('.').collect();
        let after = set(TEXT, &path, value).unwrap_or_else(|refused| panic!("{path:?}: {refused:?}"));
        assert_eq!(difference(&after).1, expected, "{path:?}");
        assert_eq!(set(&after, &path, value), Ok(after.clone()), "{path:?} set again");
    }
}

#[test]
fn a_value_is_taken_out_and_nothing_else() {
    for (path, expected) in [
        ("app.size", "app   ha=#true { image tag=\"v1\"; resources { limits memory=(x)\"3Gi\" } } // here"),
        (
            "app.resources.limits.memory",
            "app size=\"small\"   ha=#true { image tag=\"v1\"; resources { limits } } // here",
        ),
        ("cache", "cache /* c */ replicas=2"),
        ("cache.replicas", "cache \"valkey\" /* c */"),
        ("ingress.hosts", ""),
        ("ingress.nothing", ""),
    ] {
        let path: Vec<&str> = path.split('.').collect();
        let after = unset(TEXT, &path).unwrap_or_else(|refused| panic!("{path:?}: {refused:?}"));
        assert_eq!(difference(&after).1, expected, "{path:?}");
    }
    assert_eq!(unset("e { a 1; b 2; c 3 }", &["b"]).as_deref(), Ok("e { a 1; c 3 }"));
    assert_eq!(unset("e { a 1; b 2; c 3 }", &["c"]).as_deref(), Ok("e { a 1; b 2 }"));
    assert_eq!(unset("e { a 1 }", &["a"]).as_deref(), Ok("e {  }"));
    assert_eq!(unset("e {\n    a 1 // x\n}", &["a"]).as_deref(), Ok("e {\n     // x\n}"));
}

#[test]
fn what_was_set_and_taken_out_is_as_before() {
    for path in [&["app", "replicas"][..], &["cache", "password"], &["ingress", "class"], &["ingress", "tls", "secret"]]
    {
        let there = set(TEXT, path, "\"x\"").expect("it can be set");
        assert_eq!(unset(&there, path).as_deref(), Ok(TEXT), "{path:?}");
    }
}

#[test]
fn what_is_not_clear_is_refused() {
    assert_eq!(set("e { a b=1 { b 2 } }", &["a", "b"], "3"), Err(Refused::Ambiguous));
    assert_eq!(set("e { a 1; a 2 }", &["a"], "3"), Err(Refused::Ambiguous));
    assert_eq!(set("e { a b=1; a { c 2 } }", &["a", "c"], "3").as_deref(), Ok("e { a b=1; a { c 3 } }"));
    assert_eq!(set("e: 1", &["a"], "3"), Err(Refused::Unreadable));
    assert_eq!(set("", &["a"], "3"), Err(Refused::BadPath));
    for path in [&[][..], &["a b"], &[""], &["a\nb"], &["a{}"], &["1"]] {
        assert_eq!(set("e", path, "3"), Err(Refused::BadPath), "{path:?}");
    }
    for value in ["", "1; b 2", "1 }", "k=2", "1 { }", "1\nb", "// x", "1 /* x */", "true", "1 \\\n 2", "\"a", "/- 1"] {
        assert_eq!(set("e { a 0 }", &["a"], value), Err(Refused::BadValue), "{value:?}");
    }
    assert_eq!(set("e { a b=0 }", &["a", "b"], "1 2"), Err(Refused::BadValue));
}

#[test]
fn edits_are_applied_in_any_order_and_never_overlap() {
    let edit = |range, text: &str| Edit { range, text: text.to_owned() };
    assert_eq!(apply("a 1 2", &[edit(4..5, "30"), edit(2..3, "é")]).as_deref(), Ok("a é 30"));
    assert_eq!(apply("a 1", &[edit(3..3, " 2"), edit(3..3, " 3")]).as_deref(), Ok("a 1 2 3"));
    assert_eq!(apply("a 12", &[edit(2..4, "x"), edit(3..4, "y")]), Err(Refused::BadEdit));
    assert_eq!(apply("a é", &[edit(3..4, "x")]), Err(Refused::BadEdit));
    assert_eq!(apply("a", &[edit(1..9, "x")]), Err(Refused::BadEdit));
    assert_eq!(apply("a 1", &[edit(2..3, "{")]), Err(Refused::OtherChange));
}

#[test]
fn what_has_settings_below_it_comes_as_a_node() {
    let text = "environment \"a\" stack=\"b\" {\n    ingress #true\n}\n";
    let one = set_node(text, &["ingress", "tls"], "#true").expect("a bare path");
    assert_eq!(one, "environment \"a\" stack=\"b\" {\n    ingress #true { tls #true }\n}\n");
    let two = set_node(text, &["observability", "tracing"], "#true").expect("a bare path");
    assert!(two.ends_with("\n    observability { tracing #true }\n}\n"), "{two}");
    let again = set_node(&two, &["observability", "tracing"], "#false").expect("written once");
    assert!(again.contains("observability { tracing #false }"), "{again}");
}

#[test]
fn an_entry_of_a_map_is_found_by_its_key() {
    let text = "e {\n    service \"web\" port=80\n    service \"api\" { port 81 }\n}\n";
    let web = set(text, &["service[web]", "port"], "8080").expect("written once");
    assert_eq!(web, text.replace("port=80", "port=8080"));
    let api = set(text, &["service[api]", "env", "A"], "(link)\"db.url\"").expect("it is there");
    assert_eq!(api, text.replace("port 81 }", "port 81; env A=(link)\"db.url\" }"));
    assert_eq!(unset(&web, &["service[web]", "port"]).as_deref(), Ok(text.replace(" port=80", "").as_str()));
    assert_eq!(set_node("e {\n}\n", &["service"], "\"web\"").as_deref(), Ok("e {\n    service \"web\"\n}\n"));
    assert_eq!(set(text, &["service[x y]z", "port"], "1"), Err(Refused::BadPath));
}

#[test]
fn empty_braces_go_with_what_stood_in_them() {
    assert_eq!(unset("e { a { }; b 1 }", &["a"]).as_deref(), Ok("e { b 1 }"));
    assert_eq!(unset("e { a { // why\n } }", &["a"]).as_deref(), Ok("e { a { // why\n } }"));
    assert_eq!(unset("e { a 1 { b 2 } }", &["a"]).as_deref(), Ok("e { a { b 2 } }"));
}

#[test]
fn a_comment_that_touches_the_brace_stays_one() {
    let text = "e {// why\n}\n";
    let set = set(text, &["app", "replicas"], "3").expect("it can be set");
    assert_eq!(set, "e {\n    app replicas=3 // why\n}\n");
    assert_eq!(unset(&set, &["app", "replicas"]).as_deref(), Ok("e {\n    app // why\n}\n"));
    let text = "e { a { b }// why\n}\n";
    let set = super::set(text, &["app", "replicas"], "3").expect("it can be set");
    assert_eq!(set, "e { a { b }; app replicas=3 // why\n}\n");
    assert_eq!(unset(&set, &["app", "replicas"]).as_deref(), Ok("e { a { b }; app // why\n}\n"));
}
