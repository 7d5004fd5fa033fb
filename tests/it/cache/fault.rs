//! Redis killed, emptied, paused and restored from an old copy, while two processes read and write: no wrong answer, none that is late.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arrakis::{Arrakis, Env, GetObjects, KernelExt};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::register::Register;
use super::{COUNTERS, Redis, folder, fresh_path, open, remove};

/// How many times something is done to Redis.
const FAULTS: usize = 200;
/// How many objects there are: more than a process keeps.
const KEYS: i64 = 300;
const BYTES_MAX: usize = 32 * 1_024;
/// How many requests each process reads with at a time.
const READERS: u64 = 4;
/// How many reads there are for each write.
const READS_PER_WRITE: u64 = 40;
/// How many reads go by under a fault and after it.
const READS_PER_FAULT: u64 = 400;
/// How long a fault may take, from its beginning until both processes are over it.
const FAULT_MAX: Duration = Duration::from_secs(30);
/// The longest a read may take on a machine that has other things to do: many times what one call of a cache may.
const LATENCY_MAX: Duration = Duration::from_millis(750);

struct World {
    env: Env,
    processes: [Arrakis; 2],
    /// Those of even keys are counted by the first process, those of odd keys by the second.
    registers: Vec<Register>,
    reads: watch::Sender<u64>,
    slowest_us: AtomicU64,
    is_over: AtomicBool,
}

impl World {
    fn register(&self, key: i64) -> &Register {
        &self.registers[usize::try_from(key).unwrap()]
    }

    async fn read(&self, process: usize, random: &mut fastrand::Rng) {
        let key = random.i64(0..KEYS);
        let (register, is_own) = (self.register(key), usize::try_from(key % 2).unwrap() == process);
        let (begun, allowed) = (self.env.monotonic(), register.allowed());
        let mut request = GetObjects::of("Counter", [key]);
        let is_exact = random.u8(..8) == 0;
        if is_exact {
            request.at_least = Some(allowed.seq);
        }
        let arrakis = &self.processes[process];
        let mut found = arrakis.kernel().get(&arrakis.context(), request).await.unwrap();
        let took = self.env.monotonic().saturating_sub(begun);
        let count = found.objects.remove(0).map_or(0, |object| match object.properties.get("count") {
            Some(arrakis::Value::Integer(count)) => *count,
            other => panic!("{other:?}"),
        });
        let least = if is_own || is_exact { allowed.newest } else { allowed.anywhere };
        assert!(count >= least, "{key} in {process}: {count}, but {least} was acknowledged (exact: {is_exact})");
        assert!(count <= register.begun(), "{key} in {process}: {count} was never written");
        self.slowest_us.fetch_max(u64::try_from(took.as_micros()).unwrap(), Ordering::Relaxed);
        self.reads.send_modify(|reads| *reads += 1);
    }

    async fn write(&self, process: usize, random: &mut fastrand::Rng) {
        let key = 2 * random.i64(0..KEYS / 2) + i64::try_from(process).unwrap();
        let count = self.register(key).begin();
        let arrakis = &self.processes[process];
        let row = json!({ "id": key, "count": count });
        let written = arrakis.kernel().upsert(&arrakis.context(), "Counter", row).await.unwrap();
        self.register(key).acknowledge(count, written.receipt.seq);
    }

    /// Waits for so many reads from now on, or for the end.
    async fn reads(&self, count: u64) {
        let mut reads = self.reads.subscribe();
        let until = *reads.borrow() + count;
        reads.wait_for(|reads| *reads >= until || self.is_over.load(Ordering::Relaxed)).await.unwrap();
    }

    /// Waits until a number of the report of every process grows.
    async fn until_more(&self, number: impl Fn(&arrakis::CacheReport) -> u64) {
        for process in &self.processes {
            let before = number(&process.cache_report().unwrap());
            while number(&process.cache_report().unwrap()) == before {
                self.reads(10).await;
            }
        }
    }

