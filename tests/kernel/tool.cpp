// SPDX-License-Identifier: MIT
#include "tool.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

namespace netio::e2e {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

namespace {

constexpr uid_t nobody = 65534;

std::string program_path(const std::string& name) {
    const char* trace = std::getenv("NETIO_TRACE");
    REQUIRE_MESSAGE(trace != nullptr, "NETIO_TRACE must name the netio-trace to test, as `meson test` does");
    return std::filesystem::path(trace).parent_path() / name;
}

std::pair<Fd, Fd> make_pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

// seccomp(2). The programs are of this test's architecture, and so are the numbers.
bool refuse(const std::vector<int>& calls) {
    std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const int call : calls) {
        filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<__u32>(call), 0, 1));
        filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    return calls.empty() || (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                             ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

// The program is executed by its descriptor: nobody may not be allowed to enter the folder of the build.
[[noreturn]] void become(int program, const std::vector<char*>& arguments, int out, int err,
                         const Confinement& confinement, pid_t parent) {
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const bool redirected = null >= 0 && ::dup2(null, STDIN_FILENO) >= 0 && ::dup2(out, STDOUT_FILENO) >= 0 &&
                            ::dup2(err, STDERR_FILENO) >= 0;
    const bool dropped = !confinement.as_nobody ||
                         (::setresgid(nobody, nobody, nobody) == 0 && ::setresuid(nobody, nobody, nobody) == 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (redirected && dropped && refuse(confinement.refused_calls) && ::getppid() == parent) {
        ::fexecve(program, arguments.data(), environ);
    }
    ::_exit(127);
}

// False at the end of the stream, which closes it.
bool take(Fd& stream, std::string& text) {
    std::array<char, 65536> buffer;
    const ssize_t got = ::read(stream.get(), buffer.data(), buffer.size());
    if (got > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
        stream.reset();
    }
    return got > 0;
}

// The fields of /proc/PID/stat after the command's name, the state first; empty when the process is gone.
std::vector<std::string> stat_fields(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(file, line);
    const auto name_end = line.rfind(')');
    std::vector<std::string> fields;
    if (name_end != std::string::npos) {
        std::istringstream rest(line.substr(name_end + 1));
        for (std::string field; rest >> field;) {
            fields.push_back(field);
        }
    }
    return fields;
}

// A balance that could not be drawn up says nothing.
bool differs(const json& balance) {
    const json figure = balance.value("unexplained", json());
    return figure.is_number() && figure != 0;
}

}  // namespace

bool becomes_true(const std::function<bool()>& condition) {
    const auto deadline = Clock::now() + patience();
    while (!condition()) {
        if (Clock::now() >= deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
    return true;
}

Program Program::start(const std::string& name, const Arguments& arguments, const Confinement& confinement) {
    const std::string path = program_path(name);
    const Fd program(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE_MESSAGE(program.valid(), path);
    std::vector<std::string> words{path};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    auto [out, out_end] = make_pipe();
    auto [err, err_end] = make_pipe();
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        become(program.get(), pointers, out_end.get(), err_end.get(), confinement, parent);
    }
    return Program(pid, std::move(out), std::move(err));
}

Program::Program(pid_t pid, Fd out, Fd err) : pid_(pid), out_(std::move(out)), err_(std::move(err)) {}

Program::Program(Program&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      outcome_(std::move(other.outcome_)),
      reaped_(other.reaped_) {}

Program::~Program() {
    kill_and_reap();
}

void Program::kill_and_reap() {
    if (pid_ > 0 && !reaped_) {
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
        reaped_ = true;
    }
}

bool Program::read_some(std::chrono::milliseconds timeout) {
    std::array<pollfd, 2> sources{
        {{out_.valid() ? out_.get() : -1, POLLIN, 0}, {err_.valid() ? err_.get() : -1, POLLIN, 0}}};
    if (::poll(sources.data(), sources.size(), static_cast<int>(timeout.count())) <= 0) {
        return false;
    }
    const bool from_out = sources[0].revents != 0 && take(out_, outcome_.out);
    const bool from_err = sources[1].revents != 0 && take(err_, outcome_.err);
    return from_out || from_err;
}

// A descendant may hold the pipes open: the end of the process counts, not that of the stream.
bool Program::ended() {
    int status = 0;
    if (!reaped_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
        reaped_ = true;
        outcome_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        outcome_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    return reaped_;
}

bool Program::says(const std::string& text) {
    const auto deadline = Clock::now() + patience();
    while (outcome_.err.find(text) == std::string::npos) {
        if (!read_some(std::chrono::milliseconds(20)) && (ended() || Clock::now() >= deadline)) {
            return false;
        }
    }
    return true;
}

Outcome Program::wait(std::chrono::seconds time) {
    const auto deadline = Clock::now() + time;
    while (!ended()) {
        read_some(std::chrono::milliseconds(5));
        if (!out_.valid() && !err_.valid()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        if (Clock::now() >= deadline) {
            outcome_.hung = true;
            kill_and_reap();
        }
    }
    while (read_some(std::chrono::milliseconds(0))) {
    }
    return outcome_;
}

std::chrono::seconds patience() {
    const bool emulated = std::getenv("NETIO_TEST_LOAD") != nullptr;
    return std::chrono::seconds(emulated ? 180 : 60);
}

std::uint64_t scaled(std::uint64_t messages) {
    const char* percent = std::getenv("NETIO_TEST_LOAD");
    return percent == nullptr ? messages : std::max<std::uint64_t>(1, messages * std::stoull(percent) / 100);
}

Outcome run_trace(const Arguments& arguments, const Confinement& confinement) {
    return Program::start("netio-trace", arguments, confinement).wait();
}

Outcome run_trace(const Arguments& arguments, bool as_nobody) {
    return run_trace(arguments, Confinement{as_nobody, {}});
}

Outcome run_trace_for(std::size_t runs, const Arguments& arguments) {
    return Program::start("netio-trace", arguments).wait(patience() + runs * std::chrono::seconds(20));
}

json parse_report(const Outcome& outcome) {
    INFO("stderr: " << outcome.err);
    const json report = json::parse(outcome.out, nullptr, false);
    REQUIRE_FALSE(report.is_discarded());
    REQUIRE(report.value("schema_version", 0) == 1);
    return report;
}

bool says_probes_were_skipped(const Outcome& outcome) {
    const json report = json::parse(outcome.out, nullptr, false);
    return outcome.exit_code == 4 && !report.is_discarded() && report_says_probes_were_skipped(report);
}

bool report_says_probes_were_skipped(const json& report) {
    if (report["complete"] != false || report["warnings"].empty() ||
        report["warnings"].dump().find("passed some of the probes unseen") == std::string::npos) {
        return false;
    }
    const json& balances = report["ledger"]["balances"];
    const bool driver_unseen = differs(element(balances, "id", "crossed"));
    return std::all_of(balances.begin(), balances.end(), [&](const json& balance) {
        const bool on_the_way = balance["id"] == "queued" || balance["id"] == "crossed" ||
                                (balance["id"] == "transmitted" && driver_unseen);
        return on_the_way || !differs(balance);
    });
}

void tell_repetition(const std::string& what) {
    std::fprintf(stderr, "repeated, for the run said that the kernel skipped probes: %s\n", what.c_str());
}

Outcome outcome_of(const std::string& what, const std::function<Outcome()>& once) {
    Outcome outcome = once();
    for (int repeated = 0; repeated < repetitions && says_probes_were_skipped(outcome); ++repeated) {
        tell_repetition(what);
        outcome = once();
    }
    return outcome;
}

json report_of(Arguments arguments, int exit_code) {
    std::string words;
    for (const std::string& argument : arguments) {
        words += " " + argument;
    }
    CAPTURE(words);
    arguments.emplace_back("--json");
    const auto once = [&] { return run_trace(arguments); };
    const Outcome outcome = exit_code == 0 ? outcome_of(words, once) : once();
    REQUIRE_FALSE(outcome.hung);
    CHECK_MESSAGE(outcome.exit_code == exit_code, "stderr: ", outcome.err);
    CHECK(outcome.signal == 0);
    return parse_report(outcome);
}

Folder::Folder() {
    std::error_code missing;
    auto folder = std::filesystem::temp_directory_path(missing);
    folder = missing ? std::filesystem::current_path() : folder;  // a guest may have none
    std::string path = folder / "netio-test.XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
    path_ = path;
}

Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

json json_in(const std::string& file) {
    std::ifstream stream(file);
    const json read = json::parse(stream, nullptr, false);
    REQUIRE_MESSAGE(!read.is_discarded(), file);
    return read;
}

std::vector<pid_t> children_of(pid_t parent) {
    std::vector<pid_t> children;
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (name.find_first_not_of("0123456789") == std::string::npos) {
            const pid_t pid = std::stoi(name);
            const auto fields = stat_fields(pid);
            if (fields.size() > 1 && fields[1] == std::to_string(parent)) {
                children.push_back(pid);
            }
        }
    }
    return children;
}

std::string command_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string command;
    std::getline(file, command);
    return command;
}

pid_t child_named(pid_t parent, const std::string& name) {
    pid_t found = -1;
    const bool came = becomes_true([&] {
        for (const pid_t child : children_of(parent)) {
            found = command_of(child) == name ? child : found;
        }
        return found > 0 || !is_running(parent);
    });
    REQUIRE_MESSAGE((came && found > 0), "no child named ", name);
    return found;
}

bool is_running(pid_t pid) {
    const auto fields = stat_fields(pid);
    return !fields.empty() && fields[0] != "Z" && fields[0] != "X";
}

bool is_stopped(pid_t pid) {
    const auto fields = stat_fields(pid);
    return !fields.empty() && fields[0] == "T";
}

bool blocks(pid_t pid, int signal) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    constexpr std::string_view key = "SigBlk:\t";
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(key)) {
            return (std::stoull(line.substr(key.size()), nullptr, 16) >> (signal - 1) & 1) != 0;
        }
    }
    return true;
}

bool works(pid_t pid, std::chrono::milliseconds processor_time) {
    constexpr std::size_t user = 11;  // utime and stime, proc_pid_stat(5), counted from the state
    constexpr std::size_t system = 12;
    const auto ticks_per_second = ::sysconf(_SC_CLK_TCK);
    std::optional<std::int64_t> begin;
    const bool came = becomes_true([&] {
        const auto fields = stat_fields(pid);
        if (fields.size() <= system) {
            return true;  // it is gone
        }
        const std::int64_t ticks = std::stoll(fields[user]) + std::stoll(fields[system]);
        begin = begin.value_or(ticks);
        return (ticks - *begin) * 1000 / ticks_per_second >= processor_time.count();
    });
    return came && is_running(pid);
}

pid_t working_server(pid_t trace) {
    const pid_t server = child_named(trace, "netio-server");
    child_named(trace, "netio-client");
    REQUIRE(works(server));
    return server;
}

json element(const json& array, const std::string& key, const std::string& value) {
    for (const json& candidate : array) {
        if (candidate.value(key, std::string{}) == value) {
            return candidate;
        }
    }
    return json::object();
}

std::uint64_t measured(const json& figure) {
    REQUIRE_MESSAGE(figure.is_number_unsigned(), figure.dump());
    return figure.get<std::uint64_t>();
}

std::uint64_t site_bytes(const json& report, const std::string& role, const std::string& site) {
    std::uint64_t bytes = 0;
    for (const json& socket : report["capture"]["sockets"]) {
        if (socket["role"] == role && socket["sites"].contains(site)) {
            bytes += socket["sites"][site]["bytes"].get<std::uint64_t>();
        }
    }
    return bytes;
}

void check_balances(const json& report) {
    const json& ledger = report["ledger"];
    CHECK(measured(ledger["unexplained_bytes"]) == 0);
    CHECK(ledger["balances"].size() >= 3);
    for (const json& balance : ledger["balances"]) {
        CAPTURE(balance.dump());
        REQUIRE(balance["unexplained"].is_number());
        CHECK(balance["unexplained"] == 0);
    }
}

void check_payload(const json& report, std::uint64_t bytes) {
    CHECK(measured(report["ledger"]["payload_bytes"]) == bytes);
    const json delivered = element(report["ledger"]["balances"], "id", "delivered");
    REQUIRE(delivered.contains("left"));
    CHECK(measured(delivered["left"]) == bytes);
    CHECK(measured(delivered["right"]) == bytes);
    CHECK(site_bytes(report, "client", "receive-returned") == bytes);
}

}  // namespace netio::e2e
