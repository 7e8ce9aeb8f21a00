//! The words behind `tcp-request PHASE` and `tcp-response content`: actions. Each is a row of a table.

use std::borrow::Cow;

use super::absent_words;
use super::action::{Action, ByteRate, Operand};
use super::argument_reader::{Context, Written};
use super::arguments::Arguments;
use super::error::{LineFault, named};
use super::expression::Expression;
use super::facts::LogLevel;
use super::filter::{Filters, bytes};
use super::line::Line;
use super::param::{Param, ParamKind, param};
use super::pattern;
use super::place::Places;
use super::progress::TrackSlot;
use super::suggest::suggest;
use super::template::Template;
use super::token::{Token, not_a_time};
use super::value::ValueType;
use super::written;
use crate::table::{GPC_MAX, time};

/// The word of an action.
pub(super) struct ActionWord {
    pub(super) name: &'static str,
    params: &'static [Param],
    /// What stands behind it, as documents write it.
    pub(super) arguments: &'static str,
    /// The phases that have it.
    pub(super) seen: Places,
    make: fn(&Arguments, &mut Line<'_>, &mut ActionContext<'_>) -> Result<Action, LineFault>,
    pub(super) doc: &'static str,
    /// Where HAProxy differs; empty when it does not.
    pub(super) haproxy: &'static str,
}

/// What the action of a line can refer to.
pub(super) struct ActionContext<'a> {
    pub(super) context: Context<'a>,
    pub(super) filters: &'a Filters,
    pub(super) place: Places,
    /// How many captures lines above have.
    pub(super) captures: usize,
}

macro_rules! action_words {
    ($($name:literal [$($param:expr),*] $arguments:literal, $seen:expr, $make:expr, $doc:literal, $haproxy:literal;)+) => {
        &[$(ActionWord {
            name: $name,
            params: &[$($param),*],
            arguments: $arguments,
            seen: $seen,
            make: $make,
            doc: $doc,
            haproxy: $haproxy,
        }),+]
    };
}

const SLOT: Param = param("slot", ParamKind::Slot);
const INDEX: Param = param("index", ParamKind::Number(0, GPC_MAX as i64 - 1));
const NAME: Param = param("name", ParamKind::Variable);
const ALL: Places = Places::EVERYWHERE;
const REQUEST: Places = Places::REQUEST;
const BEHIND_CONNECTION: Places = Places::SESSION.union(Places::CONTENT);
const WITH_RESPONSE: Places = BEHIND_CONNECTION.union(Places::RESPONSE);
const ON_BYTES: Places = Places::CONTENT.union(Places::RESPONSE);
/// The longest text that is captured, in bytes.
const CAPTURE_MAX: u32 = 16 * 1024;

