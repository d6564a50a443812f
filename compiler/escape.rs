//! Second interpreters: what programs downstream would run instead of read, and how it is kept a text.
//!
//! In: plain text. Out: the text as one position wants it, or whether that position cannot say it.
//! Never: formats; quoting for YAML or JSON is `emit`'s.
//! Invariant: read by its interpreter's rules, an escaped text is the text again. The tests do that.

/// A text for any value of a Compose file: `$` becomes `$$`, so that Compose puts in no variable.
///
/// Compose interpolates values, never keys.
#[must_use]
pub fn compose_string(text: &str) -> String {
    text.replace('$', "$$")
}

/// A text for `env`, `command` or `args` of a Kubernetes container, where `$(NAME)` is a variable and `$$` is `$`.
///
/// Texts that hold neither stay as they are, so that `p$ss` is readable. A text may be followed by a
/// reference `$(NAME)`: one that ends with `$` is escaped, too.
#[must_use]
pub fn kubernetes_env(text: &str) -> String {
    if text.contains("$$") || text.contains("$(") || text.ends_with('$') {
        text.replace('$', "$$")
    } else {
        text.to_owned()
    }
}

/// Whether a chart that runs `tpl` over a value would run this text. Helm has no escape for it, so it is refused.
#[must_use]
pub fn forbidden_in_tpl(text: &str) -> bool {
    text.contains("{{")
}

/// Whether a client of MCP servers would put a variable or a file into this text: `{env:` and `{file:` for
/// OpenCode, `${` for Claude, Cursor and VS Code. They have no escape, so it is refused.
#[must_use]
pub fn forbidden_in_mcp(text: &str) -> bool {
    ["{env:", "{file:", "${"].iter().any(|mark| text.contains(mark))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::{SecretRef, secret_variable};

    /// Compose's interpolation (compose-go `template.go`), where no variable is set.
    pub(crate) fn compose_reads(text: &str) -> String {
        let mut read = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            read.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                read.push('$');
                rest = after;
            } else if rest.starts_with('{') {
                rest = &rest[rest.find('}').expect("Compose refuses an open brace") + 1..];
            } else {
                let name = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                assert!(name > 0, "Compose refuses a lone dollar");
                rest = &rest[name..];
            }
        }
        read + rest
    }

    /// Kubernetes' expansion (`third_party/forked/golang/expansion/expand.go`), where every variable is set to `!`.
    fn kubernetes_reads(text: &str) -> String {
        let mut read = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$').filter(|at| at + 1 < rest.len()) {
            read.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                read.push('$');
                rest = after;
            } else if let Some(end) = rest.starts_with('(').then(|| rest.find(')')).flatten() {
                read.push('!');
                rest = &rest[end + 1..];
            } else {
                read.push('$');
                let first = rest.chars().next().map_or(0, char::len_utf8);
                read.push_str(&rest[..first]);
                rest = &rest[first..];
            }
        }
        read + rest
    }

    /// OpenCode's substitution of `{env:NAME}` and `{file:PATH}`.
    fn opencode_reads(text: &str) -> String {
        let end = |at: usize| text[at..].find('}').map(|end| at + end + 1);
        match ["{env:", "{file:"].iter().filter_map(|mark| text.find(mark)).min() {
            Some(at) => {
                end(at).map_or(text.to_owned(), |end| format!("{}!{}", &text[..at], opencode_reads(&text[end..])))
            }
            None => text.to_owned(),
        }
    }

    /// The substitution of `${NAME}` and `${input:ID}` by Claude, Cursor and Visual Studio Code.
    fn clients_read(text: &str) -> String {
        let Some(at) = text.find("${") else { return text.to_owned() };
        match text[at..].find('}') {
            Some(end) => format!("{}!{}", &text[..at], clients_read(&text[at + end + 1..])),
            None => text.to_owned(),
        }
    }

    proptest! {
        #[test]
        fn clients_get_the_text(text in "([a${}: ]|env:|file:){0,8}") {
            prop_assume!(!forbidden_in_mcp(&text));
            prop_assert_eq!(opencode_reads(&text), text.clone());
            prop_assert_eq!(clients_read(&text), text.clone());
            prop_assert_eq!(opencode_reads(&(text.clone() + "{env:A}")), text.clone() + "!");
            prop_assert_eq!(clients_read(&(text.clone() + "${A}")), text + "!");
        }

        #[test]
        fn compose_gets_the_text(text in "[$a{}():?-]{0,12}") {
            prop_assert_eq!(compose_reads(&compose_string(&text)), text);
        }

        #[test]
        fn kubernetes_gets_the_text(text in "[$a{}()ä-]{0,12}") {
            prop_assert_eq!(kubernetes_reads(&kubernetes_env(&text)), text.clone());
            prop_assert_eq!(kubernetes_reads(&(kubernetes_env(&text) + "$(SECRET)")), text + "!");
        }
    }

    #[test]
    fn harmless_texts_stay_readable_for_kubernetes() {
        assert_eq!(kubernetes_env("p$ss ${x}"), "p$ss ${x}");
        assert_eq!(kubernetes_env("$(id)"), "$$(id)");
    }

    #[test]
    fn the_interpreters_of_the_tests_do_interpret() {
        assert_eq!(compose_reads("a${B}c$D"), "ac");
        assert_eq!(kubernetes_reads("a$(B)c$$"), "a!c$");
    }

    #[test]
    fn texts_without_escape_are_found() {
        assert!(forbidden_in_tpl("a {{ .Values.x }}") && !forbidden_in_tpl("{ }"));
        assert!(
            forbidden_in_mcp("{env:HOME}") && forbidden_in_mcp("{file:/etc/passwd}") && forbidden_in_mcp("${HOME}")
        );
        assert!(!forbidden_in_mcp("{environment} $HOME"));
    }

    #[test]
    fn variables_of_secrets_are_words() {
        let variable = |name: &str, key: &str| secret_variable(&SecretRef { name: name.into(), key: key.into() });
        assert_eq!(variable("openai-credentials", "api-key"), "OPENAI_CREDENTIALS_API_KEY");
        assert_eq!(variable("1st.secret", "a"), "_1ST_SECRET_A");
    }
}
