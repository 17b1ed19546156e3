// SPDX-License-Identifier: MIT
#include "app/compare.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "app/progress.h"
#include "base/text.h"
#include "explain/comparison.h"
#include "explain/explain.h"
#include "report/comparison.h"
#include "report/csv.h"
#include "report/json.h"
#include "stats/spread.h"

namespace netio::app {

using explain::Round;

namespace {

// What is kept of each run beside its report.
class RunsOnPaper {
 public:
    explicit RunsOnPaper(const Outputs& outputs) : outputs_(outputs) {}

    void add(const model::Report& report, const model::Capture& capture) {
        worst_ = std::max(worst_, static_cast<int>(exit_code_of(report)));
        if (!outputs_.csv.empty()) {
            csv_ += csv_.empty() ? report::render_csv(report) : report::csv_row(report);
        }
        if (!outputs_.json.empty()) {
            json_.push_back(report::to_json(report, capture));
        }
    }
    int worst() const { return worst_; }
    const std::string& csv() const { return csv_; }
    const model::Json& json() const { return json_; }

 private:
    const Outputs& outputs_;
    int worst_ = 0;
    std::string csv_;
    model::Json json_ = model::Json::array();  // each run's report, in the order of the runs
};

class Comparing {
 public:
    Comparing(const ComparePlan& plan, RunsOnPaper& paper)
        : plan_(plan), paper_(paper), sizes_(plan.experiments.size()), progress_(terminal_progress()) {}

    // Until all is done, or a signal comes.
    Result<void> run_all() {
        for (std::uint32_t round = 0; round < plan_.rounds && interrupted_.empty(); ++round) {
            if (auto done = run_round(round); !done) {
                return done;
            }
        }
        return {};
    }

    // Rounds that are whole: every mode with every size.
    const std::vector<std::vector<Round>>& sizes() const { return sizes_; }
    std::size_t rounds() const { return sizes_.front().size(); }
    const std::string& interrupted() const { return interrupted_; }

 private:
    // What a signal cuts short is not kept.
    Result<void> run_round(std::uint32_t round) {
        std::vector<Round> reports;
        for (const auto& modes : plan_.experiments) {
            reports.emplace_back(modes.size());
            for (std::size_t turn = 0; turn < modes.size(); ++turn) {
                const std::size_t mode = round % 2 == 0 ? turn : modes.size() - 1 - turn;
                auto report = run_one(modes[mode], round);
                if (!report) {
                    return Unexpected(report.error());
                }
                if (!interrupted_.empty()) {
                    return {};
                }
                reports.back()[mode] = std::move(*report);
            }
        }
        for (std::size_t size = 0; size < reports.size(); ++size) {
            sizes_[size].push_back(std::move(reports[size]));
        }
        return {};
    }

    Result<model::Report> run_one(const ExperimentOptions& options, std::uint32_t round) {
        const std::string prefix = fmt::format("round {} of {}, {}, {} B: ", round + 1, plan_.rounds,
                                               to_string(options.spec.mode), format_count(options.spec.size_bytes));
        const Progress progress = [&](const std::string& phase, double share) {
            progress_(phase.empty() ? phase : prefix + phase, share);
        };
        const auto capture = run_experiment(options, progress, kept_);
        if (!capture) {
            return Unexpected(capture.error());
        }
        interrupted_ = capture->interrupted;
        model::Report report = explain::build_report(*capture);
        if (interrupted_.empty()) {
            paper_.add(report, *capture);
        }
        if (kept_.is_asked_for_no_more()) {
            interrupted_ = "a signal came between two runs";
        }
        return report;
    }

