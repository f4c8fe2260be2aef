//! The tools that talk while they run: logging, progress, and questions to the
//! client's model or to the person behind it.
#![expect(deprecated, reason = "the revision under test has sampling and logging")]

use std::time::Duration;

use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolResult, ContentBlock, CreateMessageRequestParams, ElicitRequestParams, ElicitationSchema, JsonObject,
        LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, SamplingMessage,
    },
    service::{RequestContext, ServiceError},
};
use serde_json::{Value, json};

type Context = RequestContext<RoleServer>;

/// Long enough that a client sees one message before the next.
const BEAT: Duration = Duration::from_millis(50);

/// Logs three times, with a pause between.
pub(crate) async fn logging(context: &Context) -> Result<CallToolResult, ErrorData> {
    let says = ["Tool execution started", "Tool processing data", "Tool execution completed"];
    for line in says {
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(line));
        sent(context.peer.notify_logging_message(message).await)?;
        tokio::time::sleep(BEAT).await;
    }
    Ok(text("Logged three times"))
}

/// Reports 0, 50 and 100 of 100 to a caller that gave a token.
pub(crate) async fn progress(context: &Context) -> Result<CallToolResult, ErrorData> {
    let token = context.meta.get_progress_token();
    for step in [0.0, 50.0, 100.0] {
        if let Some(token) = &token {
            let report = ProgressNotificationParam::new(token.clone(), step).with_total(100.0);
            sent(context.peer.notify_progress(report).await)?;
        }
        tokio::time::sleep(BEAT).await;
    }
    Ok(text("Reported three times"))
}

/// Takes a moment before it answers.
pub(crate) async fn reconnection() -> CallToolResult {
    tokio::time::sleep(2 * BEAT).await;
    text("Still here")
}

/// Asks the client's model what it makes of the `prompt`.
pub(crate) async fn sampling(context: &Context, arguments: &JsonObject) -> CallToolResult {
    let prompt = argument(arguments, "prompt");
    let ask = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], 100);
    match context.peer.create_message(ask).await {
        Ok(answer) => {
            let said = answer.message.content.first().and_then(|content| content.as_text());
            let said = said.map_or("nothing", |content| content.text.as_str());
            text(format!("LLM response: {said}"))
        }
        Err(reason) => failure(&reason),
    }
}

/// Puts a form before the person and answers with what came back.
pub(crate) async fn elicitation(context: &Context, arguments: &JsonObject, form: ElicitationSchema) -> CallToolResult {
    let message = match argument(arguments, "message") {
        "" => "Please fill in this form",
        message => message,
    };
    let ask =
        ElicitRequestParams::FormElicitationParams { meta: None, message: message.into(), requested_schema: form };
    match context.peer.create_elicitation(ask).await {
        Ok(answer) => {
            let action = json!(answer.action);
            let filled = answer.content.unwrap_or(Value::Null);
            text(format!("User response: action={action}, content={filled}"))
        }
        Err(reason) => failure(&reason),
    }
}

fn argument<'a>(arguments: &'a JsonObject, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn text(says: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(says)])
}

fn failure(reason: &ServiceError) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(reason.to_string())])
}

fn sent(outcome: Result<(), ServiceError>) -> Result<(), ErrorData> {
    outcome.map_err(|reason| ErrorData::internal_error(reason.to_string(), None))
}
