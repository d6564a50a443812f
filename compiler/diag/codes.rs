//! The table of codes. A code is never reused; blocks of a hundred belong to a module:
//! 00 syntax, 01 names and forms, 02 values, 03 expressions, 04 stacks, 05 resolving, 06 rules and checks,
//! 07 ledger, 08 lowering, 09 targets and second interpreters, 10 output folder and lock,
//! 11 read-back.
//! 07 ledger, 08 lowering, 09 targets and second interpreters (from 50 on charts), 10 output folder and lock.

use super::{Code, Severity};

macro_rules! codes {
    ($($id:literal $name:ident $severity:ident $title:literal;)*) => {
        $(#[doc = $title] pub static $name: Code = Code { id: $id, severity: Severity::$severity, title: $title };)*
        /// All codes, by id.
        pub static CODES: &[&Code] = &[$(&$name),*];
        /// The page of every code: its id, and `docs/errors/TLnnnn.md`. A code without a page does not compile.
        pub static PAGES: &[(&str, &str)] = &[$(($id, include_str!(concat!("../../docs/errors/", $id, ".md")))),*];
    };
}

codes! {
    // syntax
    "TL0001" SYNTAX Error "the text is not KDL";
    "TL0002" TEXT_TOO_LARGE Error "the text is too large";
    "TL0003" TOO_DEEP Error "blocks nest too deeply";
    "TL0004" REFUSED_CHARACTER Error "a character that nobody would see";
    "TL0005" UNBALANCED_BRACE Error "a brace has no partner";
    "TL0006" UNCLOSED Error "a string or comment is not closed";
    "TL0007" BAD_ESCAPE Error "a backslash escapes nothing";
    "TL0008" BAD_LINES Error "a multi-line string is not laid out as one";
    "TL0009" REPEATED_PROPERTY Error "a property is written twice";
    "TL0010" CUT_BY_COMMENT Error "a comment begins inside a word";
    "TL0011" COLON Error "a colon does not separate a name from its value";
    "TL0012" ASSIGNMENT Error "an equals sign after a node's name";
    "TL0013" NO_PROPERTY_VALUE Error "a property has no value";
    "TL0014" SHELL_VARIABLE Error "shell variables are not known here";
    "TL0015" BARE_KEYWORD Error "a keyword needs `#`";
    "TL0016" BAD_KEYWORD Error "`#` begins no keyword and no string";
    "TL0017" OLD_RAW_STRING Error "a raw string as KDL 1 wrote it";
    "TL0018" UNQUOTED Error "this text needs quotes";
    "TL0019" COMMA Error "commas do not separate values";
    "TL0020" BRACKETS Error "lists have no brackets";
    "TL0021" SINGLE_QUOTES Error "strings stand between double quotes";
    "TL0022" LEADING_ZERO Error "a number begins with a zero";
    "TL0023" BAD_NUMBER Error "a number that cannot be held";
    "TL0024" NO_SPACE Error "two words run into each other";
    "TL0025" CONFLICT_MARKER Error "a merge conflict is not resolved";
    "TL0060" UNQUOTED_AMOUNT Error "an amount needs quotes";
    "TL0061" UNQUOTED_TIME Error "a length of time needs quotes";
    "TL0062" UNQUOTED_ADDRESS Error "an address needs quotes";
    "TL0063" UNQUOTED_VERSION Error "a version needs quotes";
    "TL0064" DASH_ITEM Error "items of a list have no dashes";
    "TL0065" MIXED_INDENTATION Error "tabs and blanks are mixed in a multi-line string";
    "TL0066" OLD_ESCAPE Error "a slash with a backslash, as KDL 1 wrote it";
    "TL0067" OLD_LINES Error "a string over several lines, as KDL 1 wrote it";
    // names and forms
    "TL0101" UNKNOWN_SETTING Error "there is no setting of this name here";
    "TL0102" WRITTEN_TWICE Error "something is written twice";
    "TL0103" GROUP_ARGUMENT Error "a group is given an argument";
    "TL0104" TOO_MANY_VALUES Error "a setting is given too many values";
    "TL0105" NO_VALUE Error "a setting is given no value";
    "TL0106" NOT_A_PROPERTY Error "a group is written as a property";
    "TL0107" LIST_CHILDREN Error "a list of values is written with children";
    "TL0108" NO_KEY Error "an entry of a map has no name";
    "TL0109" ANNOTATED_NAME Error "an annotation stands before the name of a setting";
    "TL0110" UNKNOWN_ANNOTATION Error "an annotation means nothing here";
    "TL0111" EXPRESSION_IN_ENVIRONMENT Error "an environment holds an expression";
    "TL0112" LITERAL_SECRET Error "a secret is written as plain text";
    "TL0113" UNEXPECTED_SECRET Error "a secret stands where none can";
    "TL0114" UNEXPECTED_LINK Error "a link stands where none can";
    "TL0115" MIXED_TREE Error "values and keys are mixed";
    "TL0116" UNKNOWN_TOP_NODE Error "a node means nothing at the top of a file";
    "TL0117" NO_ENVIRONMENT Error "a file holds no environment";
    "TL0118" SECOND_ENVIRONMENT Error "a file holds two environments";
    "TL0119" ENVIRONMENT_NAME Error "the name of an environment does not fit";
    "TL0120" NO_STACK Error "no stack is named";
    "TL0121" UNKNOWN_STACK Error "there is no stack of this name";
    "TL0122" DEPLOYED_TWICE Error "two deployments have one name";
    "TL0123" UNKNOWN_TARGET Error "there is no target of this name";
    "TL0124" NO_TARGET Error "no target is named";
    "TL0125" NO_REASON Error "a difference gives no reason";
    "TL0126" SHORT_REASON Error "a reason is too short";
    "TL0127" UNKNOWN_ATTRIBUTE Error "an attribute means nothing here";
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
    "TL0240" SECRET_IN_TEXT Error "a text has the form of a secret";
    "TL0241" SECRET_VARIABLE Error "something named like a secret holds plain text";
    // expressions
    "TL0300" EXPRESSION Error "a text is not an expression";
    "TL0301" UNKNOWN_NAME Error "a path names nothing";
    "TL0302" NOT_A_PATH Error "an expression stands where a path is wanted";
    "TL0303" BRACES Error "the braces of a text do not fit";
    "TL0304" CROWDED_MINUS Error "a subtraction lacks its blanks";
    "TL0305" UNKNOWN_FUNCTION Error "there is no such function";
    "TL0306" ARGUMENTS Error "a function is called with the wrong arguments";
    "TL0307" WRONG_KIND Error "an expression is of another type than its place needs";
    "TL0308" OPERANDS Error "an operator cannot work on these types";
    "TL0309" NOT_ONE_OF Error "a constant is none of the words that it is compared with";
    "TL0310" NOT_EXHAUSTIVE Error "a map does not say what every word becomes";
    "TL0311" NOT_A_VALUE Error "a name that only begins paths stands alone";
    "TL0312" BAD_CONSTANT Error "a constant amount cannot be read";
    "TL0313" BAD_PATTERN Error "a regular expression cannot be read";
    "TL0314" HIDDEN_NAME Error "a variable hides a name";
    "TL0315" EXPRESSION_TOO_LARGE Error "an expression is too long or too deep";
    "TL0316" NO_RESULT Error "an expression has no result";
    "TL0317" OUT_OF_STEPS Error "an expression takes too many steps";
    // stacks
    "TL0401" UNKNOWN_NODE Error "a node means nothing in a stack";
    "TL0402" DECLARED_TWICE Error "something is declared twice";
    "TL0403" DECLARED_DIFFERENTLY Error "two variants declare one name with two types";
    "TL0404" BAD_SETTING_NAME Error "a name cannot be that of a setting";
    "TL0405" RESERVED_NAME Error "a name is reserved";
    "TL0406" UNKNOWN_TYPE Error "there is no type of this name";
    "TL0407" TYPE_CYCLE Error "a type holds itself";
    "TL0408" NO_ITEM_TYPE Error "a list or map does not say what it holds";
    "TL0409" NO_VARIANT Error "a choice has no variants";
    "TL0410" VARIANT_OUTSIDE Error "a variant stands outside a choice";
    "TL0411" NO_WORDS Error "an enum has no values";
    "TL0412" UNKNOWN_CHANGE Error "there is no such kind of change";
    "TL0413" NOT_A_FLAG Error "something is neither true nor false";
    "TL0414" ONE_STRING Error "a node takes strings";
    "TL0415" STRAY_ARGUMENT Error "an argument stands where none can";
    "TL0416" NOT_AN_EXPRESSION Error "an expression is no string";
    "TL0417" NUMBER_TOO_LARGE Error "a number does not fit";
    "TL0418" NOT_A_SETTING Error "a path names no setting";
    "TL0419" NOT_A_COLLECTION Error "a loop goes over something that is no list and no map";
    "TL0420" BAD_LOOP Error "a loop is not written as one";
    "TL0421" HIDES_SETTING Error "a variable hides a setting";
    "TL0422" UNKNOWN_FRAGMENT Error "there is no fragment of this name";
    "TL0423" FRAGMENT_CYCLE Error "a fragment uses itself";
    "TL0424" FRAGMENT_ARGUMENT Error "an argument of a fragment does not fit";
    "TL0425" UNUSED_FRAGMENT Error "a fragment is used nowhere";
    "TL0426" INCOMPLETE_RULE Error "a rule lacks a requirement or a message";
    "TL0427" NOT_IN_EXTENSION Error "an extension says what only a stack can";
    "TL0428" WRONG_STACK Error "a file lies in the folder of another stack";
    "TL0429" TOO_LARGE Error "something is too large";
    "TL0430" CYCLE Error "a setting depends on itself";
    "TL0431" MISSING_PROPERTY Error "a node lacks something it needs";
    "TL0432" ONE_VALUE Error "a node is given no value";
    "TL0433" UNKNOWN_WORD Error "a word is none of those that may stand here";
    "TL0434" UNKNOWN_WORKLOAD Error "there is no workload of this name";
    "TL0435" NOT_A_RECORD Error "a group of settings lacks fields";
    "TL0436" NOT_IN_LOOP Error "a node cannot stand in a loop";
    "TL0437" BAD_FILE_NAME Error "a name cannot be that of an output file";
    "TL0438" NOT_IN_USE Error "a value cannot be given at a declaration";
    "TL0439" DERIVED Error "a derived setting is given a value";
    "TL0440" UNUSED_TYPE Error "a type is used nowhere";
    "TL0441" DEFAULTS_APART Error "presets of one stack stand in two files";
    "TL0442" EMPTY Error "something holds nothing";
    "TL0443" NO_TYPE Error "a setting has no type";
    "TL0444" CONTRADICTION Error "two statements contradict each other";
    "TL0445" NEVER_APPLIES Error "a rule can never apply";
    "TL0446" NO_SUCH_KEY Error "a value is no key of the map that it belongs to";
    "TL0447" NO_PROVIDER Error "an endpoint has no provider";
    "TL0448" DOES_NOT_FIT Error "an attribute does not fit the type";
    "TL0449" MISPLACED Error "something stands under a condition or in a loop and cannot";
    "TL0450" BAD_QUESTION Error "a question cannot be asked";
    "TL0451" PATH_AS_TEXT Warning "a text is the path of a setting";
    // resolving
    "TL0501" UNAVAILABLE Error "a setting does not exist here";
    "TL0502" REQUIRED Error "a required setting has no value";
    "TL0503" NOT_OVERRIDABLE Error "a setting must be the same in every target";
    "TL0504" EQUAL_OVERRIDE Error "an override changes nothing";
    "TL0505" EMPTY_OVERRIDE Error "an override is empty";
    "TL0506" REDUNDANT Note "a value is what it would be anyway";
    "TL0507" LOSES_DATA Error "a change would lose data";
    "TL0508" IMMUTABLE Error "something that cannot be changed changes";
    "TL0509" UNKNOWN_ALLOW Error "there is nothing of this name to allow";
    "TL0510" NO_SUBJECT Error "an `allow` does not say for what";
    // rules and checks
    "TL0601" RULE_BROKEN Error "a rule of the stack is broken";
    "TL0602" RULE_WARNING Warning "a rule of the stack advises against this";
    "TL0603" HOST_PORT_TWICE Error "two ports want the same port of the host";
    "TL0604" HOST_PORT_COPIES Error "several copies want one port of the host";
    "TL0605" NO_HEALTH Error "a workload waits for health that is never checked";
    "TL0606" UNDECLARED_PORT Error "a health check or a route names a port that is not declared";
    "TL0607" UNREACHED Error "a written value reaches no output";
    "TL0608" ABSENT Note "a written value is not said by a target";
    "TL0609" ONE_SIDED Error "a setting reached Helm but not Compose, or the reverse";
    "TL0610" TWO_PROVIDERS Error "two programs answer at one endpoint";
    "TL0611" WAITING_CIRCLE Error "workloads wait for each other";
    "TL0612" NO_CRON Warning "Compose does not run a cron job";
    "TL0613" SECRET_COLLISION Error "two secrets have one variable";
    "TL0614" HOST_MOUNT Error "something of the host is mounted";
    "TL0615" PRIVILEGED Error "a program has every right of the host";
    "TL0616" HOST_NETWORK Error "a program shares the network of the host";
    "TL0617" HOST_NAMESPACE Error "a program sees the processes or the memory of the host";
    "TL0618" CAPABILITY Error "a program is given a capability";
    "TL0619" ESCALATION Error "a program may gain rights";
    "TL0620" UNCONFINED Error "a filter for what a program may do is switched off";
    "TL0621" HOST_DEVICE Error "a device of the host is handed to a program";
    "TL0622" HOST_PROGRAM Error "a program of the host is run";
    "TL0623" OTHER_FILE Error "keys come from a file that is not read here";
    "TL0624" UNUSED_ALLOW Error "an `allow` allows nothing";
    "TL0625" UNSAID_BY_BLOCK Warning "a written value is not said by the chosen chart";
    "TL0626" NOT_BESIDE Error "a program cannot run beside another one";
    "TL0627" POD_PORT_TWICE Error "two programs of one pod want one port";
    "TL0628" HOST_PORT_SHARED Note "two deployments want one port of the host";
    "TL0629" BAD_AMOUNT Error "Compose cannot read an amount";
    "TL0630" TEXT_ADDRESS Error "a text names a program of the same deployment";
    "TL0631" ONE_WORD Warning "a command is one word with blanks in it";
    // ledger
    "TL0701" HOLE Error "a target neither uses a setting nor says why not";
    "TL0702" ABSENT_BUT_READ Error "a target reads a setting that it is said not to";
    "TL0703" FEEDS_NOTHING Error "a setting that no target says feeds nothing";
    "TL0704" SCOPE_TARGET Error "a target may not limit its scope";
    "TL0705" OTHER_UNIT Error "a name says another unit than its value has";
    "TL0706" CROSSED Warning "a value stands under the name of another one";
    "TL0707" TWO_MEANINGS Warning "one name is given two meanings";
    // lowering
    "TL0801" KEY_TWICE Error "a key of a tree is written twice";
    "TL0802" MISSING_VALUE Error "something that a workload needs has no value";
    "TL0803" UNKNOWN_LINK Error "a link leads nowhere";
    "TL0804" NO_NAME Error "a release does not name an endpoint that it links to";
    "TL0805" SECRET_IN_VALUES Error "a secret would be written into a file";
    "TL0806" TWO_BLOCKS Error "two ways to say the system in Helm are active";
    "TL0807" NO_COMPOSE_CHECK Error "Compose cannot check health over the network";
    "TL0808" SECOND_INTERPRETER Error "a text would be read as code by the next program";
    "TL0809" WORKLOAD_TWICE Error "two workloads have one name";
    "TL0810" RAW_CONFLICT Error "a raw key is written by the stack already";
    "TL0811" UNKNOWN_RELEASE Error "there is no release of this name";
    "TL0812" NOT_EXPRESSIBLE Error "a target cannot say this";
    // targets
    // surfaces of charts
    "TL0901" NO_SURFACE Warning "nothing is known of what a chart reads";
    "TL0902" UNKNOWN_SURFACE Error "a release names a surface that there is not";
    "TL0903" UNUSED_SURFACE Error "no release uses a surface";
    "TL0904" BAD_FACT Error "a fact is not written as one";
    "TL0905" CARRY_TYPE Error "a key cannot hold the fact that it carries";
    "TL0906" FOREIGN_KEY Error "a stack writes a key that the chart does not read";
    "TL0907" TRAP_KEY Error "a stack writes a key that reaches no template";
    "TL0908" KEY_TYPE Error "a stack writes a key that the chart reads as something else";
    "TL0909" FACT_HOLE Error "no key of a chart carries a fact, and nobody says why";
    "TL0910" IMPOSSIBLE_FACT Error "a surface speaks of a fact that no workload has";
    "TL0911" OTHER_FIELD Error "a key that is a field of Kubernetes carries another fact";
    // charts
    "TL0950" CHART_UNREAD_KEY Error "nothing in a chart reads a key of its values";
    "TL0951" CHART_DEAD_KEY Error "no template reads a key that the chart's own values have";
    "TL0952" CHART_FORBIDDEN Error "a chart's schema forbids a value";
    "TL0953" CHART_OTHER_KIND Error "a value is of another kind than the chart's own";
    "TL0954" CHART_NOT_YAML Error "a file of a chart, or of its values, is not YAML";
    "TL0955" CHART_DUPLICATE_KEY Error "a key stands twice in a map of YAML";
    "TL0956" CHART_BAD_TEMPLATE Warning "a template of a chart cannot be read";
    "TL0957" CHART_SECOND_DOCUMENT Error "a file of values holds a second document";
    "TL0958" CHART_NOT_READ Note "a part of a chart is not read";
    "TL0959" CHART_KEYWORD Note "a keyword of a chart's schema is not checked";
    "TL0960" CHART_LIMIT Warning "a chart is larger than what is followed";
    "TL0961" CHART_NO_TEMPLATE Warning "a chart uses a template that it does not have";
    // output folder and lock
    "TL1001" BAD_ENVIRONMENT_NAME Error "the name of an environment file is not a lower-case DNS label";
    "TL1002" UNREADABLE_FILE Error "a file of the project cannot be read";
    "TL1003" NOT_UTF8 Error "a file of the project is not UTF-8";
    "TL1004" FILE_TOO_LARGE Error "a file of the project is too large";
    "TL1005" WRONG_VERSION Error "the project asks for another version of the compiler";
    "TL1006" BAD_PROJECT_FILE Error "`trueline.kdl` says something unknown";
    "TL1010" EDITED_BY_HAND Error "an output file was edited by hand";
    "TL1011" IN_THE_WAY Error "a file that no compile wrote stands where output belongs";
    "TL1012" BAD_LOCK Warning "the lock cannot be read";
    "TL1013" STRAY_FILE Warning "a file in the output folder is not an output";
    "TL1014" LINK_IN_THE_WAY Error "a link or special file stands where output belongs";
    "TL1015" CANNOT_WRITE Error "the output folder cannot be written";
    "TL1016" UNSAFE_PATH Error "an output path is not safe on every system";
    "TL1017" FORGOTTEN_OUTPUT Warning "an output folder has no environment";
    "TL1018" INTERRUPTED Error "a compile was cut short";
    "TL1019" BAD_JOURNAL Error "the journal of a compile cannot be read";
    "TL1020" BUSY Error "another compile is writing";
    "TL1021" OUTPUT_CONFLICT Error "a merge conflict stands in the output";
    "TL1022" SECRET_IN_OUTPUT Error "a file for secrets lies in the output folder";
    "TL1023" SETTINGS_DIGEST Error "the lock and `settings.json` disagree";
    "TL1024" CASE_TWINS Warning "two output folders differ only in case";
    "TL1025" NO_LOCK Error "an output folder has no lock";
    "TL1030" NO_CHART_SOURCE Error "Flux does not know where a chart comes from";
    "TL1031" FLUX_TARGETS Error "what is said of Flux and the targets contradict each other";
    "TL1032" UNKNOWN_DEPENDENCY Error "something depends on a deployment that there is not";
    "TL1033" DEPENDENCY_CIRCLE Error "deployments wait for each other";
    "TL1034" FLUX_NAME Error "two objects of Flux have one name, or one has too long a name";
    "TL1035" OTHER_CLUSTER Error "objects beside a release cannot reach its cluster";
    "TL1036" SECRETS_FOLDER Error "a folder of encrypted files lies where none can";
    "TL1037" FLUX_DISAGREES Error "two deployments want one object of Flux otherwise";
    "TL1038" NO_FLUX_PATH Error "a text is no folder, tag or name as Flux takes it";
    "TL1040" CANNOT_REWRITE Error "a source file cannot be written";
    // read-back
    "TL1101" UNREADABLE_OUTPUT Error "an output cannot be read back";
    "TL1102" COMPOSE_DIFFERS Error "the Compose file does not say what it should";
    "TL1103" DANGLING_NAME Error "a name in the Compose file leads nowhere";
    "TL1104" UNREAD_KEY Error "the chart does not read a key";
    "TL1105" DEAD_KEY Error "no template of the chart reads a key";
    "TL1106" IDLE_KEY Error "the chart does not read a key as the other values are";
    "TL1107" WRONG_KEY_TYPE Error "the chart reads a key as something else";
    "TL1108" MISSING_KEY Error "a key is not written";
    "TL1109" EXTRA_KEY Error "a key says what nothing here does";
    "TL1110" CARRIED_DIFFERS Error "the values say a fact otherwise";
    "TL1111" OTHER_ORIGIN Error "a fact and its key come from different settings";
    "TL1112" FIXED_DIFFERS Error "the chart states something else";
    "TL1113" RUNS_DIFFERS Error "the chart runs other workloads";
    "TL1114" UNCARRIED Error "a fact does not reach the chart";
    "TL1115" VIEWS_DIFFER Error "Compose and Helm differ without an override";
    "TL1116" RAW_FACT Error "`raw` says a fact";
    "TL1117" UNTOLD_KEY Error "nothing is known of what a key has to say";
    "TL1118" CHECK_TIMES Warning "the times of a check do not fit together";
    "TL1119" WAITS_DIFFER Warning "a program waits for something else than it is told of";
    "TL1120" FLUX_DIFFERS Error "a file for Flux does not say what it should";
    "TL1121" FLUX_DANGLING Error "a name in the files for Flux leads nowhere";
    "TL1122" SECRET_FETCHED Error "other secrets are fetched than are referred to";
    "TL1150" RENDERED_DIFFERS Error "a chart and Compose do not say the same";
    "TL1151" NOT_RENDERED Error "a chart cannot be rendered or compared";
    "TL1152" CHART_INCOMPLETE Error "a chart that another one needs is not there";
    "TL1153" MANIFEST_TROUBLE Warning "a manifest refers to what is not there";
    "TL1154" RENDERED_STALE Error "what is rendered is not what the environment compiles to";
    // what a machine has to have
    "TL1170" NO_SECRET_FILE Error "a file that a secret comes from is not there";
    "TL1171" EMPTY_SECRET_FILE Error "a file that a secret comes from holds nothing";
    "TL1172" NO_VARIABLE Error "a variable that Compose asks for is not set";
    "TL1173" SECRET_UNREADABLE Warning "a program could not read the file of its secret";
    "TL1174" NO_BUILD_FOLDER Error "a folder to build an image from is not there";
}

/// The code with this id.
#[must_use]
pub fn code(id: &str) -> Option<&'static Code> {
    CODES.binary_search_by(|code| code.id.cmp(id)).ok().map(|at| CODES[at])
}

