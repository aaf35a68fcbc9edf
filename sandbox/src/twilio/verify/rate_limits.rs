//! `RateLimits` and their `Buckets`: they count starts of verifications by a value that the client names.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::{Map, Value, json};
use shared::sandbox::ACCOUNT_SID;

use super::{
    Outcome,
    links::of_service,
    paging::page,
    state::{Bucket, RateLimit, Service, sid},
};
use crate::{
    emulator::Emulator,
    format,
    response::{self, ok},
    twilio::{error::TwilioError, params::Fields},
};

/// Counts a start for each limit that is named; refuses it where a bucket is full.
pub(super) fn count(service: &mut Service, fields: &Fields, now: i64) -> Result<(), TwilioError> {
    let Some(text) = fields.text("RateLimits") else { return Ok(()) };
    let named: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| TwilioError::invalid("RateLimits"))?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for (name, value) in &named {
        let limit = service.rate_limits.iter_mut().find(|limit| limit.unique_name == *name);
        let limit = limit.ok_or_else(|| TwilioError::invalid("RateLimits"))?;
        let longest = limit.buckets.iter().map(|bucket| bucket.interval).max().unwrap_or_default();
        limit.starts.retain(|(_, at)| now < at + i64::from(longest) * 1000);
        for bucket in &limit.buckets {
            let interval = i64::from(bucket.interval) * 1000;
            let is_counted = |(counted, at): &&(String, i64)| *counted == text(value) && now < at + interval;
            let counted: Vec<i64> = limit.starts.iter().filter(is_counted).map(|(_, at)| *at).collect();
            if counted.len() >= bucket.max as usize {
                let wait = counted.first().map_or(interval, |first| first + interval - now);
                return Err(TwilioError::new(429, 20429, "Too many requests")
                    .with_header("retry-after", (wait / 1000).max(1).to_string())
                    .with_header("twilio-reached-rate-limit", name.clone()));
            }
        }
    }
    // A start that is refused counts for no limit.
    for (name, value) in &named {
        if let Some(limit) = service.rate_limits.iter_mut().find(|limit| limit.unique_name == *name) {
            limit.starts.push((text(value), now));
        }
    }
    Ok(())
}

fn view(request: &HttpRequest, service: &str, limit: &RateLimit) -> Value {
    let url = format!("{}/RateLimits/{}", of_service(request, service), limit.sid);
    json!({
        "sid": limit.sid,
        "service_sid": service,
        "account_sid": ACCOUNT_SID,
        "unique_name": limit.unique_name,
        "description": limit.description,
        "date_created": format::seconds(limit.created_ms),
        "date_updated": format::seconds(limit.updated_ms),
        "url": url,
        "links": {"buckets": format!("{url}/Buckets")},
    })
}

fn bucket_view(request: &HttpRequest, service: &str, limit: &str, bucket: &Bucket) -> Value {
    let url = format!("{}/RateLimits/{limit}/Buckets/{}", of_service(request, service), bucket.sid);
    json!({
        "sid": bucket.sid,
        "rate_limit_sid": limit,
        "service_sid": service,
        "account_sid": ACCOUNT_SID,
        "max": bucket.max,
        "interval": bucket.interval,
        "date_created": format::seconds(bucket.created_ms),
        "date_updated": format::seconds(bucket.updated_ms),
        "url": url,
    })
}

fn not_found(request: &HttpRequest) -> TwilioError {
    TwilioError::not_found(request.path())
}

fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

pub(super) async fn create(
    emulator: Data<Emulator>,
    request: HttpRequest,
    service: Path<String>,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    emulator.update(|state| {
        let service = state.verify.find_mut(&request, &service)?;
        let unique_name = fields.required("UniqueName")?.to_owned();
        if service.rate_limits.iter().any(|limit| limit.unique_name == unique_name) {
            return Err(TwilioError::invalid("UniqueName"));
        }
        let limit = RateLimit {
            sid: sid("RK"),
            unique_name,
            description: fields.text("Description").unwrap_or_default().to_owned(),
            buckets: Vec::new(),
            starts: Vec::new(),
            created_ms: now,
            updated_ms: now,
        };
        let view = view(&request, &service.sid, &limit);
        service.rate_limits.push(limit);
        Ok(response::json(StatusCode::CREATED, &view))
    })
}

pub(super) async fn list(
    emulator: Data<Emulator>,
    request: HttpRequest,
    service: Path<String>,
    fields: Fields,
) -> Outcome {
    let state = emulator.state();
    let service = state.verify.find(&request, &service)?;
    let limits: Vec<Value> =
        service.rate_limits.iter().rev().map(|limit| view(&request, &service.sid, limit)).collect();
    page(&request, &fields, "rate_limits", &limits)
}

/// Service and rate limit.
type LimitPath = Path<(String, String)>;

