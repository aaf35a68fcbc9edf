//! Dates and times, as the browser writes them in the person's language and time zone.

use js_sys::{Array, Date, Object};
use wasm_bindgen::JsValue;

use crate::browser;

/// `21 November 2026` of an RFC 3339 time.
pub fn date(time: &str) -> String {
    written(time, &[("dateStyle", "long")])
}

/// `21 Nov 2026, 14:02` of an RFC 3339 time.
pub fn date_and_time(time: &str) -> String {
    written(time, &[("dateStyle", "medium"), ("timeStyle", "short")])
}

/// `14:02` of an RFC 3339 time.
pub fn time_of_day(time: &str) -> String {
    written(time, &[("timeStyle", "short")])
}

/// Today, as [`date`] writes it.
pub fn today() -> String {
    format_date(&Date::new_0(), &[("dateStyle", "long")])
}

fn written(time: &str, style: &[(&str, &str)]) -> String {
    let moment = Date::new(&JsValue::from_str(time));
    // What is no time is shown as it is.
    if moment.get_time().is_nan() { time.to_owned() } else { format_date(&moment, style) }
}

fn format_date(moment: &Date, style: &[(&str, &str)]) -> String {
    let entries: Array =
        style.iter().map(|(name, value)| Array::of2(&(*name).into(), &(*value).into())).collect();
    let options = Object::from_entries(&entries).map_or(JsValue::UNDEFINED, JsValue::from);
    moment.to_locale_string(&browser::locale(), &options).into()
}
