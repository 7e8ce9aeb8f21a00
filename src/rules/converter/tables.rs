//! Converters that look a key up in a table.

use super::word::converters;
use crate::rules::arguments::Arguments;
use crate::rules::context::EvalContext;
use crate::rules::key;
use crate::rules::param::{ParamKind, param};
use crate::rules::value::Value;
use crate::table::{DataType, Table, TableKey};

macro_rules! table {
    ($data:expr) => {
        param("table", ParamKind::Storing($data))
    };
}

converters! {
    "in_table" [param("table", ParamKind::Table)]: Any -> Bool,
        |value, arguments, cx| {
            let found = with(&value, arguments, |table, key| table.contains(key, cx.now));
            found.map(Value::Bool)
        },
        "whether the table has an entry for the value; not there where the value can be no key of it", "";
    "table_conn_cnt" [table!(DataType::ConnCnt)]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::ConnCnt),
        "`conn_cnt` of the value's entry; 0 without one", "";
    "table_conn_cur" [table!(DataType::ConnCur)]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::ConnCur),
        "`conn_cur` of the value's entry", "";
    "table_conn_rate" [table!(DataType::ConnRate)]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::ConnRate),
        "`conn_rate` of the value's entry", "";
    "table_sess_cnt" [table!(DataType::SessCnt)]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::SessCnt),
        "`sess_cnt` of the value's entry", "";
    "table_sess_rate" [table!(DataType::SessRate)]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::SessRate),
        "`sess_rate` of the value's entry", "";
    "table_bytes_in_rate" [table!(DataType::BytesInRate)]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::BytesInRate),
        "`bytes_in_rate` of the value's entry", "";
    "table_bytes_out_rate" [table!(DataType::BytesOutRate)]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::BytesOutRate),
        "`bytes_out_rate` of the value's entry", "";
    "table_gpc0" [table!(DataType::Gpc(0))]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::Gpc(0)),
        "`gpc0` of the value's entry", "";
    "table_gpc1" [table!(DataType::Gpc(1))]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::Gpc(1)),
        "`gpc1` of the value's entry", "";
    "table_gpc0_rate" [table!(DataType::Gpc0Rate)]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::Gpc0Rate),
        "`gpc0_rate` of the value's entry", "";
    "table_gpt0" [table!(DataType::Gpt0)]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::Gpt0),
        "`gpt0` of the value's entry", "";
    "table_server_id" [table!(DataType::ServerId)]: Any -> Int, |value, arguments, cx| count(&value, arguments, cx, DataType::ServerId),
        "the number of the server that the value's entry remembers", "";
    "table_trackers" [param("table", ParamKind::Table)]: Any -> Int,
        |value, arguments, cx| {
            let found = with(&value, arguments, |table, key| table.holders(key, cx.now));
            found.map(|holders| Value::count(holders.unwrap_or(0)))
        },
        "how many connections are counted in the value's entry now", "";
}

/// The answer of a table; `None` where the value can be no key of it.
fn with<T>(
    value: &Value<'_>,
    arguments: &Arguments,
    ask: impl FnOnce(&Table, TableKey<'_>) -> T,
) -> Option<T> {
    let table = arguments.table(0)?;
    let value = key::cast(value.borrowed(), table.config().kind)?;
    Some(ask(table, key::of(&value)?))
}

fn count<'s>(
    value: &Value<'_>,
    arguments: &Arguments,
    context: &EvalContext<'_>,
    data: DataType,
) -> Option<Value<'s>> {
    let found = with(value, arguments, |table, key| table.get(key, data, context.now));
    found.map(|count| Value::count(count.unwrap_or(0)))
}
