// SPDX-License-Identifier: MIT
#include "app/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <system_error>

#include "app/progress.h"
#include "base/files.h"
#include "base/text.h"
#include "explain/explain.h"
#include "report/csv.h"
#include "report/json.h"

namespace netio::app {

using model::Spec;

namespace {

std::vector<Spec> one_of_each(const SweepPlan& plan) {
    std::vector<Spec> specs;
    for (const model::Path path : plan.paths) {
        for (const std::uint32_t threads : plan.threads) {
            for (const std::uint64_t size : plan.sizes_bytes) {
                for (const model::CopyMode mode : plan.modes) {
                    Spec spec = plan.common.spec;
                    spec.path = path;
                    spec.threads = threads;
                    spec.size_bytes = size;
                    spec.mode = mode;
                    specs.push_back(spec);
                }
            }
        }
    }
    return specs;
}

// By the generator alone: what std::shuffle makes of it differs from one library to the next.
void shuffle(std::vector<Spec>& specs, std::mt19937_64& generator) {
    for (std::size_t left = specs.size(); left > 1; --left) {
        std::swap(specs[left - 1], specs[generator() % left]);
    }
}

std::string spell(const Spec& spec) {
    return fmt::format("{:<9} {:>8} B  {:>3} x {:<5}", model::to_string(spec.mode), spec.size_bytes, spec.threads,
                       model::to_string(spec.path));
}

std::string figures_of(const model::Report& report) {
    const auto& speed = report.throughput_bits_per_second;
    const auto& copies = report.ledger.copies_per_byte;
    return fmt::format("{:>11}  {:>13}{}", speed.measured() ? format_bit_rate(speed.value()) : "n/a",
                       copies.measured() ? fmt::format("{:.2f} copies/B", copies.value()) : "copies n/a",
                       report.complete ? "" : "  incomplete");
}

// The first line names the columns, and is written once.
Result<void> append_row(const std::filesystem::path& file, const std::string& csv, bool first) {
    const std::string text = first ? csv : csv.substr(csv.find('\n') + 1);
    std::FILE* out = std::fopen(file.c_str(), "ae");
    if (out == nullptr) {
        return fail_errno("cannot write " + file.string(), errno);
    }
    const bool written = std::fwrite(text.data(), 1, text.size(), out) == text.size();
    const bool closed = std::fclose(out) == 0;
    return written && closed ? Result<void>{} : fail_errno("cannot write " + file.string(), errno);
}

Result<void> keep(const std::filesystem::path& folder, std::size_t number, const model::Capture& capture,
                  const model::Report& report) {
    const auto file = folder / "runs" / fmt::format("{:04}.json", number);
    return write_file(file, report::render_json(report, capture)).and_then([&] {
        return append_row(folder / "results.csv", report::render_csv(report), number == 1);
    });
}

}  // namespace

std::vector<Spec> experiments_of(const SweepPlan& plan) {
    std::mt19937_64 generator(plan.seed);
    std::vector<Spec> all;
    for (std::uint32_t round = 0; round < plan.repeat; ++round) {
        std::vector<Spec> specs = one_of_each(plan);
        shuffle(specs, generator);
        all.insert(all.end(), specs.begin(), specs.end());
    }
    return all;
}

Result<void> claim_folder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder / "runs", error);
    if (error) {
        return fail("cannot make " + (folder / "runs").string(), error.message(),
                    "-o with a folder that can be written", ExitCode::usage);
    }
    const bool used =
        std::filesystem::exists(folder / "results.csv", error) || !std::filesystem::is_empty(folder / "runs", error);
    return used ? fail(folder.string() + " holds the results of another sweep", "they would be mixed",
                       "-o with a new folder", ExitCode::usage)
                : Result<void>{};
}

Result<int> sweep(const SweepPlan& plan, const std::filesystem::path& folder) {
    const std::vector<Spec> specs = experiments_of(plan);
    fmt::print("{} experiments in random order, seed {}\n", specs.size(), plan.seed);
    KeptTracer kept;
    const Progress progress = terminal_progress();
    int worst = 0;
    for (std::size_t number = 1; number <= specs.size(); ++number) {
        ExperimentOptions options = plan.common;
        options.spec = specs[number - 1];
        const auto capture = run_experiment(options, progress, kept);
        if (!capture) {
            return Unexpected(capture.error());
        }
        if (!capture->interrupted.empty()) {
            return fail(fmt::format("the sweep ended after {} of {} experiments", number - 1, specs.size()),
                        capture->interrupted, "", ExitCode::incomplete);
        }
        const model::Report report = explain::build_report(*capture);
        if (auto kept_safe = keep(folder, number, *capture, report); !kept_safe) {
            return Unexpected(kept_safe.error());
        }
        worst = std::max(worst, static_cast<int>(report.complete ? ExitCode::ok : ExitCode::incomplete));
        fmt::print("[{:>{}}/{}] {} {}\n", number, std::to_string(specs.size()).size(), specs.size(),
                   spell(options.spec), figures_of(report));
        std::fflush(stdout);
        if (kept.is_asked_for_no_more() && number < specs.size()) {
            return fail(fmt::format("the sweep ended after {} of {} experiments", number, specs.size()),
                        "a signal came between two of them", "", ExitCode::incomplete);
        }
    }
    fmt::print("kept in {}: results.csv, and runs/NNNN.json for `netio-trace replay`\n", folder.string());
    return worst;
}

}  // namespace netio::app