/// The page of the code with this id, as Markdown.
#[must_use]
pub fn page(id: &str) -> Option<&'static str> {
    PAGES.binary_search_by(|(known, _)| (*known).cmp(id)).ok().map(|at| PAGES[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_unique_and_of_one_form() {
        assert!(CODES.is_sorted_by(|a, b| a.id < b.id), "ids are sorted and unique");
        for code in CODES {
            let digits = code.id.strip_prefix("TL").unwrap_or_default();
            assert!(digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{}", code.id);
            assert!(!code.title.ends_with('.') && !code.title.is_empty(), "{}", code.id);
            assert_eq!(super::code(code.id), Some(*code));
        }
        assert_eq!(super::code("TL9999"), None);
        assert_eq!(page("TL9999"), None);
    }

    #[test]
    fn every_code_has_a_page_of_the_right_form() {
        for code in CODES {
            let page = page(code.id).unwrap_or_default();
            assert_eq!(page.lines().next(), Some(format!("# {}: {}", code.id, code.title).as_str()));
            for heading in ["## Wrong", "## Right"] {
                let below = page.split(heading).nth(1).unwrap_or_default().split("\n## ").next().unwrap_or_default();
                // What no environment can show, such as a change over time, stands as text.
                let blocks = below.matches("\n```kdl\n").count() + below.matches("\n```text\n").count();
                assert_eq!(blocks, 1, "{}: one block below `{heading}`", code.id);
            }
        }
    }
}
