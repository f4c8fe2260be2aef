//! `bailiwick serve`: the main job.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bailiwick_domain::uri::Issuer;
use bailiwick_net::{Listen, Listener};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admin::{AdminServer, Administration};
use crate::args;
use crate::config::InForce;
use crate::front::Gate;
use crate::house::House;
use crate::plan::{HouseError, Plan};
use crate::welcome;
use crate::wire::SystemEntropy;
use crate::{metrics, reload};

/// Runs until asked to stop.
pub(crate) async fn run(args: args::Serve) -> ExitCode {
    #[cfg(target_os = "linux")]
    crate::dump::forbid();
    match serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bailiwick: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: args::Serve) -> Result<(), HouseError> {
    let plan = Plan::make(&args).await?;
    let in_force = Arc::new(ArcSwap::from_pointee(InForce::read(args.config.as_deref())?));
    let listeners = open(plan.listen).await?;
    let issuer = issuer(&plan, &listeners)?;
    refuse_open_door(&plan, &issuer)?;
    let data = plan.data.clone();
    let placed = |error: HouseError| error.placed(args.config.as_deref());
    let gate = Gate::open(&plan, &issuer).map_err(|error| placed(error.into()))?;
    let dev_approve = plan.dev_approve.clone();
    // Before anything is counted.
    let metrics = metrics::open(&args.metrics).await.map_err(HouseError::Other)?;
    let house = House::open(plan, issuer).await.map_err(placed)?;
    let admin = AdminServer::open(&data, &SystemEntropy).map_err(|error| {
        HouseError::Other(format!("cannot open {}: {error}", crate::admin::socket(&data).display()))
    })?;

    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let routes = house.routes();
    for listener in listeners {
        tasks.spawn(bailiwick_net::serve(
            Listener::Front(listener, Arc::clone(&gate.front)),
            routes.clone(),
            stop.clone(),
        ));
    }
    let administration = Administration::running(&house, Arc::clone(&in_force));
    let (listener, routes) = admin.parts(Arc::new(administration));
    tasks.spawn(bailiwick_net::serve(listener, routes, stop.clone()));
    if let Some((listener, handle)) = metrics {
        let routes = metrics::routes(handle, house.reins());
        tasks.spawn(bailiwick_net::serve(Listener::Tcp(listener), routes, stop.clone()));
    }
    tasks.spawn(house.notary.clone().attend(stop.clone()));
    tasks.close();

    let greet = async {
        house.discover().await;
        welcome::print(&house, dev_approve.as_deref()).await;
        std::future::pending::<()>().await;
    };
    let keep_up = async {
        reload::follow(args, house.reins(), gate, in_force).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = wait_for_signal() => {}
        () = greet => {}
        () = keep_up => {}
    }
    stop.cancel();
    eprintln!("bailiwick: stopping");
    tasks.wait().await;
    house.close().await;
    Ok(())
}

async fn open(listen: Listen) -> Result<Vec<TcpListener>, HouseError> {
    listen.open().await.map_err(|error| {
        let place = match listen {
            Listen::Localhost(port) => format!("port {port} on localhost"),
            Listen::At(address) => address.to_string(),
        };
        HouseError::Other(if error.kind() == io::ErrorKind::AddrInUse {
            format!("{place} is taken; stop what uses it, or choose another with --listen localhost:PORT")
        } else if error.kind() == io::ErrorKind::PermissionDenied {
            format!("{place} needs more rights; choose a port above 1023 with --listen, or grant CAP_NET_BIND_SERVICE")
        } else {
            format!("cannot listen on {place}: {error}")
        })
    })
}

/// The issuer: as configured, else `http://localhost:PORT` (passkeys need a name, not an address).
fn issuer(plan: &Plan, listeners: &[TcpListener]) -> Result<Issuer, HouseError> {
    if let Some(url) = &plan.public_url {
        return Issuer::parse(url).map_err(|says| HouseError::Other(says.to_owned()));
    }
    let port = listeners.first().and_then(|listener| listener.local_addr().ok()).map_or(8787, |address| address.port());
    if !plan.listen.is_loopback() {
        return Err(HouseError::Other(
            "listening beyond this machine needs --public-url, such as https://mcp.example.com".to_owned(),
        ));
    }
    Issuer::parse(&format!("http://localhost:{port}")).map_err(|says| HouseError::Other(says.to_owned()))
}

/// `--dev-approve` opens every door, so it works only where nobody else can knock.
fn refuse_open_door(plan: &Plan, issuer: &Issuer) -> Result<(), HouseError> {
    if plan.dev_approve.is_some() && !(plan.listen.is_loopback() && issuer.is_loopback()) {
        return Err(HouseError::Other(
            "--dev-approve approves everything and works only when listener and public URL are loopback; leave it out here"
                .to_owned(),
        ));
    }
    Ok(())
}

async fn wait_for_signal() {
    let interrupt = tokio::signal::ctrl_c();
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt => {}
        () = terminate => {}
    }
}