    fn start(self: &Arc<Self>) -> Vec<JoinHandle<()>> {
        let spawn = |world: &Arc<Self>, process: usize, reader: Option<u64>| {
            let world = Arc::clone(world);
            tokio::runtime::Handle::current().spawn(async move {
                let mut random = fastrand::Rng::with_seed(reader.unwrap_or(99) + 100 * process as u64);
                while !world.is_over.load(Ordering::Relaxed) {
                    if reader.is_some() {
                        world.read(process, &mut random).await;
                    } else {
                        world.write(process, &mut random).await;
                        world.reads(READS_PER_WRITE).await;
                    }
                    tokio::task::yield_now().await;
                }
            })
        };
        let roles = [None].into_iter().chain((0..READERS).map(Some));
        let tasks = roles.flat_map(|role| [spawn(self, 0, role), spawn(self, 1, role)]);
        tasks.collect()
    }
}

/// Sends one command and waits for its answer.
fn ask(port: u16, command: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(answer.get(..length).unwrap());
    assert!(answer.starts_with("+OK"), "{command}: {answer}");
}

/// Runs what blocks where it holds up nobody.
async fn apart(mut redis: Redis, work: impl FnOnce(&mut Redis) + Send + 'static) -> Redis {
    let work = move || {
        work(&mut redis);
        redis
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// Does something to Redis, and waits until both processes have met it and are over it.
async fn fault(world: &World, redis: Redis, number: usize) -> Redis {
    match number % 5 {
        // It comes back with what it had when it was last told to save, which may be long ago.
        0 => {
            let redis = apart(redis, move |redis| {
                if number.is_multiple_of(4) {
                    ask(redis.port(), "SAVE");
                }
                redis.kill();
            });
            let redis = redis.await;
            world.until_more(|report| report.errors).await;
            let redis = apart(redis, |redis| redis.restart().unwrap()).await;
            world.until_more(|report| report.shared_hits).await;
            redis
        }
        1 => {
            redis.pause();
            world.until_more(|report| report.errors).await;
            world.reads(READS_PER_FAULT).await;
            redis.resume();
            world.until_more(|report| report.shared_hits).await;
            redis
        }
        _ => {
            let redis = apart(redis, |redis| ask(redis.port(), "FLUSHALL")).await;
            world.reads(READS_PER_FAULT).await;
            redis
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_fail_in_any_way() {
    let Some(mut redis) = Redis::start_or_skip(folder(), "cache::fault") else { return };
    let path = fresh_path();
    let url = redis.url();
    let processes = [open(&path, &url, BYTES_MAX).await, open(&path, &url, BYTES_MAX).await];
    processes[0].publish(&processes[0].context(), COUNTERS).await.unwrap();
    let env = Env::system();
    let registers = (0..KEYS).map(|_| Register::new(env.clone())).collect();
    let (reads, slowest_us, is_over) = (watch::Sender::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let world = Arc::new(World { env, processes, registers, reads, slowest_us, is_over });
    let tasks = world.start();
    world.until_more(|report| report.shared_hits).await;
    for number in 0..FAULTS {
        let fault = tokio::time::timeout(FAULT_MAX, fault(&world, redis, number));
        redis = fault.await.unwrap_or_else(|_| panic!("fault {number} is not over"));
        assert!(tasks.iter().all(|task| !task.is_finished()), "a reader or writer met what it must not");
    }
    world.is_over.store(true, Ordering::Relaxed);
    // Writers wait for reads.
    world.reads.send_modify(|_| {});
    for task in tasks {
        task.await.unwrap();
    }
    let slowest = Duration::from_micros(world.slowest_us.load(Ordering::Relaxed));
    assert!(slowest <= LATENCY_MAX, "a read took {slowest:?}");
    for process in &world.processes {
        let ctx = process.context();
        let head = (0..KEYS).map(|key| world.register(key).allowed().seq).max().unwrap();
        let request = GetObjects { at_least: Some(head), ..GetObjects::of("Counter", 0..KEYS) };
        let counts = process.kernel().get(&ctx, request).await.unwrap();
        for (key, object) in (0..KEYS).zip(counts.objects) {
            let count = object.map(|object| object.properties.get("count").cloned().unwrap());
            let last = world.register(key).last();
            assert_eq!(count, (last > 0).then_some(arrakis::Value::Integer(last)), "{key}");
        }
    }
    let reads = *world.reads.borrow();
    println!("{FAULTS} faults, {reads} reads, the slowest {slowest:?}");
    for process in Arc::into_inner(world).unwrap().processes {
        println!("{:?}", process.cache_report().unwrap());
        process.close().await;
    }
    remove(&path);
}
