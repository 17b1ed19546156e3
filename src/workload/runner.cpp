// SPDX-License-Identifier: MIT
#include "workload/runner.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>

namespace netio::workload {
namespace {

class Run {
 public:
    Run(Endpoint& endpoint, const RunOptions& options) : endpoint_(endpoint), options_(options) {}

    Result<RunOutcome> go() {
        if (auto announced = announce(); !announced) {
            return Unexpected{announced.error()};
        }
        while (!done_) {
            if (auto stepped = step(); !stepped) {
                return Unexpected{stepped.error()};
            }
        }
        endpoint_.leave(options_.control == nullptr);
        return outcome_;
    }

 private:
    Result<void> announce() {
        if (const auto port = endpoint_.port()) {
            return tell({{"event", "listening"}, {"port", *port}});
        }
        return {};
    }

    Result<void> tell(const model::Json& event) {
        return options_.control != nullptr ? options_.control->send(event) : Result<void>();
    }

    Result<void> step();
    Result<void> look_at_control();
    Result<void> obey(const std::string& command);
    Result<void> look_at_gate();
    Result<void> reached_connect();
    Result<void> reached_warm();
    Result<void> reached_end();
    Result<void> interrupted();

    Endpoint& endpoint_;
    const RunOptions& options_;
    RunOutcome outcome_;
    std::optional<Phase> reached_;
    bool done_ = false;
};

// poll(2) leaves descriptors of -1 alone.
Result<void> Run::step() {
    const int control = options_.control != nullptr ? options_.control->fd() : -1;
    std::array<pollfd, 3> sources{
        {{endpoint_.gate().wake_fd(), POLLIN, 0}, {control, POLLIN, 0}, {options_.interrupts, POLLIN, 0}}};
    ::poll(sources.data(), sources.size(), -1);
    Result<void> result;
    if (sources[0].revents != 0) {
        result = look_at_gate();
    }
    if (result && sources[2].revents != 0) {
        result = interrupted();
    }
    if (result && sources[1].revents != 0) {
        result = look_at_control();
    }
    return result;
}

Result<void> Run::look_at_control() {
    options_.control->fill();
    while (true) {
        auto message = options_.control->next();
        if (!message) {
            return Unexpected{message.error()};
        }
        if (!*message) {
            break;
        }
        if (auto obeyed = obey(text_at(**message, "command")); !obeyed) {
            return obeyed;
        }
    }
    if (options_.control->closed() && !done_) {
        return fail("the run was given up", "the parent process is gone");
    }
    return {};
}

Result<void> Run::obey(const std::string& command) {
    if (command == "warm-up") {
        endpoint_.gate().open(Phase::warm_up);
    } else if (command == "measure") {
        endpoint_.gate().open(Phase::measure);
    } else if (command == "stop") {
        endpoint_.gate().request_stop();
    } else if (command == "exit") {
        done_ = true;
    } else {
        return fail("the parent gave an unknown command", command);
    }
    return {};
}

// Every phase that has been reached since is reported, in order. A worker that fails counts as arrived from then on, so
// the failure is looked for after the arrivals: what they say is then known to be true.
Result<void> Run::look_at_gate() {
    PhaseGate& gate = endpoint_.gate();
    gate.clear_wake();
    const bool connected = gate.all_arrived(Phase::connect);
    const bool warm = gate.all_arrived(Phase::warm_up);
    const bool finished = gate.all_arrived(Phase::measure);
    if (const auto failure = gate.failure(); failure && failure->phase != Phase::measure) {
        return Unexpected{failure->error};
    }
    Result<void> result;
    if (!reached_ && connected) {
        result = reached_connect();
    }
    if (result && reached_ == Phase::connect && warm) {
        result = reached_warm();
    }
    if (result && reached_ == Phase::warm_up && finished) {
        result = reached_end();
    }
    return result;
}

Result<void> Run::reached_connect() {
    reached_ = Phase::connect;
    if (options_.control == nullptr) {
        endpoint_.gate().open(Phase::warm_up);
    }
    return tell({{"event", "connected"}, {"pid", ::getpid()}, {"threads", endpoint_.gate().thread_ids()}});
}

Result<void> Run::reached_warm() {
    reached_ = Phase::warm_up;
    if (options_.control == nullptr) {
        endpoint_.gate().open(Phase::measure);
    }
    return tell({{"event", "warm"}});
}

Result<void> Run::reached_end() {
    reached_ = Phase::measure;
    outcome_.result = endpoint_.result();
    done_ = options_.control == nullptr;
    return tell({{"event", "finished"}, {"result", model::to_json(outcome_.result)}});
}

// Before all connections are made there is no phase to end early.
Result<void> Run::interrupted() {
    options_.on_interrupt();
    if (!reached_) {
        return fail("interrupted before all connections were made");
    }
    outcome_.interrupted = true;
    endpoint_.interrupt();
    return {};
}

}  // namespace

Result<RunOutcome> run(Endpoint& endpoint, const RunOptions& options) {
    auto outcome = Run(endpoint, options).go();
    if (!outcome && options.control != nullptr) {
        report_error(*options.control, outcome.error());
    }
    return outcome;
}

// The parent may be gone; there is nobody left to tell then.
void report_error(LineChannel& control, const Error& error) {
    const model::Json event{{"event", "error"},
                            {"what", error.what},
                            {"why", error.why},
                            {"advice", error.advice},
                            {"code", static_cast<int>(error.code)}};
    [[maybe_unused]] const auto sent = control.send(event);
}

}  // namespace netio::workload