/// Every action.
pub(super) const ACTION_WORDS: &[ActionWord] = action_words! {
    "accept" [] "", ALL, |_, _, _| Ok(Action::Accept), "the phase ends, and the connection goes on", "";
    "reject" [] "", ALL, |_, _, _| Ok(Action::Reject), "the connection is closed", "";
    "silent-drop" [] "", ALL, |_, _, _| Ok(Action::SilentDrop),
        "the connection is forgotten here, and the client is not told; what it sends afterwards the system may answer \
         with a reset, as it does nearly always behind TLS. A fed connection is reset",
        "how far that is possible differs with the system";
    "track-sc0" [] " KEY [table NAME]", REQUEST, |_, line, it| track(line, it, TrackSlot::ALL[0]),
        "the connection is counted in the entry of KEY, for as long as it exists, and `sc0_` asks that \
         entry; not when it is counted in one by `sc0` already, KEY is not there, or the table is full", "";
    "track-sc1" [] " KEY [table NAME]", REQUEST, |_, line, it| track(line, it, TrackSlot::ALL[1]),
        "as `track-sc0`, for `sc1_`", "";
    "track-sc2" [] " KEY [table NAME]", REQUEST, |_, line, it| track(line, it, TrackSlot::ALL[2]),
        "as `track-sc0`, for `sc2_`", "";
    "sc-inc-gpc" [INDEX, SLOT] "", ALL, |a, _, _| increment(a.place(0) as u8, a.slot(1)),
        "counts one in the counter of this index in the entry that the slot has found", "";
    "sc-inc-gpc0" [SLOT] "", ALL, |a, _, _| increment(0, a.slot(0)),
        "counts one in `gpc0` of the entry that the slot has found", "";
    "sc-inc-gpc1" [SLOT] "", ALL, |a, _, _| increment(1, a.slot(0)),
        "counts one in `gpc1` of the entry that the slot has found", "";
    "sc-set-gpt0" [SLOT] " VALUE", ALL, |a, line, it| {
            let tag = operand(line, it, |text| pattern::number_or_hex(text).filter(|tag| *tag <= u32::MAX.into()))?;
            Ok(Action::SetGpt0(slot(a.slot(0)), tag))
        },
        "sets `gpt0` of the entry that the slot has found, to a number or a value", "";
    "set-mark" [] " NUMBER", ALL, |_, line, _| Ok(Action::SetMark(number(line, u32::MAX)?)),
        "marks the packets to the client (`SO_MARK`), with a number in decimal or behind `0x`; nothing \
         for a fed connection", "";
    "set-tos" [] " NUMBER", ALL, |_, line, _| Ok(Action::SetTos(number(line, u8::MAX.into())? as u8)),
        "sets the TOS or traffic class of the packets to the client; nothing for a fed connection", "";
    "set-src" [] " VALUE", REQUEST, |_, line, it| typed(line, it, ValueType::Addr).map(Action::SetSource),
        "from now on `src` is VALUE, an address; the port stays. Not when VALUE is not there",
        "the port becomes 0 when the family changes";
    "set-src-port" [] " VALUE", REQUEST, |_, line, it| typed(line, it, ValueType::Int).map(Action::SetSourcePort),
        "from now on `src_port` is VALUE", "";
    "set-dst" [] " VALUE", REQUEST, |_, line, it| typed(line, it, ValueType::Addr).map(Action::SetDestination),
        "from now on `dst` is VALUE, an address; the port stays. It is what `send-proxy` announces, and \
         changes no server", "is where a transparent proxy connects to";
    "set-dst-port" [] " VALUE", REQUEST, |_, line, it| typed(line, it, ValueType::Int).map(Action::SetDestinationPort),
        "from now on `dst_port` is VALUE", "";
    "set-var" [NAME] " VALUE", ALL,
        |a, line, it| Ok(Action::SetVariable(a.name(0).into(), expression(line, it)?.1)),
        "the variable holds VALUE, for later rules and for the host. The scope in front of its name says for how \
         long: `proc.` is the process's, `sess.`, `txn.`, `req.` and `res.` are the connection's. Not when VALUE is not there",
        "does not wait for bytes";
    "set-var-fmt" [NAME] " TEXT", ALL, variable_text,
        "as `set-var`, to a text in which `%[EXPRESSION]` is a value, empty where it is not there, and `%%` is a `%`",
        "has the words of log lines besides, and does not wait for bytes";
    "unset-var" [NAME] "", ALL, |a, _, _| Ok(Action::UnsetVariable(a.name(0).into())),
        "the variable holds nothing", "";
    "capture" [] " VALUE len NUMBER", BEHIND_CONNECTION, capture,
        "the first bytes of VALUE, as many as NUMBER, are kept for the host, under the number of this line among \
         those that capture, from 0", "";
    "set-log-level" [] " LEVEL", WITH_RESPONSE, |_, line, _| log_level(line).map(Action::SetLogLevel),
        "how loud the host is to be about the connection: `silent`, or `emerg`, `alert`, `crit`, `err`, `warning`, \
         `notice`, `info` or `debug`", "";
    "expect-proxy" [] " layer4", Places::CONNECTION,
        |_, line, _| layer4(line).map(|()| Action::ExpectProxy),
        "behind these rules a PROXY header is read, on a listener that expects none otherwise", "";
    "set-bandwidth-limit" [] " FILTER [limit VALUE] [period TIME]", ON_BYTES, bandwidth_limit,
        "from now on, bytes of the connection are limited as the filter above says, in the direction that it says; \
         to VALUE in each period where that is said and is a number above 0", "in 2.7 and later";
};

impl ActionWord {
    /// Reads an action and its arguments.
    pub(super) fn parse(
        line: &mut Line<'_>,
        it: &mut ActionContext<'_>,
    ) -> Result<Action, LineFault> {
        let token = line.next("an action, such as `accept` or `reject`")?;
        let written = written::word(token)?;
        let Some(word) = ACTION_WORDS.iter().find(|word| word.name == written.word) else {
            return Err(unknown(token, &written));
        };
        if !word.seen.contains(it.place) {
            let problem = format!("`{}` has no place here", word.name);
            let expected = format!("it in {}", word.seen.lines());
            return Err(LineFault::new(token.span.clone(), problem, expected));
        }
        let arguments = written.read(word.params, it.context)?;
        (word.make)(&arguments, line, it)
    }

    /// It with what stands behind it, as documents write it.
    pub(super) fn syntax(&self) -> String {
        format!("{}{}{}", self.name, super::param::usage(self.params), self.arguments)
    }
}

fn unknown(token: &Token, written: &Written<'_>) -> LineFault {
    if let Some(instead) = absent_words::absent_action(written.word) {
        let problem = format!("{} is known to HAProxy and not here", named(&token.word));
        return LineFault::advising(token.span.clone(), problem, instead);
    }
    let known = ACTION_WORDS.iter().map(|word| word.name);
    let problem = format!("{} is no action", named(&token.word));
    let expected = known.clone().collect::<Vec<_>>().join(", ");
    LineFault::new(token.span.clone(), problem, expected).near(suggest(written.word, known))
}

