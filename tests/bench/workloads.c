// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/workloads.h"

const struct bench_workload bench_workloads[] = {
    {"pingpong", "pingpong", "round trips of two actors, one message in flight", bench_pingpong},
    {"stream", "stream", "messages of 8 bytes from one actor to another", bench_stream},
    {"fanin", "fanin", "messages of 8 bytes from 8 actors to one", bench_fanin},
    {"ring", "ring", "hops of one token through 503 actors", bench_ring},
    {"skynet", "skynet", "leaves of a 10-ary tree of actors", bench_skynet},
    {"idle", "idle", "actors that wait, then get one message and answer it", bench_idle},
    {"big", "big", "messages among 120 actors, random pings and their pongs (n: per actor)",
     bench_big},
    {"chameneos", "chameneos", "meetings of 100 creatures, four messages each", bench_chameneos},
    {"ask", "ask", "asks with a deadline of 1 s, one in flight", bench_ask},
    {"ask64", "ask", "the same from 64 askers", bench_ask64},
    {"timers", "timers", "timers set, then cancelled", bench_timers},
    {"timers_expire", "timers", "timers that expire within 1 s; ns_per is CPU time",
     bench_timers_expire},
    {"blocking", "blocking", "empty jobs through the blocking pool", bench_blocking},
    {"latency10", "latency", "open loop at 10 % of capacity; ns_per is the median",
     bench_latency10},
    {"latency50", "latency", "the same at 50 %", bench_latency50},
    {"latency80", "latency", "the same at 80 %", bench_latency80},
    {"parallel_1us", "parallel", "handlers of 1 us in 64 actors of uneven load",
     bench_parallel_1us},
    {"parallel_10us", "parallel", "the same, 10 us", bench_parallel_10us},
    {"parallel_1ms", "parallel", "the same, 1 ms", bench_parallel_1ms},
    {"overload", "overload", "messages handled by a slow receiver that REJECTs the rest",
     bench_overload},
    {"fairness", "fairness", "round trips of a pair beside two actors that never stop",
     bench_fairness},
};
const unsigned bench_workloads_count = sizeof bench_workloads / sizeof bench_workloads[0];
