// SPDX-License-Identifier: Apache-2.0
//
// Runs model tests; the first failure is printed, step by step, and ends the program.
// ACT_TEST_LONG=1 in the environment multiplies the random executions by 50.
#ifndef TROUPE_TESTS_MODEL_MODEL_RUN_H
#define TROUPE_TESTS_MODEL_MODEL_RUN_H

#include "base/atomic.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <streambuf>

namespace model {

// Relacy replaces operator new while a test runs, so what it prints goes to memory of fixed size.
class report_buffer : public std::streambuf {
 public:
  report_buffer() {
    setp(text_, text_ + sizeof(text_) - 1);
  }
  const char *text() {
    *pptr() = 0;
    return text_;
  }

 private:
  int overflow(int c) override {
    return c;  // the rest is dropped
  }
  char text_[1 << 17];
};

// Runs the schedules, and on a failure runs the failing one again with a record of every step. Does
// what rl::simulate does, but instantiates the one scheduler that is wanted: a third of the
// compile.
template <typename Test, typename Scheduler>
void run(const char *promise, rl::test_params params) {
  static report_buffer buffer;
  std::ostream report(&buffer), progress(nullptr);
  params.progress_stream = &progress;
  params.output_stream = &report;
  auto start = std::chrono::steady_clock::now();
  rl::ostringstream failing, replayed;
  bool passed = rl::run_test<Test, Scheduler>(params, failing, false) == rl::test_result_success;
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("[%s] %s: %s, %llu executions, %.2f s\n", passed ? " OK " : "FAIL", promise,
              rl::format(params.search_type),
              static_cast<unsigned long long>(params.stop_iteration), seconds);
  std::fflush(stdout);
  if (passed) return;
  params.initial_state = failing.str();
  params.collect_history = true;
  rl::run_test<Test, Scheduler>(params, replayed, true);
  std::printf("%s\n", buffer.text());
  std::fflush(stdout);
  std::exit(1);  // later tests would only repeat it
}

// That many schedules, drawn by a seed that is the number of the execution.
template <typename Test>
void sampled(const char *promise, unsigned long executions) {
  rl::test_params params;
  params.search_type = rl::random_scheduler_type;
  params.iteration_count = std::getenv("ACT_TEST_LONG") ? executions * 50 : executions;
  run<Test, rl::random_scheduler<Test::params::thread_count>>(promise, params);
}

// Every schedule, old value and spurious failure there is (the latter once per word).
template <typename Test>
void full(const char *promise) {
  rl::test_params params;
  params.search_type = rl::fair_full_search_scheduler_type;
  run<Test, rl::full_search_scheduler<Test::params::thread_count>>(promise, params);
}

// Every schedule with at most that many switches that nobody had to make.
template <typename Test>
void bounded(const char *promise, unsigned switches) {
  rl::test_params params;
  params.search_type = rl::fair_context_bound_scheduler_type;
  params.context_bound = switches;
  run<Test, rl::context_bound_scheduler<Test::params::thread_count>>(promise, params);
}

}  // namespace model

#endif
