//! Events of links and agents for the host.

use super::super::Engine;
use super::super::events::{Event, EventKind};
use crate::agenda::List;
use crate::id::Id;
use crate::remote::LinkEvents;
use crate::sys::Net;

impl<N: Net> Engine<N> {
    /// The next event of a link, and whether it has more.
    pub(in super::super) fn link_event(&mut self, id: Id) -> (Option<Event>, bool) {
        let Ok(link) = self.remote.links.get_mut(id.key()) else { return (None, false) };
        let Some(one) = link.events.iter().next() else {
            link.listed.leave(List::Events);
            return (None, false);
        };
        link.events.remove(one);
        let more = !link.events.is_empty();
        if !more {
            link.listed.leave(List::Events);
        }
        let user = link.options.user;
        let kind = match one {
            LinkEvents::UP => EventKind::LinkUp,
            LinkEvents::DOWN => EventKind::LinkDown(link.failure.clone()),
            _ => {
                let timer = link.timer;
                self.tools.timers.remove(timer);
                let _ = self.remote.links.remove(id.key());
                return (Some(Event { id, user, kind: EventKind::LinkClosed }), false);
            }
        };
        (Some(Event { id, user, kind }), more)
    }

    /// The next name that an agent has to be looked up, and whether there are more.
    pub(in super::super) fn agent_event(&mut self, id: Id) -> (Option<Event>, bool) {
        let Ok(agent) = self.remote.agents.get_mut(id.key()) else { return (None, false) };
        let user = agent.options.user;
        let mut unasked = agent.resolutions.iter_mut().filter(|asked| !asked.is_asked);
        let next = unasked.next().map(|asked| {
            asked.is_asked = true;
            EventKind::Resolve(asked.ticket, asked.host.clone(), asked.port)
        });
        let more = unasked.next().is_some();
        if !more {
            agent.listed.leave(List::Events);
        }
        (next.map(|kind| Event { id, user, kind }), more)
    }
}