pub(super) async fn fetch(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: LimitPath,
    _: Fields,
) -> Outcome {
    let state = emulator.state();
    let service = state.verify.find(&request, &path.0)?;
    let limit = service.rate_limits.iter().find(|limit| limit.sid == path.1);
    Ok(ok(&view(&request, &service.sid, limit.ok_or_else(|| not_found(&request))?)))
}

pub(super) async fn update(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: LimitPath,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    emulator.update(|state| {
        let service = state.verify.find_mut(&request, &path.0)?;
        let service_sid = service.sid.clone();
        let limit = service.rate_limits.iter_mut().find(|limit| limit.sid == path.1);
        let limit = limit.ok_or_else(|| not_found(&request))?;
        if let Some(description) = fields.text("Description") {
            description.clone_into(&mut limit.description);
        }
        limit.updated_ms = now;
        Ok(ok(&view(&request, &service_sid, limit)))
    })
}

pub(super) async fn delete(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: LimitPath,
    _: Fields,
) -> Outcome {
    emulator.update(|state| {
        let service = state.verify.find_mut(&request, &path.0)?;
        let at = service.rate_limits.iter().position(|limit| limit.sid == path.1);
        service.rate_limits.remove(at.ok_or_else(|| not_found(&request))?);
        Ok(no_content())
    })
}

fn limit_of<'a>(
    service: &'a mut Service,
    sid: &str,
    request: &HttpRequest,
) -> Result<&'a mut RateLimit, TwilioError> {
    service.rate_limits.iter_mut().find(|limit| limit.sid == sid).ok_or_else(|| not_found(request))
}

pub(super) async fn create_bucket(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: LimitPath,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    emulator.update(|state| {
        let service = state.verify.find_mut(&request, &path.0)?;
        let service_sid = service.sid.clone();
        let limit = limit_of(service, &path.1, &request)?;
        fields.required("Max")?;
        fields.required("Interval")?;
        let bucket = Bucket {
            sid: sid("BL"),
            max: fields.number("Max", 1..=u32::MAX)?.unwrap_or_default(),
            interval: fields.number("Interval", 1..=u32::MAX)?.unwrap_or_default(),
            created_ms: now,
            updated_ms: now,
        };
        let view = bucket_view(&request, &service_sid, &limit.sid, &bucket);
        limit.buckets.push(bucket);
        Ok(response::json(StatusCode::CREATED, &view))
    })
}

pub(super) async fn list_buckets(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: LimitPath,
    fields: Fields,
) -> Outcome {
    let mut state = emulator.state();
    let service = state.verify.find_mut(&request, &path.0)?;
    let service_sid = service.sid.clone();
    let limit = limit_of(service, &path.1, &request)?;
    let buckets: Vec<Value> = limit
        .buckets
        .iter()
        .rev()
        .map(|bucket| bucket_view(&request, &service_sid, &limit.sid, bucket))
        .collect();
    page(&request, &fields, "buckets", &buckets)
}

/// Service, rate limit, bucket.
type BucketPath = Path<(String, String, String)>;

/// Runs on a bucket that exists; gives its service and its limit as well.
fn with_bucket<T>(
    emulator: &Emulator,
    request: &HttpRequest,
    path: &BucketPath,
    run: impl FnOnce(&mut Vec<Bucket>, usize, &str, &str) -> Result<T, TwilioError>,
) -> Result<T, TwilioError> {
    emulator.update(|state| {
        let service = state.verify.find_mut(request, &path.0)?;
        let service_sid = service.sid.clone();
        let limit = limit_of(service, &path.1, request)?;
        let at = limit.buckets.iter().position(|bucket| bucket.sid == path.2);
        run(&mut limit.buckets, at.ok_or_else(|| not_found(request))?, &service_sid, &limit.sid)
    })
}

pub(super) async fn fetch_bucket(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: BucketPath,
    _: Fields,
) -> Outcome {
    with_bucket(&emulator, &request, &path, |buckets, at, service, limit| {
        Ok(ok(&bucket_view(&request, service, limit, &buckets[at])))
    })
}

pub(super) async fn update_bucket(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: BucketPath,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    with_bucket(&emulator, &request, &path, |buckets, at, service, limit| {
        let bucket = &mut buckets[at];
        let (max, interval) = (fields.number("Max", 1..=u32::MAX)?, fields.number("Interval", 1..=u32::MAX)?);
        bucket.max = max.unwrap_or(bucket.max);
        bucket.interval = interval.unwrap_or(bucket.interval);
        bucket.updated_ms = now;
        Ok(ok(&bucket_view(&request, service, limit, bucket)))
    })
}

pub(super) async fn delete_bucket(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: BucketPath,
    _: Fields,
) -> Outcome {
    with_bucket(&emulator, &request, &path, |buckets, at, _, _| {
        buckets.remove(at);
        Ok(no_content())
    })
}
