//! What stack authors get wrong, and what they get.
//!
//! The texts are whole stacks with one mistake; a `Case` names the words that the finding must point to.

use std::sync::Arc;

use super::{Kind, SettingId, Stack, load::load};
use crate::{
    diag::{Diags, Finding},
    source::{Source, SourceId},
};

/// Loads a stack from several files; the findings in the order of their places.
fn loaded(texts: &[&str]) -> (Option<Stack>, Vec<Finding>, Vec<Arc<Source>>) {
    let sources: Vec<Arc<Source>> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let id = SourceId(index as u32 + 1);
            Arc::new(Source { id, name: format!("{index}.kdl"), text: (*text).to_owned() })
        })
        .collect();
    let mut diags = Diags::default();
    let stack = load("demo", &sources, &[], &mut diags);
    (stack, diags.sorted(), sources)
}

/// A stack with these settings and this body, and one workload that uses `replicas`.
fn stack(settings: &str, body: &str) -> String {
    format!(
        "stack \"demo\" version=\"1\" {{\n settings {{ (int)replicas default=1 min=1\n{settings}\n }}\n\
         workload \"web\" {{ image \"nginx:1.27\"; replicas (ref)\"replicas\" }}\n{body}\n}}\n"
    )
}

/// Asserts that loading gives exactly these findings: code, and the words under it.
fn gives(text: &str, wanted: &[(&str, &str)]) {
    let (loaded, findings, sources) = loaded(&[text]);
    let found: Vec<(&str, &str)> =
        findings.iter().map(|finding| (finding.code.id, sources[0].slice(finding.span))).collect();
    assert_eq!(found, wanted, "{text}\n{findings:?}");
    assert_eq!(loaded.is_none(), !wanted.is_empty());
}

/// Each line: settings, body, code, words under it.
type Case<'c> = (&'c str, &'c str, &'c str, &'c str);

