//! Which server is next.

use super::server::{Server, ServerIndex};
use crate::random::{Random, mix};

/// How streams are spread over servers, each by its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BalanceMethod {
    /// One after the other. A server with a higher weight comes more often, and twice in succession only
    /// if the weights require it.
    #[default]
    RoundRobin,
    /// The server with the fewest streams for its weight; servers with equal load in turn.
    LeastConnections,
    /// By the hash of the source. A source keeps its server; when servers are added or removed, only
    /// those sources change theirs that have to. Without a source, as [`BalanceMethod::RoundRobin`].
    SourceHash,
    /// Two are chosen at random, and the one with fewer streams for its weight is taken.
    RandomOfTwo,
}

/// The method and its state.
#[derive(Debug)]
pub(super) struct Balance {
    method: BalanceMethod,
    seed: u64,
    random: Random,
}

impl Balance {
    pub(super) const fn new(method: BalanceMethod, seed: u64) -> Self {
        Self { method, seed, random: Random::new(seed) }
    }

    /// The next server of those that `may` be taken, each with a weight above 0; `None` if there is
    /// none.
    pub(super) fn pick(
        &mut self,
        servers: &mut [Server],
        source: Option<u64>,
        may: impl Fn(ServerIndex, &Server) -> bool + Copy,
    ) -> Option<ServerIndex> {
        match self.method {
            BalanceMethod::RoundRobin => turn(servers, may),
            BalanceMethod::LeastConnections => {
                let least = among(servers, may).min_by(|(_, a), (_, b)| a.load_cmp(b))?.0;
                // The numbers that are compared are copied, since `turn` changes the servers.
                let (streams, weight) = load(servers, least)?;
                turn(servers, |index, server| {
                    let own = u64::from(server.streams.now) * weight;
                    may(index, server) && own == streams * u64::from(server.weight.get())
                })
            }
            BalanceMethod::SourceHash => match self.home(servers, source, may) {
                None => turn(servers, may),
                home => home,
            },
            BalanceMethod::RandomOfTwo => {
                let first = self.draw(servers, may)?;
                let second =
                    self.draw(servers, |index, server| index != first && may(index, server));
                lighter(servers, first, second)
            }
        }
    }

    /// The server that a source is bound to among those that `may` be taken; `None` if there is none, or
    /// the source is not bound.
    ///
    /// Rendezvous hashing with weights: every server draws `-ln(u) / weight` with a `u` in (0, 1]
    /// that follows from source and server, and the least wins. These are exponential draws with
    /// the weights as rates, so each wins in proportion to its weight, and a server that is added or
    /// removed changes no other server's draw.
    pub(super) fn home(
        &self,
        servers: &[Server],
        source: Option<u64>,
        may: impl Fn(ServerIndex, &Server) -> bool,
    ) -> Option<ServerIndex> {
        let source = source.filter(|_| self.method == BalanceMethod::SourceHash)?;
        let draw = |server: &Server| {
            let bits = mix(source ^ mix(self.seed ^ server.key));
            let u = ((bits >> 11) + 1) as f64 / (1_u64 << 53) as f64;
            -u.ln() / f64::from(server.weight.get())
        };
        among(servers, may)
            .map(|(index, server)| (index, draw(server)))
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(index, _)| index)
    }

    /// One at random, in proportion to the weights.
    fn draw(
        &mut self,
        servers: &[Server],
        may: impl Fn(ServerIndex, &Server) -> bool + Copy,
    ) -> Option<ServerIndex> {
        let total = among(servers, may).map(|(_, server)| u64::from(server.weight.get())).sum();
        let mut left = self.random.below(total);
        for (index, server) in among(servers, may) {
            match left.checked_sub(u64::from(server.weight.get())) {
                None => return Some(index),
                Some(rest) => left = rest,
            }
        }
        None
    }
}

/// The servers that `may` be taken.
fn among<'a>(
    servers: &'a [Server],
    may: impl Fn(ServerIndex, &Server) -> bool + 'a,
) -> impl Iterator<Item = (ServerIndex, &'a Server)> {
    (0..).map(ServerIndex).zip(servers).filter(move |(index, server)| may(*index, server))
}

/// Smooth weighted round robin: in every round the balance of each server grows by its weight, and the
/// server with the highest balance is taken and loses the sum of all weights. So the turns of a server
/// are spread as evenly as they can be, and one that cannot be taken for a while (because it is full,
/// for example) neither loses turns nor accumulates them.
fn turn(servers: &mut [Server], may: impl Fn(ServerIndex, &Server) -> bool) -> Option<ServerIndex> {
    let mut sum = 0;
    let mut first: Option<(i64, ServerIndex)> = None;
    for (index, server) in (0..).map(ServerIndex).zip(servers.iter_mut()) {
        if !may(index, server) {
            continue;
        }
        let weight = i64::from(server.weight.get());
        server.turn += weight;
        sum += weight;
        if first.is_none_or(|(most, _)| server.turn > most) {
            first = Some((server.turn, index));
        }
    }
    let (_, index) = first?;
    servers.get_mut(index.0 as usize)?.turn -= sum;
    Some(index)
}

/// The number of streams and the weight of a server.
fn load(servers: &[Server], index: ServerIndex) -> Option<(u64, u64)> {
    let server = servers.get(index.0 as usize)?;
    Some((u64::from(server.streams.now), u64::from(server.weight.get())))
}

/// The less loaded of two; the first when they are equal or there is no second.
fn lighter(
    servers: &[Server],
    first: ServerIndex,
    second: Option<ServerIndex>,
) -> Option<ServerIndex> {
    let Some(second) = second else { return Some(first) };
    let is_lighter =
        servers.get(second.0 as usize)?.load_cmp(servers.get(first.0 as usize)?).is_lt();
    Some(if is_lighter { second } else { first })
}
