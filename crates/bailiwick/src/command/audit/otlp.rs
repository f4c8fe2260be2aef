//! Entries as OpenTelemetry logs, in OTLP's JSON spelling (`ExportLogsServiceRequest`).

use bailiwick_domain::audit::{AuditEvent, Outcome};
use serde_json::{Value, json};

use crate::admin::order::FollowedRow;

/// One request with these entries.
pub(super) fn request(rows: &[FollowedRow]) -> Result<Value, String> {
    let records = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    let scope = json!({ "name": "bailiwick.audit", "version": env!("CARGO_PKG_VERSION") });
    Ok(json!({
        "resourceLogs": [{
            "resource": { "attributes": [text("service.name", "bailiwick")] },
            "scopeLogs": [{ "scope": scope, "logRecords": records }],
        }],
    }))
}

fn record(row: &FollowedRow) -> Result<Value, String> {
    let event: AuditEvent =
        serde_json::from_str(&row.body).map_err(|error| format!("an entry of the record cannot be read: {error}"))?;
    // 64-bit numbers are text in OTLP/JSON.
    let nanos = format!("{}000000", event.at.millis());
    let (severity, name) = match event.outcome {
        Outcome::Allowed => (9, "INFO"),
        Outcome::Refused => (13, "WARN"),
        Outcome::Failed => (17, "ERROR"),
    };
    Ok(json!({
        "timeUnixNano": nanos,
        "observedTimeUnixNano": nanos,
        "severityNumber": severity,
        "severityText": name,
        "eventName": format!("bailiwick.{}", event.kind),
        "body": { "stringValue": sentence(&event) },
        "attributes": attributes(row)?,
    }))
}

/// Every field of the event that says something, and its place in the chain.
fn attributes(row: &FollowedRow) -> Result<Vec<Value>, String> {
    let event: Value = serde_json::from_str(&row.body).map_err(|error| error.to_string())?;
    let fields = event.as_object().into_iter().flatten();
    let mut all: Vec<Value> =
        fields.filter_map(|(name, value)| attribute(&format!("bailiwick.{name}"), value)).collect();
    all.push(text("bailiwick.writer", &row.writer));
    all.push(json!({ "key": "bailiwick.seq", "value": { "intValue": row.seq.to_string() } }));
    all.push(text("bailiwick.hash", &row.hash));
    Ok(all)
}

fn attribute(key: &str, value: &Value) -> Option<Value> {
    let value = any(value)?;
    Some(json!({ "key": key, "value": value }))
}

/// A value as OTLP's `AnyValue`; what says nothing is left out.
fn any(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Bool(truth) => Some(json!({ "boolValue": truth })),
        Value::Number(number) if number.is_f64() => Some(json!({ "doubleValue": number })),
        Value::Number(number) => Some(json!({ "intValue": number.to_string() })),
        Value::String(text) => Some(json!({ "stringValue": text })),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            Some(json!({ "arrayValue": { "values": items.iter().filter_map(any).collect::<Vec<_>>() } }))
        }
        Value::Object(members) => {
            let values: Vec<_> = members.iter().filter_map(|(name, value)| attribute(name, value)).collect();
            Some(json!({ "kvlistValue": { "values": values } }))
        }
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// The event in one line.
fn sentence(event: &AuditEvent) -> String {
    let parts = [event.tool.as_deref(), event.rule.as_deref(), event.says.as_deref()];
    let words = [event.kind.as_str(), event.outcome.as_str()].into_iter().chain(parts.into_iter().flatten());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_domain::audit::{AuditKind, UpstreamEnd};
    use bailiwick_domain::time::Timestamp;

    #[test]
    fn an_entry_is_a_log_record_in_the_spelling_of_otlp() {
        let event = AuditEvent::new(AuditKind::ToolRefused, Timestamp::from_millis(1_700_000_000_123))
            .actors(["agent:b".to_owned(), "agent:a".to_owned()])
            .tool("delete_note")
            .rule("edge:a->b")
            .upstream(UpstreamEnd { status: Some(502), ms: 7 });
        let body = serde_json::to_string(&event).unwrap();
        let row = FollowedRow { writer: "wr_1".into(), seq: 3, prev_hash: "p".into(), hash: "h".into(), body };

        let request = request(&[row]).unwrap();

        let record = &request["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
        assert_eq!(record["timeUnixNano"], "1700000000123000000");
        assert_eq!((&record["severityNumber"], &record["severityText"]), (&json!(13), &json!("WARN")));
        assert_eq!(record["eventName"], "bailiwick.tool_refused");
        assert_eq!(record["body"]["stringValue"], "tool_refused refused delete_note edge:a->b");
        let attributes = record["attributes"].as_array().unwrap();
        let value = |key: &str| attributes.iter().find(|one| one["key"] == key).map(|one| one["value"].clone());
        assert_eq!(value("bailiwick.seq"), Some(json!({ "intValue": "3" })));
        let chain = json!({ "arrayValue": { "values": [{ "stringValue": "agent:b" }, { "stringValue": "agent:a" }] } });
        assert_eq!(value("bailiwick.actors"), Some(chain));
        let end = json!({ "kvlistValue": { "values": [
            { "key": "ms", "value": { "intValue": "7" } }, { "key": "status", "value": { "intValue": "502" } }
        ] } });
        assert_eq!(value("bailiwick.upstream"), Some(end));
        assert_eq!(value("bailiwick.user"), None, "what is not known is not said");
    }
}