fn all(cases: &[Case<'_>]) {
    for (settings, body, code, words) in cases {
        gives(&stack(settings, body), &[(code, words)]);
    }
}

#[test]
fn what_is_right_gives_nothing() {
    gives(&stack("", ""), &[]);
    gives(&stack("(enum)level \"a\" \"b\" default=\"a\"; (list)names of=\"name\" { default \"a\" \"b\" }", ""), &[]);
    gives(&stack("(level)x default=\"b\"", "type \"level\" base=\"enum\" \"a\" \"b\" { about \"how much\" }"), &[]);
    gives(&stack("(map)m of=\"int\"; (list)k of=\"key\" in=\"m\"", ""), &[]);
    gives(&stack("", "workload \"web\" when=\"replicas > 9\" { image \"nginx:1.28\" }"), &[]);
}

#[test]
fn declarations_hold_nothing_else() {
    all(&[
        ("workers 3", "", "TL0443", "workers"),
        ("workers default=3", "", "TL0443", "workers"),
        ("app { about \"x\" }", "", "TL0442", "app { about \"x\" }"),
        ("about \"x\"", "", "TL0401", "about"),
        ("(int)x { foo 3 }", "", "TL0401", "foo"),
        ("(int)x 3", "", "TL0415", "3"),
        ("(int)x { about \"a\"; about \"b\" }", "", "TL0402", "about"),
        ("(int)x { change \"recrate\" }", "", "TL0412", "\"recrate\""),
        ("(int)x min=3 max=1", "", "TL0444", "1"),
        ("(int)x default=3 derived=4", "", "TL0444", "4"),
        ("(int)x default=3 required=#true", "", "TL0444", "3"),
        ("(bool)x max=3", "", "TL0448", "3"),
        ("(int)x when=(cel)\"replicas > 1\"", "", "TL0110", "cel"),
        ("(when)\"replicas > 1\" { }", "", "TL0442", "(when)\"replicas > 1\" { }"),
        ("(key)x", "", "TL0431", "x"),
        ("(key)x in=\"replicas\"", "", "TL0419", "\"replicas\""),
        ("(list)x of=\"int\" max=3 default=9", "", "TL0205", "9"),
        ("(map)x of=\"int\" default=9", "", "TL0438", "9"),
        ("(choice)x { (int)y; (variant)a { (int)y } }", "", "TL0402", "y"),
    ]);
}

#[test]
fn targets_of_absent_exist() {
    let helm = "helm \"new\" { release \"r\" chart=\"c\" version=\"1\" file=\"v.yaml\" }";
    gives(&stack("(int)x { absent \"helm:new\" \"toml\" \"*\" because=\"only an example\" }", helm), &[]);
    all(&[
        ("(int)x { absent \"composee\" because=\"only an example\" }", helm, "TL0123", "\"composee\""),
        ("(int)x { absent \"helm:old\" because=\"only an example\" }", helm, "TL0123", "\"helm:old\""),
        ("(int)x { absent \"helm\" \"helm\" because=\"only an example\" }", helm, "TL0102", "\"helm\""),
        ("", "override \"compse\" because=\"only an example\" { replicas 2 }", "TL0123", "\"compse\""),
    ]);
}

#[test]
fn types_are_used_and_say_what_they_mean() {
    all(&[
        ("", "type \"t\" { (int)x }", "TL0440", "type"),
        ("", "type \"t\" { }", "TL0442", "type \"t\" { }"),
        ("(port)x", "type \"port\" { (int)x }", "TL0405", "type"),
        ("(t)x", "type \"t\" base=\"int\" { (int)y }", "TL0401", "y"),
        ("(t)x \"c\"", "type \"t\" base=\"enum\" \"a\"", "TL0415", "\"c\""),
        ("(t)x", "type \"t\" { (t)y }", "TL0407", "t"),
        ("(t)x { i tag=\"v2\" }", "type \"t\" { (image)i }", "TL0438", "\"v2\""),
        ("(t)x y=3", "type \"t\" { (int)y derived=4 }", "TL0439", "y"),
    ]);
}

#[test]
fn the_use_of_a_record_gives_its_fields_defaults() {
    let text =
        stack("(t)x a=#null { c { d 7 } }", "type \"t\" { (int)a default=1; (int)b default=2; (switch)c { (int)d } }");
    let (stack, findings, _) = loaded(&[&text]);
    assert_eq!(findings, vec![]);
    let stack = stack.expect("no finding, so a stack");
    let defaults = |path: &str| {
        let found = stack.settings.iter().find(|setting| setting.path.as_str() == path).expect("declared");
        found.declarations[0].defaults.len()
    };
    // `#null` takes a default away, and a switch that is written for what it holds is not switched on.
    assert_eq!([defaults("x.a"), defaults("x.b"), defaults("x.c"), defaults("x.c.d")], [0, 1, 0, 1]);
}

#[test]
fn change_and_absent_are_inherited_by_what_is_inside() {
    let text = stack(
        "(t)x { change \"recreate\"; absent \"toml\" because=\"only an example\" }",
        "type \"t\" { change \"rolling\"; absent \"mcp\" because=\"only an example\"; (int)a; (int)b { change \"none\" } }",
    );
    let (stack, _, _) = loaded(&[&text]);
    let stack = stack.expect("no finding, so a stack");
    let x = stack.setting(SettingId::ROOT).children["x"];
    let field = |name: &str| &stack.setting(stack.setting(x).children[name]).declarations[0];
    assert_eq!((&*field("a").said.change.any, &*field("b").said.change.any), ("recreate", "none"));
    let targets: Vec<&str> =
        field("a").said.absent.iter().flat_map(|absent| &absent.targets).map(AsRef::as_ref).collect();
    assert_eq!(targets, ["toml", "mcp"]);
}

#[test]
fn rules_say_what_they_mean() {
    all(&[
        ("", "rule \"r\" { require \"replicas > 0\" }", "TL0426", "rule"),
        ("", "rule \"r\" severity=\"warnin\" { require \"true\"; message \"m\" }", "TL0433", "\"warnin\""),
        ("", "rule \"r\" view=\"bse\" { require \"true\"; message \"m\" }", "TL0433", "\"bse\""),
        ("", "rule \"r\" { require \"true\"; message \"m\"; message \"n\" }", "TL0402", "message"),
        ("", "rule \"r\" { require \"true\"; messge \"m\"; message \"n\" }", "TL0401", "messge"),
        ("", "rule \"r\" { require #true; message \"m\" }", "TL0416", "#true"),
        ("", "(when)\"replicas > 1\" { rule \"r\" { require \"true\"; message \"m\" } }", "TL0449", "rule"),
    ]);
    let two = "rule \"r\" { require \"true\"; message \"m\" }; rule \"r\" { require \"true\"; message \"n\" }";
    gives(&stack("", two), &[("TL0402", "rule")]);
    let many = stack("", "rule \"r\" { require \"replicas > 0\" \"replicas < 9\"; message \"m\" }");
    let (stack, _, _) = loaded(&[&many]);
    assert_eq!(stack.expect("no finding, so a stack").rules[0].require.len(), 2);
}

#[test]
fn a_rule_that_can_never_apply_is_refused() {
    let choice = "(choice)c default=\"a\" { (variant)a { (int)p default=1 }; (variant)b { (int)q default=1 } }\n\
                  (switch)s { (int)w default=1 }";
    let rule = |text: &str| stack(choice, &format!("rule \"r\" {text}"));
    for never in [
        "{ require \"c.p > c.q\"; message \"m\" }",
        "when=\"c == 'b'\" { require \"c.p > 0\"; message \"m\" }",
        "when=\"!s\" { require \"s.w > 0\"; message \"m\" }",
        "when=\"c == 'a' && c == 'b'\" { require \"replicas > 0\"; message \"m\" }",
    ] {
        // The stack itself is whole, so it is loaded; the caller sees the error.
        let (_, findings, _) = loaded(&[&rule(never)]);
        assert_eq!(findings.iter().map(|finding| finding.code.id).collect::<Vec<_>>(), ["TL0445"], "{never}");
    }
    for may in [
        "{ require \"has(c.p) || has(c.q)\"; message \"m\" }",
        "{ require \"c.p > 0 || c.q > 0\"; message \"m\" }",
        "{ require \"c == 'a' ? c.p > 0 : c.q > 0\"; message \"m\" }",
        "when=\"c == 'b' || s\" { require \"c.q > s.w\"; message \"m\" }",
    ] {
        gives(&rule(may), &[]);
    }
}

#[test]
fn facts_of_workloads_say_what_they_mean() {
    let web = |facts: &str| format!("workload \"w\" {{ image \"x:1\"; {facts} }}");
    for (facts, code, words) in [
        ("comand \"x\"", "TL0401", "comand"),
        ("command", "TL0432", "command"),
        ("image \"y:1\"", "TL0402", "image"),
        ("port 8080", "TL0432", "port 8080"),
        ("port \"http\" 80 protocol=\"upd\"", "TL0433", "\"upd\""),
        ("volume \"d\"", "TL0431", "volume"),
        ("schedule \"0 2 * * *\"", "TL0444", "schedule"),
        ("needs \"wbe\"", "TL0434", "\"wbe\""),
        ("port \"p\" 80; health \"liveness\" { exec \"x\"; tcp port=\"p\" }", "TL0444", "tcp"),
        ("health \"liveness\" { http \"/\" port=80 }", "TL0414", "80"),
        ("resources { limits memroy=\"1Gi\" }", "TL0127", "memroy"),
        ("env when=\"replicas > 1\"", "TL0127", "when"),
        ("env { \"A B\" \"c\" }", "TL0216", "\"A B\""),
        ("file \"etc/x\" text=\"y\"", "TL0222", "\"etc/x\""),
        ("file \"/etc/x\" config=\"c\"", "TL0433", "\"c\""),
        ("override \"compose\" because=\"only an example\" { comand \"x\" }", "TL0401", "comand"),
    ] {
        gives(&stack("", &web(facts)), &[(code, words)]);
    }
    gives(&stack("", &web("env { A \"b\"; A \"c\" }")), &[]);
    gives(&stack("", "workload \"w\" role=\"cron\" { image \"x:1\" }"), &[("TL0431", "workload")]);
}

#[test]
fn projections_say_what_they_mean() {
    let helm = |inner: &str| format!("helm \"1\" {{ {inner} }}");
    let release = |inner: &str| format!("release \"r\" chart=\"c\" version=\"1\" file=\"v.yaml\" {{ {inner} }}");
    all(&[
        ("", &helm(""), "TL0442", "helm \"1\" {  }"),
        ("", &helm(&release("vals { a 1 }")), "TL0401", "vals"),
        ("", &helm(&release("values \"x\" { a 1 }")), "TL0415", "\"x\""),
        ("", &helm(&release("values { a 1; a 2 }")), "TL0801", "a"),
        ("", &helm(&release("values { a { - 1; b 2 } }")), "TL0115", "-"),
        ("", &helm(&release("names { wbe \"x\" }")), "TL0434", "wbe"),
        ("", &helm(&format!("(when)\"replicas > 1\" {{ {} }}", release(""))), "TL0449", "release"),
        ("", &helm(&release("needs \"q\"")), "TL0811", "\"q\""),
        (
            "",
            &helm(&release("source \"ocy\" url=\"oci://a.example\"")),
            "TL0433",
            "source \"ocy\" url=\"oci://a.example\"",
        ),
        ("", &helm(&release("source \"oci\" url=\"https://a.example\"")), "TL0220", "\"https://a.example\""),
        ("", &helm(&release("source \"oci\" url=\"oci://a.example\" tag=\"v1\"")), "TL0444", "tag"),
        ("", &helm(&release("source \"git\" url=\"https://a.example\"")), "TL0431", "source"),
        ("", "flux", "TL0442", "flux"),
        ("", "flux { objekt \"a.yaml\" { kind \"A\" } }", "TL0401", "objekt"),
        (
            "",
            "flux { object \"release-a.yaml\" { apiVersion \"v1\"; kind \"A\"; metadata { name \"a\" } } }",
            "TL0437",
            "\"release-a.yaml\"",
        ),
        ("", "flux { object \"a.yaml\" { apiVersion \"v1\"; kind \"A\" } }", "TL0431", "object"),
        ("", "config \"c\" file=\"c.toml\" { a 1 }", "TL0431", "config"),
        ("", "config \"c\" file=\"c.toml\" format=\"toml\" { scope \"replicas\"; a 1 }", "TL0125", "scope"),
        ("", "mcp { server \"s\" { environment A=\"b\" } }", "TL0431", "server"),
        ("", "mcp { server \"s\" { command \"x\"; headers A=\"b\" } }", "TL0444", "headers"),
        ("", "endpoint \"db\" { url \"x\" }", "TL0447", "endpoint"),
        ("", "endpoint \"web\" { host \"x\" }", "TL0405", "host"),
        ("", "compose { restart \"sometimes\" }", "TL0433", "\"sometimes\""),
    ]);
}

#[test]
fn presets_stand_in_one_file_and_versions_agree() {
    let first = stack("", "defaults when=\"environment == 'a'\" { replicas 2 }");
    let (_, findings, sources) = loaded(&[&first, "stack \"demo\" { defaults { replicas 3 } }"]);
    let found: Vec<(&str, &str)> =
        findings.iter().map(|finding| (finding.code.id, sources[1].slice(finding.span))).collect();
    assert_eq!(found, [("TL0441", "defaults")]);
    let (_, findings, _) = loaded(&[&first, "stack \"demo\" version=\"2\" { }"]);
    assert_eq!(findings.iter().map(|finding| finding.code.id).collect::<Vec<_>>(), ["TL0444"]);
    let (_, findings, _) = loaded(&[&first, "stack \"other\" { }"]);
    assert_eq!(findings.iter().map(|finding| finding.code.id).collect::<Vec<_>>(), ["TL0428"]);
}

#[test]
fn few_lines_cannot_stand_for_millions() {
    let types: String =
        (0..14).map(|n| format!("type \"t{n}\" {{ (t{m})a; (t{m})b; (t{m})c; (t{m})d }}\n", m = n + 1)).collect();
    gives_once(&stack("(t0)x", &format!("{types}type \"t14\" {{ (int)z }}")), "TL0429");
    let deep: String = (0..2000).map(|n| format!("type \"t{n}\" {{ (t{})a }}\n", n + 1)).collect();
    gives_once(&stack("(t0)x", &format!("{deep}type \"t2000\" {{ (int)z }}")), "TL0429");
    let uses: String = (0..14)
        .map(|n| {
            format!(
                "fragment \"f{n}\" {{ a {{ (use)\"f{m}\" }}; b {{ (use)\"f{m}\" }}; c {{ (use)\"f{m}\" }} }}\n",
                m = n + 1
            )
        })
        .collect();
    let config = "config \"c\" file=\"c.toml\" format=\"toml\" { (use)\"f0\" }";
    gives_once(&stack("", &format!("{uses}fragment \"f14\" {{ z 1 }}\n{config}")), "TL0429");
}

fn gives_once(text: &str, code: &str) {
    let (_, findings, _) = loaded(&[text]);
    assert_eq!(findings.iter().map(|finding| finding.code.id).collect::<Vec<_>>(), [code]);
}

#[test]
fn no_prefix_of_a_stack_panics() {
    let text = stack(
        "(choice)c default=\"a\" { (variant)a { (int)p default=1 } }; (map)m of=\"int\"; (t)r { a 2 }",
        "type \"t\" { (int)a; rule \"q\" { require \"self.a > 0\"; message \"`self.a`\" } }\n\
         fragment \"f\" v=\"int\" { k (ref)\"v\" }\n\
         (each)\"n, v in m\" { workload (f)\"w-{n}\" { image \"x:1\"; env { V (ref)\"v\" } } }\n\
         config \"c\" file=\"c.toml\" format=\"toml\" { (use)\"f\" v=\"replicas\"; (list)l 1 2; (json)j { a 1 } }",
    );
    gives(&text, &[]);
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        // What is open is closed again, so that the loader sees it and not only the reader of KDL.
        let head = &text[..end];
        let open = head.matches('{').count().saturating_sub(head.matches('}').count());
        let quote = if head.matches('"').count() % 2 == 1 { "\"" } else { "" };
        let _ = loaded(&[&format!("{head}{quote}{}", "\n}".repeat(open))]);
    }
    let (stack, _, _) = loaded(&[&text]);
    let stack = stack.expect("no finding, so a stack");
    assert!(matches!(stack.setting(stack.setting(SettingId::ROOT).children["m"]).kind, Kind::Map(_)));
}

