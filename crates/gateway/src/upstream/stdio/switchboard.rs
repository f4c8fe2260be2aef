//! Who is to hear what a child says: one process speaks for many requests at once, so ids and progress tokens toward
//! the child are ours, and every line that comes back finds its way to the request it belongs to.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use bailiwick_domain::mcp::{Envelope, Id, Message, Method};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

/// How many messages may wait for a listener that is slow or not there yet.
const MOST_WAITING: usize = 256;

/// Routes the lines of one child.
#[derive(Debug, Default)]
pub(crate) struct Switchboard {
    last: u64,
    pending: BTreeMap<u64, Pending>,
    listener: Option<(u64, mpsc::Sender<String>)>,
    /// What the child said before anybody listened.
    parked: VecDeque<String>,
    ended: bool,
}

#[derive(Debug)]
struct Pending {
    /// The caller's id, as it was spelled.
    id: String,
    parsed: Id,
    progress: Option<String>,
    answer: oneshot::Sender<String>,
    /// Absent for a request that is answered with one JSON object.
    asides: Option<mpsc::Sender<String>>,
}

/// A request on its way to the child.
pub(crate) struct Placed {
    /// What it is called toward the child.
    pub(crate) number: u64,
    /// What to write.
    pub(crate) line: String,
    /// Where its answer comes; closed when the child ends.
    pub(crate) answer: oneshot::Receiver<String>,
    /// Where messages before the answer come.
    pub(crate) asides: mpsc::Receiver<String>,
}

/// Messages for a listener.
pub(crate) struct Listening {
    /// Which listener it is.
    pub(crate) number: u64,
    /// What it hears; closed when the child ends or another listens.
    pub(crate) messages: mpsc::Receiver<String>,
}

/// What a line from the child was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Something for somebody, or for nobody any more.
    Routed,
    /// Its list of tools is another now; routed as well.
    ToolsChanged,
    /// No message.
    Noise,
}

impl Switchboard {
    /// Takes a request in; `streaming` when its caller can hear messages before the answer. Nothing once the child has
    /// ended, or for what is no request.
    pub(crate) fn place(&mut self, text: &str, streaming: bool) -> Option<Placed> {
        let shape: Shape<'_> = serde_json::from_str(text).ok()?;
        let raw = shape.id.filter(|_| !self.ended)?;
        let progress = shape.meta().and_then(|meta| meta.progress_token);
        self.last += 1;
        let number = self.last;
        let ours = number.to_string();
        let spots = [Some(raw), progress].into_iter().flatten().collect();
        let line = respell(text, spots, &ours);
        let (answer, answered) = oneshot::channel();
        let (aside, asides) = mpsc::channel(MOST_WAITING);
        if streaming && self.listener.is_none() {
            self.parked.drain(..).for_each(|line| drop(aside.try_send(line)));
        }
        let pending = Pending {
            id: raw.get().to_owned(),
            parsed: Id::read(raw)?,
            progress: progress.map(|raw| raw.get().to_owned()),
            answer,
            asides: streaming.then_some(aside),
        };
        self.pending.insert(number, pending);
        Some(Placed { number, line, answer: answered, asides })
    }

