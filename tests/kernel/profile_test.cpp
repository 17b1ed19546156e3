// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "cases.h"
#include "tool.h"

// --profile on the running kernel: samples come, each is in one class, and the folded file is what flame graph programs
// read.

using namespace netio::e2e;
using nlohmann::json;

namespace {

// A file of its own below the folder for temporary files, removed at the end.
class ScratchFile {
 public:
    ScratchFile() : path_((std::filesystem::temp_directory_path() / "netio-folded-XXXXXX").string()) {
        const int fd = ::mkstemp(path_.data());
        REQUIRE(fd >= 0);
        ::close(fd);
    }
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    ~ScratchFile() { std::filesystem::remove(path_); }
    const std::string& path() const { return path_; }

 private:
    std::string path_;
};

Arguments profiled_run(const std::string& mode) {
    return {"--mode",   mode,   "--size",       "16384", "--messages", std::to_string(scaled(40'000)),
            "--warmup", "10ms", "--profile-hz", "1999"};
}

std::uint64_t sum_over_stages(const json& profile) {
    std::uint64_t sum = 0;
    for (const json& stage : profile["stages"]) {
        for (const char* runner : {"server", "client", "elsewhere"}) {
            sum += stage[runner]["samples"].get<std::uint64_t>();
        }
    }
    return sum;
}

std::uint64_t sum_over_stacks(const json& facts) {
    std::uint64_t sum = 0;
    for (const json& stack : facts["stacks"]) {
        sum += stack["samples"].get<std::uint64_t>();
        CHECK(stack["user"].get<bool>() == stack["frames"].empty());
    }
    return sum;
}

// "task;frame;frame 12": the number of samples of all lines.
std::uint64_t sum_over_lines(const std::string& path) {
    std::ifstream file(path);
    std::uint64_t sum = 0;
    for (std::string line; std::getline(file, line);) {
        CAPTURE(line);
        const std::size_t space = line.rfind(' ');
        REQUIRE(space != std::string::npos);
        REQUIRE(line.find(';') < space);
        CHECK(line.find(' ') == space);
        CHECK(line.find(";;") == std::string::npos);
        const std::string number = line.substr(space + 1);
        REQUIRE(!number.empty());
        REQUIRE(number.find_first_not_of("0123456789") == std::string::npos);
        sum += std::stoull(number);
    }
    return sum;
}

bool is_refused(const Outcome& outcome) {
    return outcome.exit_code == 3;
}

}  // namespace

TEST_SUITE_BEGIN("profile");

TEST_CASE("profile: samples of every mode are each in one class, most of them in one with a name") {
    for (const char* mode : {"two-copy", "one-copy", "zerocopy"}) {
        CAPTURE(mode);
        const ScratchFile folded;
        Arguments arguments = profiled_run(mode);
        arguments.insert(arguments.end(), {"--json", "--folded", folded.path()});
        const Outcome outcome = outcome_of(mode, [&] { return run_trace(arguments); });
        if (is_refused(outcome)) {
            return netio::cases::skip(outcome.err);
        }
        const json report = parse_report(outcome);
        const json& facts = report["capture"]["profile"];
        const json& profile = report["profile"];
        CHECK(facts["samples"].get<std::uint64_t>() > 0);
        CHECK(profile["samples"].get<std::uint64_t>() > 0);
        CHECK(sum_over_stacks(facts) + facts["left_out"].get<std::uint64_t>() == facts["samples"]);
        CHECK(sum_over_stages(profile) == profile["samples"]);
        CHECK(sum_over_stacks(facts) == profile["samples"]);
        CHECK(sum_over_lines(folded.path()) == profile["samples"]);
        REQUIRE_MESSAGE(profile["named_share"].is_number(), profile["named_share"].dump());
        CHECK(profile["named_share"].get<double>() >= 0.9);
        std::printf("# profile: %s, %s: %s samples, %.1f %% of the workload's in the kernel named\n", mode,
                    facts["event"].get<std::string>().c_str(), profile["samples"].dump().c_str(),
                    100 * profile["named_share"].get<double>());
    }
}

TEST_CASE("profile: --folded asks for a profile, and one that cannot be had is an error of one line") {
    const ScratchFile folded;
    const Outcome outcome = run_trace({"--messages", "100", "--folded", folded.path(), "--warmup", "1ms"},
                                      Confinement{false, {SYS_perf_event_open}});
    CHECK(outcome.exit_code == 3);
    CHECK(outcome.out.empty());
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK(outcome.err.find("no profile can be taken") != std::string::npos);
    CHECK(std::filesystem::file_size(folded.path()) == 0);
}

TEST_SUITE_END();
