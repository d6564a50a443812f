//! The table of codes. A code is never reused; blocks of a hundred belong to a module:
//! 00 syntax, 01 names and forms, 02 values, 03 expressions, 04 stacks, 05 resolving, 06 rules and checks,
//! 07 ledger, 08 lowering, 09 targets and second interpreters, 10 output folder and lock.

use super::{Code, Severity};

macro_rules! codes {
    ($($id:literal $name:ident $severity:ident $title:literal;)*) => {
        $(#[doc = $title] pub static $name: Code = Code { id: $id, severity: Severity::$severity, title: $title };)*
        /// All codes, by id.
        pub static CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    // syntax
    "TL0001" SYNTAX Error "the text is not KDL";
    // names and forms
    // values
    "TL0201" WRONG_LITERAL Error "a value is written as the wrong kind of literal";
    "TL0202" NOT_A_SWITCH Error "a yes or no is written as a word or a number";
    "TL0203" NUMBER_FOR_TEXT Error "a number stands where text is wanted";
    "TL0204" NOT_WHOLE Error "a value is not a whole number";
    "TL0205" OUT_OF_RANGE Error "a value is out of range";
    "TL0206" BAD_LENGTH Error "a text is too long or too short";
    "TL0207" NOT_A_NUMBER Error "a value is not a number";
    "TL0208" BAD_TEXT Error "a text holds a character that no program can receive";
    "TL0209" BAD_CPU Error "a value is not an amount of processor";
    "TL0210" NO_UNIT Error "a quantity has no unit";
    "TL0211" BAD_MEMORY Error "an amount of memory has no known unit";
    "TL0212" FRACTION_OF_MEMORY Error "an amount of memory has a fraction";
    "TL0213" NOT_A_WORD Error "a value is not one of the setting's words";
    "TL0214" BAD_DURATION Error "a value is not a length of time";
    "TL0215" INEXACT Error "a value cannot be said in the unit or the part that is wanted";
    "TL0216" BAD_NAME Error "a name has characters that it may not have";
    "TL0217" BAD_HOST Error "a value is not the name or the address of a host";
    "TL0218" BAD_ADDRESS Error "a value is not a host with a port";
    "TL0219" BAD_URL Error "a value is not a url";
    "TL0220" BAD_SCHEME Error "a url has a scheme that is not allowed here";
    "TL0221" PASSWORD_IN_URL Error "a password stands in a url";
    "TL0222" BAD_PATH Error "a value is not an absolute path";
    "TL0223" BAD_IMAGE Error "a value is not the reference of an image";
    "TL0224" BAD_CRON Error "a value is not a schedule";
    "TL0225" NEVER Error "a schedule names a day that never comes";
    "TL0226" BAD_SECRET Error "a value is not the reference of a secret";
    "TL0227" BAD_SEMVER Error "a value is not a semantic version";
    "TL0228" WRONG_TYPE Error "a computed value has another type than the setting";
    // expressions
    // stacks
    // resolving
    // rules and checks
    // ledger
    // lowering
    // targets
    // output folder and lock
}