    /// What to write for a notification or an answer of the caller's: a cancellation names the request by our number,
    /// and one of a request that is not in flight is not written at all.
    pub(crate) fn pass<'a>(&self, text: &'a str) -> Option<Cow<'a, str>> {
        let shape: Shape<'_> = serde_json::from_str(text).ok()?;
        if shape.method.as_deref().map(Method::parse) != Some(Method::Cancelled) {
            return Some(Cow::Borrowed(text));
        }
        let raw = shape.params::<Cancelled<'_>>()?.request_id;
        let wanted = Id::read(raw)?;
        let (number, _) = self.pending.iter().rev().find(|(_, pending)| pending.parsed == wanted)?;
        Some(Cow::Owned(respell(text, vec![raw], &number.to_string())))
    }

    /// Gives a request up: nobody waits for it any more.
    pub(crate) fn forget(&mut self, number: u64) {
        self.pending.remove(&number);
    }

    /// Lets somebody hear what belongs to no request; whoever listened before hears no more.
    pub(crate) fn listen(&mut self) -> Option<Listening> {
        if self.ended {
            return None;
        }
        let (sender, messages) = mpsc::channel(MOST_WAITING);
        self.parked.drain(..).for_each(|line| drop(sender.try_send(line)));
        self.last += 1;
        self.listener = Some((self.last, sender));
        Some(Listening { number: self.last, messages })
    }

    /// Ends that listening, unless another has taken its place.
    pub(crate) fn hush(&mut self, number: u64) {
        if self.listener.as_ref().is_some_and(|(listening, _)| *listening == number) {
            self.listener = None;
        }
    }

    /// The child has ended: every answer still awaited will not come.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.pending.clear();
        self.listener = None;
        self.parked.clear();
    }

    /// True while nobody waits and nobody listens.
    pub(crate) fn is_quiet(&self) -> bool {
        self.pending.is_empty() && self.listener.as_ref().is_none_or(|(_, sender)| sender.is_closed())
    }

    /// Routes one line of the child.
    pub(crate) fn hear(&mut self, line: &str) -> Heard {
        let Ok(envelope) = Envelope::parse(line.as_bytes()) else {
            return Heard::Noise;
        };
        let Ok(shape) = serde_json::from_str::<Shape<'_>>(line) else {
            return Heard::Noise;
        };
        match envelope.message() {
            Message::Response { .. } => self.answer(line, &shape),
            Message::Request { .. } => self.say(line.to_owned()),
            Message::Notification { method, .. } => {
                self.notify(line, &shape);
                if method == "notifications/tools/list_changed" {
                    return Heard::ToolsChanged;
                }
            }
        }
        Heard::Routed
    }

    fn answer(&mut self, line: &str, shape: &Shape<'_>) {
        let Some((raw, number)) = shape.id.and_then(|raw| Some((raw, ours(raw)?))) else {
            return;
        };
        if let Some(pending) = self.pending.remove(&number) {
            // The caller may be gone; then nobody is to hear it.
            drop(pending.answer.send(respell(line, vec![raw], &pending.id)));
        }
    }

    /// A notification that names a request goes to that request's caller, with the caller's own token in it.
    fn notify(&mut self, line: &str, shape: &Shape<'_>) {
        let told = shape.params::<Told<'_>>();
        let token = told.as_ref().and_then(|told| told.progress_token);
        let subscription = told.as_ref().and_then(|told| told.meta.as_ref()?.subscription);
        let named = token.or(subscription).and_then(|raw| Some((raw, self.pending.get(&ours(raw)?)?)));
        let Some((raw, pending)) = named else {
            return self.say(line.to_owned());
        };
        let theirs = if token.is_some() { pending.progress.as_deref().unwrap_or(&pending.id) } else { &pending.id };
        if let Some(asides) = &pending.asides {
            drop(asides.try_send(respell(line, vec![raw], theirs)));
        }
    }

    /// Says it to the listener, else to the youngest request that can hear it, else to whoever comes first.
    fn say(&mut self, line: String) {
        let listener = self.listener.as_ref().map(|(_, sender)| sender).filter(|sender| !sender.is_closed());
        let youngest = || self.pending.values().rev().filter_map(|pending| pending.asides.as_ref());
        let hearer = listener.or_else(|| youngest().find(|sender| !sender.is_closed()));
        match hearer {
            Some(hearer) => drop(hearer.try_send(line)),
            None if self.parked.len() < MOST_WAITING => self.parked.push_back(line),
            None => {}
        }
    }
}

/// A number of ours; some servers hand progress tokens back as text.
fn ours(raw: &RawValue) -> Option<u64> {
    raw.get().trim_matches('"').parse().ok()
}

/// The same text with the values at these places, which lie in it, spelled otherwise; on one line.
fn respell(text: &str, mut spots: Vec<&RawValue>, with: &str) -> String {
    spots.sort_by_key(|raw| raw.get().as_ptr());
    let (mut out, mut from) = (String::with_capacity(text.len() + 16), 0);
    for raw in spots {
        let at = (raw.get().as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        if let Some(before) = text.get(from..at) {
            out.push_str(before);
            out.push_str(with);
            from = at + raw.get().len();
        }
    }
    out.push_str(text.get(from..).unwrap_or(""));
    out
}

#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

impl<'a> Shape<'a> {
    fn params<T: Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_str(self.params?.get()).ok()
    }

    fn meta(&self) -> Option<Meta<'a>> {
        self.params::<Told<'a>>()?.meta
    }
}

#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/subscriptionId")]
    subscription: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Cancelled<'a> {
    #[serde(borrow, rename = "requestId")]
    request_id: &'a RawValue,
}

#[cfg(test)]
mod tests;
