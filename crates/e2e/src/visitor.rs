//! A person's browser without the browser: cookies, forms, redirects within one origin.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bailiwick_net::Http;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;

use crate::page::Form;

/// What a request came to.
#[derive(Clone, Debug)]
pub struct Seen {
    pub status: StatusCode,
    pub url: String,
    pub location: Option<String>,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Seen {
    /// The form with an input of that kind or name.
    pub fn form(&self, word: &str) -> Form {
        let found = Form::all(&self.body).into_iter().find(|form| form.has(word));
        found.unwrap_or_else(|| panic!("no form with {word:?} at {}:\n{}", self.url, self.body))
    }

    pub fn has_form(&self, word: &str) -> bool {
        Form::all(&self.body).iter().any(|form| form.has(word))
    }
}

/// A browser that keeps cookies for one origin.
#[derive(Clone)]
pub struct Visitor {
    base: String,
    http: Http,
    cookies: BTreeMap<String, String>,
    /// Where it says it comes from (`X-Forwarded-For`).
    pub address: Option<IpAddr>,
}

impl Visitor {
    pub fn new(base: &str) -> Self {
        Self::over(Http::new(), base)
    }

    /// A browser over this client.
    pub fn over(http: Http, base: &str) -> Self {
        Self { base: base.to_owned(), http, cookies: BTreeMap::new(), address: None }
    }

    /// Opens a page, following redirects within the origin; a redirect elsewhere ends with its `location`.
    pub async fn open(&mut self, url: &str) -> Seen {
        let mut seen = self.once(Method::GET, url, None).await;
        for _ in 0..10 {
            let Some(next) = seen.location.clone().filter(|to| self.is_ours(to)) else { break };
            seen = self.once(Method::GET, &self.absolute(&next), None).await;
        }
        seen
    }

    /// True when the page is there, over a connection that this browser trusts.
    pub async fn reaches(&mut self, url: &str) -> bool {
        let request = Request::get(url).header(header::CONNECTION, "close").body(Full::default()).unwrap();
        self.http.fetch(request, 1 << 20).await.is_ok_and(|(parts, _)| parts.status.is_success())
    }

    /// Sends a form, then goes where it leads.
    pub async fn submit(&mut self, on: &Seen, form: &Form, button: Option<(&str, &str)>) -> Seen {
        let action = if form.action.is_empty() { on.url.clone() } else { self.absolute(&form.action) };
        let seen = self.once(Method::POST, &action, Some(form.fields(button))).await;
        match seen.location.clone().filter(|to| self.is_ours(to)) {
            Some(next) => self.open(&self.absolute(&next)).await,
            None => seen,
        }
    }

    /// One request, no redirect followed.
    pub async fn once(&mut self, method: Method, url: &str, fields: Option<Vec<(String, String)>>) -> Seen {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(url);
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if let Some(address) = self.address {
            request = request.header("x-forwarded-for", address.to_string());
        }
        if fields.is_some() {
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ORIGIN, &self.base);
        }
        let body = fields.map_or_else(String::new, |fields| {
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
        });
        let request = request.header(header::ACCEPT, "text/html").body(Full::new(Bytes::from(body))).unwrap();
        let (parts, body) = self.http.fetch(request, 4 << 20).await.unwrap();
        self.keep_cookies(&parts.headers);
        Seen {
            status: parts.status,
            url: url.to_owned(),
            location: parts.headers.get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned()),
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    fn keep_cookies(&mut self, headers: &http::HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let first = cookie.to_str().unwrap().split(';').next().unwrap_or("");
            if let Some((name, value)) = first.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn is_ours(&self, to: &str) -> bool {
        to.starts_with('/') || to.starts_with(&format!("{}/", self.base)) || to == self.base
    }

    fn absolute(&self, to: &str) -> String {
        if to.starts_with('/') { format!("{}{to}", self.base) } else { to.to_owned() }
    }

    /// Makes the first account over the set-up link.
    pub async fn set_up(&mut self, link: &str, name: &str, password: &str) -> Seen {
        let page = self.open(link).await;
        let form = page.form("password").fill("name", name).fill("password", password);
        self.submit(&page, &form, None).await
    }

    /// Loses a cookie.
    pub fn forget(&mut self, cookie: &str) {
        self.cookies.remove(cookie);
    }

    /// Is given a cookie of another browser.
    pub fn adopt(&mut self, other: &Self, cookie: &str) {
        let value = other.cookies.get(cookie).expect("the other has it");
        self.cookies.insert(cookie.to_owned(), value.clone());
    }

    /// Signs in on whatever login form `page` shows.
    pub async fn sign_in(&mut self, page: &Seen, name: &str, password: &str) -> Seen {
        let form = page.form("password").fill("name", name).fill("password", password);
        self.submit(page, &form, None).await
    }
}
