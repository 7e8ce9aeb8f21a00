//! How busy listeners, backends and servers are.

use super::word::fetches;
use crate::rules::arguments::Arguments;
use crate::rules::context::{EvalContext, Sample};
use crate::rules::facts::{ListenerView, Load, ServerLoad};
use crate::rules::param::{ParamKind, optional, param};
use crate::rules::value::Value;
use crate::table::Table;

/// How much room there is where a limit is missing.
const UNLIMITED: i64 = -1;

fetches! {
    "fe_conn" [optional("frontend", ParamKind::Frontend)]: Int, EVERYWHERE, Nothing, |cx, _| of_listener(cx, |listener| listener.connections),
        "the connections of the listener, this one among them", "of the frontend, or of another one in brackets, there";
    "fe_sess_rate" [optional("frontend", ParamKind::Frontend)]: Int, EVERYWHERE, Nothing, |cx, _| of_listener(cx, |listener| listener.session_rate),
        "how many connections have passed the `session` rules of the listener within a second",
        "of the frontend, or of another one in brackets, there";
    "dst_conn" []: Int, EVERYWHERE, Nothing, |cx, _| of_listener(cx, |listener| listener.connections),
        "as `fe_conn`", "of the listener in the frontend there";
    "table_cnt" [param("table", ParamKind::Table)]: Int, EVERYWHERE, Nothing,
        |_, arguments| Sample::settled(arguments.table(0).map(|table| Value::count(table.len() as u64))),
        "how many entries a table has, expired ones among them that are not removed yet", "";
    "table_avl" [param("table", ParamKind::Table)]: Int, EVERYWHERE, Nothing,
        |_, arguments| {
            let left = |table: &Table| table.config().size.saturating_sub(table.len());
            Sample::settled(arguments.table(0).map(|table| Value::count(left(table) as u64)))
        },
        "how many entries a table has place for", "";
    "be_conn" [param("backend", ParamKind::Backend)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| of_backend(cx, arguments, |load| Value::count(load.connections)),
        "the streams of a backend, of its own where it is left out in a `backend` section", "";
    "be_conn_free" [param("backend", ParamKind::Backend)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| of_backend(cx, arguments, |load| room(load.free)),
        "how many more streams the servers of a backend may take at once; -1 where one has no limit", "";
    "be_sess_rate" [param("backend", ParamKind::Backend)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| of_backend(cx, arguments, |load| Value::count(load.session_rate)),
        "how many streams have come to a backend within a second", "";
    "connslots" [param("backend", ParamKind::Backend)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| of_backend(cx, arguments, |load| room(load.free)),
        "as `be_conn_free`", "counts the room in queues as well there";
    "queue" [param("backend", ParamKind::Backend)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| of_backend(cx, arguments, |load| Value::count(load.queued)),
        "the streams that wait for a backend or one of its servers", "";
    "avg_queue" [param("backend", ParamKind::Backend)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| of_backend(cx, arguments, |load| Value::count(match load.servers {
            // Nothing leaves the queue, which counts for more than its length.
            0 => load.queued.saturating_mul(2),
            servers => load.queued.div_ceil(servers),
        })),
        "`queue` for each server that can be used, rounded up; twice `queue` where none can", "";
    "nbsrv" [param("backend", ParamKind::Backend)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| of_backend(cx, arguments, |load| Value::count(load.servers)),
        "how many servers of a backend can be used", "";
    "srv_is_up" [param("backend/server", ParamKind::Server)]: Bool, EVERYWHERE, Nothing,
        |cx, arguments| of_server(cx, arguments, |load| Value::Bool(load.is_up)),
        "whether a server can be used, which is called by its name, or `BACKEND-2` as the second of its backend; the backend may be left out in a `backend` section", "";
    "srv_conn" [param("backend/server", ParamKind::Server)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| of_server(cx, arguments, |load| Value::count(load.connections)),
        "the streams of a server", "";
    "srv_conn_free" [param("backend/server", ParamKind::Server)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| of_server(cx, arguments, |load| room(load.free)),
        "how many more streams a server may take; -1 without a limit", "";
    "srv_queue" [param("backend/server", ParamKind::Server)]: Int, EVERYWHERE, Nothing,
        |cx, arguments| of_server(cx, arguments, |load| Value::count(load.queued)),
        "the streams that wait for a server", "";
}

fn room<'s>(free: Option<u64>) -> Value<'s> {
    free.map_or(Value::Int(UNLIMITED), Value::count)
}

fn of_listener<'s>(context: &EvalContext<'_>, ask: fn(ListenerView<'_>) -> u64) -> Sample<'s> {
    Sample::settled(context.facts.listener().map(|listener| Value::count(ask(listener))))
}

fn of_backend<'s>(
    context: &EvalContext<'_>,
    arguments: &Arguments,
    ask: fn(Load) -> Value<'s>,
) -> Sample<'s> {
    Sample::settled(context.facts.backend(arguments.name(0)).map(ask))
}

fn of_server<'s>(
    context: &EvalContext<'_>,
    arguments: &Arguments,
    ask: fn(ServerLoad) -> Value<'s>,
) -> Sample<'s> {
    Sample::settled(context.facts.server(arguments.name(0)).map(ask))
}
