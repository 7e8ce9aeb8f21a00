//! Rules as the host sees them: names of listeners and backends, variables that rules have set, and the
//! backend that they choose.

use super::stream::may_join;
use super::{Engine, Refusal};
use crate::conn::{Cause, Ending, Why};
use crate::cx::Directory;
use crate::handshake;
use crate::id::{Id, Kind};
use crate::rules::{RuleError, RuleSet, Value};
use crate::sys::Net;

impl<N: Net> Engine<N> {
    /// Gives a listener or a backend the name that rules and metrics use for it.
    ///
    /// # Errors
    /// The id is not that of a listener or backend of this engine.
    pub fn set_name(&mut self, id: Id, name: &str) -> Result<(), Refusal> {
        if id.kind() == Kind::Listener {
            self.listener_mut(id)?.name = Some(name.into());
            return Ok(());
        }
        let (entry, tools) = self.backend_mut(id)?;
        if entry.name.as_deref() != Some(name) {
            entry.unshare(tools);
            entry.name = Some(name.into());
            self.share(id.key());
        }
        Ok(())
    }

    /// The value of the variable `name` that rules have set for a connection.
    ///
    /// # Errors
    /// The id is not that of a connection of this engine.
    pub fn variable(&self, id: Id, name: &str) -> Result<Option<&Value<'static>>, Refusal> {
        let Some(rule_state) = self.conn(id)?.facts.rule_state() else { return Ok(None) };
        Ok(rule_state.variables.iter().find(|(known, _)| **known == *name).map(|(_, value)| value))
    }

    /// What rules have captured of a connection, by the number of the capture.
    ///
    /// # Errors
    /// The id is not that of a connection of this engine.
    pub fn capture(&self, id: Id, number: usize) -> Result<Option<&[u8]>, Refusal> {
        let Some(rule_state) = self.conn(id)?.facts.rule_state() else { return Ok(None) };
        let held = rule_state.captures.iter().find(|(known, _)| *known == number);
        Ok(held.map(|(_, value)| &**value))
    }

    /// Whether every backend and every server that lines of `rules` name exists in this engine.
    ///
    /// # Errors
    /// The first line that names another.
    pub fn check_rules(&self, rules: &RuleSet) -> Result<(), Box<RuleError>> {
        let has_backend = |name: &str| self.registry.backend_called(name).is_some();
        let has_server = |name: &str| self.registry.server_load(name).is_some();
        let checked = rules.check_names(has_backend, has_server);
        checked.map_err(|wrong| Box::new(wrong.clone()))
    }

    /// The backend that the rules of a connection choose for it. If no backend has the name that they
    /// give, the inner error is that name, and the connection is ended, since no server could be
    /// reached for it.
    ///
    /// # Errors
    /// [`Refusal::State`] when it is closing, part of a stream, or no session yet.
    pub fn chosen_backend(&mut self, id: Id) -> Result<Option<Result<Id, String>>, Refusal> {
        let (conn, mut cx) = self.conn_mut(id)?;
        if !may_join(conn) || conn.word.is_opening() {
            return Err(Refusal::State);
        }
        let name = handshake::rules::chosen_backend(conn, &mut cx);
        let Some(name) = name else { return Ok(None) };
        if let Some((chosen, _)) = self.registry.backend_called(&name) {
            return Ok(Some(Ok(self.id(Kind::Backend, chosen))));
        }
        let text = format!("no backend of this engine is called \"{}\"", name.escape_debug());
        let cause = Cause::new(None, Why::Denied).because(text);
        let (conn, _) = self.conn_mut(id)?;
        conn.end(Ending::Orderly, Some(Box::new(cause)));
        self.work(id.key());
        Ok(Some(Err(name)))
    }
}
