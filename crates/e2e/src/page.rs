//! Just enough HTML reading to fill in a form as a person would.

/// One input of a form.
#[derive(Clone, Debug)]
pub struct Input {
    pub kind: String,
    pub name: String,
    pub value: String,
    pub checked: bool,
}

/// One form of a page.
#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub inputs: Vec<Input>,
}

impl Form {
    /// Every form of `html`.
    pub fn all(html: &str) -> Vec<Self> {
        html.split("<form").skip(1).map(|part| Self::read(part.split("</form>").next().unwrap_or(""))).collect()
    }

    fn read(body: &str) -> Self {
        let action = unescape(&attribute(body.split('>').next().unwrap_or(""), "action").unwrap_or_default());
        let inputs = body.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("button")).map(input);
        Self { action, inputs: inputs.filter(|input| !input.name.is_empty()).collect() }
    }

    /// True when an input of that kind (or name) is in it.
    pub fn has(&self, word: &str) -> bool {
        self.inputs.iter().any(|input| input.kind == word || input.name == word)
    }

    /// Types `value` into the first input of that kind or name.
    #[must_use]
    pub fn fill(mut self, word: &str, value: &str) -> Self {
        for input in self.inputs.iter_mut().filter(|input| input.kind == word || input.name == word) {
            value.clone_into(&mut input.value);
        }
        self
    }

    /// Takes the tick off every checkbox with that value.
    #[must_use]
    pub fn untick(mut self, value: &str) -> Self {
        let before = self.inputs.len();
        self.inputs.retain(|input| !(input.kind == "checkbox" && input.value == value));
        assert!(self.inputs.len() < before, "no checkbox {value:?}");
        self
    }

    /// Changes or removes a hidden field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.inputs.retain(|input| input.name != name);
        self
    }

    /// What a browser would send when the button with that name and value is pressed.
    pub fn fields(&self, button: Option<(&str, &str)>) -> Vec<(String, String)> {
        let sent = |input: &&Input| match input.kind.as_str() {
            "checkbox" | "radio" => input.checked,
            "submit" | "button" => button == Some((input.name.as_str(), input.value.as_str())),
            _ => true,
        };
        self.inputs.iter().filter(sent).map(|input| (input.name.clone(), input.value.clone())).collect()
    }
}

fn input(tag: &str) -> Input {
    let tag = tag.split('>').next().unwrap_or("");
    let button = tag.starts_with("button");
    Input {
        kind: attribute(tag, "type").unwrap_or_else(|| if button { "submit" } else { "text" }.to_owned()),
        name: unescape(&attribute(tag, "name").unwrap_or_default()),
        value: unescape(&attribute(tag, "value").unwrap_or_default()),
        checked: tag.split_whitespace().any(|word| word.trim_end_matches('/') == "checked"),
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\"")).or_else(|| tag.find(&format!("\n{name}=\"")))? + name.len() + 3;
    Some(tag.get(start..)?.split('"').next()?.to_owned())
}

fn unescape(text: &str) -> String {
    text.replace("&#x2F;", "/")
        .replace("&#38;", "&")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
