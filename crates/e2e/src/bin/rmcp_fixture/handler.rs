//! The server itself: each request finds its answer in the suite's data or in
//! a tool that is alive.
#![expect(deprecated, reason = "the revision under test has logging and resource subscriptions")]

use std::sync::Arc;

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, CompletionInfo,
        GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult, ListResourceTemplatesResult,
        ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        ServerCapabilities, ServerConfig, SetLevelRequestParams, SubscribeRequestParams, UnsubscribeRequestParams,
    },
    service::RequestContext,
};

use crate::{live, suite::Suite};

type Context = RequestContext<RoleServer>;
type Page = Option<PaginatedRequestParams>;

/// One session of the fixture; all of them share the suite's data.
pub(crate) struct Fixture {
    suite: Arc<Suite>,
}

impl Fixture {
    /// A session over the given data.
    pub(crate) fn new(suite: Arc<Suite>) -> Self {
        Self { suite }
    }
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let offers = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_completions()
            .enable_logging()
            .build();
        ServerConfig::new(offers).with_server_info(Implementation::new("rmcp-fixture", "1.0.0"))
    }

    async fn list_tools(&self, _: Page, _: Context) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.suite.tools.clone()))
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: Context) -> Result<CallToolResponse, ErrorData> {
        let tool = request.name.as_ref();
        let arguments = request.arguments.unwrap_or_default();
        if let Some(fixed) = self.suite.result(tool) {
            return Ok(fixed.into());
        }
        if let Some(form) = self.suite.form(tool) {
            return Ok(live::elicitation(&context, &arguments, form).await.into());
        }
        let answer = match tool {
            "test_tool_with_logging" => live::logging(&context).await?,
            "test_tool_with_progress" => live::progress(&context).await?,
            "test_reconnection" => live::reconnection().await,
            "test_sampling" => live::sampling(&context, &arguments).await,
            _ => return Err(unknown("tool", tool)),
        };
        Ok(answer.into())
    }

    async fn list_prompts(&self, _: Page, _: Context) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(self.suite.prompts.clone()))
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, _: Context) -> Result<GetPromptResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let found = self.suite.prompt(&request.name, &arguments);
        found.map(Into::into).ok_or_else(|| unknown("prompt", &request.name))
    }

    async fn list_resources(&self, _: Page, _: Context) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(self.suite.resources.clone()))
    }

    async fn list_resource_templates(&self, _: Page, _: Context) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(self.suite.templates.clone()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let found = self.suite.contents(&request.uri);
        found.map(Into::into).ok_or_else(|| {
            let place = serde_json::json!({ "uri": request.uri });
            ErrorData::resource_not_found("there is no such resource", Some(place))
        })
    }

    // Nothing in the fixture ever changes, so there is nothing to remember.
    async fn subscribe(&self, _: SubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn complete(&self, request: CompleteRequestParams, _: Context) -> Result<CompleteResult, ErrorData> {
        let typed = request.argument.value;
        let guesses = ["paris", "park", "party", "test"];
        let guesses = guesses.iter().filter(|guess| guess.starts_with(&typed));
        let guesses = CompletionInfo::new(guesses.map(ToString::to_string).collect());
        let guesses = guesses.map_err(|reason| ErrorData::internal_error(reason, None))?;
        Ok(CompleteResult::new(guesses))
    }
}

fn unknown(kind: &str, name: &str) -> ErrorData {
    ErrorData::invalid_params(format!("there is no {kind} {name:?}"), None)
}