#[test]
fn only_projections_go_through_the_workloads() {
    let each = "(each)\"name, w in workloads\"";
    gives(
        &stack(
            "",
            &format!("config \"c\" file=\"c.toml\" format=\"toml\" {{ {each} {{ (ref)\"name\" (ref)\"w.image\" }} }}"),
        ),
        &[],
    );
    all(&[
        ("", "workload \"a\" { image \"x:1\"; env { (json)A { b (ref)\"workloads\" } } }", "TL0449", "workloads"),
        (
            "",
            "workload \"a\" { image \"x:1\"; env { (json)A { b (ref)\"workloads.web\" } } }",
            "TL0449",
            "workloads.web",
        ),
        (
            "",
            "(each)\"n, w in workloads\" { workload (ref)\"n\" { image \"x:1\" } }",
            "TL0449",
            "\"n, w in workloads\"",
        ),
        (
            "",
            "workload \"a\" { image \"x:1\"; env { (each)\"n, w in workloads\" { (ref)\"n\" \"1\" } } }",
            "TL0449",
            "\"n, w in workloads\"",
        ),
    ]);
}

#[test]
fn questions_ask_for_what_there_is() {
    let settings = "(enum)level \"a\" \"b\" default=\"a\"; g { (int)n default=1 }; (map)m of=\"int\"; (bool)d derived=(cel)\"level == 'a'\"";
    let asks = |question: &str| format!("questions {{ section \"s\" {{ {question} }} }}");
    let level = "question \"q\" sets=\"level\"";
    for right in [
        level.to_owned(),
        format!("{level} when=\"g.n > 0\" required=#true suggest=\"b\" {{ about \"x\"; for \"helm\" }}"),
        "question \"q\" { answer \"x\" { targets \"helm\"; write \"g.n\" 3 } }".to_owned(),
    ] {
        gives(&stack(settings, &asks(&right)), &[]);
    }
    let wrong = [
        ("question \"q\" sets=\"levl\"", "TL0301", "levl"),
        ("question \"q\" sets=\"g\"", "TL0450", "\"g\""),
        ("question \"q\" sets=\"m\"", "TL0450", "\"m\""),
        ("question \"q\" sets=\"d\"", "TL0450", "\"d\""),
        ("question \"show\" sets=\"level\"", "TL0450", "question"),
        ("question \"Q\" sets=\"level\"", "TL0450", "question"),
        ("question \"q\"", "TL0431", "question"),
        ("question \"q\" sets=\"level\" when=\"g.m\"", "TL0301", "m"),
        ("question \"q\" sets=\"level\" { for \"halm\" }", "TL0123", "\"halm\""),
        ("question \"q\" sets=\"level\" { answer \"x\" }", "TL0444", "question"),
        ("question \"q\" { answer \"x\" { write \"level\" \"c\" } }", "TL0213", "\"c\""),
        ("question \"q\" { answer \"x\" { write \"g.n\" } }", "TL0432", "write"),
        ("question \"q\" sets=\"level\" { ask \"x\" }", "TL0401", "ask"),
        ("question \"q\" sets=\"level\"; question \"q\" sets=\"g.n\"", "TL0402", "question"),
        ("", "TL0442", "section"),
    ];
    for (question, code, words) in wrong {
        gives(&stack(settings, &asks(question)), &[(code, words)]);
    }
}

#[test]
fn questions_are_no_part_of_the_digest() {
    let digest = |texts: &[&str]| loaded(texts).0.expect("right").digest;
    let asks = |title: &str| format!("questions {{ section \"{title}\" {{ question \"q\" sets=\"replicas\" }} }}");
    let plain = digest(&[&stack("", "")]);
    assert_eq!(plain, digest(&[&stack("", &asks("a"))]));
    let apart = format!("stack \"demo\" {{ {} }}", asks("b"));
    assert_eq!(plain, digest(&[&stack("", ""), &apart]));
    assert_ne!(plain, digest(&[&stack("(int)n derived=(cel)\"replicas\"", "")]));
}
