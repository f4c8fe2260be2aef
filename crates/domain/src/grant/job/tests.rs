use super::*;
use crate::chain::{Agent, Assurance, Directory, Edge, MOST_HOPS};
use crate::policy::Catalogue;
use crate::scope::ScopeSet;
use crate::uri::{Resource, ServerName};

fn agent(name: &str, calls: &[&str]) -> Agent {
    Agent {
        name: ServerName::parse(name).unwrap(),
        title: name.to_owned(),
        resource: Resource::parse(&format!("https://{name}.example.com")).unwrap(),
        behind: None,
        assurance: Assurance::ClientSecret,
        floor: Assurance::None,
        acts_for: None,
        scopes: None,
        own: ScopeSet::default(),
        max_depth: MOST_HOPS,
        edges: calls.iter().map(|to| Edge::to(*to)).collect(),
    }
}

fn check(wish: &JobWish<'_>) -> Result<(Job, Duration), JobError> {
    let agents = vec![agent("a", &["b"]), agent("b", &["c", "a"]), agent("c", &[]), agent("stranger", &["a"])];
    let directory = Directory { agents, ..Directory::default() };
    let catalogue = Catalogue::default();
    let map = Map { directory: &directory, catalogue: &catalogue };
    wish.check(map, directory.agent("a").unwrap())
}

fn wish(company: &[&str]) -> JobWish<'static> {
    JobWish {
        reason: " Sort the mail ",
        company: company.iter().map(|&name| name.to_owned()).collect(),
        budget: Some("20"),
        life: Some(Duration::from_hours(2)),
    }
}

#[test]
fn the_agent_it_is_given_to_always_takes_part() {
    let (job, life) = check(&wish(&["c"])).unwrap();

    assert_eq!(job.agents, ["a", "c"].map(str::to_owned).into());
    assert_eq!((job.reason.as_str(), job.budget, life), ("Sort the mail", Some(20), Duration::from_hours(2)));
    assert!(job.bounds().counted && job.bounds().names("agent:c"));
    assert!(!job.bounds().names("agent:b") && !job.bounds().names("client:c") && !job.bounds().names("c"));
}

#[test]
fn only_whom_the_edges_reach_may_be_named() {
    assert!(check(&wish(&["b", "c"])).is_ok());
    assert_eq!(check(&wish(&["stranger"])), Err(JobError::Company));
    assert_eq!(check(&wish(&["nobody"])), Err(JobError::Company));
}

#[test]
fn a_job_has_a_reason_a_number_and_an_end() {
    let cases = [
        (JobWish { reason: " \u{202e} ", ..wish(&[]) }, JobError::Reason),
        (JobWish { budget: Some("0"), ..wish(&[]) }, JobError::Budget),
        (JobWish { budget: Some("1000001"), ..wish(&[]) }, JobError::Budget),
        (JobWish { budget: Some("-3"), ..wish(&[]) }, JobError::Budget),
        (JobWish { life: None, ..wish(&[]) }, JobError::Life),
        (JobWish { life: Some(Duration::from_mins(59)), ..wish(&[]) }, JobError::Life),
        (JobWish { life: Some(Duration::from_hours(721)), ..wish(&[]) }, JobError::Life),
    ];
    for (wish, error) in cases {
        assert_eq!(check(&wish), Err(error), "{wish:?}");
    }
    let (job, _) = check(&JobWish { budget: None, ..wish(&[]) }).unwrap();
    assert_eq!((job.budget, job.bounds().counted), (None, false));
}

#[test]
fn an_approval_from_before_there_were_jobs_reads_on() {
    let old = serde_json::to_value(crate::grant::sample_approval()).unwrap();

    assert!(old.get("job").is_none());
    assert_eq!(serde_json::from_value::<crate::grant::Approval>(old).unwrap().job, None);
}
