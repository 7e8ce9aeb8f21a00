//! The words behind `tcp-request PHASE`: the actions of rules.

use super::action::Action;
use super::argument::Argument;
use super::error::{LineFault, named};
use super::fetch::Fetch;
use super::keyword::{Asked, ValueKind};
use super::line::Line;
use super::pattern;
use super::place::Places;
use super::progress::TrackSlot;
use super::suggest::suggest;
use super::tables::Tables;
use super::token::Token;
use crate::table::KeyForm;

/// The word of an action.
pub(super) struct Verb {
    pub(super) name: &'static str,
    /// What stands behind it, as documents write it.
    pub(super) arguments: &'static str,
    make: fn(&Argument<'_>, &mut Line<'_>, VerbContext<'_>) -> Result<Action, LineFault>,
    pub(super) doc: &'static str,
    /// Where HAProxy differs; empty when it does not.
    pub(super) haproxy: &'static str,
}

/// What the action of a line can refer to.
#[derive(Clone, Copy)]
pub(super) struct VerbContext<'a> {
    pub(super) tables: &'a Tables,
    pub(super) place: Places,
}

macro_rules! verbs {
    ($($name:literal $(($arguments:literal))?: $make:expr, $doc:literal, $haproxy:literal;)+) => {
        &[$(Verb {
            name: $name,
            arguments: concat!($($arguments)?),
            make: $make,
            doc: $doc,
            haproxy: $haproxy,
        }),+]
    };
}

/// Every action.
pub(super) const VERBS: &[Verb] = verbs! {
    "accept": |a, _, _| a.none(Action::Accept), "the phase ends, and the connection goes on", "";
    "reject": |a, _, _| a.none(Action::Reject), "the connection is closed", "";
    "silent-drop": |a, _, _| a.none(Action::SilentDrop),
        "the connection is forgotten here, and the client is not told; a fed connection is reset",
        "how far that is possible differs with the system";
    "track-sc0" (" KEY [table NAME]"): |a, line, scene| track(a, line, scene, TrackSlot::ALL[0]),
        "the connection is counted in the entry of KEY, for as long as it exists, and `sc0_` asks that \
         entry; not when it is counted in one by `sc0` already, KEY is not there, or the table is full",
        "the table that is meant without a name is the proxy's own there";
    "track-sc1" (" KEY [table NAME]"): |a, line, scene| track(a, line, scene, TrackSlot::ALL[1]),
        "as `track-sc0`, for `sc1_`", "";
    "track-sc2" (" KEY [table NAME]"): |a, line, scene| track(a, line, scene, TrackSlot::ALL[2]),
        "as `track-sc0`, for `sc2_`", "";
    "sc-inc-gpc0" ("(N)"): |a, _, _| a.slot().map(Action::IncrementGpc0),
        "counts one in `gpc0` of the entry that `track-scN` found", "";
    "sc-set-gpt0" ("(N) NUMBER"): |a, line, _| {
            let slot = a.slot()?;
            number(line, u32::MAX).map(|tag| Action::SetGpt0(slot, tag))
        },
        "sets `gpt0` of the entry that `track-scN` found", "the number may be asked for there";
    "set-mark" (" NUMBER"): |a, line, _| a.none(Action::SetMark(number(line, u32::MAX)?)),
        "marks the packets to the client (`SO_MARK`), with a number in decimal or behind `0x`; nothing \
         for a fed connection", "";
    "set-tos" (" NUMBER"): |a, line, _| a.none(Action::SetTos(number(line, u8::MAX.into())? as u8)),
        "sets the TOS or traffic class of the packets to the client; nothing for a fed connection", "";
    "set-src" (" VALUE"): set_source,
        "from now on `src` is VALUE, an IP; the port stays. Not when VALUE is not there",
        "the port becomes 0 when the family changes";
    "set-var" ("(NAME) VALUE"): set_variable,
        "the host finds VALUE in the variable NAME of the connection. Not when VALUE is not there",
        "the name begins with a scope there; here it is a name, and lives as long as the connection";
};

impl Verb {
    /// Reads an action and its arguments.
    pub(super) fn parse(line: &mut Line<'_>, scene: VerbContext<'_>) -> Result<Action, LineFault> {
        let token = line.next("an action, such as `accept` or `reject`")?;
        let argument = Argument::of(token)?;
        match VERBS.iter().find(|verb| verb.name == argument.word) {
            Some(verb) => (verb.make)(&argument, line, scene),
            None => {
                let known = VERBS.iter().map(|verb| verb.name);
                let problem = format!("{} is no action", named(&token.word));
                let expected = known.clone().collect::<Vec<_>>().join(", ");
                Err(LineFault::new(token.span.clone(), problem, expected)
                    .near(suggest(argument.word, known)))
            }
        }
    }
}

/// Reads a fetch and checks that it is known here.
fn asked<'a>(line: &mut Line<'a>, scene: VerbContext<'_>) -> Result<(&'a Token, Asked), LineFault> {
    let token = line.next("what is asked for, such as `src`")?;
    let asked = Asked::parse(token, scene.tables)?;
    if !asked.seen.contains(scene.place) {
        return Err(unseen(token, &named(&token.word), asked.seen));
    }
    Ok((token, asked))
}

/// The fault of a fetch in a place where it is not known.
pub(super) fn unseen(token: &Token, word: &str, seen: Places) -> LineFault {
    let problem = format!("{word} is not known here");
    LineFault::new(token.span.clone(), problem, format!("it in {}", seen.lines()))
}

fn track(
    argument: &Argument<'_>,
    line: &mut Line<'_>,
    scene: VerbContext<'_>,
    slot: TrackSlot,
) -> Result<Action, LineFault> {
    argument.none(())?;
    let (token, asked) = asked(line, scene)?;
    let table = match line.next_if(|token| token.is("table")) {
        None => scene.tables.find(None, &token.span)?,
        Some(_) => {
            let name = line.next("the name of a table")?;
            scene.tables.find(Some(name.text().unwrap_or_default()), &name.span)?
        }
    };
    let config = table.config();
    let (fits, kind) = match config.kind.form() {
        KeyForm::Ip => (asked.kind == ValueKind::Address, "an IP"),
        KeyForm::Integer => (asked.kind == ValueKind::Number, "a number"),
        KeyForm::Text => (asked.kind == ValueKind::Bytes, "bytes"),
    };
    if !fits {
        let problem = format!(
            "{} is of kind {}, no key of table {}",
            named(&token.word),
            asked.kind.name(),
            named(config.name.as_bytes())
        );
        let expected = format!("{kind}, since its type is {}", config.kind.name());
        return Err(LineFault::new(token.span.clone(), problem, expected));
    }
    Ok(Action::Track(slot, asked.fetch, table))
}

fn set_source(
    argument: &Argument<'_>,
    line: &mut Line<'_>,
    scene: VerbContext<'_>,
) -> Result<Action, LineFault> {
    argument.none(())?;
    let (token, Asked { fetch, kind, .. }) = asked(line, scene)?;
    if kind != ValueKind::Address {
        let problem = format!("{} is of kind {}", named(&token.word), kind.name());
        return Err(LineFault::new(token.span.clone(), problem, "an IP, such as `fc_src`"));
    }
    Ok(Action::SetSource(fetch))
}

fn set_variable(
    argument: &Argument<'_>,
    line: &mut Line<'_>,
    scene: VerbContext<'_>,
) -> Result<Action, LineFault> {
    let name = argument.name()?;
    let fetch: Fetch = asked(line, scene)?.1.fetch;
    Ok(Action::SetVariable(name, fetch))
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
