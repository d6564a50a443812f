//! Questions in a terminal, one line each.
//!
//! In: an interview. Out: the same with answers.
//! Never: an answer that is not checked before the next question.
//! Invariant: every prompt is one line that is typed, with what holds without an answer in brackets; so it works in
//! every terminal, and whoever interrupts it finds the terminal as it was.

use std::collections::BTreeMap;

use dialoguer::{Input, console::Term};

use super::Failure;
use crate::{
    init::{Interview, Open, Refusal, Wanted},
    schema::questions::{Question, Section},
    sensitive::redacted,
    visible::visible_line,
};

/// Asks everything that is open and was not said.
///
/// # Errors
/// The terminal went away, or what was said does not fit.
pub(super) fn all(
    interview: &mut Interview<'_>,
    said: &BTreeMap<String, String>,
    ambient: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    let stack = interview.stack().clone();
    for section in &stack.questions {
        let answer = |id: &str| said.get(id).or_else(|| ambient.get(id));
        let skipped = section.collapsed && !wants(interview, section, &|id| answer(id).is_some())?;
        let mut titled = false;
        for question in &section.questions {
            let Some(open) = interview.open(question) else {
                if said.contains_key(&*question.id) {
                    return Err(unfit(question, "does not apply to the other answers"));
                }
                continue;
            };
            if let Some(text) = answer(&question.id) {
                interview.answer(question, text).map_err(|Refusal(why)| unfit(question, &why))?;
            } else if !skipped || open.required {
                if !std::mem::replace(&mut titled, true) {
                    tell(&format!("\n{}", section.title))?;
                }
                one(interview, question, &open)?;
            }
        }
    }
    interview.drop_stale();
    Ok(())
}

fn unfit(question: &Question, why: &str) -> Failure {
    Failure::new(format!("--{}: {}", question.id, visible_line(why)), "correct the flag or the variable")
}

/// Whether somebody wants to go through a section that most leave out.
fn wants(interview: &Interview<'_>, section: &Section, is_said: &dyn Fn(&str) -> bool) -> Result<bool, Failure> {
    let mut open = section.questions.iter().filter_map(|question| interview.open(question)).peekable();
    if section.questions.iter().any(|question| is_said(&question.id)) {
        return Ok(true);
    }
    if open.peek().is_none() {
        return Ok(false);
    }
    let default = if open.any(|open| open.written) { "yes" } else { "no" };
    let is_yes_or_no = |text: &str| match text {
        "yes" | "no" | "y" | "n" => Ok(()),
        _ => Err("wanted yes or no".to_owned()),
    };
    Ok(line(&format!("\n{} [yes, no]", section.title), Some(default), false, is_yes_or_no)?.starts_with('y'))
}

/// Asks one question until the answer fits.
fn one(interview: &mut Interview<'_>, question: &Question, open: &Open) -> Result<(), Failure> {
    let wanted = interview.wanted(question);
    if let Wanted::Words(words) = &wanted {
        let width = words.iter().map(|(word, _)| word.chars().count()).max().unwrap_or(0);
        for (word, about) in words.iter().filter(|(_, about)| !about.is_empty()) {
            tell(&format!("  {word:width$}  {about}"))?;
        }
    }
    let suggested = (!question.suggest.is_empty()).then(|| question.suggest.to_string());
    let first = if let Wanted::Words(words) = &wanted { words.first().map(|it| it.0.to_string()) } else { None };
    let now = open.value.clone().map(|value| shown(&wanted, value));
    let default = now.clone().or(suggested).or(first.filter(|_| open.required || question.required));
    let prompt = format!("{} [{wanted}]", question.about);
    let check = |text: &str| interview.check(question, text).map_err(|Refusal(why)| why);
    let text = line(&prompt, default.as_deref(), !open.required, check)?;
    // What holds already was seen and left alone; a question that must be answered is answered by that, too.
    if now.as_deref() == Some(&text) && !open.required {
        return Ok(());
    }
    interview.answer(question, &text).map_err(|Refusal(why)| unfit(question, &why))
}

/// A value in normal form as it is typed.
fn shown(wanted: &Wanted, value: String) -> String {
    match (wanted, value.as_str()) {
        (Wanted::YesNo, "true") => "yes".to_owned(),
        (Wanted::YesNo, "false") => "no".to_owned(),
        (Wanted::Values(_), _) => value.trim_start_matches('[').trim_end_matches(']').to_owned(),
        _ => value,
    }
}

/// Asks for one of these words.
///
/// # Errors
/// The terminal went away.
pub(super) fn word(prompt: &str, words: &[&str]) -> Result<String, Failure> {
    let check = |text: &str| {
        if words.contains(&text) {
            Ok(())
        } else {
            Err(format!("`{}` is none of {}", redacted(text), words.join(", ")))
        }
    };
    line(&format!("{prompt} [{}]", words.join(", ")), words.first().copied(), false, check)
}

/// Asks for a name.
///
/// # Errors
/// The terminal went away.
pub(super) fn name(prompt: &str, problem: fn(&str) -> Option<&'static str>) -> Result<String, Failure> {
    line(prompt, Some("dev"), false, |text| problem(text).map_or(Ok(()), |problem| Err(problem.to_owned())))
}

/// Asks for one line, again until it fits; a blank stands for the default, or for nothing where `may_be_empty`.
fn line(
    prompt: &str,
    default: Option<&str>,
    may_be_empty: bool,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<String, Failure> {
    let mut input = Input::<String>::new().with_prompt(visible_line(prompt.trim_start())).allow_empty(may_be_empty);
    if prompt.starts_with('\n') {
        tell("")?;
    }
    if let Some(default) = default {
        input = input.default(default.to_owned());
    }
    let checked =
        input.validate_with(|text: &String| check(text.trim()).map_err(|why| visible_line(&why).into_owned()));
    let text = checked.interact_on(&Term::stderr()).map_err(gone)?;
    Ok(text.trim().to_owned())
}

fn tell(text: &str) -> Result<(), Failure> {
    Term::stderr().write_line(text).map_err(|error| gone(error.into()))
}

fn gone(error: dialoguer::Error) -> Failure {
    Failure::new(format!("the terminal gave no answer: {error}"), "give the answers as flags; nothing was written")
}