/// Reads an expression and checks that it is known here.
fn expression<'l>(
    line: &mut Line<'l>,
    it: &ActionContext<'_>,
) -> Result<(Cow<'l, Token>, Expression), LineFault> {
    let token = line.expression()?;
    let expression = written::known_expression(&token, it.place, it.context)?;
    Ok((token, expression))
}

/// The same, of a value that can be one of this type.
fn typed(
    line: &mut Line<'_>,
    it: &ActionContext<'_>,
    kind: ValueType,
) -> Result<Expression, LineFault> {
    let (token, expression) = expression(line, it)?;
    if !expression.kind.casts_to(kind) {
        let problem = format!("{} is of type {}", named(&token.word), expression.kind.name());
        return Err(LineFault::new(
            token.span.clone(),
            problem,
            format!("a value of type {}", kind.name()),
        ));
    }
    Ok(expression)
}

fn variable_text(
    arguments: &Arguments,
    line: &mut Line<'_>,
    it: &mut ActionContext<'_>,
) -> Result<Action, LineFault> {
    let token = line.next("a text, such as `%[src]:%[src_port]`")?;
    let text = Template::parse(token, it.place, it.context)?;
    Ok(Action::SetVariableText(arguments.name(0).into(), text))
}

fn track(
    line: &mut Line<'_>,
    it: &ActionContext<'_>,
    slot: TrackSlot,
) -> Result<Action, LineFault> {
    let (_, expression, table) = written::table_key(line, it.place, it.context)?;
    Ok(Action::Track(slot, expression, table))
}

fn slot(given: Option<TrackSlot>) -> TrackSlot {
    given.unwrap_or(TrackSlot::ALL[0])
}

fn increment(index: u8, given: Option<TrackSlot>) -> Result<Action, LineFault> {
    Ok(Action::IncrementGpc(slot(given), index))
}

/// Reads a number by `read`, or an expression.
fn operand(
    line: &mut Line<'_>,
    it: &ActionContext<'_>,
    read: impl Fn(&str) -> Option<u64>,
) -> Result<Operand, LineFault> {
    if let Some(number) = line.peek().and_then(|token| read(token.text()?)) {
        line.next_if(|_| true);
        return Ok(Operand::Number(number));
    }
    typed(line, it, ValueType::Int).map(Operand::Expression)
}

fn capture(
    _: &Arguments,
    line: &mut Line<'_>,
    it: &mut ActionContext<'_>,
) -> Result<Action, LineFault> {
    let value = typed(line, it, ValueType::Str)?;
    line.word("len", "how many bytes to keep: `len NUMBER`")?;
    let length = number(line, CAPTURE_MAX)? as usize;
    Ok(Action::Capture { value, length, number: it.captures })
}

const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
const SILENT: &str = "silent";

fn log_level(line: &mut Line<'_>) -> Result<LogLevel, LineFault> {
    let token = line.next("a level, such as `silent`")?;
    if token.is(SILENT) {
        return Ok(LogLevel::Silent);
    }
    let severity = (0..).zip(LEVELS).find(|(_, name)| token.is(name));
    severity.map(|(severity, _)| LogLevel::Severity(severity)).ok_or_else(|| {
        let problem = format!("{} is no level", named(&token.word));
        let known = LEVELS.into_iter().chain([SILENT]);
        let near = suggest(token.text().unwrap_or_default(), known.clone());
        let expected = known.collect::<Vec<_>>().join(", ");
        LineFault::new(token.span.clone(), problem, expected).near(near)
    })
}

fn layer4(line: &mut Line<'_>) -> Result<(), LineFault> {
    line.word("layer4", "`layer4`")
}

fn bandwidth_limit(
    _: &Arguments,
    line: &mut Line<'_>,
    it: &mut ActionContext<'_>,
) -> Result<Action, LineFault> {
    let token = line.next("the name of a filter")?;
    let filter = it.filters.find(token)?;
    let default = filter.bytes;
    let mut rate = ByteRate { bytes: Operand::Number(default), default, period: filter.period };
    loop {
        if line.next_if(|token| token.is("limit")).is_some() {
            rate.bytes = operand(line, it, bytes)?;
        } else if line.next_if(|token| token.is("period")).is_some() {
            let token = line.next("a time")?;
            rate.period = token.text().and_then(time).ok_or_else(|| not_a_time(token))?;
        } else {
            return Ok(Action::Limit(filter.direction, rate));
        }
    }
}

fn number(line: &mut Line<'_>, most: u32) -> Result<u32, LineFault> {
    let token = line.next("a number")?;
    let number = token.text().and_then(pattern::number_or_hex);
    number
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| *number <= most)
        .ok_or_else(|| {
            let problem = format!("{} is no number that fits", named(&token.word));
            LineFault::new(token.span.clone(), problem, format!("a number of at most {most}"))
        })
}
