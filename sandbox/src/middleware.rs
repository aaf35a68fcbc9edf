//! Wraps every provider call: records it and applies the fault that is set.

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};

use crate::{
    emulator::Emulator,
    fault::Fault,
    state::{ProviderCall, State},
};

/// The fault that applies to this call. A fault for a number of calls is removed with the last one.
fn next_fault(state: &mut State, path: &str) -> Option<Fault> {
    let fault = state.fault.as_mut().filter(|fault| fault.applies_to(path))?;
    let applied = fault.clone();
    if fault.count_call() {
        state.fault = None;
    }
    Some(applied)
}

/// Records a provider call with its status, and applies the fault that is set.
pub(crate) async fn provider_call(
    call: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let emulator = call.app_data::<Data<Emulator>>().expect("the app has an emulator").clone();
    let (method, path) = (call.method().to_string(), call.path().to_owned());
    let fault = next_fault(&mut emulator.state(), &path);
    if let Some(latency) = fault.as_ref().map(Fault::latency).filter(|latency| !latency.is_zero()) {
        tokio::time::sleep(latency).await;
    }
    let response = match fault.as_ref().and_then(Fault::response) {
        Some(response) => call.into_response(response),
        None => next.call(call).await?.map_into_boxed_body(),
    };
    let (at_ms, status) = (emulator.now(), response.status().as_u16());
    emulator.state().provider_calls.push(ProviderCall { at_ms, method, path, status });
    Ok(response)
}