    const ComparePlan& plan_;
    RunsOnPaper& paper_;
    std::vector<std::vector<Round>> sizes_;
    Progress progress_;
    KeptTracer kept_;
    std::string interrupted_;
};

Result<void> put_json(const std::string& target, const model::SizeComparison& comparison, const RunsOnPaper& paper) {
    model::Json json = model::to_json(comparison);
    json["runs"] = paper.json();
    return put(target, json.dump(1, ' ', false, model::Json::error_handler_t::replace) + "\n");
}

Result<int> put_all(const model::SizeComparison& comparison, const RunsOnPaper& paper, const Outputs& outputs) {
    Result<void> written;
    if (!outputs.json.empty()) {
        written = put_json(outputs.json, comparison, paper);
    }
    if (written && !outputs.csv.empty()) {
        written = put(outputs.csv, paper.csv());
    }
    if (written && outputs.json != standard_output && outputs.csv != standard_output) {
        const auto style = report::detect_style(STDOUT_FILENO, [](const char* name) { return std::getenv(name); });
        written = put(standard_output, report::render_comparison(comparison, style));
    }
    if (!written) {
        return Unexpected(written.error());
    }
    return comparison.interrupted.empty() ? paper.worst() : static_cast<int>(ExitCode::incomplete);
}

// Runs by size and mode: the first of each is of the first round, and so on.
struct SortedRuns {
    std::vector<model::CopyMode> modes;  // as they came in the first round
    std::map<std::uint64_t, std::map<model::CopyMode, std::vector<model::Report>>> by_size;

    void add(model::Report report) {
        if (std::ranges::find(modes, report.spec.mode) == modes.end()) {
            modes.push_back(report.spec.mode);
        }
        by_size[report.spec.size_bytes][report.spec.mode].push_back(std::move(report));
    }
    std::size_t whole_rounds() {
        std::size_t whole = by_size.empty() || modes.size() < 2 ? 0 : SIZE_MAX;
        for (auto& [size, by_mode] : by_size) {
            for (const model::CopyMode mode : modes) {
                whole = std::min(whole, by_mode[mode].size());
            }
        }
        return whole;
    }
    std::vector<std::vector<Round>> rounds(std::size_t count) {
        std::vector<std::vector<Round>> all;
        for (auto& [size, by_mode] : by_size) {
            all.emplace_back(count);
            for (const model::CopyMode mode : modes) {
                for (std::size_t round = 0; round < count; ++round) {
                    all.back()[round].push_back(std::move(by_mode[mode][round]));
                }
            }
        }
        return all;
    }
};

}  // namespace

Result<int> compare(const ComparePlan& plan, const Outputs& outputs) {
    RunsOnPaper paper(outputs);
    Comparing runs(plan, paper);
    if (auto done = runs.run_all(); !done) {
        return Unexpected(done.error());
    }
    if (runs.rounds() < stats::runs_for_interval) {
        return fail(fmt::format("the comparison ended after {} of {} rounds, and an interval needs {}", runs.rounds(),
                                plan.rounds, stats::runs_for_interval),
                    runs.interrupted(), "", ExitCode::incomplete);
    }
    model::SizeComparison comparison = explain::compare_sizes(runs.sizes());
    if (!runs.interrupted().empty()) {
        comparison.interrupted = fmt::format("a signal ended it after {} of {} rounds", runs.rounds(), plan.rounds);
    }
    return put_all(comparison, paper, outputs);
}

Result<int> replay_comparison(const std::vector<model::Capture>& captures, const std::string& interrupted,
                              const Outputs& outputs) {
    RunsOnPaper paper(outputs);
    SortedRuns runs;
    for (const model::Capture& capture : captures) {
        model::Report report = explain::build_report(capture);
        paper.add(report, capture);
        runs.add(std::move(report));
    }
    const std::size_t whole = runs.whole_rounds();
    if (whole < stats::runs_for_interval) {
        return fail("this comparison cannot be replayed",
                    fmt::format("it holds {} whole rounds, and an interval needs {}", whole, stats::runs_for_interval),
                    "a file written by netio-trace --compare ... --json FILE", ExitCode::usage);
    }
    model::SizeComparison comparison = explain::compare_sizes(runs.rounds(whole));
    comparison.interrupted = interrupted;
    return put_all(comparison, paper, outputs);
}

}  // namespace netio::app
