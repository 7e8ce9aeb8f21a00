//! The trace from the host's side: in which order lines come, and what their callback may do.

use super::super::describe::vst_conn_describe;
use super::super::trace::*;
use super::super::trace_options::*;
use super::*;

pub(super) unsafe extern "C" fn keep(
    data: *mut c_void,
    category: u32,
    line: *const c_char,
    len: usize,
) {
    // SAFETY: `data` is the host of the test, which outlives the engine.
    let host = unsafe { &*data.cast::<Host>() };
    // SAFETY: the line lives until this returns.
    let line = unsafe { std::slice::from_raw_parts(line.cast::<u8>(), len) };
    let line = String::from_utf8(line.to_vec()).expect("a text");
    assert!(category & VST_TRACE_ALL != 0 && category.count_ones() == 1, "{line}");
    host.lines.borrow_mut().push(line);
    // SAFETY: an engine that is not freed; that it refuses is the point.
    let switched = unsafe { vst_engine_trace(host.engine.get(), 0) };
    assert_eq!(switched, VST_E_REENTRANT);
}

fn switch(host: &Host, categories: u32) -> vst_status {
    // SAFETY: the engine is not freed.
    unsafe { vst_engine_trace(host.engine.get(), categories) }
}

/// The lines since this was last called, without their time.
fn lines(host: &Host) -> Vec<String> {
    let lines = host.lines.take();
    let rest = lines.iter().filter_map(|line| line.split_once(' '));
    rest.map(|(_, rest)| rest.to_owned()).collect()
}

#[test]
fn a_call_comes_ahead_of_what_it_did_and_that_ahead_of_what_is_told_of_it() {
    let host = Host::new(|engine, event| {
        if event.kind == VST_EVENT_READABLE {
            assert_eq!(recv(engine, event.id).0, VST_OK);
        }
    });
    let (_, at) = host.listen();
    let peer = host.peer(&at);
    let conn = host.reported.borrow()[0].1;
    assert_eq!(switch(&host, VST_TRACE_ALL), VST_OK);
    lines(&host);
    assert_eq!(recv(host.engine.get(), conn).0, VST_WAIT);
    peer.send(b"four");
    host.drive();
    let said = lines(&host);
    let id = format!("{conn:#018x}");
    let mut rest = said.iter();
    for due in [
        format!("cat=call kind=return fn=vst_conn_recv id={id} status=VST_WAIT"),
        "cat=call kind=return fn=vst_engine_ready id=0x4".to_owned(),
        format!("cat=event kind=event conn={id} event=READABLE"),
        format!("cat=call kind=return fn=vst_conn_recv id={id} status=VST_OK"),
        format!("cat=bytes kind=read conn={id} bytes=4"),
    ] {
        assert!(rest.any(|line| line.starts_with(&due)), "{due} is not in its place in {said:#?}");
    }
    host.free();
}

#[test]
fn a_function_that_others_share_code_with_has_its_own_name_and_status() {
    let host = Host::new(|_, _| {});
    let engine = host.engine.get();
    assert_eq!(switch(&host, VST_TRACE_CALLS), VST_OK);
    lines(&host);
    let mut len = 0;
    // SAFETY: the engine is not freed; there is no room for a text.
    let described = unsafe { vst_conn_describe(engine, 7, std::ptr::null_mut(), 0, &raw mut len) };
    assert_eq!(described, VST_E_ARGUMENT);
    // SAFETY: as above; the listener has no configuration, no name and no way to say why.
    let named = unsafe { vst_listener_set_name(engine, 7, std::ptr::null()) };
    assert_eq!(named, VST_E_NULL);
    let due = [
        "cat=call kind=return fn=vst_conn_describe id=0x0000000000000007 status=VST_E_ARGUMENT",
        "cat=call kind=return fn=vst_listener_set_name status=VST_E_NULL",
    ];
    assert_eq!(lines(&host), due);
    host.free();
}

#[test]
fn what_is_switched_off_is_told_no_more() {
    let host = Host::new(|_, _| {});
    assert_eq!(switch(&host, VST_TRACE_ALL + 1), VST_E_ARGUMENT);
    assert_eq!(switch(&host, VST_TRACE_CLOSING), VST_OK);
    let (_, at) = host.listen();
    let peer = host.peer(&at);
    let conn = host.reported.borrow()[0].1;
    assert_eq!(close(host.engine.get(), conn), VST_OK);
    let said = lines(&host);
    assert!(!said.is_empty() && said.iter().all(|line| line.starts_with("cat=closing ")));
    assert_eq!(switch(&host, 0), VST_OK);
    peer.close();
    host.drive();
    assert_eq!(lines(&host), [""; 0]);
    host.free();
}
